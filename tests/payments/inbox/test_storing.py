"""The one statement: what it sees of other sessions, and what happens when a part of it is taken away."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
import pytest

from operations.services import EmbeddedPostgres
from payments import clock
from payments.banking.queries import connection_by_token
from payments.banking.rules import token_hash
from payments.db import make_engine, session_scope
from payments.inbox.receiving import receive
from payments.inbox.storing import STORE, STORE_ONE, Row, arguments, scalars
from payments.settings import Settings
from tests.payments.inbox.callers import Sender, dictionary, sepay_body, sepay_request

pytestmark = pytest.mark.db

Session = psycopg.Connection[Any]
Make = Callable[..., Sequence[Row]]

STALE_LOOK = STORE.replace(
    "held_content(connection_id, dedup_key, direction, status, school_id IS NULL)",
    "(SELECT e.content_sha256 FROM evidence e WHERE e.connection_id = keyed.connection_id"
    " AND e.dedup_key = keyed.dedup_key AND NOT e.conflicting)",
)
"""Looks at what is held with the statement's own snapshot."""
UNSORTED = STORE.replace("ORDER BY connection_id, dedup_key, direction, status, school_id IS NULL", "ORDER BY place")
"""Offers the rows as they came."""


@pytest.fixture
def make(door_settings: Settings, sender: Sender) -> Make:
    """Rows of a callback, as ``receive`` makes them."""
    cipher = dictionary(door_settings)
    engine = make_engine(door_settings.database_url)
    with session_scope(engine) as session:
        found = connection_by_token(session, cipher, token_hash(sender.token))
    engine.dispose()
    assert found is not None

    def made(number: int, amount_vnd: int = 1000) -> Sequence[Row]:
        body = sepay_body(sender.number, number, amount_vnd=amount_vnd)
        return receive(found, sepay_request(body), clock.now(), cipher).rows

    return made


@pytest.fixture
def pair(durable: EmbeddedPostgres) -> Iterator[tuple[Session, Session]]:
    """Two sessions that find a deadlock quickly."""

    def opened() -> Session:
        return psycopg.connect(
            durable.url, autocommit=True, cursor_factory=psycopg.RawCursor, options="-c deadlock_timeout=20ms"
        )

    with opened() as first, opened() as second:
        yield first, second


def store(session: Session, deliveries: Sequence[Sequence[Row]], statement: str = STORE) -> list[str]:
    return [result for (result,) in session.execute(statement, arguments(deliveries))]


def while_waiting(
    holder: Session, waiter: Session, rows: Sequence[Row], statement: str, finish: Callable[[], None]
) -> list[str]:
    """What the waiter's statement says when it had to wait for the holder, who then ``finish``es."""
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.extend(store(waiter, [rows], statement)))
    thread.start()
    waiting = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
    while holder.execute(waiting, (waiter.info.backend_pid,)).fetchone() != (True,):
        assert thread.is_alive()
    finish()
    thread.join()
    return results


@pytest.mark.parametrize(("amount_vnd", "expected"), [(1000, "duplicate"), (2000, "amount_diff")])
def test_a_row_that_another_session_commits_meanwhile_is_seen(
    pair: tuple[Session, Session], make: Make, amount_vnd: int, expected: str
) -> None:
    first, second = pair
    first.execute("BEGIN")
    assert store(first, [make(1)]) == ["accepted"]
    told = while_waiting(first, second, make(1, amount_vnd), STORE, lambda: first.execute("COMMIT") and None)
    assert told == [expected]


def test_a_row_that_another_session_rolls_back_is_not_in_the_way(pair: tuple[Session, Session], make: Make) -> None:
    first, second = pair
    first.execute("BEGIN")
    store(first, [make(1)])
    told = while_waiting(first, second, make(1), STORE, lambda: first.execute("ROLLBACK") and None)
    assert told == ["accepted"]


