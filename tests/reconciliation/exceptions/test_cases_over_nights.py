"""What becomes of cases over nights: merged, split, closed, opened again; decisions, assignees and history stay."""

from datetime import date, timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from reconciliation.exceptions import service
from reconciliation.exceptions.rules import Resolution
from reconciliation.exceptions.syncing import Synced
from reconciliation.movements import PRECEDENCE
from tests.reconciliation.exceptions.setting import DAY, MADE, X_VND

R = Resolution


def key(nights, number: int = 0) -> tuple:
    return nights.session, nights.school.id, nights.ids()[number], nights.school.accountant


@pytest.mark.parametrize("primary_class", PRECEDENCE)
def test_every_class_becomes_an_exception_of_its_own(nights, primary_class):
    note = "balance_gap; statement=7; expected=5; found=9" if primary_class == "balance_break" else None
    facts = {} if note else {"lines": [nights.line()]}
    assert nights.night(nights.item(primary_class, note=note, **facts)) == Synced(new=1)
    assert nights.cases() == [(primary_class, "open", None)]
    held = nights.rows("SELECT key FROM exception_fact WHERE school_id = :school")
    assert len(held) == 1
    assert held[0].startswith("break:7:chain" if note else "bank:")


def test_matched_items_and_those_not_due_are_no_exceptions(nights):
    quiet = [nights.item("matched", lines=[nights.line()]), nights.item("not_due", said=[nights.said()])]
    assert nights.night(*quiet) == Synced()
    assert nights.cases() == []


def test_two_cases_become_one_and_both_histories_stay(nights):
    line, said = nights.line(), nights.said()
    nights.night(nights.item("missing_gateway", lines=[line]), nights.item("missing_bank", said=[said]))
    first, second = nights.ids()
    service.note(nights.session, nights.school.id, second, nights.school.accountant, "đã gọi ngân hàng")
    service.assign(nights.session, nights.school.id, second, nights.school.accountant, nights.school.principal)
    nights.night(nights.item("amount_diff", lines=[line], said=[said]))
    # The one that somebody works on goes on.
    assert nights.cases() == [("missing_gateway", "resolved", "merged"), ("amount_diff", "assigned", None)]
    assert nights.rows("SELECT merged_into_id FROM reconcile_exception WHERE school_id = :school ORDER BY id") == [
        second,
        None,
    ]
    assert nights.kinds(first) == ["seen", "merged"]
    assert nights.kinds(second) == ["seen", "noted", "assigned", "changed"]


def test_whoever_had_the_merged_case_has_the_one_that_goes_on(nights):
    line, said, other = nights.line(), nights.said(), nights.said()
    nights.night(nights.item("missing_gateway", lines=[line]), nights.item("missing_bank", said=[said, other]))
    one = nights.ids()[0]
    service.assign(nights.session, nights.school.id, one, nights.school.accountant, nights.school.principal)
    service.propose(*key(nights, 1), resolution=R.REVERSED)
    nights.night(nights.item("amount_diff", lines=[line], said=[said, other]))
    # A proposal about other facts is nobody's any more; the assignee comes along.
    assert nights.cases() == [("missing_gateway", "resolved", "merged"), ("amount_diff", "assigned", None)]
    assert nights.kinds(nights.ids()[1]) == ["seen", "proposed", "changed", "withdrawn"]
    assert nights.rows("SELECT assignee_id FROM reconcile_exception WHERE school_id = :school ORDER BY id")[1] == (
        nights.school.principal
    )


def test_what_is_left_of_a_merged_case_is_no_fact_of_today_and_comes_back_when_its_match_is_lost(nights):
    line, said, other = nights.line(), nights.said(), nights.said()
    nights.night(nights.item("missing_gateway", lines=[line]), nights.item("missing_bank", said=[said, other]))
    service.assign(*key(nights), nights.school.accountant)
    joined = nights.item("amount_diff", lines=[line], said=[said])
    nights.night(joined, nights.item("matched", said=[other]))
    assert [one[1:] for one in nights.cases()] == [("assigned", None), ("resolved", "merged")]
    [(_, current)] = nights.rows(
        f"SELECT key, current FROM exception_fact WHERE school_id = :school AND exception_id = {nights.ids()[1]}"
    )
    assert current is False
    nights.night(joined, nights.item("missing_bank", said=[other]))
    assert [one[1] for one in nights.cases()] == ["assigned", "open"]


