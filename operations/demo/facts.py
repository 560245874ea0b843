"""What will happen in the month of fees: bills, movements of money, and what each source will say about them."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from payments.money import MAX_VND

Direction = Literal["credit", "debit"]


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """A receiving account of a school."""

    school_code: str
    bank_bin: str
    number: str

    @property
    def label(self) -> str:
        """As commands name it: ``BIN:NUMBER``."""
        return f"{self.bank_bin}:{self.number}"


@dataclass(frozen=True, slots=True)
class Bill:
    """An issued invoice as a parent sees it, and who the parent is."""

    account: Account
    reference: str
    amount_vnd: int
    due_on: date
    sector_id: str
    pupil_name: str
    class_name: str
    family: int
    owed_vnd: int
    """What of it is mandatory."""


@dataclass(frozen=True, slots=True)
class Together:
    """A bundle: the bills that its transfer pays, and those on its list that are paid by themselves meanwhile."""

    reference: str
    bills: tuple[Bill, ...]
    beside: tuple[Bill, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One movement of money on an account, with all that is planned to be said about it."""

    number: int
    account: Account
    amount_vnd: int
    memo: str
    bank_reference: str
    occurred_at: datetime
    booked_on: date
    """The day on the bank's statement."""
    direction: Direction = "credit"
    bills: tuple[Bill, ...] = ()
    """What the payer meant."""
    kind: str = "exact"
    """Which part of the mix it is."""
    settles_as: frozenset[str] = frozenset()
    """Keys of settlement that must hold for it."""
    adapter: str = ""
    called: bool = True
    """Whether the bank's call reaches us."""
    resent_vnd: int | None = None
    """Another amount under the same id, in a second message of the sender."""
    stated: Literal["once", "never", "twice", "nameless"] = "once"
    """How the statement shows it; nameless: without the bank's reference and without a memo."""
    stated_vnd: int | None = None
    """Another amount on the statement."""
    reversal: bool = False
    posted: Literal["once", "never", "twice"] = "once"
    """How the school's accountant books it."""
    posted_vnd: int | None = None
    """Another amount in the books."""
    reconciles_as: str = ""
    """The class that reconciliation must give it; empty: it must match."""
    together_with: tuple[int, ...] = ()
    """Numbers of further movements that belong to the same case."""

    def __post_init__(self) -> None:
        if not 0 < self.amount_vnd <= MAX_VND:
            raise ValueError(f"movement {self.number} moves {self.amount_vnd} đồng")

    @property
    def txn_id(self) -> str:
        """The sender's own number of it."""
        return str(700_000_000 + self.number)


@dataclass(frozen=True, slots=True)
class BookRow:
    """A row of the school's books that stands for no movement on a bank account: cash, or a slip of the pen."""

    account: Account
    booked_on: date
    amount_vnd: int
    memo: str
    document_no: str
    is_cash: bool


@dataclass(slots=True)
class Plan:
    """The month."""

    movements: list[Movement] = field(default_factory=list)
    book_rows: list[BookRow] = field(default_factory=list)
    unpaid: list[Bill] = field(default_factory=list)
