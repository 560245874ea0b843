"""A school with money on the move behind a real application, for tests of pages."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from flask.testing import FlaskClient
from sqlalchemy import Engine, update

from payments import clock
from payments.access.models import User
from payments.access.service import _open_session
from payments.api.operation import Operation
from payments.app import ApiDocument, Panel, create_app
from payments.db import session_scope
from payments.portal.service import ensure_links, tokens
from payments.settings import Settings, generated_environment
from payments.settlement.settling import settle_transactions
from tests.payments.setting import SchoolSetting, make_school
from tests.payments.settlement.setting import Issued, arrive, issue
from tests.quick import QUICK

PASSWORD = "hoa-phuong-do-2025"
PASSWORD_HASH = QUICK.hash(PASSWORD)


@dataclass(frozen=True)
class Faces:
    """What a test of pages needs."""

    client: FlaskClient
    engine: Engine
    settings: Settings
    school: SchoolSetting
    invoice: Issued
    token: str

    def page(self, path: str, status: int = 200, language: str = "vi") -> str:
        """The text of a page that must answer with this status."""
        answer = self.client.get(path, query_string={"lang": language} if language == "en" else None)
        assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[:400])
        return answer.get_data(as_text=True)

    def post(self, path: str, token_from: str, **form: str) -> int:
        """Submit a form as a browser does, with the token of the page that shows it; the status."""
        token = self.page(token_from).split('name="csrf_token" value="')[1].split('"')[0]
        return self.client.post(path, data={"csrf_token": token, **form}).status_code

    def log_in(self, role: str) -> None:
        """Be logged in as the school's accountant or principal; the form itself is the matter of the room of access."""
        with session_scope(self.engine) as session:
            token = _open_session(session, self.school.accountant if role == "accountant" else self.school.principal)
        self.client.set_cookie("__Host-hocphi" if self.settings.secure_cookies else "hocphi", token)

    def pay(self, amount_vnd: int, memo: str) -> None:
        """Money arrives and is settled."""
        with session_scope(self.engine) as session:
            transaction = arrive(session, self.school, amount_vnd, memo)
            settle_transactions(session, self.school.id, [transaction])


@dataclass(frozen=True)
class Furniture:
    """The usual school: one open invoice, and its pupil's link."""

    school: SchoolSetting
    invoice: Issued
    token: str


FURNISHED: dict[str, Furniture] = {}
"""Addresses of databases that were copied with the usual school inside (``tests.payments.furnished``)."""
KEYS = generated_environment()


def settings_for(database_url: str, **environment: str) -> Settings:
    """Settings with keys of this process, so that one school suits all its applications."""
    return Settings.from_env({"DATABASE_URL": database_url, **KEYS, **environment})


def furnish(engine: Engine, settings: Settings) -> Furniture:
    """Bring the usual school into a database."""
    with session_scope(engine) as session:
        school = make_school(session)
        session.execute(update(User).values(password_hash=PASSWORD_HASH))
        invoice = issue(session, school, 100_000, 15_000, chosen=False)
        ensure_links(session, settings.link_keys, school.id, clock.now().replace(year=2099))
        token = dict(tokens(session, settings.link_keys, school.id))[school.pupil]
    return Furniture(school, invoice, token)


@contextmanager
def faces(
    engine: Engine,
    database_url: str,
    panels: Iterable[Panel] = (),
    api_document: ApiDocument | None = None,
    operations: Sequence[Operation] = (),
    **environment: str,
) -> Iterator[Faces]:
    """An application on a fresh database with one school, one open invoice and a parent's link to it."""
    settings = settings_for(database_url, **environment)
    home = FURNISHED.get(database_url) or furnish(engine, settings)
    app = create_app(settings, panels, api_document, operations)
    # A backend that has learnt the tables serves the test too: learning them costs more than most statements.
    shared = app.extensions["hocphi"].engine
    with app.test_client() as client:
        yield Faces(client, shared, settings, home.school, home.invoice, home.token)
    shared.dispose()
