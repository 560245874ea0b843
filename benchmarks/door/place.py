"""Where the callbacks go: a school, its account, and a connection of its own for each measurement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from benchmarks.machine import Database
from payments.banking.connections import AccountName, create_connection
from payments.banking.models import ReceivingAccount
from payments.crypto import FieldCipher
from payments.db import libpq_url, make_engine, session_scope
from payments.settings import Settings, generated_environment
from tests.payments.setting import make_school

SECRET = "a secret of the benchmark alone"
BIN = "970998"


@dataclass(frozen=True, slots=True)
class Place:
    """What senders and peers need to know."""

    made: Database
    environment: dict[str, str]
    """For processes of ours."""
    field_key: bytes
    school_id: int
    account_id: int
    account_number: str
    connections: Sequence[tuple[str, int]]
    """Tokens and ids: one for each measurement, so that none meets a key that another one stored."""

    def stored(self, connection_id: int) -> tuple[int, int, int]:
        """Raw callbacks, evidence and work of a connection, the accepted ones."""
        with psycopg.connect(libpq_url(self.made.url)) as connection:
            row = connection.execute(
                """
                WITH said AS MATERIALIZED (SELECT id FROM evidence WHERE connection_id = %(id)s AND NOT conflicting)
                SELECT (SELECT count(*) FROM raw_callback WHERE connection_id = %(id)s AND outcome = 'accepted'),
                       (SELECT count(*) FROM said),
                       (SELECT count(*) FROM outbox WHERE subject_id IN (SELECT id FROM said))
                """,
                {"id": connection_id},
            ).fetchone()
        if row is None:
            raise AssertionError("a count without a row")
        return row[0], row[1], row[2]


SESSIONS: Final = {"plan_cache_mode": "force_generic_plan", "jit": "off"}
"""What the door sets for its own sessions, here for everybody's: the statement is planned once."""


def prepare(made: Database, connections: int) -> Place:
    """One school with as many connections as there are measurements."""
    with psycopg.connect(libpq_url(made.url), autocommit=True) as session:
        for setting, value in SESSIONS.items():
            session.execute(f"ALTER DATABASE {made.name} SET {setting} = {value}")
    environment = {"DATABASE_URL": made.url, **generated_environment()}
    settings = Settings.from_env(environment)
    engine = make_engine(made.url)
    with session_scope(engine) as session:
        school = make_school(session)
        account = session.get_one(ReceivingAccount, (school.id, school.account))
        tokens = [
            create_connection(
                session,
                FieldCipher(settings.field_keys),
                adapter="sepay",
                accounts=[AccountName(BIN, account.number)],
                secret={"secret": SECRET},
                actor_id=None,
            )
            for _ in range(connections)
        ]
        number = account.number
    engine.dispose()
    key = next(iter(settings.field_keys.values()))
    pairs = [(token, connection_id) for connection_id, token in tokens]
    return Place(made, environment, key, school.id, school.account, number, pairs)
