"""What every statement format is read into: a statement with its balances and its lines, in whole đồng."""

from dataclasses import dataclass
from datetime import date
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
    page: int | None = None  # a long MT940 statement comes in pages of one sequence number
    notices: tuple[Notice, ...] = ()
