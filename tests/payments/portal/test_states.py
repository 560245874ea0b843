"""Which state a parent is told, and in which words: pure tables."""

import string
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from payments.portal.rules import is_in_app
from payments.portal.sentences import SENTENCES, WHEN
from payments.portal.states import (
    BACKLOG_AFTER,
    LATE_AFTER,
    Facts,
    Line,
    Payment,
    Reporting,
    Seen,
    State,
    reporting,
    singled_out,
    state_of,
)

TODAY = date(2025, 9, 15)
NOW = datetime(2025, 9, 15, 8, tzinfo=UTC)
OPEN = Facts(
    kept="open", amount_vnd=115_000, mandatory_vnd=100_000, paid_vnd=0, has_mandatory=True, due_on=date(2025, 9, 20)
)
PAYMENT = Payment(
    transaction_id=1,
    reported_at=NOW,
    bank_reference="FT1",
    amount_vnd=100_000,
    allocated_vnd=100_000,
    excess_vnd=0,
    confirmed_at=NOW,
)
SEEN = Seen(1, "GD-000007", NOW)
MONEY = {"paid", "open", "asked", "extra", "excess", "amount"}
FILLED = MONEY | {"due", "at", "fund", "bank_references", "ticket", "other", "when"}


def but(**changed: object) -> Facts:
    return replace(OPEN, **changed)  # type: ignore[arg-type]  # names of its fields


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (OPEN, State.WAITING),
        (but(due_on=TODAY), State.WAITING),
        (but(due_on=TODAY - timedelta(days=1)), State.OVERDUE),
        (but(paid_vnd=60_000, kept="partial"), State.PARTIAL),
        (but(paid_vnd=60_000, kept="partial", due_on=date(2025, 9, 1)), State.PARTIAL),
        (but(seen=[SEEN]), State.SEEN),
        (but(seen=[SEEN], round_closed=True), State.SEEN),
        (but(paid_vnd=100_000, seen=[SEEN]), State.MANDATORY_PAID),
        (but(payments=[replace(PAYMENT, allocated_vnd=0, taken_back_at=NOW)]), State.REVERSED),
        (
            but(paid_vnd=60_000, payments=[replace(PAYMENT, allocated_vnd=0, taken_back_at=NOW), PAYMENT]),
            State.PARTIAL,
        ),
        (but(round_closed=True), State.CLOSED),
        (but(round_closed=True, paid_vnd=60_000), State.CLOSED),
        (but(round_closed=True, paid_vnd=100_000), State.MANDATORY_PAID),
        (but(paid_vnd=100_000), State.MANDATORY_PAID),
        (but(paid_vnd=110_000), State.MANDATORY_PAID),
        (but(paid_vnd=115_000), State.PAID),
        (but(paid_vnd=115_000, payments=[replace(PAYMENT, excess_vnd=35_000)]), State.OVER),
        (but(paid_vnd=115_000, payments=[PAYMENT, replace(PAYMENT, allocated_vnd=0, excess_vnd=9)]), State.TWICE),
        (but(mandatory_vnd=0, has_mandatory=False), State.VOLUNTARY),
        (but(mandatory_vnd=0), State.WAIVED),
        (but(kept="cancelled"), State.CANCELLED),
        (but(kept="cancelled", waived=True), State.WAIVED),
        (but(kept="replaced", paid_vnd=0), State.REPLACED),
    ],
)
def test_facts_decide_one_state(facts: Facts, state: State) -> None:
    assert state_of(facts, TODAY) is state


@pytest.mark.parametrize("state", State)
def test_each_state_says_what_happened_what_to_do_and_that_nobody_pays_twice_in_both_languages(state: State) -> None:
    said = SENTENCES[state]
    assert said.icon
    for text in (said.happened, said.to_do, said.once):
        assert all(text)
        assert text.vi != text.en
        for sentence in text:
            named = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
            assert named <= FILLED, sentence
    assert any(word in said.once.vi for word in ("không cần chuyển", "Không cần chuyển", "chưa cần chuyển"))
    assert any(word in said.once.en for word in ("not pay", "need not be paid"))


def test_every_way_of_reporting_has_its_words() -> None:
    assert set(WHEN) == set(Reporting)
    assert all(all(text) for text in WHEN.values())


def hint(*numbers: int, chips: tuple[str, ...] = ("near_reference",)) -> dict[str, object]:
    return {"invoice_ids": list(numbers), "chips": list(chips)}


@pytest.mark.parametrize(
    ("outcome", "hints", "found"),
    [
        ("damaged", [hint(1)], {1}),
        ("damaged", [hint(1), hint(9, chips=("same_amount",))], {1}),
        ("damaged", [hint(1), hint(9)], set()),
        ("damaged", [hint(1), hint(2)], set()),
        ("damaged", [hint(9)], set()),
        ("damaged", [], set()),
        ("unknown", [hint(1, chips=("pupil_named", "same_amount"))], set()),
        ("several", [hint(1, 2, chips=("named",))], {1, 2}),
        ("several", [hint(1, 9, chips=("named",))], set()),
    ],
)
def test_only_what_means_this_pupil_alone_is_shown_to_its_parent(
    outcome: str, hints: list[dict[str, object]], found: set[int]
) -> None:
    assert singled_out(outcome, hints, {1, 2}) == found


def test_a_ticket_names_the_transfer_and_shows_no_amount() -> None:
    assert SEEN.ticket == "GD-000007"
    assert SEEN.amount_vnd is None


WELL = Line(gap_open=False, failures=0, due_at=NOW, succeeded_at=NOW, asked=True, answered_badly=False)
DEAF = Line(gap_open=False, failures=0, due_at=None, succeeded_at=None, asked=False, answered_badly=False)
LONG_AGO = NOW - LATE_AFTER - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("lines", "backlog", "told"),
    [
        ([], None, Reporting.BY_STATEMENT),
        ([WELL], None, Reporting.LIVE),
        ([DEAF], None, Reporting.LIVE),
        ([replace(WELL, gap_open=True)], None, Reporting.SLOW),
        ([replace(WELL, gap_open=True), WELL], None, Reporting.LIVE),
        ([replace(WELL, succeeded_at=LONG_AGO)], None, Reporting.SLOW),
        ([replace(WELL, succeeded_at=None, failures=5)], None, Reporting.SLOW),
        ([replace(WELL, succeeded_at=None, due_at=LONG_AGO)], None, Reporting.SLOW),
        ([replace(DEAF, answered_badly=True)], None, Reporting.SLOW),
        ([WELL], NOW - BACKLOG_AFTER, Reporting.LIVE),
        ([WELL], NOW - BACKLOG_AFTER - timedelta(seconds=1), Reporting.SLOW),
    ],
)
def test_an_account_is_slow_when_nobody_could_tell_of_its_money_soon(
    lines: list[Line], backlog: datetime | None, told: Reporting
) -> None:
    assert reporting(lines, backlog, NOW) is told


def test_browsers_inside_chat_apps_are_known_by_their_names() -> None:
    assert is_in_app("Mozilla/5.0 (Linux; Android 13) Chrome/120 Mobile Zalo android/12110501")
    assert is_in_app("Mozilla/5.0 (iPhone) [FBAN/FBIOS;FBAV/440]")
    assert not is_in_app("Mozilla/5.0 (Linux; Android 13) Chrome/120 Mobile Safari/537.36")
