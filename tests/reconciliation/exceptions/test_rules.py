"""The vocabulary is whole: each class has owner, next step, term, ends and words; two people where money moves."""

from datetime import date

import pytest

from payments.business_days import BusinessDays
from payments.errors import ConflictError
from reconciliation.exceptions import rules, words
from reconciliation.exceptions.rules import Action, Kind, Owner, Resolution, State
from reconciliation.matching import CASH, REVERSED
from reconciliation.movements import PRECEDENCE
from tests.house import text_of

FRIDAY = date(2025, 9, 12)


def test_every_class_of_the_one_vocabulary_is_handled_and_no_other():
    assert set(rules.HANDLING) == set(PRECEDENCE)


@pytest.mark.parametrize("key", PRECEDENCE)
def test_every_class_has_owner_step_term_ends_and_words(key):
    one = rules.HANDLING[key]
    assert words.class_text(key).vi != key
    assert all(words.OWNERS[one.owner])
    assert all(words.ACTIONS[rules.action_of(key)])
    assert 1 <= one.days <= 5
    assert rules.due_on(key, FRIDAY, BusinessDays()) > FRIDAY
    assert set(one.ends) - rules.BY_SYSTEM == set(one.ends)
    assert Resolution.OTHER in one.ends
    assert len(set(one.ends)) == len(one.ends)


def test_every_key_has_words_in_both_languages_and_the_glossary_names_it():
    for kind, known in (
        (Owner, words.OWNERS),
        (State, words.STATES),
        (Action, words.ACTIONS),
        (Resolution, words.RESOLUTIONS),
        (Kind, words.KINDS),
        ([key for key, _, _ in rules.AGES], words.AGES),
    ):
        assert set(known) == set(kind)
        assert all(text.vi and text.en and text.vi != text.en for text in known.values())
    glossary = text_of("docs/glossary.md")
    for key in (*State, *Resolution):
        assert f"| {key.value} |" in glossary, key
    for flag in (CASH, REVERSED):
        assert words.class_text(flag).vi != flag


def test_terms_count_business_days():
    tet = BusinessDays(frozenset({date(2025, 9, 15), date(2025, 9, 16)}))
    assert rules.due_on("missing_gateway", FRIDAY, BusinessDays()) == date(2025, 9, 15)
    assert rules.due_on("missing_bank", FRIDAY, BusinessDays()) == date(2025, 9, 16)
    assert rules.due_on("missing_bank", FRIDAY, tet) == date(2025, 9, 18)


@pytest.mark.parametrize(
    ("days", "key"),
    [(-2, "0-1"), (0, "0-1"), (1, "0-1"), (2, "2-3"), (4, "4-7"), (8, "8-30"), (30, "8-30"), (31, "31-")],
)
def test_ages_fall_into_buckets(days, key):
    assert rules.age_of(days) == key


def test_cash_needs_no_document_of_the_bank():
    assert rules.action_of("only_ledger") is Action.FIND_DOCUMENT
    assert rules.action_of("only_ledger", ["cash"]) is Action.MARK_CASH


@pytest.mark.parametrize("how", sorted(rules.MOVES_MONEY))
def test_where_money_moves_or_a_difference_is_accepted_nobody_decides_alone(how):
    assert all(rules.needs_second_person(key, (), how) for key in PRECEDENCE)
    assert all(how not in rules.ends_alone(key, ()) for key in PRECEDENCE)


@pytest.mark.parametrize("key", sorted(rules.DOUBTFUL))
def test_where_money_is_in_doubt_nobody_decides_alone_even_when_another_class_hides_it(key):
    assert rules.ends_alone(key, ()) == ()
    assert rules.ends_alone("closed_period", [key]) == ()
    assert Resolution.BOOKED in rules.ends_alone("closed_period", ["date_cutoff"])


def test_the_way_of_an_exception():
    state = rules.after(Kind.ASSIGNED, State.OPEN, assigned=True)
    assert state is State.ASSIGNED
    state = rules.after(Kind.PROPOSED, state, assigned=True)
    assert state is State.PROPOSED
    assert rules.after(Kind.ASSIGNED, state, assigned=False) is State.PROPOSED
    assert rules.after(Kind.REJECTED, state, assigned=True) is State.ASSIGNED
    assert rules.after(Kind.WITHDRAWN, state, assigned=False) is State.OPEN
    state = rules.after(Kind.APPROVED, state, assigned=True)
    assert state is State.RESOLVED
    assert rules.after(Kind.NOTED, state, assigned=True) is State.RESOLVED
    assert rules.after(Kind.REOPENED, state, assigned=True) is State.ASSIGNED


@pytest.mark.parametrize(
    ("kind", "state", "code"),
    [
        (Kind.PROPOSED, State.PROPOSED, "exception_state"),
        (Kind.RESOLVED, State.PROPOSED, "exception_state"),
        (Kind.RESOLVED, State.RESOLVED, "exception_state"),
        (Kind.ASSIGNED, State.RESOLVED, "exception_state"),
        (Kind.REOPENED, State.OPEN, "exception_state"),
        (Kind.APPROVED, State.OPEN, "exception_state"),
        (Kind.APPROVED, State.RESOLVED, "decided_already"),
        (Kind.REJECTED, State.RESOLVED, "decided_already"),
    ],
)
def test_what_is_out_of_turn_is_refused_in_words(kind, state, code):
    with pytest.raises(ConflictError) as refused:
        rules.after(kind, state, assigned=True)
    assert refused.value.code == code
    assert refused.value.vi != refused.value.en
