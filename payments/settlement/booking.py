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


def place_of(transfer: Transfer) -> LedgerRole:
    """Where the money is: on the bank account, or owed by an intermediary."""
    return LedgerRole.CLEARING if transfer.is_owed else LedgerRole.BANK


def arrival(transfer: Transfer, side: Sequence[PostingLine] | None) -> Posting:
    """Money came in, or is owed: against what it paid, or against suspense, on the bank's day."""
    bank = on_account(place_of(transfer), transfer, transfer.amount_vnd)
    against = side or [on_account(LedgerRole.SUSPENSE, transfer, -transfer.amount_vnd)]
    return Posting(EntryKind.SETTLEMENT, f"transaction:{transfer.id}", transfer.value_date, [bank, *against])


def withdrawal(transfer: Transfer, against: Sequence[PostingLine], debit_id: int, day: date) -> Posting:
    """Money was taken back, on that day: the mirror image of what it was until then."""
    bank = on_account(place_of(transfer), transfer, -transfer.amount_vnd)
    return Posting(EntryKind.REVERSAL, f"reversal:{debit_id}", day, [bank, *against])


def identified(kind: EntryKind, cause: str, transfer: Transfer, side: Sequence[PostingLine]) -> Posting:
    """Money leaves suspense for what it paid."""
    return Posting(kind, cause, clock.today(), [on_account(LedgerRole.SUSPENSE, transfer, transfer.amount_vnd), *side])


def unidentified(cause: str, transfer: Transfer, side: Sequence[PostingLine]) -> Posting:
    """Money goes back to suspense."""
    suspense = on_account(LedgerRole.SUSPENSE, transfer, -transfer.amount_vnd)
    return Posting(EntryKind.REVERSAL, cause, clock.today(), [suspense, *side])


def excluded(cause: str, transfer: Transfer) -> Posting:
    """Money leaves suspense: it is no fee money."""
    return identified(
        EntryKind.EXCLUSION, cause, transfer, [on_account(LedgerRole.EXCLUDED, transfer, -transfer.amount_vnd)]
    )


def to_be_refunded(cause: str, transfer: Transfer, side: Sequence[PostingLine], amount_vnd: int) -> Posting:
    """Money goes from where it lay (``side``: from there) to what the school must send back."""
    return Posting(
        EntryKind.REFUND, cause, clock.today(), [*side, on_account(LedgerRole.REFUND, transfer, -amount_vnd)]
    )


def not_refunded(cause: str, transfer: Transfer, side: Sequence[PostingLine], amount_vnd: int) -> Posting:
    """Money is not to be sent back after all: it goes where it belongs now (``side``)."""
    return Posting(
        EntryKind.REVERSAL, cause, clock.today(), [on_account(LedgerRole.REFUND, transfer, amount_vnd), *side]
    )


def sent_back(cause: str, transfer: Transfer, amount_vnd: int, day: date) -> Posting:
    """The bank sent it back, on that day."""
    lines = [on_account(LedgerRole.REFUND, transfer, amount_vnd), on_account(LedgerRole.BANK, transfer, -amount_vnd)]
    return Posting(EntryKind.REFUND, cause, day, lines)


def not_sent_back(cause: str, transfer: Transfer, amount_vnd: int) -> Posting:
    """The bank's debit was for something else: the school must send it back still."""
    lines = [on_account(LedgerRole.BANK, transfer, amount_vnd), on_account(LedgerRole.REFUND, transfer, -amount_vnd)]
    return Posting(EntryKind.REVERSAL, cause, clock.today(), lines)


def paid_out(cause: str, line: Transfer, side: Sequence[PostingLine] | None, fee_vnd: int) -> Posting:
    """A line turns out to be a payout: it clears what was owed, and the fee is an expense, on the bank's day.

    ``side`` takes back what the line was taken for; None: it was in suspense.
    """
    was = side or [on_account(LedgerRole.SUSPENSE, line, line.amount_vnd)]
    fee = [on_account(LedgerRole.FEE, line, fee_vnd)] if fee_vnd else []
    cleared = on_account(LedgerRole.CLEARING, line, -line.amount_vnd - fee_vnd)
    return Posting(EntryKind.PAYOUT, cause, line.value_date, [*was, *fee, cleared])


def not_paid_out(cause: str, line: Transfer, fee_vnd: int) -> Posting:
    """A payout is dissolved: its line waits in suspense, what it paid is owed again."""
    fee = [on_account(LedgerRole.FEE, line, -fee_vnd)] if fee_vnd else []
    owed = on_account(LedgerRole.CLEARING, line, line.amount_vnd + fee_vnd)
    return Posting(
        EntryKind.REVERSAL, cause, clock.today(), [owed, *fee, on_account(LedgerRole.SUSPENSE, line, -line.amount_vnd)]
    )


def moves(applied: Applied, known: Collection[int], cause: str) -> list[Posting]:
    """Correcting entries of earlier transfers (not ``known``) whose money moved because of something else."""
    return [
        Posting(EntryKind.REVERSAL, f"transaction:{key}:after:{cause}", clock.today(), side)
        for key, side in sorted(applied.sides.items())
        if key not in known and side
    ]
