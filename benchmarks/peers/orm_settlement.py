"""Settlement as one writes it first: the ORM, one payment after the other, one commit each.

It writes the same rows as ours: transaction, link to its evidence, decision, allocations, credit, balance of the
invoice, numbered receipt, ledger entry with lines and balances; and the work leaves the outbox. It knows fewer cases.
"""

import secrets
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments import clock
from payments.inbox.models import BankTransaction, Evidence, TransactionEvidence, TransactionState
from payments.invoices.models import Invoice, InvoiceBalance, InvoiceLine, InvoiceState
from payments.ledger.models import Entry, EntryKind, EntryLine, LedgerAccount, LedgerBalance, LedgerRole
from payments.outbox import OutboxRow
from payments.receipts.models import Receipt, ReceiptCounter
from payments.settlement.filling import GROUP_ORDER
from payments.settlement.models import Allocation, PupilCredit, Settlement
from payments.settlement.rules import SettlementOutcome


@dataclass(frozen=True)
class Move:
    """A ledger line to be."""

    role: LedgerRole
    receiving_account_id: int | None
    fee_item_id: int | None
    amount_vnd: int


def settle_one(session: Session, row_id: int) -> None:
    """Settle one piece of evidence; the caller commits."""
    row = session.get_one(OutboxRow, row_id, with_for_update=True)
    evidence = session.get_one(Evidence, row.subject_id)
    transaction = _transaction(session, evidence)
    invoice = session.scalar(
        select(Invoice).where(Invoice.school_id == evidence.school_id, Invoice.reference.in_(evidence.references))
    )
    moves = [Move(LedgerRole.BANK, evidence.account_id, None, evidence.amount_vnd)]
    if invoice is None:
        transaction.state = TransactionState.UNMATCHED
        outcome = SettlementOutcome.UNKNOWN
        moves.append(Move(LedgerRole.SUSPENSE, evidence.account_id, None, -evidence.amount_vnd))
    else:
        transaction.state = TransactionState.CREDITED
        outcome, further = _pay(session, transaction, invoice)
        moves += further
        _receipt(session, transaction, invoice)
    session.add(
        Settlement(
            school_id=transaction.school_id,
            transaction_id=transaction.id,
            outcome=outcome,
            flags=[],
            suggestions=[],
            settled_at=clock.now(),
        )
    )
    _post(session, transaction, moves)
    session.delete(row)


def _transaction(session: Session, evidence: Evidence) -> BankTransaction:
    known = session.scalar(
        select(BankTransaction).where(
            BankTransaction.school_id == evidence.school_id,
            BankTransaction.account_id == evidence.account_id,
            BankTransaction.bank_reference == evidence.bank_reference,
            BankTransaction.amount_vnd == evidence.amount_vnd,
            BankTransaction.direction == evidence.direction,
        )
    )
    if known is not None:
        raise ValueError("another source has told of it: beyond this peer")
    transaction = BankTransaction(
        school_id=evidence.school_id,
        account_id=evidence.account_id,
        direction=evidence.direction,
        amount_vnd=evidence.amount_vnd,
        value_date=evidence.value_date,
        occurred_at=evidence.occurred_at,
        bank_reference=evidence.bank_reference,
        description=evidence.description,
        references=evidence.references,
        created_at=clock.now(),
    )
    session.add(transaction)
    session.flush()
    session.add(
        TransactionEvidence(
            school_id=evidence.school_id,
            transaction_id=transaction.id,
            evidence_id=evidence.id,
            source_key=f"callback:{evidence.connection_id}",
            rule="created",
        )
    )
    return transaction


