"""Money on pupils' own accounts: from the banks' door through the worker to invoice, credit or a person."""

import json
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bank_adapters.contract import Answer, Request
from payments import clock, outbox
from payments.banking import virtual_accounts
from payments.banking.connections import AccountName
from payments.banking.models import ReceivingAccount
from payments.banking.rules import ClosedList, Target
from payments.developers.senders import Payment, granted_token, signed_request, token_request
from payments.settlement import rules, settling
from payments.settlement.models import ExcludeReason
from payments.settlement.service import assign, cancel_invoice, decide_refund, exclude, propose_refund, undo
from tests.payments.inbox.callers import Sender, make_sender
from tests.payments.setting import make_school
from tests.payments.settlement.bank import Bank
from tests.payments.settlement.setting import PAID_ON, Issued

pytestmark = pytest.mark.db
PREFIX = "96247"


@pytest.fixture
def own(bank: Bank) -> str:
    """The number of the school's pupil, given as an operator gives it."""
    return give(bank)


def give(bank: Bank, pupil: int | None = None, account: int | None = None) -> str:
    """Everybody gets a number; that of the pupil (the school's first one by default)."""
    with bank.session() as session:
        receiving = session.get_one(ReceivingAccount, (bank.school.id, account or bank.school.account))
        virtual_accounts.assign(session, receiving, prefix=PREFIX)
        return virtual_accounts.numbers_of_pupil(session, bank.school.id, pupil or bank.school.pupil)[receiving.id]


def on(bank: Bank, number: str, amount_vnd: int, memo: str = "nop tien", **more: Any) -> None:
    assert bank.call(amount_vnd, memo, subAccount=number, **more).status == 200


def paid(bank: Bank, *issued: Issued) -> list[int]:
    return [bank.state(one)[1] for one in issued]


def kept(bank: Bank) -> int:
    return sum(vnd for _, _, vnd in bank.credit())


# --- what it pays


def test_it_pays_the_pupil_s_invoices_of_that_account_in_the_order_of_allocation(bank, own):
    first, second = bank.issue(100_000, 50_000), bank.issue(80_000)
    other_fund = bank.issue(70_000, account=bank.school.other_account)
    on(bank, own, 200_000)
    assert bank.settle() == {"exact": 1}, "what is open was chosen, and is no debt"
    # The mandatory lines of both come before the club of the first.
    assert paid(bank, first, second, other_fund) == [120_000, 80_000, 0]
    on(bank, own, 50_000)
    assert bank.settle() == {"over": 1}
    assert paid(bank, first, second, other_fund) == [150_000, 80_000, 0]
    assert bank.credit() == [(bank.school.pupil, bank.school.account, 20_000)]
    assert bank.decided()[1] == ("credited", "over", ["own_account"])


def test_a_memo_that_names_an_invoice_comes_first(bank, own):
    oldest, meant = bank.issue(100_000), bank.issue(100_000)
    on(bank, own, 100_000, meant.reference)
    assert bank.settle() == {"exact": 1}
    assert paid(bank, oldest, meant) == [0, 100_000]


def test_a_later_payment_by_memo_moves_it_on(bank, own):
    first, second = bank.issue(100_000), bank.issue(100_000)
    on(bank, own, 100_000)
    bank.settle()
    assert paid(bank, first, second) == [100_000, 0]
    bank.call(100_000, first.reference)
    assert bank.settle() == {"exact": 1}
    assert paid(bank, first, second) == [100_000, 100_000]
    assert kept(bank) == 0


def test_credit_pays_what_is_issued_later(bank, own):
    on(bank, own, 100_000)
    assert bank.settle() == {"over": 1}
    assert kept(bank) == 100_000
    issued = bank.issue(80_000)
    with bank.session() as session:
        round_id = session.scalar(text("SELECT round_id FROM invoice WHERE id = :id"), {"id": issued.id})
        outbox.put(session, "settlement", "issued", school_id=bank.school.id, subject_id=round_id)
    bank.settle()
    assert (paid(bank, issued), kept(bank)) == ([80_000], 20_000)


def test_it_follows_a_cancelled_invoice_to_the_next_one(bank, own):
    first, second = bank.issue(100_000), bank.issue(60_000)
    on(bank, own, 100_000)
    bank.settle()
    with bank.session() as session:
        cancel_invoice(session, bank.school.id, first.id, bank.school.accountant)
    bank.prove()
    assert (paid(bank, first, second), kept(bank)) == ([0, 60_000], 40_000)


