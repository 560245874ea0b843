"""What every statement format is read into: a statement with its balances and its lines, in whole đồng."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Direction = Literal["credit", "debit"]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement of the account, in the direction in which it changed the balance.

    A reversal of a credit is therefore a debit with `reversal` set. `place` says where a person finds the
    line in the file; `raw` is its source text.
    """

    line_no: int  # from 1, in the order of booking
    value_date: date
    booked_on: date
    amount_vnd: int  # always above zero
    direction: Direction
    bank_reference: str | None
    description: str
    raw: str
    place: str = ""
    counterparty: str | None = None
    balance_after_vnd: int | None = None
    payer_reference: str | None = None  # what the payer's bank passed through unchanged (EndToEndId)
    reversal: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know about a statement that was read all the same."""

    code: str
    place: str
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One account over one period; a balance or period the file does not state is None, never guessed."""

    account_number: str | None
    currency: str
    period_from: date | None
    period_to: date | None
    opening_vnd: int | None  # negative when overdrawn
    closing_vnd: int | None
    sequence: int | None  # the bank's own number of this statement
    lines: tuple[StatementLine, ...]
    format: str = ""  # camt, mt940, or the name of the spreadsheet layout
    credits_vnd: int | None = None  # totals as the file states them
    debits_vnd: int | None = None
    page: int | None = None  # a long MT940 statement comes in pages of one sequence number
    notices: tuple[Notice, ...] = ()
    open_on: date | None = None
    """Day of the last row of a file that does not show its end: more of that day may have been cut off."""

    @property
    def is_export(self) -> bool:
        """Whether somebody exported it at a moment of their own: such a table says nothing of the rest of its day."""
        return "/" in self.format


def days_covered(
    opened_on: date | None, closed_on: date | None, lines: tuple[StatementLine, ...]
) -> tuple[date | None, date | None]:
    """Return the first and last day that two dated balances cover, where the file states no period.

    Most banks date the opening balance with the last day before; it counts as covered only where the
    closing balance or a line has the same day.
    """
    if opened_on is None or closed_on is None or opened_on >= closed_on:
        return closed_on, closed_on
    if any(line.booked_on <= opened_on for line in lines):
        return opened_on, closed_on
    return opened_on + timedelta(days=1), closed_on
