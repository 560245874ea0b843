"""A developers' desk behind a real server: a school with money on the move, a live and a test connection, staff."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.serving import make_server

from bank_adapters.contract import Answer, Request
from payments.access.models import Role
from payments.access.service import create_user, grant_role
from payments.banking.sharing import share
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.developers import sandbox
from payments.developers.desk import EVERYWHERE
from payments.developers.rules import Scenario
from payments.settings import Settings, generated_environment
from tests.payments.faces import PASSWORD, Faces, faces
from tests.payments.inbox.callers import SECRET, Sender, call_wsgi, make_sender, sepay_body, sepay_request

DOCUMENT: Mapping[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "API mẫu", "version": "1", "description": "For tests."},
    "paths": {
        "/api/v1/rounds/{id}/invoices": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {
                "summary": "Invoices of a round",
                "parameters": [{"$ref": "#/components/parameters/cursor"}],
                "responses": {
                    "200": {
                        "description": "A page",
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Invoice"}}
                            }
                        },
                    },
                    "404": {"$ref": "#/components/responses/Missing"},
                },
            },
            "post": {
                "summary": "Issue one more",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Invoice"}}}},
                "responses": {"201": {"description": "Made"}},
            },
        }
    },
    "webhooks": {
        "payment.settled": {
            "post": {"summary": "A payment was settled", "responses": {"200": {"description": "Taken"}}}
        }
    },
    "components": {
        "parameters": {"cursor": {"name": "cursor", "in": "query", "schema": {"type": ["string", "null"]}}},
        "responses": {"Missing": {"description": "No such round"}},
        "schemas": {
            "Invoice": {
                "type": "object",
                "required": ["reference"],
                "properties": {
                    "reference": {"type": "string", "example": "HP7K3M9Q2XAT", "description": "In the memo"},
                    "amount_vnd": {"type": "integer"},
                    "state": {"enum": ["open", "paid"]},
                    "replaces": {"$ref": "#/components/schemas/Invoice"},
                },
            }
        },
    },
}


@dataclass(frozen=True)
class DeveloperDesk:
    """What a test of the developers' desk needs."""

    home: Faces
    live: Sender
    trial: Sender
    engineer: int
    base_url: str
    keys: Mapping[str, str]
    """The keys of this installation, as its environment has them."""

    @property
    def client(self) -> FlaskClient:
        return self.home.client

    @property
    def engine(self) -> Engine:
        return self.home.engine

    @property
    def settings(self) -> Settings:
        return self.home.settings

    def enter(self, username: str) -> None:
        self.client.delete_cookie("hocphi")
        assert self.home.post("/login", "/login", username=username, password=PASSWORD) == 303

    def post(self, path: str, **form: str) -> Any:
        """Submit a form with the token of the home page."""
        token = self.home.page("/developers/").split('name="csrf_token" value="')[1].split('"')[0]
        return self.client.post(path, data={"csrf_token": token, **form}, follow_redirects=True)

    def receive(self, sender: Sender, body: bytes, secret: str = SECRET) -> Answer:
        """A callback as the door of this application receives it."""
        return self.call(sender, sepay_request(body, secret))

    def call(self, sender: Sender, request: Request) -> Answer:
        return call_wsgi(self.client.application.wsgi_app, sender.url, request)

    def newest_event(self) -> int:
        with session_scope(self.engine) as session:
            return int(session.connection().exec_driver_sql("SELECT max(id) FROM raw_callback").scalar_one())


def body_of(sender: Sender, **changed: Any) -> bytes:
    """A payment by SePay with a person's name and account in its memo."""
    memo = changed.pop("memo", "HP7K3M9Q2XAT NGUYEN THI BINH chuyen khoan tu 0987654321")
    return sepay_body(sender.number, memo=memo, **changed)


def play(desk: DeveloperDesk, scenario: Scenario, connection_id: int | None = None, code: str = "") -> sandbox.Report:
    asked = sandbox.Asked(
        connection_id=connection_id or desk.trial.connection_id,
        scenario=scenario,
        amount_vnd=115_000,
        code=code or desk.home.invoice.reference,
        memo="hoc phi thang 9",
    )
    cipher = FieldCipher(desk.settings.field_keys)
    return sandbox.simulate(lambda: session_scope(desk.engine), cipher, EVERYWHERE, desk.base_url, asked, pause_s=0.02)


@contextmanager
def developer_desk(engine: Engine, database_url: str, panels: Any = ()) -> Iterator[DeveloperDesk]:
    """The desk of a fresh database, served at its base URL; «ky.su» is an engineer, «quan.tri» an operator."""
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    keys = generated_environment()
    with faces(engine, database_url, panels, lambda: DOCUMENT, HOCPHI_BASE_URL=base_url, **keys) as home:
        live = make_sender(engine, home.settings, school=home.school, name="Ngân hàng thật")
        trial = make_sender(engine, home.settings, school=home.school, name="Kết nối thử", sandbox=True)
        with session_scope(engine) as session:
            engineer = create_user(session, username="ky.su", full_name="Kỹ sư (mẫu)", password=PASSWORD)
            grant_role(session, engineer, Role.ENGINEER, None)
            operator = create_user(session, username="quan.tri", full_name="Quản trị (mẫu)", password=PASSWORD)
            grant_role(session, operator, Role.OPERATOR, None)
        server = make_server("127.0.0.1", port, home.client.application, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield DeveloperDesk(home, live, trial, engineer, base_url, keys)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            home.client.application.wsgi_app.close()


def share_live(desk: DeveloperDesk) -> None:
    """Let the engineer see the live connection."""
    with session_scope(desk.engine) as session:
        share(session, desk.live.connection_id, desk.engineer, actor_id=None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