def test_a_case_falls_apart_and_its_rest_says_where_it_came_from(nights):
    line, said = nights.line(), nights.said()
    nights.night(nights.item("amount_diff", lines=[line], said=[said]))
    service.assign(*key(nights), nights.school.accountant)
    nights.night(nights.item("missing_gateway", lines=[line]), nights.item("missing_bank", said=[said]))
    assert [one[1] for one in nights.cases()] == ["assigned", "assigned"]
    first, second = nights.ids()
    assert nights.rows("SELECT split_from_id FROM reconcile_exception WHERE school_id = :school ORDER BY id") == [
        None,
        first,
    ]
    assert nights.kinds(second) == ["seen", "assigned"]
    # And together again: one of them goes on, the other is merged.
    nights.night(nights.item("amount_diff", lines=[line], said=[said]))
    assert nights.cases() == [("amount_diff", "assigned", None), (nights.cases()[1][0], "resolved", "merged")]


def test_a_late_callback_closes_the_case_and_a_lost_match_opens_it_again(nights):
    line, said = nights.line(), nights.said()
    lost = nights.item("missing_gateway", lines=[line])
    nights.night(lost)
    service.assign(*key(nights), nights.school.accountant)
    assert nights.night(nights.item("matched", lines=[line], said=[said])).closed == 1
    assert nights.cases() == [("missing_gateway", "resolved", "matched_since")]
    assert nights.night(lost).reopened == 1
    assert nights.cases() == [("missing_gateway", "assigned", None)]
    assert nights.kinds(nights.ids()[0]) == ["seen", "assigned", "matched_since", "reopened"]
    [reason] = nights.rows(
        "SELECT detail ->> 'because' FROM exception_event WHERE kind = 'reopened' AND school_id = :school"
    )
    assert reason == "match_lost"


def test_later_nights_keep_what_people_decided(nights):
    line = nights.line()
    nights.night(nights.item("missing_gateway", lines=[line]))
    service.resolve(*key(nights), resolution=R.BANK_CONFIRMED, said="đã xem")
    for _ in range(2):
        assert nights.night(nights.item("missing_gateway", lines=[line])) == Synced()
    assert nights.cases() == [("missing_gateway", "resolved", "bank_confirmed")]
    # Also while the fact is not judged at all.
    nights.night()
    nights.night(nights.item("missing_gateway", lines=[line]))
    assert nights.cases() == [("missing_gateway", "resolved", "bank_confirmed")]


@pytest.mark.parametrize("what", ["amount", "flag", "bank line", "class"])
def test_a_decision_about_other_facts_is_opened_again_with_the_reason(nights, what):
    row = nights.row()
    nights.night(nights.item("only_ledger", rows=[row]))
    service.resolve(*key(nights), resolution=R.CASH)
    other = {
        "amount": {"primary_class": "only_ledger", "amount_vnd": X_VND + 1},
        "flag": {"primary_class": "only_ledger", "flags": ["date_cutoff"]},
        "bank line": {"primary_class": "only_ledger", "lines": [nights.line()]},
        "class": {"primary_class": "amount_diff"},
    }[what]
    assert nights.night(nights.item(**other, rows=[row])).reopened == 1
    assert nights.cases() == [(other["primary_class"], "open", None)]
    assert nights.kinds(nights.ids()[0]) == ["seen", "resolved", "changed", "reopened"]
    [why] = nights.rows("SELECT detail ->> 'because' FROM exception_event WHERE kind = 'reopened'")
    assert why == "facts_changed"


def test_a_flag_or_a_day_that_goes_leaves_the_decision(nights):
    row = nights.row()
    nights.night(nights.item("only_ledger", rows=[row], flags=["date_cutoff"]))
    service.resolve(*key(nights), resolution=R.CASH)
    nights.night(nights.item("only_ledger", rows=[row], value_date=DAY - timedelta(days=1)))
    assert nights.cases() == [("only_ledger", "resolved", "cash")]
    assert nights.kinds(nights.ids()[0]) == ["seen", "resolved", "changed"]


def test_what_is_not_due_any_more_is_no_exception_until_it_is_again(nights):
    said = nights.said()
    nights.night(nights.item("missing_bank", said=[said]))
    nights.night(nights.item("not_due", said=[said]))
    assert nights.cases() == [("missing_bank", "resolved", "no_longer_found")]
    nights.night(nights.item("missing_bank", said=[said]))
    assert nights.cases() == [("missing_bank", "open", None)]


def test_a_match_after_a_decision_is_written_down_once(nights):
    line, said = nights.line(), nights.said()
    nights.night(nights.item("missing_gateway", lines=[line]))
    service.resolve(*key(nights), resolution=R.BANK_CONFIRMED)
    for _ in range(2):
        nights.night(nights.item("matched", lines=[line], said=[said]))
    assert nights.kinds(nights.ids()[0]) == ["seen", "resolved", "matched_since"]


