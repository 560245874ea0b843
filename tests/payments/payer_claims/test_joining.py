"""A claim meets the bank's word in either order, leads people to the invoice, and moves no money."""

import pytest

from payments.db import session_scope
from payments.payer_claims import queries
from payments.payer_claims.service import close
from payments.settlement import hunting
from payments.settlement.service import assign, undo
from tests.payments.payer_claims.story import TOLD, Story

pytestmark = pytest.mark.db
MONEY = (
    "SELECT count(*) FROM allocation UNION ALL SELECT count(*) FROM pupil_credit UNION ALL SELECT count(*) FROM receipt"
)
SEEN = "Ngân hàng báo có tiền, đang kiểm tra"
CHECKING = "Nhà trường đang kiểm tra"


def first_hint(told: Story) -> dict:
    [(hints,)] = told.rows("SELECT suggestions FROM settlement")
    return hints[0] if hints else {}


def transfer(told: Story) -> int:
    [(found,)] = told.rows("SELECT id FROM bank_transaction")
    return found


@pytest.mark.parametrize("claim_first", [True, False], ids=["claim first", "bank first"])
@pytest.mark.parametrize(
    ("reference", "memo"),
    [(TOLD, "chuyen tien hoc"), ("TRACE77", f"MBVCB.{TOLD}.426726.nop tien.CT tu 0011 NGUYEN MAU")],
    ids=["its number", "its memo"],
)
def test_a_claim_and_its_transfer_meet_whichever_comes_first(
    told: Story, claim_first: bool, reference: str, memo: str
) -> None:
    if claim_first:
        assert told.tell().status_code == 303
        assert CHECKING in told.page()
        assert "Bạn chưa chuyển? Xem cách nộp" in told.page(), "nobody is led to pay twice"
        assert SEEN not in told.page()
    told.bank_tells(115_000, memo, reference)
    told.settle()
    if not claim_first:
        told.tell()
    told.settle()
    assert SEEN in told.page()
    assert "it is being checked" in told.page(language="en")
    hint = first_hint(told)
    assert hint["invoice_ids"] == [told.home.invoice.id]
    assert "payer_reported" in hint["chips"]
    assert hint["score"] < 70, "with the amount alone it is not sure: it never stands among what is taken in bulk"
    assert {count for (count,) in told.rows(MONEY)} == {0}, "a word credits nothing"


def test_what_a_person_matches_turns_to_paid_and_back_with_undo(told: Story) -> None:
    told.tell()
    told.bank_tells(115_000)
    told.settle()
    school, invoice = told.home.school, told.home.invoice
    with session_scope(told.home.engine) as session:
        decision = assign(session, school.id, transfer(told), [invoice.id], school.accountant)
    page = told.page()
    assert "✓ Đã thanh toán" in page
    assert SEEN not in page
    assert CHECKING not in page
    with session_scope(told.home.engine) as session:
        assert queries.count_waiting(session, school.id) == 0
        undo(session, school.id, decision, school.accountant)
    assert SEEN in told.page()
    told.settle()


def test_money_that_names_its_invoice_simply_shows_as_paid(told: Story) -> None:
    told.tell()
    told.bank_tells(115_000, told.home.invoice.reference)
    told.settle()
    assert "✓ Đã thanh toán" in told.page()
    assert CHECKING not in told.page()
    with session_scope(told.home.engine) as session:
        assert queries.waiting(session, told.home.school.id) == []


def test_another_amount_than_claimed_is_not_told_to_the_payer_but_to_the_accountant(told: Story) -> None:
    told.tell(amount="115.000")
    told.bank_tells(120_000)
    told.settle()
    assert SEEN not in told.page()
    assert CHECKING in told.page()
    hint = first_hint(told)
    assert (hint["chips"], hint["against"]) == (["payer_reported", "same_account"], ["amount_differs"])
    with session_scope(told.home.engine) as session:
        [waiting] = queries.waiting(session, told.home.school.id)
    assert waiting.transaction_id == transfer(told)


def test_two_who_claim_one_transfer_are_a_tie_that_a_person_breaks(told: Story) -> None:
    token, theirs = told.neighbour()
    told.tell()
    told.tell(token=token, invoice=theirs.id)
    told.bank_tells(115_000)
    told.settle()
    [(hints,)] = told.rows("SELECT suggestions FROM settlement")
    assert {one["invoice_ids"][0] for one in hints} == {told.home.invoice.id, theirs.id}
    assert {one.get("rivals") for one in hints} == {2}
    assert told.rows("SELECT state FROM bank_transaction") == [("unmatched",)]


def test_a_closed_claim_leaves_the_suggestion(told: Story) -> None:
    told.tell()
    told.bank_tells(115_000)
    told.settle()
    school = told.home.school
    with session_scope(told.home.engine) as session:
        [waiting] = queries.waiting(session, school.id)
        close(session, school.id, waiting.id, "nhầm", school.accountant)
    told.settle()
    assert "payer_reported" not in first_hint(told).get("chips", [])


def test_what_a_person_took_back_is_not_matched_again_by_a_claim(told: Story) -> None:
    told.bank_tells(115_000, "chuyen tien hoc")
    told.settle()
    school = told.home.school
    with session_scope(told.home.engine) as session:
        decision = assign(session, school.id, transfer(told), [told.home.invoice.id], school.accountant)
        undo(session, school.id, decision, school.accountant)
    told.tell()
    told.settle()
    assert told.rows("SELECT state FROM bank_transaction") == [("unmatched",)]


def test_without_the_look_at_claims_no_suggestion_names_the_invoice(told: Story, monkeypatch) -> None:
    monkeypatch.setattr(hunting, "about", lambda *_: {})
    told.tell(amount="120.000")
    told.bank_tells(120_000)
    told.settle()
    assert first_hint(told) == {}


def test_a_claim_that_credited_by_itself_would_be_noticed(told: Story, monkeypatch) -> None:
    """The teeth of «a word credits nothing»: were the claim taken for a reference, money would move."""

    def believe(session, school_id, claim_ids) -> None:
        for transaction_id in queries.unmatched_named_by(session, school_id, claim_ids):
            assign(session, school_id, transaction_id, [told.home.invoice.id], told.home.school.accountant)

    monkeypatch.setattr("payments.settlement.service.tell_of_claims", believe)
    told.bank_tells(115_000)
    told.settle()
    told.tell()
    told.settle()
    assert {count for (count,) in told.rows(MONEY)} != {0}
