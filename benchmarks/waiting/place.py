"""Schools with open invoices, a link for each pupil's parent, one bank connection, and the processes of a province."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from sqlalchemy import Engine, text

from benchmarks.door.contenders import Contender
from benchmarks.machine import Database
from payments import clock
from payments.banking.connections import AccountName, create_connection
from payments.banking.models import ReceivingAccount
from payments.crypto import FieldCipher
from payments.db import libpq_url, make_engine, session_scope
from payments.portal.service import ensure_links, tokens
from payments.settings import Settings, generated_environment
from tests.payments.invoices.rounds import issued
from tests.payments.setting import make_pupils, make_school

SCHOOLS: Final = 8
PUPILS: Final = 1_500
BIN: Final = "970998"
SECRET: Final = "a secret of the benchmark alone"
SETTLED_WITHIN_S: Final = 180.0
"""On a crowded machine the worker takes a minute to start."""
OWED = text("SELECT pupil_id, reference, amount_vnd FROM invoice WHERE school_id = :school")


@dataclass(frozen=True, slots=True)
class Parent:
    """Who waits on a page, and what would pay the invoice on it."""

    token: str
    reference: str
    amount_vnd: int
    account_number: str


@dataclass(frozen=True, slots=True)
class Place:
    """What senders, parents and processes need to know."""

    made: Database
    environment: dict[str, str]
    connection: str
    """The token of the one connection, which may report on every school's account."""
    parents: Sequence[Parent]

    def slices(self, size: int) -> list[Sequence[Parent]]:
        """Disjoint groups of parents, each over all schools."""
        groups = len(self.parents) // size
        return [self.parents[start::groups][:size] for start in range(groups)]

    def stored(self) -> tuple[int, int]:
        """Accepted callbacks, and those of them that still wait for settlement."""
        with psycopg.connect(libpq_url(self.made.url)) as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM raw_callback WHERE outcome = 'accepted'),"
                " (SELECT count(*) FROM outbox WHERE queue = 'settlement')"
            ).fetchone()
        if row is None:
            raise AssertionError("a count without a row")
        return row[0], row[1]

    def check(self, before: tuple[int, int], payments: int) -> None:
        """Wait until all is settled. Raises AssertionError when it is not, or when a success was not stored."""
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while (now := self.stored())[1] and time.monotonic() < deadline:
            time.sleep(0.1)
        if now != (before[0] + payments, 0):
            raise AssertionError(f"{payments} answered, stored and waiting {now}, before {before}")


def prepare(made: Database, broker: str) -> Place:
    """Eight schools of 1,500 pupils with an issued round."""
    keys = generated_environment()
    environment = {"DATABASE_URL": made.url, "BROKER_URL": broker, "RESULT_BACKEND": broker, **keys}
    settings = Settings.from_env(environment)
    engine = make_engine(made.url)
    accounts, schools = [], []
    for _ in range(SCHOOLS):
        number, parents = _school(engine, settings)
        accounts.append(AccountName(BIN, number))
        schools.append(parents)
    with session_scope(engine) as session:
        _, token = create_connection(
            session,
            FieldCipher(settings.field_keys),
            adapter="sepay",
            accounts=accounts,
            secret={"secret": SECRET},
            actor_id=None,
        )
    engine.dispose()
    with psycopg.connect(libpq_url(made.url), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return Place(made, environment, token, [parent for place in zip(*schools, strict=True) for parent in place])


def _school(engine: Engine, settings: Settings) -> tuple[str, list[Parent]]:
    with session_scope(engine) as session:
        school = make_school(session)
        make_pupils(session, school, PUPILS - 1)
        issued(session, school)
        number = session.get_one(ReceivingAccount, (school.id, school.account)).number
        ensure_links(session, settings.link_keys, school.id, clock.now().replace(year=2099))
        links = dict(tokens(session, settings.link_keys, school.id))
        owed = session.execute(OWED, {"school": school.id}).all()
    return number, [Parent(links[pupil_id], reference, amount, number) for pupil_id, reference, amount in owed]


def _process(place: Place, name: str, *arguments: str) -> Contender:
    return Contender(name, [sys.executable, "-m", "operations", *arguments], place.environment)


def web(place: Place) -> Contender:
    """As docs/operations.md runs it."""
    return _process(place, "web", "serve", "--port", "PORT")


def worker(place: Place) -> Contender:
    """All queues, as many processes as the machine has cores."""
    return _process(place, "worker", "worker")


def beat(place: Place) -> Contender:
    """The sweeps of all rooms."""
    return _process(place, "beat", "beat")