def _pay(session: Session, transaction: BankTransaction, invoice: Invoice) -> tuple[SettlementOutcome, list[Move]]:
    school_id, moment = invoice.school_id, clock.now()
    balance = session.get_one(InvoiceBalance, (school_id, invoice.id), with_for_update=True)
    lines = session.scalars(
        select(InvoiceLine).where(InvoiceLine.school_id == school_id, InvoiceLine.invoice_id == invoice.id)
    ).all()
    open_vnd, left_vnd, used_vnd = balance.amount_vnd - balance.paid_vnd, transaction.amount_vnd, balance.paid_vnd
    moves = []
    for line in sorted(lines, key=lambda line: (not line.mandatory, GROUP_ORDER[line.legal_group], line.line_no)):
        covered = min(used_vnd, line.amount_vnd)
        used_vnd -= covered
        part = min(line.amount_vnd - covered, left_vnd)
        if part:
            left_vnd -= part
            session.add(
                Allocation(
                    school_id=school_id,
                    transaction_id=transaction.id,
                    invoice_id=invoice.id,
                    line_id=line.id,
                    amount_vnd=part,
                    created_at=moment,
                )
            )
            role = LedgerRole.RECEIVABLE if line.mandatory else LedgerRole.INCOME
            moves.append(Move(role, None, line.fee_item_id, -part))
    if left_vnd:
        session.add(
            PupilCredit(
                school_id=school_id,
                transaction_id=transaction.id,
                pupil_id=invoice.pupil_id,
                receiving_account_id=transaction.account_id,
                amount_vnd=left_vnd,
                created_at=moment,
            )
        )
        moves.append(Move(LedgerRole.CREDIT, transaction.account_id, None, -left_vnd))
    balance.paid_vnd += transaction.amount_vnd - left_vnd
    balance.state = InvoiceState.PAID if balance.paid_vnd == balance.amount_vnd else InvoiceState.PARTIAL
    balance.changed_at = moment
    if open_vnd == 0:
        return SettlementOutcome.TWICE, moves
    if transaction.amount_vnd == open_vnd:
        return SettlementOutcome.EXACT, moves
    return SettlementOutcome.OVER if transaction.amount_vnd > open_vnd else SettlementOutcome.SHORT, moves


def _receipt(session: Session, transaction: BankTransaction, invoice: Invoice) -> None:
    key = (invoice.school_id, clock.today().year, "XN")
    counter = session.get(ReceiptCounter, key, with_for_update=True)
    if counter is None:
        counter = ReceiptCounter(school_id=key[0], year=key[1], series=key[2], next_number=1)
        session.add(counter)
    session.add(
        Receipt(
            school_id=invoice.school_id,
            year=counter.year,
            series=counter.series,
            number=counter.next_number,
            transaction_id=transaction.id,
            pupil_id=invoice.pupil_id,
            amount_vnd=transaction.amount_vnd,
            received_on=transaction.value_date,
            issued_at=clock.now(),
            verify_code=secrets.token_urlsafe(15),
        )
    )
    counter.next_number += 1


def _post(session: Session, transaction: BankTransaction, moves: list[Move]) -> None:
    school_id = transaction.school_id
    entry = Entry(
        school_id=school_id,
        kind=EntryKind.SETTLEMENT,
        source_key=f"transaction:{transaction.id}",
        booked_on=transaction.value_date,
        posted_at=clock.now(),
    )
    session.add(entry)
    session.flush()
    moved = [(_account(session, school_id, move), move.amount_vnd) for move in moves]
    for account_id, amount_vnd in sorted(moved):
        session.add(EntryLine(school_id=school_id, entry_id=entry.id, account_id=account_id, amount_vnd=amount_vnd))
        balance = session.get(LedgerBalance, (school_id, account_id), with_for_update=True)
        if balance is None:
            balance = LedgerBalance(school_id=school_id, account_id=account_id, balance_vnd=0)
            session.add(balance)
        balance.balance_vnd += amount_vnd


def _account(session: Session, school_id: int, move: Move) -> int:
    wanted = {
        "school_id": school_id,
        "role": move.role,
        "receiving_account_id": move.receiving_account_id,
        "fee_item_id": move.fee_item_id,
    }
    account = session.scalar(select(LedgerAccount).filter_by(**wanted))
    if account is None:
        account = LedgerAccount(**wanted)
        session.add(account)
        session.flush()
    return account.id
