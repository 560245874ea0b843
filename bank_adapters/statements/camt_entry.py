"""One camt entry and the transactions inside it, as lines of a statement.

An entry is what moved the balance; its transactions become lines of their own only where they add up to it.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from lxml import etree

from bank_adapters.statements.camt_shapes import Shapes
from bank_adapters.statements.camt_values import DIRECTIONS, Amount, Names, amount_of, bad_structure, day_of
from bank_adapters.statements.model import Direction, Notice, StatementLine

# In later versions a status and the name of a party stand one level deeper.
ENTRY_FACTS = (
    ("CdtDbtInd",),
    ("Sts/Cd", "Sts"),
    ("RvslInd",),
    ("ValDt/Dt", "ValDt/DtTm"),
    ("BookgDt/Dt", "BookgDt/DtTm"),
    ("AcctSvcrRef",),
    ("NtryRef",),
)
ENTRY_TEXTS = ("AddtlNtryInf",)
DETAIL_AMOUNT = ("Amt", "AmtDtls/TxAmt/Amt")
DETAIL_FACTS = (
    ("CdtDbtInd",),
    ("Refs/AcctSvcrRef",),
    ("Refs/TxId",),
    ("Refs/InstrId",),
    ("Refs/EndToEndId",),
    ("RltdPties/Dbtr/Nm", "RltdPties/Dbtr/Pty/Nm"),
    ("RltdPties/Cdtr/Nm", "RltdPties/Cdtr/Pty/Nm"),
)
DETAIL_TEXTS = ("RmtInf/Ustrd", "AddtlTxInf")
_NO_REFERENCE = frozenset({"NOTPROVIDED", "NOTREFERENCED", "NONREF"})
_FLAGS = {None: False, "true": True, "1": True, "false": False, "0": False}


class Detail(NamedTuple):
    """One transaction of an entry (TxDtls); amount and direction are None when it does not state them."""

    amount_vnd: int | None
    direction: Direction | None
    bank_reference: str | None
    payer_reference: str | None
    description: str
    debtor: str | None
    creditor: str | None
    raw: str = ""  # only where the entry has several, else the entry's holds it

    def effect_vnd(self, entry_direction: Direction) -> int:
        """Return the effect on the balance; without a mark of its own it follows the entry."""
        amount_vnd = self.amount_vnd or 0
        return amount_vnd if (self.direction or entry_direction) == "credit" else -amount_vnd


class Entry(NamedTuple):
    """One movement of the account (Ntry), without its details."""

    place: str
    status: str
    amount_vnd: int
    direction: Direction
    reversal: bool
    booked_on: date
    value_date: date
    bank_reference: str | None
    description: str
    raw: str

    def line(self, number: int, detail: Detail | None, amount_vnd: int, direction: Direction) -> StatementLine:
        """Make a line of the entry, with what a detail adds."""
        more = detail or NO_DETAIL
        return StatementLine(
            number,
            self.value_date,
            self.booked_on,
            amount_vnd,
            direction,
            more.bank_reference or self.bank_reference,
            more.description or self.description,
            f"{self.raw}\n{more.raw}" if more.raw else self.raw,
            self.place,
            more.debtor if direction == "credit" else more.creditor,
            None,  # camt has no running balance
            more.payer_reference,
            self.reversal,
        )


NO_DETAIL = Detail(None, None, None, None, "", None, None)


class EntryReader:
    """Reads the entries of one message, and the transactions in them."""

    def __init__(self, names: Names) -> None:
        facts = [*ENTRY_FACTS, *map(inside, DETAIL_FACTS)]
        self.entries = Shapes(names, [("Amt",), inside(DETAIL_AMOUNT)], facts, [*ENTRY_TEXTS, *inside(DETAIL_TEXTS)])
        self.details = Shapes(names, [DETAIL_AMOUNT], DETAIL_FACTS, DETAIL_TEXTS)

    def entry(self, element: etree._Element, place: str) -> tuple[Entry, Detail]:
        """Read an Ntry with the one transaction it may still hold.

        Raises StatementError when anything it must state is missing or wrong.
        """
        amounts, facts, texts = self.entries.find(element, place)
        mark, status, reversal, valued, booked, reference, own_reference = facts[: len(ENTRY_FACTS)]
        amount_vnd = amount_of(amounts[0], place, "Amt")
        direction = DIRECTIONS.get(mark)
        if amount_vnd is None or direction is None or not status:
            raise bad_structure(place, "bút toán thiếu Amt, CdtDbtInd hoặc Sts", "an entry lacks Amt, CdtDbtInd or Sts")
        if reversal not in _FLAGS:
            raise bad_structure(f"{place}/RvslInd", "RvslInd sai", "RvslInd is wrong")
        value_date = day_of(valued, place, "ValDt") if valued else None
        booked_on = day_of(booked, place, "BookgDt") if booked else value_date
        if booked_on is None:
            raise bad_structure(place, "bút toán không có ngày", "an entry has no date")
        entry = Entry(
            place,
            status,
            amount_vnd,
            direction,
            _FLAGS[reversal],
            booked_on,
            value_date or booked_on,
            known(reference or own_reference),
            texts[0],
            source_of(element),
        )
        return entry, detail_of(amounts[1], facts[len(ENTRY_FACTS) :], texts[1:], place)

    def detail(self, element: etree._Element, place: str) -> Detail:
        """Read a TxDtls by itself; raises StatementError for an amount that is not whole đồng."""
        amounts, facts, texts = self.details.find(element, place)
        return detail_of(amounts[0], facts, texts, place)._replace(raw=source_of(element))


def inside(paths: Sequence[str]) -> list[str]:
    """Return the paths of a transaction as its entry sees them."""
    return [f"NtryDtls/TxDtls/{path}" for path in paths]


def detail_of(amount: Amount, facts: Sequence[str | None], texts: Sequence[str], place: str) -> Detail:
    """Make a transaction of what was found; raises StatementError for an amount that is not whole đồng."""
    mark, reference, transaction, instruction, end_to_end, debtor, creditor = facts
    return Detail(
        amount_of(amount, place, "TxDtls/Amt"),
        DIRECTIONS.get(mark),
        known(reference or transaction or instruction),
        known(end_to_end),
        texts[0] or texts[1],
        debtor or None,
        creditor or None,
    )


def source_of(element: etree._Element) -> str:
    """Return an element as it stands in the file."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def known(reference: str | None) -> str | None:
    """Drop the words by which a bank says that there is no reference."""
    return None if not reference or reference.upper() in _NO_REFERENCE else reference


