"""Each key of the one vocabulary that settlement and the inbox give, from the bank's call to the books.

After every step all invariants hold (``Bank.settle`` proves them): money is never refused, lost or made.
"""

from datetime import timedelta

import pytest

from payments import clock
from payments.invoices.models import InvoiceState
from payments.settlement.service import assign
from tests.payments.settlement.setting import take_out

pytestmark = pytest.mark.db

AFTER_DUE = "2025-09-25 10:00:00"


def test_exact(bank):
    issued = bank.issue(80_000, 20_000)
    bank.call(100_000, f"MBVCB.123.{issued.reference}.CT tu 0011 toi 0022")
    assert bank.settle() == {"exact": 1}
    assert bank.state(issued) == ("paid", 100_000)
    assert bank.decided() == [("credited", "exact", [])]


def test_a_reference_in_the_sender_s_own_fields_serves_when_the_memo_lost_it(bank):
    by_order, by_account = bank.issue(100_000), bank.issue(60_000)
    bank.call(100_000, "thanh toan hoc phi", code=by_order.reference)
    bank.call(60_000, "thanh toan hoc phi", subAccount=by_account.reference)
    bank.settle()
    assert [bank.state(one)[0] for one in (by_order, by_account)] == ["paid", "paid"]


def test_short(bank):
    issued = bank.issue(80_000, 20_000)
    bank.call(70_000, issued.reference)
    assert bank.settle() == {"short": 1}
    assert bank.state(issued) == ("partial", 70_000)
    lines = "SELECT l.mandatory, a.amount_vnd FROM allocation a JOIN invoice_line l ON l.id = a.line_id"
    assert bank.rows(lines) == [(True, 70_000)], "mandatory lines are paid before voluntary ones"
    bank.call(30_000, issued.reference)
    assert bank.settle() == {"exact": 1}
    assert bank.state(issued) == ("paid", 100_000)


def test_over(bank):
    issued = bank.issue(100_000)
    bank.call(120_000, issued.reference)
    assert bank.settle() == {"over": 1}
    assert bank.state(issued) == ("paid", 100_000)
    assert bank.credit() == [(bank.school.pupil, bank.school.account, 20_000)]


def test_twice(bank):
    issued = bank.issue(100_000)
    for _ in range(2):
        bank.call(100_000, issued.reference)
    assert bank.settle() == {"exact": 1, "twice": 1}
    assert bank.state(issued) == ("paid", 100_000)
    assert bank.credit() == [(bank.school.pupil, bank.school.account, 100_000)]


def test_several(bank):
    sibling = bank.pupil()
    mine, theirs = bank.issue(100_000), bank.issue(70_000, pupil=sibling)
    bank.call(170_000, f"{mine.reference} {theirs.reference}")
    assert bank.settle() == {"several": 1}
    assert [bank.state(one) for one in (mine, theirs)] == [("paid", 100_000), ("paid", 70_000)]
    assert bank.rows("SELECT pupil_id, amount_vnd FROM receipt ORDER BY number") == [
        (bank.school.pupil, 100_000),
        (sibling, 70_000),
    ]


def test_several_with_another_sum_waits_for_a_person(bank):
    first, second = bank.issue(100_000), bank.issue(70_000)
    bank.call(30_000, first.reference)
    bank.settle()
    bank.call(140_000, f"{first.reference} {second.reference}")
    assert bank.settle() == {"several": 1}
    assert bank.decided()[1] == ("unmatched", "several", [])
    hints = bank.rows("SELECT suggestions FROM settlement ORDER BY id DESC LIMIT 1")[0][0]
    chips = ["named", "open_sum"]
    assert hints == [{"invoice_ids": [first.id, second.id], "chips": chips, "against": [], "score": 90}]


def test_replaced(bank):
    old = bank.issue(100_000)
    with bank.session() as session:
        take_out(session, bank.school, old, InvoiceState.REPLACED)
    new = bank.issue(80_000, replaces=old)
    bank.call(100_000, old.reference)
    assert bank.settle() == {"replaced": 1}
    assert [bank.state(one) for one in (old, new)] == [("replaced", 0), ("paid", 80_000)]
    assert bank.decided() == [("credited", "replaced", ["over"])]
    assert bank.credit() == [(bank.school.pupil, bank.school.account, 20_000)]


def test_replaced_by_nothing_is_credit(bank):
    old = bank.issue(100_000)
    with bank.session() as session:
        take_out(session, bank.school, old, InvoiceState.CANCELLED)
    bank.call(100_000, old.reference)
    assert bank.settle() == {"replaced": 1}
    assert bank.state(old) == ("cancelled", 0)
    assert bank.credit() == [(bank.school.pupil, bank.school.account, 100_000)]


def test_late(bank):
    issued = bank.issue(100_000)
    bank.call(100_000, issued.reference, transactionDate=AFTER_DUE)
    assert bank.settle() == {"exact": 1}
    assert bank.state(issued) == ("paid", 100_000)
    assert bank.decided() == [("credited", "exact", ["late"])]