def test_teeth_without_a_fresh_snapshot_a_repeated_delivery_looks_like_another_amount(
    pair: tuple[Session, Session], make: Make
) -> None:
    assert STALE_LOOK != STORE
    first, second = pair
    first.execute("BEGIN")
    store(first, [make(1)])
    told = while_waiting(first, second, make(1), STALE_LOOK, lambda: first.execute("COMMIT") and None)
    assert told == ["amount_diff"]


def test_copies_within_a_batch_are_told_apart_by_their_content(pair: tuple[Session, Session], make: Make) -> None:
    session, _ = pair
    deliveries = [make(1), make(1), make(1, 2000), make(2), make(1, 2000)]
    assert store(session, deliveries) == ["accepted", "duplicate", "amount_diff", "accepted", "amount_diff"]
    assert store(session, deliveries[:3]) == ["duplicate", "duplicate", "amount_diff"]
    kept = session.execute(
        "SELECT dedup_key, amount_vnd, conflicting FROM evidence WHERE connection_id = $1 ORDER BY 1, 2",
        (deliveries[0][0].connection_id,),
    ).fetchall()
    assert kept == [("1", 1000, False), ("1", 2000, True), ("2", 1000, False)]


def test_every_delivery_has_a_raw_row_that_says_what_became_of_it(pair: tuple[Session, Session], make: Make) -> None:
    session, _ = pair
    deliveries = [make(1), make(1, 2000), make(1)]
    store(session, deliveries)
    found = session.execute(
        "SELECT r.outcome, count(e.id) FROM raw_callback r LEFT JOIN evidence e ON e.raw_callback_id = r.id"
        " WHERE r.connection_id = $1 GROUP BY r.id ORDER BY r.id",
        (deliveries[0][0].connection_id,),
    ).fetchall()
    assert found == [("accepted", 1), ("amount_diff", 1), ("duplicate", 0)]


def test_values_and_arrays_are_the_same_statement(pair: tuple[Session, Session], make: Make) -> None:
    session, _ = pair
    for expected in ("accepted", "duplicate"):
        (row,) = make(1)
        assert session.execute(STORE_ONE, scalars(row)).fetchall() == [(expected,)]
    assert store(session, [make(1)]) == ["duplicate"]


def crossed(pair: tuple[Session, Session], make: Make, statement: str, numbers: range) -> list[BaseException]:
    """Two sessions store the same keys in opposite order at the same moment."""
    faults: list[BaseException] = []
    gate = threading.Barrier(2)
    deliveries = [make(number) for number in numbers]

    def run(session: Session, mine: Sequence[Sequence[Row]]) -> None:
        values = arguments(mine)
        gate.wait()
        try:
            session.execute(statement, values)
        except psycopg.Error as error:
            faults.append(error)

    threads = [
        threading.Thread(target=run, args=given) for given in zip(pair, (deliveries, deliveries[::-1]), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


def test_two_lanes_with_the_same_keys_in_other_order_do_not_deadlock(pair: tuple[Session, Session], make: Make) -> None:
    for attempt in range(10):
        assert crossed(pair, make, STORE, range(attempt * 1000, attempt * 1000 + 150)) == []


def test_teeth_unsorted_keys_deadlock(pair: tuple[Session, Session], make: Make) -> None:
    assert UNSORTED != STORE
    for attempt in range(50):
        faults = crossed(pair, make, UNSORTED, range(attempt * 1000, attempt * 1000 + 150))
        if any(isinstance(fault, psycopg.errors.DeadlockDetected) for fault in faults):
            return
    pytest.fail("no deadlock was seen: this test has lost its teeth")


def test_teeth_without_the_evidence_key_a_repeated_delivery_is_work_twice(
    pair: tuple[Session, Session], make: Make
) -> None:
    session, _ = pair
    with session.transaction(force_rollback=True):
        session.execute("DROP INDEX uq__evidence__key")
        assert [store(session, [make(1)]) for _ in range(2)] == [["accepted"], ["accepted"]]
        found = session.execute(
            "SELECT count(*) FROM outbox o JOIN evidence e ON e.id = o.subject_id WHERE e.connection_id = $1",
            (make(1)[0].connection_id,),
        ).fetchone()
        assert found == (2,)