def lines_of(entry: Entry, details: Sequence[Detail], number: int) -> tuple[list[StatementLine], Notice | None]:
    """Return a line per transaction when their amounts add up to the entry, else one line and a notice.

    The entry is what moved the balance, so its amount is the one that counts.
    """
    only = details[0] if len(details) == 1 else None
    whole = entry.line(number, only or merged(details), entry.amount_vnd, entry.direction)
    if only is not None and only.amount_vnd == entry.amount_vnd and only.direction in (None, entry.direction):
        return [whole], None
    if all(detail.amount_vnd is None for detail in details):
        return [whole], None
    parts = [detail.effect_vnd(entry.direction) for detail in details]
    entry_effect = entry.amount_vnd if entry.direction == "credit" else -entry.amount_vnd
    if 0 in parts or sum(parts) != entry_effect:
        return [whole], Notice(
            "details_differ",
            entry.place,
            "Tổng các giao dịch chi tiết khác số tiền của bút toán; lấy theo bút toán.",
            "The transactions do not add up to the entry; the entry's amount was taken.",
        )
    return [
        entry.line(number + offset, detail, abs(part), "credit" if part > 0 else "debit")
        for offset, (detail, part) in enumerate(zip(details, parts, strict=True))
    ], None


def merged(details: Sequence[Detail]) -> Detail | None:
    """Keep the texts of details that cannot be told apart by amount."""
    if not details:
        return None
    return NO_DETAIL._replace(
        description=" ".join(filter(None, (detail.description for detail in details))),
        raw="\n".join(detail.raw for detail in details),
    )
