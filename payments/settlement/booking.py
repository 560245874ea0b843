"""The ledger entries of settlement, one for each cause (signs: debit +, credit −)."""

from collections.abc import Collection, Sequence
from datetime import date

from payments import clock
from payments.ledger.models import EntryKind, LedgerRole
from payments.ledger.service import Posting, PostingLine
from payments.settlement.applying import Applied
from payments.settlement.rules import Transfer


def on_account(role: LedgerRole, transfer: Transfer, amount_vnd: int) -> PostingLine:
    """A line on bank or suspense of the account where the money arrived."""
    return PostingLine(role, transfer.account_id, None, amount_vnd)


def arrival(transfer: Transfer, side: Sequence[PostingLine] | None) -> Posting:
    """Money came in: bank against what it paid, or against suspense, on the bank's day."""
    bank = on_account(LedgerRole.BANK, transfer, transfer.amount_vnd)
    against = side or [on_account(LedgerRole.SUSPENSE, transfer, -transfer.amount_vnd)]
    return Posting(EntryKind.SETTLEMENT, f"transaction:{transfer.id}", transfer.value_date, [bank, *against])


def withdrawal(transfer: Transfer, side: Sequence[PostingLine] | None, debit_id: int, day: date) -> Posting:
    """The bank took money back, on its own day: the mirror image of what the money was until then."""
    bank = on_account(LedgerRole.BANK, transfer, -transfer.amount_vnd)
    against = side or [on_account(LedgerRole.SUSPENSE, transfer, transfer.amount_vnd)]
    return Posting(EntryKind.REVERSAL, f"reversal:{debit_id}", day, [bank, *against])


def identified(kind: EntryKind, cause: str, transfer: Transfer, side: Sequence[PostingLine]) -> Posting:
    """Money leaves suspense for what it paid."""
    return Posting(kind, cause, clock.today(), [on_account(LedgerRole.SUSPENSE, transfer, transfer.amount_vnd), *side])


def unidentified(cause: str, transfer: Transfer, side: Sequence[PostingLine]) -> Posting:
    """Money goes back to suspense."""
    suspense = on_account(LedgerRole.SUSPENSE, transfer, -transfer.amount_vnd)
    return Posting(EntryKind.REVERSAL, cause, clock.today(), [suspense, *side])


def moves(applied: Applied, known: Collection[int], cause: str) -> list[Posting]:
    """Correcting entries of earlier transfers (not ``known``) whose money moved because of something else."""
    return [
        Posting(EntryKind.REVERSAL, f"transaction:{key}:after:{cause}", clock.today(), side)
        for key, side in sorted(applied.sides.items())
        if key not in known and side
    ]
