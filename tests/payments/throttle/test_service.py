"""Tries are counted together for all machines, come back one by one, and leave nothing to read."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from payments import clock
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.errors import TooManyTriesError
from payments.throttle.rules import Limit
from payments.throttle.service import give_back, limit, sweep, take

pytestmark = pytest.mark.db
CIPHER = FieldCipher({1: b"k" * 32})
TEN = Limit("test.ten", 10, timedelta(hours=1))
TWO = Limit("test.two", 2, timedelta(hours=1))
NOON = datetime(2026, 9, 7, 5, tzinfo=UTC)


def allowed(session: Session, of: Limit = TEN, key: str = "203.0.113.9", tries: int = 1) -> int:
    """How many of so many tries in one moment are heard."""
    return sum(not take(session, CIPHER, {of: key}) for _ in range(tries))


def test_so_many_at_once_then_one_after_each_share(session: Session) -> None:
    with clock.turned_to(NOON):
        assert allowed(session, tries=15) == 10
    with clock.turned_to(NOON + timedelta(minutes=6)):
        assert allowed(session, tries=5) == 1
    with clock.turned_to(NOON + timedelta(hours=2)):
        assert allowed(session, tries=15) == 10


def test_hammering_does_not_push_the_end_away(session: Session) -> None:
    with clock.turned_to(NOON):
        allowed(session, tries=200)
    with clock.turned_to(NOON + timedelta(minutes=6)):
        assert allowed(session) == 1


def test_beyond_the_limit_the_way_out_is_named_in_minutes(session: Session) -> None:
    with clock.turned_to(NOON):
        for _ in range(2):
            limit(session, CIPHER, TWO, "x")
        with pytest.raises(TooManyTriesError, match="too_many") as refused:
            limit(session, CIPHER, TWO, "x")
    assert (refused.value.status, refused.value.retry_after_s) == (429, 1800)
    assert "30 phút" in refused.value.vi


def test_limits_and_keys_do_not_share_a_bucket(session: Session) -> None:
    with clock.turned_to(NOON):
        assert allowed(session, TWO, "a", 3) == 2
        assert allowed(session, TWO, "b", 3) == 2
        assert allowed(session, Limit("test.other", 2, TWO.per), "a", 3) == 2
        assert take(session, CIPHER, {TWO: "a", TEN: "a"}) == {TWO}


def test_who_was_right_has_used_nothing_up(session: Session) -> None:
    with clock.turned_to(NOON):
        for _ in range(30):
            assert take(session, CIPHER, {TWO: "a"}) == frozenset()
            give_back(session, CIPHER, {TWO: "a"})
        allowed(session, TWO, "b", 2)
        full = take(session, CIPHER, {TWO: "b"})
        give_back(session, CIPHER, {TWO: "b"}, full)
        assert allowed(session, TWO, "b") == 0


def test_the_table_holds_nothing_to_read_and_is_swept(session: Session) -> None:
    with clock.turned_to(NOON):
        allowed(session)
        kept = session.execute(text("SELECT key FROM throttle")).scalars().all()
        assert [len(key) for key in kept] == [32]
        assert b"203" not in kept[0]
        assert sweep(session) == 0
    other = FieldCipher({1: b"x" * 32})
    with clock.turned_to(NOON):
        take(session, other, {TEN: "203.0.113.9"})
        assert session.scalar(text("SELECT count(*) FROM throttle")) == 2, "the hash hangs on the key"
    with clock.turned_to(NOON + TEN.share + timedelta(seconds=1)):
        assert sweep(session) == 2


def test_tries_at_the_same_moment_are_all_counted(engine: Engine) -> None:
    """Eight visitors of one network on as many connections: no more than ten of forty are heard."""
    heard: list[int] = []
    others = {Limit(f"test.{number}", 99, TEN.per): "x" for number in range(4)}

    def visit() -> None:
        for _ in range(5):
            with session_scope(engine) as session:
                heard.append(TEN not in take(session, CIPHER, {TEN: "a"} | others))

    visitors = [threading.Thread(target=visit) for _ in range(8)]
    for one in visitors:
        one.start()
    for one in visitors:
        one.join()
    assert (len(heard), sum(heard)) == (40, 10)
