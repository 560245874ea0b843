"""Quiet hours span midnight in Viet Nam, which has no summer time; patience grows."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.clock import VIETNAM
from payments.notices.rules import QUIET, may_send_at, next_try, quiet_hours_are_sensible


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


@pytest.mark.parametrize(
    ("moment", "leaves"),
    [
        ("2025-09-10 20:59:59", "2025-09-10 20:59:59"),
        ("2025-09-10 21:00:00", "2025-09-11 07:00:00"),
        ("2025-09-10 23:59:59", "2025-09-11 07:00:00"),
        ("2025-09-11 00:00:00", "2025-09-11 07:00:00"),
        ("2025-09-11 06:59:59", "2025-09-11 07:00:00"),
        ("2025-09-11 07:00:00", "2025-09-11 07:00:00"),
        ("2025-12-31 22:00:00", "2026-01-01 07:00:00"),
        ("2025-03-30 02:30:00", "2025-03-30 07:00:00"),
        ("2025-10-26 02:30:00", "2025-10-26 07:00:00"),
    ],
)
def test_a_notice_leaves_by_day(moment, leaves):
    assert may_send_at(at(moment).astimezone(UTC), *QUIET) == at(leaves)


@given(st.integers(0, 15 * 365 * 24 * 3600))
def test_whatever_the_moment_it_leaves_outside_the_quiet_hours_and_within_half_a_day(seconds):
    aware = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    leaves = may_send_at(aware, *QUIET)
    assert QUIET[1] <= leaves.astimezone(VIETNAM).time() < QUIET[0]
    assert aware <= leaves <= aware + timedelta(hours=10)


@pytest.mark.parametrize(
    ("quiet_from", "quiet_to", "sensible"),
    [
        (time(21), time(7), True),
        (time(18), time(9), True),
        (time(22), time(6), True),
        (time(22, 1), time(7), False),
        (time(21), time(5, 59), False),
        (time(0), time(7), False),
    ],
)
def test_a_school_may_be_quieter_and_never_louder(quiet_from, quiet_to, sensible):
    assert quiet_hours_are_sensible(quiet_from, quiet_to) is sensible


def test_patience_grows_to_an_hour():
    now = at("2025-09-10 12:00:00")
    assert [int((next_try(n, now) - now).total_seconds() / 60) for n in (1, 2, 3, 5, 8)] == [2, 4, 8, 32, 60]
