"""A night over real tables: what callbacks, statements and books say becomes a run that proves, or says why not."""

from datetime import date

from reconciliation.models import RunState
from tests.reconciliation.desk import DAY, OPENING, line, row

X_VND, Y_VND = 100_000, 250_000
NEXT = date(2025, 9, 11)


def test_a_clean_night_proves_and_finds_nothing(desk):
    one, two = desk.issue(X_VND), desk.issue(Y_VND)
    desk.pay(X_VND, one.reference, "FT25253000001")
    desk.pay(Y_VND, two.reference, "FT25253000002")
    desk.state(
        line(X_VND, f"MBVCB.1.{one.reference}", "FT25253000001"),
        line(Y_VND, f"CT {two.reference}", "FT25253000002"),
    )
    desk.book(row(X_VND, f"Thu {one.reference}"), row(Y_VND, f"Thu {two.reference}"))
    run = desk.night()
    assert (run.state, run.matched, run.exceptions, run.not_due) == (RunState.PROVED, 2, {}, 0)
    assert run.matched_vnd == X_VND + Y_VND
    proof = {key: run.proof[key] for key in ("opening_vnd", "credits_vnd", "debits_vnd", "closing_vnd", "ok")}
    assert proof == {
        "opening_vnd": OPENING,
        "credits_vnd": X_VND + Y_VND,
        "debits_vnd": 0,
        "closing_vnd": OPENING + X_VND + Y_VND,
        "ok": True,
    }
    assert all(check["ok"] for check in run.proof["checks"])
    assert run.proof["money"]["allocated_vnd"] == X_VND + Y_VND


def test_without_a_statement_the_night_waits_and_absence_is_no_exception(desk):
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT25253000001")
    run = desk.night()
    assert (run.state, run.matched, run.exceptions) == (RunState.WAITING_STATEMENT, 0, {})
    assert run.proof["ok"] is False


def test_a_lost_callback_is_settled_from_the_statement_and_the_accountant_hears_of_it(desk):
    one = desk.issue(X_VND)
    desk.state(line(X_VND, one.reference, "FT25253000001"))
    run = desk.night()
    assert (run.state, run.exceptions) == (RunState.PROVED, {"missing_gateway": 1})
    assert desk.rows("SELECT state, paid_vnd::bigint FROM invoice_balance") == [("paid", X_VND)]
    assert desk.rows("SELECT kind, recipient_user_id FROM message") == [("missing_gateway", desk.school.accountant)]


def test_a_late_callback_takes_the_exception_back(desk):
    one = desk.issue(X_VND)
    desk.state(line(X_VND, one.reference, "FT25253000001"))
    first = desk.night()
    desk.pay(X_VND, one.reference, "FT25253000001")
    second = desk.night()
    assert (first.exceptions, second.exceptions, second.matched) == ({"missing_gateway": 1}, {}, 1)
    assert desk.rows("SELECT count(*) FROM bank_transaction") == [(1,)]
    assert desk.rows("SELECT run_id FROM standing_run") == [(second.id,)]


def test_a_callback_that_a_proved_statement_does_not_show_is_missing_at_the_bank_and_never_reversed(desk):
    one, two = desk.issue(X_VND), desk.issue(Y_VND)
    desk.pay(X_VND, one.reference, "FT25253000001")
    desk.pay(Y_VND, two.reference, "FT25253000002")
    desk.state(line(X_VND, one.reference, "FT25253000001"))
    run = desk.night()
    assert (run.matched, run.exceptions) == (1, {"missing_bank": 1})
    [item] = [item for item in desk.items(run) if item.primary_class == "missing_bank"]
    assert (item.amount_vnd, item.references) == (Y_VND, [two.reference])
    assert desk.rows("SELECT DISTINCT state FROM invoice_balance") == [("paid",)]


def test_a_callback_late_at_night_is_not_missed_until_the_next_business_day(desk):
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT25253000001", at="23:58:00")
    desk.state(opening=OPENING)
    assert desk.night().exceptions == {}
    desk.state(line(X_VND, one.reference, "FT25253000001", day=NEXT), days=(NEXT, NEXT))
    run = desk.night(NEXT)
    assert (run.state, run.exceptions) == (RunState.PROVED, {"date_cutoff": 1})


def test_the_same_inputs_give_the_same_run(desk):
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT25253000001")
    desk.state(line(X_VND, one.reference, "FT25253000001"))
    first = desk.night()
    assert desk.night().id == first.id
    desk.state(line(X_VND, one.reference, "FT25253000001"))
    assert desk.night().id == first.id
    assert (desk.count("reconcile_run"), desk.count("reconcile_item")) == (1, 1)


def test_two_true_equal_payments_stay_two(desk):
    one = desk.issue(X_VND)
    for number in ("FT25253000001", "FT25253000002"):
        desk.pay(X_VND, one.reference, number)
    desk.state(*(line(X_VND, one.reference, number) for number in ("FT25253000001", "FT25253000002")))
    desk.book(row(X_VND, f"Thu {one.reference}", document="1"), row(X_VND, f"Thu {one.reference}", document="2"))
    run = desk.night()
    assert (run.matched, run.exceptions) == (2, {})


def test_days_without_statement_are_caught_up_by_the_next_run(desk):
    one, two = desk.issue(X_VND), desk.issue(Y_VND)
    desk.pay(X_VND, one.reference, "FT25253000001")
    assert desk.night().state is RunState.WAITING_STATEMENT
    desk.pay(Y_VND, two.reference, "FT25253000002", day=NEXT)
    desk.state(
        line(X_VND, one.reference, "FT25253000001"),
        line(Y_VND, two.reference, "FT25253000002", day=NEXT),
        days=(DAY, NEXT),
    )
    run = desk.night(NEXT)
    assert (run.from_day, run.matched, run.proof["opening_vnd"]) == (DAY, 2, OPENING)


def test_each_case_is_reported_by_one_night(desk):
    one, two = desk.issue(X_VND), desk.issue(Y_VND)
    desk.state(line(X_VND, one.reference, "FT25253000001"))
    assert desk.night().exceptions == {"missing_gateway": 1}
    desk.pay(Y_VND, two.reference, "FT25253000002", day=NEXT)
    desk.state(line(Y_VND, two.reference, "FT25253000002", day=NEXT), opening=OPENING + X_VND, days=(NEXT, NEXT))
    run = desk.night(NEXT)
    assert (run.state, run.matched, run.exceptions) == (RunState.PROVED, 1, {})
    assert run.proof["opening_vnd"] == OPENING + X_VND


def test_books_of_the_next_day_find_the_payment_of_the_day_before(desk):
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT25253000001")
    desk.state(line(X_VND, one.reference, "FT25253000001"))
    desk.state(opening=OPENING + X_VND, days=(NEXT, NEXT))
    desk.book(row(X_VND, f"Thu {one.reference}", day=NEXT))
    assert (desk.night().matched, desk.night().exceptions) == (1, {})
    run = desk.night(NEXT)
    assert (run.matched, run.exceptions, run.state) == (0, {}, RunState.PROVED)
    assert run.proof["totals"]["ledger"]["count"] == 1
