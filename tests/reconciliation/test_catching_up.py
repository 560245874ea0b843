"""What comes late makes the right earlier nights again, and no others; order and repetition leave the same findings."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from payments.settlement.service import assign
from reconciliation import catching_up, service
from reconciliation.models import RunState
from tests.reconciliation.desk import DAY, OPENING, Desk, line, row

X_VND = 100_000
DAYS = [DAY + timedelta(days=number) for number in range(5)]


def catch_up(desk, day: date):
    desk.settle()
    with desk.session() as session:
        return service.catch_up(session, desk.school.id, desk.school.account, day)


def standing(desk) -> dict[date, tuple[str, int, dict[str, int]]]:
    rows = desk.rows("""
        SELECT r.day, r.state, r.matched, r.exceptions FROM standing_run h JOIN reconcile_run r ON r.id = h.run_id
        ORDER BY r.day
    """)
    return {day: (state, matched, exceptions) for day, state, matched, exceptions in rows}


def pay_and_state(desk, day: date, opening: int):
    """One payment a day, on its callback and its statement."""
    one = desk.issue(X_VND)
    number = f"FT{day:%Y%m%d}01"
    desk.pay(X_VND, one.reference, number, day=day)
    desk.state(line(X_VND, one.reference, number, day=day), opening=opening, days=(day, day))
    return one


@pytest.fixture
def week(desk):
    """Five nights without books, each proved; the invoices by day."""
    invoices = {}
    for number, day in enumerate(DAYS):
        invoices[day] = pay_and_state(desk, day, OPENING + number * X_VND)
        catch_up(desk, day)
    assert standing(desk) == {day: ("proved", 1, {}) for day in DAYS}
    return invoices


def test_a_months_books_judge_every_night_of_the_month(desk, week):
    # The accountant forgot the second day, and wrote the fourth day's payment on the fifth.
    rows = [row(X_VND, f"Thu {one.reference}", day=day) for day, one in week.items() if day != DAYS[1]]
    rows[2] = replace(rows[2], booked_on=DAYS[4])
    desk.book(*rows)
    catch_up(desk, DAYS[4])
    assert standing(desk) == {
        day: ("proved", int(day != DAYS[1]), {"missing_ledger": 1} if day == DAYS[1] else {}) for day in DAYS
    }
    # The next books have it: the night is clean again.
    desk.book(*rows, row(X_VND, f"Thu {week[DAYS[1]].reference}", day=DAYS[3]))
    catch_up(desk, DAYS[4])
    assert standing(desk) == {day: ("proved", 1, {}) for day in DAYS}


def test_nothing_new_makes_no_new_run(desk, week):
    before = desk.count("reconcile_run")
    for _ in range(2):
        catch_up(desk, DAYS[4])
    assert desk.count("reconcile_run") == before


def test_only_nights_that_something_new_touches_are_read_again(desk, week, monkeypatch):
    looked = []
    real = catching_up.reconcile

    def noting(session, some):
        looked.extend(night.day for night in some)
        return real(session, some)

    monkeypatch.setattr(catching_up, "reconcile", noting)
    last = DAYS[4] + timedelta(days=10)
    pay_and_state(desk, last, OPENING + 5 * X_VND)
    catch_up(desk, last)
    assert looked == [last]


def test_a_late_callback_makes_its_night_again(desk):
    one = desk.issue(X_VND)
    desk.state(line(X_VND, one.reference, "FT1"))
    catch_up(desk, DAY)
    pay_and_state(desk, DAYS[1], OPENING + X_VND)
    desk.pay(X_VND, one.reference, "FT1")
    catch_up(desk, DAYS[1])
    assert standing(desk) == {day: ("proved", 1, {}) for day in DAYS[:2]}


def test_a_statement_for_days_that_waited_proves_each_of_them(desk):
    for day in DAYS[:3]:
        assert catch_up(desk, day).state is RunState.WAITING_STATEMENT
    invoices = [desk.issue(X_VND) for _ in range(3)]
    lines = [
        line(X_VND, one.reference, f"FT{n}", day=day) for n, (one, day) in enumerate(zip(invoices, DAYS, strict=False))
    ]
    desk.state(*lines, days=(DAYS[0], DAYS[2]))
    catch_up(desk, DAYS[3])
    found = standing(desk)
    assert [found[day][0] for day in DAYS[:4]] == ["proved"] * 3 + ["waiting_statement"]
    assert [found[day][2] for day in DAYS[:3]] == [{"missing_gateway": 1}] * 3


def test_a_broken_day_fails_the_days_after_it_until_it_is_mended(desk):
    one = desk.issue(X_VND)
    broken = line(X_VND, one.reference, "FT1")
    desk.state(broken, closing_vnd=OPENING)
    assert catch_up(desk, DAY).state is RunState.FAILED
    pay_and_state(desk, DAYS[1], OPENING + X_VND)
    following = catch_up(desk, DAYS[1])
    # It fails by the break of the day before, which that day's own night has listed.
    assert (following.state, following.exceptions) == (RunState.FAILED, {})
    desk.state(broken)
    assert catch_up(desk, DAYS[1]).state is RunState.PROVED
    assert {state for state, *_ in standing(desk).values()} == {"proved"}


def test_a_persons_decision_is_part_of_the_inputs(desk):
    one = desk.issue(X_VND)
    desk.pay(X_VND, "NGUYEN VAN MAU", "FT1")
    desk.state(line(X_VND, "NGUYEN VAN MAU", "FT1"))
    first = catch_up(desk, DAY)
    assert first.proof["money"]["unmatched_vnd"] == X_VND

    [(transaction_id,)] = desk.rows("SELECT id FROM bank_transaction")
    with desk.session() as session:
        assign(session, desk.school.id, transaction_id, [one.id], desk.school.accountant)
    second = catch_up(desk, DAY)
    assert (second.id != first.id, second.proof["money"]["allocated_vnd"]) == (True, X_VND)


@pytest.mark.parametrize("other_day", [DAYS[1], DAYS[4]])
def test_a_message_that_says_an_old_payment_otherwise_makes_its_night_again(desk, week, other_day):
    """The night of the payment that stands, whatever day the second message names."""
    second_payment = 2
    desk.call(X_VND + 9, week[DAYS[1]].reference, txn_id=second_payment, referenceCode=f"FT{DAYS[1]:%Y%m%d}01",
              transactionDate=f"{other_day} 09:00:00")  # fmt: skip
    catch_up(desk, DAYS[4])
    assert standing(desk)[DAYS[1]] == ("proved", 0, {"amount_diff": 1})


def test_nights_of_before_anything_was_held_are_gone_on_with(desk, week):
    """A run keeps how far it has seen; one of an earlier version does not know of all that is seen today."""
    with desk.engine.begin() as connection:
        connection.execute(text("ALTER TABLE reconcile_run DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE reconcile_run SET inputs = inputs - 'held'"))
        connection.execute(text("ALTER TABLE reconcile_run ENABLE TRIGGER USER"))
    assert catch_up(desk, DAYS[4]).state is RunState.PROVED


def test_a_second_amount_for_an_old_payment_makes_its_night_again(desk, week):
    """It is held, so no transaction changes: the night must learn of it all the same."""
    number = f"FT{DAYS[1]:%Y%m%d}01"
    desk.call(X_VND + 9, week[DAYS[1]].reference, txn_id=71, number=None, referenceCode=number,
              transactionDate=f"{DAYS[1]} 09:00:00")  # fmt: skip
    desk.settle()
    before = desk.count("reconcile_run")
    catch_up(desk, DAYS[4])
    assert desk.count("reconcile_run") > before


def events(desk) -> list:
    """What happens in two days, as deeds that may come in any order."""

    def call(txn_id: int, amount_vnd: int, memo: str, number: str, day: date) -> None:
        desk.call(amount_vnd, memo, txn_id=txn_id, referenceCode=number, transactionDate=f"{day} 08:00:00")

    fine, lost, nameless = (desk.issue(X_VND * number) for number in (1, 2, 3))
    day_one = [line(X_VND, fine.reference, "FT1"), line(X_VND * 2, lost.reference, "FT2")]
    day_two = [line(X_VND * 3, nameless.reference, "FT3", day=DAYS[1])]
    books = [row(X_VND, f"Thu {fine.reference}"), row(X_VND * 3, f"Thu {nameless.reference}", day=DAYS[1])]
    return [
        lambda: call(1, X_VND, fine.reference, "FT1", DAYS[0]),
        lambda: call(3, X_VND * 3, nameless.reference, "FT3", DAYS[1]),
        lambda: desk.state(*day_one),
        lambda: desk.state(*day_two, opening=OPENING + X_VND * 3, days=(DAYS[1], DAYS[1])),
        lambda: desk.book(*books),
        lambda: catch_up(desk, DAYS[0]),
        lambda: catch_up(desk, DAYS[1]),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_order_and_repetition_of_arrivals_leave_the_findings_alike(desk: Desk, seed):
    deeds = events(desk)
    chance = random.Random(seed)
    deeds += chance.sample(deeds, 3)
    chance.shuffle(deeds)
    for deed in deeds:
        deed()
    for day in DAYS[:2]:
        catch_up(desk, day)
    assert standing(desk) == {
        DAYS[0]: ("proved", 1, {"missing_gateway": 1}),
        DAYS[1]: ("proved", 1, {}),
    }


def test_statements_of_days_before_the_first_run_get_nights_of_their_own(desk):
    later = DAYS[4] + timedelta(days=10)
    pay_and_state(desk, later, OPENING + X_VND)
    catch_up(desk, later)
    pay_and_state(desk, DAY, OPENING)
    catch_up(desk, later)
    found = standing(desk)
    assert found == {DAY: ("proved", 1, {}), later: ("proved", 1, {})}
    assert desk.rows(f"SELECT DISTINCT from_day FROM reconcile_run WHERE day = '{later}' ORDER BY 1") == [
        (DAYS[1],),
        (later,),
    ]


def test_a_night_between_two_others_takes_its_days_from_the_later_one(desk, week):
    last = DAYS[4]
    with desk.session() as session:
        session.execute(text("DELETE FROM standing_run WHERE day < :last"), {"last": last})
    pay_and_state(desk, last + timedelta(days=1), OPENING + 5 * X_VND)
    catch_up(desk, last + timedelta(days=1))
    catch_up(desk, DAYS[2])
    owners = desk.rows("""
        SELECT DISTINCT count(*) FROM standing_run h JOIN reconcile_run r ON r.id = h.run_id
        CROSS JOIN LATERAL generate_series(r.from_day, r.day, interval '1 day') AS d(day) GROUP BY d.day
    """)
    assert owners == [(1,)]


def test_a_callback_of_a_day_on_which_the_bank_wrote_no_statement_is_missed_once_the_balances_meet(desk):
    pay_and_state(desk, DAY, OPENING)
    catch_up(desk, DAY)
    lost = desk.issue(7 * X_VND)
    desk.pay(7 * X_VND, lost.reference, "FT7", day=DAYS[1])
    pay_and_state(desk, DAYS[2], OPENING + X_VND)
    run = catch_up(desk, DAYS[2])
    assert (run.state, run.exceptions) == (RunState.PROVED, {"missing_bank": 1})
