"""A school with money on the move, and software that speaks with it through the real application."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from payments.api.rules import Scope
from payments.api.service import add_key
from payments.db import session_scope
from tests.payments.faces import Faces, faces
from tests.payments.setting import SchoolSetting

_serial = count(1)


@dataclass(frozen=True)
class Software:
    """A program of a school with its key."""

    faces: Faces
    key: str
    key_id: int
    school: SchoolSetting

    def get(self, path: str, status: int = 200, **headers: str) -> dict:
        """The JSON of an answer that must have this status."""
        answer = self.ask("GET", path, **headers)
        assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[:600])
        return answer.get_json()

    def post(self, path: str, body: object, status: int = 200, key: str | None = None) -> dict:
        """The JSON of an answer to a POST, with an idempotency key of its own unless one is given."""
        answer = self.send(path, body, key)
        assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[:600])
        return answer.get_json()

    def send(self, path: str, body: object, key: str | None = None) -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Idempotency-Key": key or f"test-{next(_serial)}", "Content-Type": "application/json"}
        return self.ask("POST", path, data=data, **headers)

    def ask(self, method: str, path: str, data: bytes | None = None, **headers: str) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.key}", "Accept-Language": "en", **headers}
        return self.faces.client.open(f"/api/v1{path}", method=method, headers=sent, data=data)


def software(faces: Faces, school: SchoolSetting, scopes: Iterable[Scope] = Scope, **more: int) -> Software:
    """A program with a new key that acts in the accountant's name."""
    with session_scope(faces.engine) as session:
        key_id, key = add_key(
            session,
            school.id,
            name="Phần mềm mẫu",
            scopes=list(scopes),
            user_id=school.accountant,
            lives=timedelta(days=30),
            **more,
        )
    return Software(faces, key, key_id, school)


@pytest.fixture
def database_url(furnished_url: str) -> str:
    """Databases of this folder hold the usual school."""
    return furnished_url


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        yield made


@pytest.fixture
def api(desk: Faces) -> Software:
    """A program with every scope."""
    return software(desk, desk.school)
