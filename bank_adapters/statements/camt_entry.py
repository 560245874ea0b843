"""One camt entry and the transactions inside it, as lines of a statement.

An entry is what moved the balance; its transactions become lines of their own only where they add up to it.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from lxml import etree

from bank_adapters.statements.camt_values import (
    DIRECTIONS,
    Names,
    amount_of,
    bad_structure,
    child_at,
    day_in,
    parts_of,
    text_at,
    text_of,
)
from bank_adapters.statements.model import Direction, Notice, StatementLine

_ONCE_IN_ENTRY = frozenset({"Amt", "CdtDbtInd", "Sts", "RvslInd", "BookgDt", "ValDt"})
_ONCE_IN_DETAIL = frozenset({"Amt", "CdtDbtInd", "AmtDtls"})
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
    raw: str

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
            f"{self.raw}\n{more.raw}" if detail else self.raw,
            self.place,
            more.debtor if direction == "credit" else more.creditor,
            None,  # camt has no running balance
            more.payer_reference,
            self.reversal,
        )


NO_DETAIL = Detail(None, None, None, None, "", None, None, "")


def read_entry(element: etree._Element, names: Names, place: str) -> Entry:
    """Read an Ntry; raises StatementError when anything it must state is missing or wrong."""
    parts = parts_of(element, names, _ONCE_IN_ENTRY, place)
    find = parts.get
    amount = find("Amt")
    direction = DIRECTIONS.get(text_of(find("CdtDbtInd")))
    status = text_of(find("Sts")) or text_at(find("Sts"), names, "Cd")
    if amount is None or direction is None or status is None:
        raise bad_structure(place, "bút toán thiếu Amt, CdtDbtInd hoặc Sts", "an entry lacks Amt, CdtDbtInd or Sts")
    reversal = _FLAGS.get(text_of(find("RvslInd")))
    if reversal is None:
        raise bad_structure(f"{place}/RvslInd", "RvslInd sai", "RvslInd is wrong")
    value_date = day_in(find("ValDt"), names, f"{place}/ValDt")
    booked_on = day_in(find("BookgDt"), names, f"{place}/BookgDt") or value_date
    if booked_on is None:
        raise bad_structure(place, "bút toán không có ngày", "an entry has no date")
    return Entry(
        place,
        status,
        amount_of(amount, f"{place}/Amt"),
        direction,
        reversal,
        booked_on,
        value_date or booked_on,
        known(text_of(find("AcctSvcrRef")) or text_of(find("NtryRef"))),
        joined(element, names, "AddtlNtryInf") if "AddtlNtryInf" in parts else "",
        source_of(element),
    )


def read_detail(element: etree._Element, names: Names, place: str) -> Detail:
    """Read a TxDtls; raises StatementError for an amount that is not whole đồng."""
    parts = parts_of(element, names, _ONCE_IN_DETAIL, f"{place}/TxDtls")
    find = parts.get
    amount = find("Amt")
    if amount is None:
        amount = child_at(find("AmtDtls"), names, "TxAmt", "Amt")
    name_of = names.get
    references = {name_of(child.tag): text_of(child) for child in find("Refs", ())}
    remittance = find("RmtInf")
    description = "" if remittance is None else joined(remittance, names, "Ustrd")
    if not description and "AddtlTxInf" in parts:
        description = joined(element, names, "AddtlTxInf")
    parties = find("RltdPties")
    return Detail(
        None if amount is None else amount_of(amount, f"{place}/TxDtls/Amt"),
        DIRECTIONS.get(text_of(find("CdtDbtInd"))),
        known(references.get("AcctSvcrRef") or references.get("TxId") or references.get("InstrId")),
        known(references.get("EndToEndId")),
        description,
        None if parties is None else party(parties, names, "Dbtr"),
        None if parties is None else party(parties, names, "Cdtr"),
        source_of(element),
    )


def party(parties: etree._Element, names: Names, role: str) -> str | None:
    """Return the name of one side; from version 03 on it stands one level deeper."""
    side = child_at(parties, names, role)
    return None if side is None else text_at(side, names, "Nm") or text_at(side, names, "Pty", "Nm")


def joined(element: etree._Element, names: Names, name: str) -> str:
    """Join the texts of the children of one name."""
    return " ".join(text for child in element if names.get(child.tag) == name and (text := text_of(child)))


def source_of(element: etree._Element) -> str:
    """Return an element as it stands in the file."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def known(reference: str | None) -> str | None:
    """Drop the words by which a bank says that there is no reference."""
    return None if reference is None or reference.upper() in ("NOTPROVIDED", "NONREF") else reference


def lines_of(entry: Entry, details: Sequence[Detail], number: int) -> tuple[list[StatementLine], Notice | None]:
    """Return a line per transaction when their amounts add up to the entry, else one line and a notice.

    The entry is what moved the balance, so its amount is the one that counts.
    """
    only = details[0] if len(details) == 1 else None
    whole = entry.line(number, only or merged(details), entry.amount_vnd, entry.direction)
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
    if only is not None:
        return [whole], None
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
