"""Invoices and bank facts for tests of settlement, written directly; the books are posted by the ledger."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import count
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from payments import outbox
from payments.inbox.models import (
    BankTransaction,
    Direction,
    Evidence,
    EvidenceStatus,
    Source,
    TransactionEvidence,
)
from payments.invoices import reference
from payments.invoices.models import (
    CollectionRound,
    Invoice,
    InvoiceBalance,
    InvoiceLine,
    InvoiceState,
    RoundState,
    VoluntaryChoice,
)
from payments.ledger.models import EntryKind, LedgerRole
from payments.ledger.service import Posting, PostingLine, post
from tests.payments.setting import OPENED, SchoolSetting

DUE = date(2025, 9, 20)
PAID_ON = date(2025, 9, 10)
_serial = count(1)


@dataclass(frozen=True)
class Issued:
    """An issued invoice."""

    id: int
    reference: str


def open_round(session: Session, school: SchoolSetting) -> int:
    """A round whose invoices are out."""
    collection_round = CollectionRound(
        school_id=school.id,
        code=f"D{next(_serial)}",
        name="Đợt thu tháng 9",
        year_id=school.year,
        starts_on=date(2025, 9, 1),
        due_on=DUE,
        grouping="per_account",
        state=RoundState.ISSUED,
        created_by=school.accountant,
        created_at=OPENED,
        approved_by=school.principal,
        approved_at=OPENED,
        issued_at=OPENED,
    )
    session.add(collection_round)
    session.flush()
    return collection_round.id


def issue(
    session: Session,
    school: SchoolSetting,
    meals_vnd: int = 100_000,
    club_vnd: int = 0,
    *,
    pupil: int | None = None,
    account: int | None = None,
    round_id: int | None = None,
    replaces: Issued | None = None,
    due_on: date = DUE,
    chosen: bool = True,
) -> Issued:
    """An invoice of mandatory meals and a voluntary club, in the books as issuing posts it; the family has chosen the
    club or (``chosen`` False) said nothing of it.
    """
    invoice = Invoice(
        school_id=school.id,
        round_id=round_id or open_round(session, school),
        pupil_id=pupil or school.pupil,
        receiving_account_id=account or school.account,
        group_key="",
        reference=reference.generate(),
        amount_vnd=meals_vnd + club_vnd,
        mandatory_vnd=meals_vnd,
        due_on=due_on,
        issued_at=OPENED,
        replaces_id=replaces.id if replaces else None,
    )
    session.add(invoice)
    session.flush()
    session.add(
        InvoiceBalance(
            school_id=school.id,
            invoice_id=invoice.id,
            amount_vnd=invoice.amount_vnd,
            paid_vnd=0,
            state=InvoiceState.OPEN,
            changed_at=OPENED,
        )
    )
    # The voluntary line has the first number: the order of allocation must not be the order of print.
    for line_no, fee, group, mandatory, amount_vnd in (
        (1, school.club, "service", False, club_vnd),
        (2, school.meals, "agency", True, meals_vnd),
    ):
        if amount_vnd:
            line = _line(school, invoice.id, line_no, fee, group, mandatory, amount_vnd)
            session.add(line)
            session.flush()
            if chosen and not mandatory:
                session.add(
                    VoluntaryChoice(
                        school_id=school.id, line_id=line.id, declined=False, chosen=True, changed_at=OPENED
                    )
                )
    session.flush()
    book_debt(session, school, EntryKind.ISSUE, invoice.id, meals_vnd)
    return Issued(invoice.id, invoice.reference)


def _line(
    school: SchoolSetting, invoice_id: int, line_no: int, fee: int, group: str, mandatory: bool, amount_vnd: int
) -> InvoiceLine:
    return InvoiceLine(
        school_id=school.id,
        invoice_id=invoice_id,
        line_no=line_no,
        fee_item_id=fee,
        description="Khoản thu mẫu",
        legal_group=group,
        mandatory=mandatory,
        quantity=1,
        unit_price_vnd=amount_vnd,
        relief_vnd=0,
        amount_vnd=amount_vnd,
        legal_basis="Nghị quyết mẫu",
    )


def book_debt(session: Session, school: SchoolSetting, kind: EntryKind, invoice_id: int, amount_vnd: int) -> None:
    """Mandatory lines come into the books (positive) or are taken back (negative)."""
    if amount_vnd:
        lines = [
            PostingLine(LedgerRole.RECEIVABLE, None, school.meals, amount_vnd),
            PostingLine(LedgerRole.INCOME, None, school.meals, -amount_vnd),
        ]
        post(session, school.id, [Posting(kind, f"{kind}:invoice:{invoice_id}", DUE, lines)])


def take_out(session: Session, school: SchoolSetting, issued: Issued, state: InvoiceState) -> None:
    """Replace or cancel an invoice as the invoices room does: its state, and its open debt in the books."""
    open_debt = session.execute(
        text("""
            SELECT sum(l.amount_vnd - coalesce((SELECT sum(a.amount_vnd) FROM allocation a
                WHERE a.school_id = l.school_id AND a.line_id = l.id), 0))
            FROM invoice_line l WHERE l.school_id = :school AND l.invoice_id = :invoice AND l.mandatory
        """),
        {"school": school.id, "invoice": issued.id},
    ).scalar_one()
    session.execute(
        text("UPDATE invoice_balance SET state = :state WHERE school_id = :school AND invoice_id = :invoice"),
        {"state": state.value, "school": school.id, "invoice": issued.id},
    )
    book_debt(session, school, EntryKind.CANCELLATION, issued.id, -int(open_debt or 0))


def say(
    session: Session,
    school: SchoolSetting,
    amount_vnd: int,
    memo: str,
    *,
    account: int | None = None,
    day: date = PAID_ON,
    direction: Direction = Direction.CREDIT,
    bank_reference: str | None = None,
    hour: int = 1,
) -> int:
    """Evidence of one movement of money, with work for settlement; returns its id."""
    serial = next(_serial)
    evidence = Evidence(
        source=Source.STATEMENT,
        school_id=school.id,
        account_id=account or school.account,
        account_named="0001",
        dedup_key=f"K{serial}",
        direction=direction,
        status=EvidenceStatus.SETTLED,
        amount_vnd=amount_vnd,
        occurred_at=datetime.combine(day, time(hour), UTC),
        value_date=day,
        provider_txn_id=f"T{serial}",
        bank_reference=bank_reference or f"FT{serial:09d}",
        description=memo,
        references=reference.find(memo),
        content_sha256=b"\0" * 32,
        received_at=OPENED,
    )
    session.add(evidence)
    session.flush()
    outbox.put(session, "settlement", "evidence", school_id=school.id, subject_id=evidence.id)
    session.flush()
    return evidence.id


def arrive(
    session: Session, school: SchoolSetting, amount_vnd: int, memo: str, *, reverses: int | None = None, **said: Any
) -> int:
    """A bank transaction behind evidence of its own, as the inbox makes it; returns its id."""
    evidence_id = say(session, school, amount_vnd, memo, **said)
    evidence = session.get_one(Evidence, evidence_id)
    transaction = BankTransaction(
        school_id=school.id,
        account_id=evidence.account_id,
        direction=evidence.direction,
        amount_vnd=amount_vnd,
        value_date=evidence.value_date,
        occurred_at=evidence.occurred_at,
        bank_reference=evidence.bank_reference,
        description=memo,
        references=evidence.references,
        reverses_id=reverses,
        created_at=OPENED,
    )
    session.add(transaction)
    session.flush()
    session.add(
        TransactionEvidence(
            school_id=school.id,
            transaction_id=transaction.id,
            evidence_id=evidence_id,
            source_key="statement",
            rule="created",
        )
    )
    session.flush()
    return transaction.id


def state_of(session: Session, school: SchoolSetting, issued: Issued) -> tuple[str, int]:
    """State and paid amount of an invoice."""
    row = session.execute(
        select(InvoiceBalance.state, InvoiceBalance.paid_vnd).where(
            InvoiceBalance.school_id == school.id, InvoiceBalance.invoice_id == issued.id
        )
    ).one()
    return row.state.value, row.paid_vnd


def outcome_of(session: Session, school: SchoolSetting, transaction_id: int) -> tuple[str, str, list[str]]:
    """State of a transaction, its outcome and flags."""
    row = session.execute(
        text("""
            SELECT t.state, s.outcome, s.flags FROM bank_transaction t
            JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
            WHERE t.school_id = :school AND t.id = :id
        """),
        {"school": school.id, "id": transaction_id},
    ).one()
    return row.state, row.outcome, row.flags


def ledger(session: Session, school: SchoolSetting) -> dict[str, int]:
    """Balances of the books by role, those that are not zero."""
    rows = session.execute(
        text("""
            SELECT a.role, sum(b.balance_vnd)::bigint FROM ledger_balance b
            JOIN ledger_account a ON a.school_id = b.school_id AND a.id = b.account_id
            WHERE b.school_id = :school GROUP BY a.role HAVING sum(b.balance_vnd) <> 0
        """),
        {"school": school.id},
    )
    return {row[0]: row[1] for row in rows}
