"""A committed school whose software listens on loopback, and Celery's settings that allow to call it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from payments.celery import engine as task_engine
from payments.celery import make_celery
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.events import endpoints
from payments.events.rules import EventKind, Scheme
from payments.events.service import emit_many
from payments.settings import Settings, generated_environment
from tests.payments.setting import SchoolSetting, make_school

FACTS = """
    SELECT wanted.id AS subject_id, jsonb_build_object('amount_vnd', 100000 + wanted.id) AS data
    FROM unnest(CAST(:ids AS bigint[])) AS wanted (id)
"""
"""Facts for tests of delivery, where what is told does not matter."""


@dataclass
class Desk:
    """A school, its endpoints and its events, committed."""

    engine: Engine
    settings: Settings
    school: SchoolSetting

    @property
    def cipher(self) -> FieldCipher:
        return FieldCipher(self.settings.field_keys)

    def session(self) -> AbstractContextManager[Session]:
        return session_scope(self.engine)

    def add(self, url: str, kinds: tuple[str, ...] = tuple(EventKind), **more: Any) -> endpoints.NewKey:
        """An endpoint of the school."""
        with self.session() as session:
            return endpoints.add_endpoint(
                session,
                self.cipher,
                more.pop("school_id", self.school.id),
                url=url,
                kinds=kinds,
                plain_http=True,
                actor_id=None,
                scheme=more.pop("scheme", Scheme.HMAC),
            )

    def emit(self, *ids: int, kind: EventKind = EventKind.INVOICE_ISSUED, school_id: int | None = None) -> None:
        """Events about these subjects."""
        with self.session() as session:
            emit_many(session, school_id or self.school.id, kind, FACTS, ids)

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.session() as session:
            return [tuple(row) for row in session.execute(text(query), values)]

    def states(self) -> list[str]:
        return [state for (state,) in self.rows("SELECT state FROM webhook_delivery ORDER BY id")]

    def problems(self) -> list[str | None]:
        return [problem for (problem,) in self.rows("SELECT problem FROM webhook_attempt ORDER BY id")]


@contextmanager
def running(engine: Engine, database_url: str, allow: str) -> Iterator[Desk]:
    environment = {"DATABASE_URL": database_url, "HOCPHI_OUTGOING_ALLOW": allow, **generated_environment()}
    settings = Settings.from_env(environment)
    make_celery(settings, {})
    with session_scope(engine) as session:
        school = make_school(session)
    yield Desk(engine, settings, school)
    task_engine().dispose()


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Desk]:
    """Software on loopback may be called."""
    with running(engine, database_url, "127.0.0.0/8,::1/128") as made:
        yield made