def test_wrong_fund(bank):
    issued = bank.issue(100_000)
    bank.call(100_000, issued.reference, number=bank.numbers[bank.school.other_account])
    assert bank.settle() == {"wrong_fund": 1}
    assert bank.state(issued) == ("paid", 100_000)
    booked = """
        SELECT a.receiving_account_id, b.balance_vnd FROM ledger_balance b
        JOIN ledger_account a ON a.school_id = b.school_id AND a.id = b.account_id WHERE a.role = 'bank'
    """
    assert bank.rows(booked) == [(bank.school.other_account, 100_000)], "booked where it arrived"
    bank.call(100_000, issued.reference)
    bank.settle()
    assert bank.credit() == [(bank.school.pupil, bank.school.other_account, 100_000)]
    assert bank.decided() == [("credited", "wrong_fund", ["twice"]), ("credited", "exact", [])]


def test_reversal(bank):
    issued = bank.issue(100_000)
    bank.call(100_000, issued.reference, referenceCode="FT77")
    bank.settle()
    bank.take_back(100_000, "FT77")
    assert +bank.settle() == {"reversal": 1}
    assert bank.state(issued) == ("open", 0)
    assert bank.decided() == [("reversed", "exact", ["reversal"]), ("debit", "reversal", [])]
    assert bank.rows("SELECT number, revoked_reason FROM receipt") == [(1, "reversal")]
    assert bank.rows("SELECT sum(balance_vnd)::bigint FROM ledger_balance WHERE balance_vnd > 0") == [(100_000,)]


def test_reversal_that_comes_first(bank):
    issued = bank.issue(100_000)
    bank.take_back(100_000, "FT77")
    assert bank.settle() == {"debit": 1}
    bank.call(100_000, issued.reference, referenceCode="FT77")
    bank.settle()
    assert bank.state(issued) == ("open", 0)
    assert [state for state, _, _ in bank.decided()] == ["debit", "reversed"]


def test_damaged(bank):
    issued = bank.issue(100_000)
    code = issued.reference
    damaged = code[:5] + ("A" if code[5] != "A" else "B") + code[6:]
    bank.call(100_000, f"{damaged} hoc phi")
    assert bank.settle() == {"damaged": 1}
    assert bank.state(issued) == ("open", 0), "a repaired reference is never acted on"
    hints = bank.rows("SELECT suggestions FROM settlement")[0][0]
    chips = ["near_reference", "same_amount", "in_time", "same_account"]
    assert hints[0] == {"invoice_ids": [issued.id], "chips": chips, "against": [], "score": 90}


def test_unknown(bank):
    bank.issue(50_000)
    bank.call(123_456, "chuyen tien")
    assert bank.settle() == {"unknown": 1}
    assert bank.decided() == [("unmatched", "unknown", [])]
    assert bank.rows("SELECT suggestions FROM settlement") == [([],)]


def test_lump(bank):
    pupils = [bank.pupil(name) for name in ("Bình", "Chi", "Dũng")]
    invoices = [bank.issue(60_000, pupil=pupil) for pupil in pupils]
    bank.call(180_000, "GVCN nop tien LOP 1A thang 9")
    assert bank.settle() == {"lump": 1}
    hint = bank.rows("SELECT suggestions FROM settlement")[0][0][0]
    chips = ["whole_class", "class_named"]
    assert hint == {"invoice_ids": [one.id for one in invoices], "chips": chips, "against": [], "score": 50}
    with bank.session() as session:
        transfer = bank.rows("SELECT id FROM bank_transaction")[0][0]
        assign(session, bank.school.id, transfer, hint["invoice_ids"], bank.school.accountant)
    assert [bank.state(one) for one in invoices] == [("paid", 60_000)] * 3
    bank.prove()


def test_redelivered(bank):
    issued = bank.issue(100_000)
    answers = [bank.call(100_000, issued.reference, txn_id=5) for _ in range(4)]
    assert {answer.status for answer in answers} == {answers[0].status}
    assert bank.settle() == {"exact": 1}
    assert bank.rows("SELECT outcome, count(*) FROM raw_callback GROUP BY 1 ORDER BY 1") == [
        ("accepted", 1),
        ("duplicate", 3),
    ]
    assert bank.credit() == []


def test_forged(bank):
    issued = bank.issue(100_000)
    answer = bank.call(100_000, issued.reference, secret="another school's secret")
    assert answer.status == 401
    assert bank.settle() == {}
    assert bank.state(issued) == ("open", 0)
    assert bank.rows("SELECT outcome FROM raw_callback") == [("bad_signature",)]


def test_stale(bank):
    issued = bank.issue(100_000)
    bank.call(100_000, issued.reference, at=clock.now() - timedelta(hours=1))
    assert bank.settle() == {}
    assert bank.state(issued) == ("open", 0)
    assert bank.rows("SELECT outcome FROM raw_callback") == [("stale",)]


def test_malformed(bank):
    issued = bank.issue(100_000)
    bank.call(100_000, issued.reference, transferAmount="một trăm")
    assert bank.settle() == {}
    assert bank.state(issued) == ("open", 0)
    assert bank.rows("SELECT outcome FROM raw_callback") == [("malformed",)]


def test_foreign_account(bank):
    issued = bank.issue(100_000)
    bank.call(100_000, issued.reference, number="999999999")
    assert bank.settle() == {}
    assert bank.state(issued) == ("open", 0)
    assert bank.rows("SELECT school_id, amount_vnd FROM evidence") == [(None, 100_000)], "kept, and credited to nobody"
    assert bank.rows("SELECT outcome FROM raw_callback") == [("foreign_account",)]