def test_what_the_bank_takes_back_leaves_the_invoice_to_the_next_money(bank, own):
    issued = bank.issue(100_000)
    on(bank, own, 100_000, txn_id=1)
    on(bank, own, 100_000, txn_id=2)
    bank.settle()
    assert (paid(bank, issued), kept(bank)) == ([100_000], 100_000)
    bank.take_back(100_000, "FT000000001")
    bank.settle()
    assert (paid(bank, issued), kept(bank)) == ([100_000], 0)


# --- what a person decides


def test_a_memo_of_another_pupil_waits_for_a_person_with_both_sides_named(bank, own):
    mine, theirs = bank.issue(100_000), bank.issue(90_000, pupil=bank.pupil())
    on(bank, own, 90_000, theirs.reference)
    assert bank.settle() == {"other_pupil": 1}
    assert paid(bank, mine, theirs) == [0, 0]
    [(transaction, hints)] = bank.rows("SELECT transaction_id, suggestions FROM settlement")
    assert hints == [
        {"invoice_ids": [theirs.id], "chips": ["named"], "against": ["rivals"], "score": 50, "rivals": 2},
        {"invoice_ids": [mine.id], "chips": ["own_account"], "against": ["rivals"], "score": 40, "rivals": 2},
    ]
    with bank.session() as session:
        decision = assign(session, bank.school.id, transaction, [mine.id], bank.school.accountant)
    assert paid(bank, mine, theirs) == [90_000, 0]
    with bank.session() as session:
        undo(session, bank.school.id, decision, bank.school.accountant)
    bank.prove()
    assert bank.decided() == [("unmatched", "other_pupil", [])]


def test_a_memo_of_several_pupils_with_the_owner_among_them_is_shared_as_it_says(bank, own):
    mine, theirs = bank.issue(100_000), bank.issue(90_000, pupil=bank.pupil())
    on(bank, own, 190_000, f"{mine.reference} {theirs.reference}")
    assert bank.settle() == {"several": 1}
    assert paid(bank, mine, theirs) == [100_000, 90_000]


@pytest.mark.parametrize("statement_first", [True, False])
def test_a_memo_that_only_the_statement_tells_counts_in_either_order(bank, own, statement_first):
    oldest, meant = bank.issue(100_000), bank.issue(100_000)
    theirs = bank.issue(100_000, pupil=bank.pupil())
    steps = [
        lambda: bank.state_line(70_000, meant.reference, "FT000000001", day=PAID_ON),
        lambda: bank.state_line(60_000, theirs.reference, "FT000000002", day=PAID_ON),
        lambda: on(bank, own, 70_000, txn_id=1),
        lambda: on(bank, own, 60_000, txn_id=2),
    ]
    for step in steps if statement_first else reversed(steps):
        step()
        bank.settle()
    assert paid(bank, oldest, meant, theirs) == [0, 70_000, 0]
    assert sorted(bank.decided()) == [("credited", "short", []), ("unmatched", "other_pupil", [])]
    assert kept(bank) == 0