def test_an_older_run_that_stands_again_is_followed(nights):
    line = nights.line()
    nights.night(nights.item("missing_gateway", lines=[line]))
    [older] = nights.rows("SELECT run_id FROM standing_run WHERE school_id = :school")
    nights.night(nights.item("matched", lines=[line]))
    nights.stand(DAY, older)
    assert nights.follow() == Synced(reopened=1)
    assert nights.follow() == Synced()
    assert nights.cases() == [("missing_gateway", "open", None)]


def test_a_case_that_moves_to_another_day_in_one_night_is_one_exception(nights):
    said, line = nights.said(), nights.line()
    nights.night(nights.item("missing_bank", said=[said]))
    # Both days stand anew before exceptions are followed, as when a night catches up.
    follow, nights.follow = nights.follow, Synced
    nights.night()
    nights.night(nights.item("date_cutoff", said=[said], lines=[line]), day=date(2025, 9, 11))
    nights.follow = follow
    assert nights.follow() == Synced(changed=1)
    assert nights.cases() == [("date_cutoff", "open", None)]


def test_a_fact_that_two_days_show_is_one_exception_night_after_night(nights):
    said, line = nights.said(), nights.line()
    first = nights.item("missing_bank", said=[said])
    for _ in range(2):
        follow, nights.follow = nights.follow, Synced
        nights.night(first)
        nights.night(nights.item("missing_bank", said=[said]), day=date(2025, 9, 11))
        nights.follow = follow
        nights.follow()
        assert nights.cases() == [("missing_bank", "open", None)]
    nights.night(first, nights.item("missing_gateway", lines=[line]))
    assert [one[1] for one in nights.cases()] == ["open", "open"]


def test_a_line_of_a_doubtful_file_and_of_the_sound_one_is_one_fact(nights):
    doubtful, sound = nights.line(key="k1!abc"), nights.line(key="k1")
    nights.night(nights.item("missing_gateway", lines=[doubtful]))
    assert nights.night(nights.item("missing_gateway", lines=[sound])) == Synced()
    assert len(nights.ids()) == 1


def test_owner_and_term_follow_the_class_and_work_that_begins_anew_has_a_new_term(nights):
    said, line = nights.said(), nights.line()
    terms = "SELECT owner, due_on FROM reconcile_exception WHERE school_id = :school"
    nights.night(nights.item("missing_gateway", lines=[line]))
    assert nights.rows(terms) == [("operator", date(2025, 9, 15))]
    nights.night(nights.item("amount_diff", lines=[line], said=[said]), made=MADE + timedelta(days=3))
    assert nights.rows(terms) == [("accountant", date(2025, 9, 17))]
    nights.night(nights.item("matched", lines=[line], said=[said]), made=MADE + timedelta(days=4))
    nights.night(nights.item("amount_diff", lines=[line], said=[said]), made=MADE + timedelta(days=10))
    assert nights.rows(terms) == [("accountant", date(2025, 9, 24))]


def test_holidays_are_no_days_of_the_term(nights):
    nights.session.connection().exec_driver_sql("INSERT INTO holiday (day, name) VALUES ('2025-09-15', 'Nghỉ (mẫu)')")
    nights.night(nights.item("missing_gateway", lines=[nights.line()]))
    assert nights.rows("SELECT due_on FROM reconcile_exception WHERE school_id = :school") == [date(2025, 9, 16)]


def test_a_thousand_findings_take_as_many_statements_as_one(nights):
    def statements(count: int, day: date) -> int:
        items = [nights.item("missing_gateway", lines=[nights.line()]) for _ in range(count)]
        seen = []
        connection = nights.session.connection()
        follow, nights.follow = nights.follow, Synced
        nights.night(*items, day=day)
        nights.follow = follow
        event.listen(connection, "before_cursor_execute", lambda *told: seen.append(told[2]))
        assert nights.follow().new == count
        return len(seen)

    assert statements(200, DAY) == statements(2, DAY + timedelta(days=1)) <= 12


def test_without_the_guard_a_state_could_be_written_past_its_events(nights):
    """The teeth of ``guard_exception``: the same UPDATE is refused with it and passes without it."""
    nights.night(nights.item("missing_bank", said=[nights.said()]))
    forged = "UPDATE reconcile_exception SET state = 'resolved', resolution = 'other'"
    with pytest.raises(IntegrityError, match="fold of its events"), nights.session.begin_nested():
        nights.session.execute(text(forged))
    nights.session.execute(text("ALTER TABLE reconcile_exception DISABLE TRIGGER guard_exception"))
    nights.session.execute(text(forged))
    assert nights.cases() == [("missing_bank", "resolved", "other")]
