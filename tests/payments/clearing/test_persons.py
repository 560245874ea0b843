"""A person's choice: what it may be, that it stays, and that it can be taken back."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from payments.clearing.service import dissolve_by_person, match_by_person
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.inbox.models import BankTransaction
from payments.settlement.models import ExcludeReason
from payments.settlement.service import (
    assign,
    confirm_refund,
    decide_refund,
    exclude,
    propose_refund,
    undo,
)
from tests.payments.clearing.street import Street
from tests.payments.setting import make_school

pytestmark = pytest.mark.db


def waiting(street: Street, net_vnd: int = 390_000) -> tuple[int, list[int]]:
    """Two payments and a line that nothing explains."""
    for amount_vnd in (100_000, 300_000):
        street.pays(street.issue(amount_vnd), amount_vnd)
    street.line(net_vnd)
    street.work()
    [line_id] = street.ids(owed=False)
    return line_id, street.ids()


def matched(street: Street, line_id: int, items: list[int], note: str | None = "Theo hợp đồng") -> int:
    return match_by_person(street.session, street.school.id, line_id, items, street.school.accountant, note=note)


def refused(street: Street, line_id: int, items: list[int], note: str | None = None) -> str:
    with pytest.raises(DomainError) as caught:
        matched(street, line_id, items, note)
    return caught.value.code


def test_a_person_s_payout_clears_and_its_fee_has_a_reason(street):
    line_id, items = waiting(street)
    assert refused(street, line_id, items) == "explain_fee"
    matched(street, line_id, items)
    street.work()
    assert street.payouts() == [("person", 400_000, 10_000, 2)]
    assert street.books() == {"bank": 390_000, "fee": 10_000, "income": -400_000}
    audited = "SELECT count(*) FROM audit_event WHERE school_id = :school AND action = 'payout.matched'"
    assert street.rows(audited) == [(1,)]


def test_what_does_not_go_together_is_refused_and_moves_nothing(street):
    line_id, items = waiting(street)
    other = street.intermediary()
    street.pays(street.issue(), by=other)
    street.work()
    before = street.books()
    strange = next(key for key in street.ids() if key not in items)
    assert refused(street, line_id, []) == "nothing_chosen"
    assert refused(street, line_id, items[:1]) == "pays_too_much"
    assert refused(street, line_id, [*items, strange]) == "several_intermediaries"
    assert refused(street, line_id, [line_id]) == NotFoundError().code
    school = make_school(street.session)
    with pytest.raises(NotFoundError):
        match_by_person(street.session, school.id, line_id, items, school.accountant)
    assert street.books() == before


def test_a_payment_is_in_one_payout_only(street):
    line_id, items = waiting(street)
    street.line(90_000, day=2)
    street.work()
    other_line = street.ids(owed=False)[1]
    matched(street, line_id, items)
    assert refused(street, other_line, items[:1], "x") == "in_a_payout"


def test_it_stays_whatever_arrives_until_a_person_dissolves_it(street):
    line_id, items = waiting(street, 395_600 - 7)
    payout_id = matched(street, line_id, items)
    street.pays(street.issue(50_000), 50_000)
    street.work()
    assert street.payouts() == [("person", 400_000, 4_407, 2)]
    dissolve_by_person(street.session, street.school.id, payout_id, street.school.accountant)
    street.work()
    assert street.payouts() == []
    assert street.states() == ["unmatched"]
    with pytest.raises(ConflictError):
        dissolve_by_person(street.session, street.school.id, payout_id, street.school.accountant)


def test_what_a_machine_explained_and_a_person_dissolved_stays_dissolved(street):
    street.pays(street.issue())
    street.line(98_900)
    street.work()
    [(payout_id,)] = street.rows("SELECT id FROM payout WHERE school_id = :school")
    dissolve_by_person(street.session, street.school.id, payout_id, street.school.accountant)
    street.pays(street.issue(70_000), 70_000, day=5)
    street.work()
    assert street.payouts() == []
    assert street.states() == ["unmatched"]


def test_a_line_that_a_person_gave_to_a_pupil_is_no_payout(street):
    invoice = street.issue(98_900)
    street.line(98_900)
    street.work()
    [line_id] = street.ids(owed=False)
    assign(street.session, street.school.id, line_id, [invoice.id], street.school.accountant)
    street.pays(street.issue())
    street.work()
    assert street.states() == ["credited"]
    assert refused(street, line_id, street.ids()) == "no_such_payout"


@pytest.mark.parametrize("deed", ["exclude", "refund"])
def test_a_line_that_a_person_excluded_or_sends_back_is_no_payout_until_that_is_undone(street, deed):
    session, school = street.session, street.school
    street.line(98_900)
    street.work()
    [line_id] = street.ids(owed=False)
    if deed == "exclude":
        decision = exclude(session, school.id, line_id, ExcludeReason.OTHER_INCOME, school.accountant)
    else:
        decision = propose_refund(session, school.id, line_id, school.accountant)
    street.pays(street.issue())
    street.work()
    assert street.payouts() == []
    assert refused(street, line_id, street.ids()) == "no_such_payout"
    undo(session, school.id, decision, school.accountant)
    street.work()
    assert street.states() == ["payout"], "undone, it is explained as if nothing had been decided"


def test_a_line_whose_excess_goes_back_is_no_payout_of_a_payment_that_it_names(street):
    session, school = street.session, street.school
    issued = street.issue(90_000)
    street.line(98_900, f"QT {issued.reference}")
    street.work()
    [line_id] = street.ids(owed=False)
    refund = propose_refund(session, school.id, line_id, school.accountant, pupil_id=school.pupil)
    decide_refund(session, school.id, refund, school.principal, approved=True)
    street.pays(issued)
    street.work()
    assert street.payouts() == []
    assert street.books()["refund"] == -8_900
    assert refused(street, line_id, street.ids()) == "no_such_payout"


def test_what_an_intermediary_owes_can_be_excluded_or_sent_back_and_is_cleared_all_the_same(street):
    session, school = street.session, street.school
    for amount_vnd in (100_000, 300_000):
        street.told(amount_vnd, "khong ro")
    street.work()
    mistaken, strange = session.scalars(select(BankTransaction.id).order_by(BankTransaction.amount_vnd))
    exclude(session, school.id, mistaken, ExcludeReason.MISTAKEN, school.accountant)
    refund = propose_refund(session, school.id, strange, school.accountant)
    decide_refund(session, school.id, refund, school.principal, approved=True)
    assert street.books() == {"clearing": 400_000, "excluded": -100_000, "refund": -300_000}
    street.line(395_600)
    street.line(300_000, "CHI HOAN TRA", day=2, direction="debit")
    street.work()
    assert street.payouts()[0][1:] == (400_000, 4_400, 2)
    confirm_refund(session, school.id, refund, street.ids(owed=False)[1], school.accountant)
    street.work()
    assert street.books() == {"bank": 95_600, "fee": 4_400, "excluded": -100_000}


def test_the_database_keeps_a_line_and_a_payment_in_one_live_payout(street):
    line_id, items = waiting(street)
    payout_id = matched(street, line_id, items)
    again = (
        """
        INSERT INTO payout
            (school_id, transaction_id, connection_id, gross_vnd, fee_vnd, rule, former_outcome, made_at)
        SELECT school_id, transaction_id, connection_id, gross_vnd, fee_vnd, 'due', 'unknown', made_at FROM payout
        """,
        """
        INSERT INTO payout_item (school_id, payout_id, transaction_id, amount_vnd)
        SELECT school_id, payout_id, transaction_id, amount_vnd FROM payout_item
        """,
        f"UPDATE payout SET fee_vnd = 0 WHERE id = {payout_id}",
        f"UPDATE payout_item SET amount_vnd = 5 WHERE payout_id = {payout_id}",
        f"DELETE FROM payout_item WHERE payout_id = {payout_id}",
        f"UPDATE connection SET settles = 'direct', payout_days = NULL WHERE id = {street.wallet}",
    )
    for statement in again:
        with pytest.raises(DBAPIError), street.session.begin_nested():
            street.session.execute(text(statement))