def test_money_on_a_revoked_number_is_still_the_pupil_s_and_is_flagged(bank, own):
    issued = bank.issue(100_000)
    with bank.session() as session:
        virtual_accounts.revoke(session, bank.school.id, own)
    late = (clock.now() + timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")
    on(bank, own, 60_000, transactionDate=late)
    on(bank, own, 40_000)
    bank.settle()
    assert paid(bank, issued) == [100_000]
    flags = bank.rows("""
        SELECT t.amount_vnd, array_remove(s.flags, 'late') FROM bank_transaction t
        JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id ORDER BY t.amount_vnd
    """)
    assert flags == [(40_000, ["own_account"]), (60_000, ["own_account", "revoked_number"])]


# --- every sender's way to name it


def bank_sender(bank: Bank, adapter: str, secret: dict[str, str]) -> Sender:
    number = bank.numbers[bank.school.account]
    accounts = [AccountName("970998", number), AccountName("970998", number, "virtual_prefix", PREFIX)]
    return make_sender(
        bank.engine, bank.settings, adapter=adapter, secret=secret, school=bank.school, accounts=accounts
    )


def payment(bank: Bank, own: str, amount_vnd: int, **changed: Any) -> Payment:
    values = {
        "account_number": bank.numbers[bank.school.account],
        "virtual_account": own,
        "amount_vnd": amount_vnd,
        "memo": "nop tien hoc",
        "bank_reference": f"FT{amount_vnd}",
        "txn_id": str(amount_vnd),
        "occurred_at": clock.now(),
    }
    return Payment(**{**values, **changed})


@pytest.mark.parametrize("adapter", ["vietqr_vn", "mb"])
def test_mb_and_vietqr_vn_name_it_as_va(bank, own, adapter):
    issued = bank.issue(100_000)
    secret = {"username": "mb", "password": "door-test-password", "jwt_secret": "k" * 32}
    sender = bank_sender(bank, adapter, secret)
    bearer = granted_token(bank.shell.call(sender.url, token_request(secret)).body)
    request = signed_request(adapter, secret, payment(bank, own, 100_000), sent_at=clock.now(), bearer=bearer)
    assert bank.shell.call(sender.url, request).status == 200
    assert bank.settle() == {"exact": 1}
    assert paid(bank, issued) == [100_000]


def test_a_bank_may_report_the_number_as_the_account_itself(bank, own):
    issued = bank.issue(100_000)
    sender = bank_sender(bank, "sepay", {"api_key": "door-test-key"})

    def report(number: str, txn_id: str) -> Answer:
        told = payment(bank, own, 60_000, account_number=number, virtual_account=None, txn_id=txn_id)
        request = signed_request("sepay", {"api_key": "door-test-key"}, told, sent_at=clock.now())
        return bank.shell.call(sender.url, request)

    assert report(own, "1").status == 200
    assert report(f"{own[:-2]}{(int(own[-2:]) + 1) % 100:02d}", "2").status == 200
    assert bank.settle() == {"short": 1}
    assert paid(bank, issued) == [60_000]
    assert bank.rows("SELECT outcome FROM raw_callback ORDER BY id") == [("accepted",), ("foreign_account",)]


@pytest.mark.parametrize("names", ["recvVirtualAcctId", "custCode"])
def test_vietinbank_names_it_as_virtual_account_or_as_the_customer(bank, own, names):
    issued = bank.issue(100_000)
    theirs, ours = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = theirs.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    sender = bank_sender(
        bank, "vietinbank", {"public_pem": public.decode(), "private_pem": ours.private_bytes(*pem).decode()}
    )
    notice = {"transId": "77001", "transTime": "20250910081530", "custCode": own, "amount": "100000",
              "bankTransId": "9D1B77001", "remark": "nop tien hoc"}  # fmt: skip
    message = "".join(notice.values()).encode()
    signature = b64encode(theirs.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()
    both = names == "recvVirtualAcctId"
    notice |= {
        "recvAcctId": bank.numbers[bank.school.account],
        "recvVirtualAcctId": own if both else "",
        "transType": "3" if both else "C",
        "signature": signature,
    }
    body = json.dumps({"currencyCode": "VND", **notice}).encode()
    answer = bank.shell.call(sender.url, Request("POST", "notify-bill", "", {}, body, "203.0.113.9"))
    assert json.loads(answer.body)["errorCode"] == "00"
    assert bank.settle() == {"exact": 1}
    assert paid(bank, issued) == [100_000]


# --- whose number it is


def other_school_reports(bank: Bank, own: str) -> tuple[bool, str, bool]:
    """The sender of another school names the number: is the money ours, its state, and is it known as the pupil's."""
    with bank.session() as session:
        elsewhere = make_school(session)
        number = session.get_one(ReceivingAccount, (elsewhere.id, elsewhere.account)).number
    accounts = [AccountName("970998", number), AccountName("970998", number, "virtual_prefix", PREFIX)]
    sender = make_sender(
        bank.engine, bank.settings, secret={"api_key": "other-key"}, school=elsewhere, accounts=accounts
    )
    told = payment(bank, own, 100_000, account_number=number)
    request = signed_request("sepay", {"api_key": "other-key"}, told, sent_at=clock.now())
    assert bank.shell.call(sender.url, request).status == 200
    bank.school, mine = elsewhere, bank.school
    bank.settle()
    bank.school = mine
    bank.settle()
    [(state, school_id, account)] = bank.rows("SELECT state, school_id, virtual_account_id FROM bank_transaction")
    return school_id == mine.id, state, account is not None


def test_another_school_s_sender_never_credits_the_number(bank, own):
    issued = bank.issue(100_000)
    assert other_school_reports(bank, own) == (False, "unmatched", False)
    assert paid(bank, issued) == [0]


def test_the_other_account_of_the_school_does_not_credit_the_number_either(bank, own):
    issued = bank.issue(100_000)
    bank.call(100_000, "nop tien", number=bank.numbers[bank.school.other_account], subAccount=own)
    assert bank.settle() == {"unknown": 1}
    assert paid(bank, issued) == [0]


def test_a_number_is_never_given_to_another_pupil(bank, own):
    other = bank.pupil()
    with bank.session() as session:
        virtual_accounts.revoke(session, bank.school.id, own)
    assert give(bank, other) != own
    for statement in (
        "UPDATE virtual_account SET pupil_id = :other WHERE number = :own",
        "UPDATE virtual_account SET revoked_at = NULL WHERE number = :own",
        "DELETE FROM virtual_account WHERE number = :own",
        """
        INSERT INTO virtual_account (school_id, receiving_account_id, pupil_id, number, assigned_at)
        SELECT school_id, receiving_account_id, :other, number, now() FROM virtual_account WHERE number = :own
        """,
    ):
        with pytest.raises(IntegrityError), bank.session() as session:
            session.execute(text(statement), {"own": own, "other": other})


# --- teeth


def test_without_the_rule_that_the_memo_comes_first_it_pays_what_nobody_meant(bank, own, monkeypatch):
    oldest, meant = bank.issue(100_000), bank.issue(100_000)
    monkeypatch.setattr(rules.Book, "named_by", lambda *_: [])
    on(bank, own, 100_000, meant.reference)
    bank.settle()
    assert paid(bank, oldest, meant) == [100_000, 0]


def test_without_reading_again_what_the_statement_tells_later_would_stop_the_school(bank, own, monkeypatch):
    oldest, meant = bank.issue(100_000), bank.issue(100_000)
    on(bank, own, 70_000, txn_id=1)
    bank.settle()
    monkeypatch.setattr(settling, "reopen", lambda *_: set())
    bank.state_line(70_000, meant.reference, "FT000000001", day=PAID_ON)
    bank.settle()
    # The line is known, and the money still pays what nobody meant.
    assert paid(bank, oldest, meant) == [70_000, 0]


def test_without_the_closed_list_another_school_s_word_would_count_as_one_about_our_account(bank, own, monkeypatch):
    issued = bank.issue(100_000)
    ours = Target(bank.school.id, bank.school.account)
    monkeypatch.setattr(ClosedList, "resolve", lambda *_: ours)
    assert other_school_reports(bank, own) == (True, "credited", True)
    assert paid(bank, issued) == [100_000]


# --- what goes back to the payer


def test_what_goes_back_to_the_payer_pays_no_later_invoice_until_it_is_undone(bank: Bank, own: str):
    first = bank.issue(60_000)
    on(bank, own, 100_000)
    bank.settle()
    [(transfer,)] = bank.rows("SELECT id FROM bank_transaction")
    with bank.session() as session:
        refund = propose_refund(session, bank.school.id, transfer, bank.school.accountant, pupil_id=bank.school.pupil)
    with bank.session() as session:
        decide_refund(session, bank.school.id, refund, bank.school.principal, approved=True)
    later = bank.issue(30_000)
    on(bank, own, 10_000)
    bank.settle()
    assert paid(bank, first, later) == [60_000, 10_000]
    with bank.session() as session:
        undo(session, bank.school.id, refund, bank.school.accountant)
    bank.prove()
    assert paid(bank, first, later) == [60_000, 30_000]
    assert kept(bank) == 20_000


def test_a_late_push_about_excluded_money_brings_no_money_and_moves_none(bank: Bank):
    """The statement came first and a person excluded its line; then the callback names an invoice."""
    issued = bank.issue(100_000)
    bank.state_line(100_000, "LAI", "FT31", day=PAID_ON)
    bank.settle()
    [(transfer,)] = bank.rows("SELECT id FROM bank_transaction")
    with bank.session() as session:
        exclude(session, bank.school.id, transfer, ExcludeReason.BANK_INTEREST, bank.school.accountant)
    bank.call(100_000, issued.reference, referenceCode="FT31")
    bank.settle()
    assert [state for state, _, _ in bank.decided()] == ["excluded"], "the decision stays, whatever is heard"
    assert bank.state(issued) == ("open", 0)
    assert bank.rows("SELECT count(*) FROM held_evidence") == [(1,)], "a person sees that somebody says otherwise"
