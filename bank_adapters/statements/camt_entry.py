"""One camt entry and the transactions inside it, as lines of a statement."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.model import Direction, Notice, StatementLine
from bank_adapters.statements.safe_xml import Record

VIETNAM = timezone(timedelta(hours=7))
_AMOUNT = re.compile(r"([0-9]{1,13})(?:\.0{1,2})?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)
_DIRECTIONS: dict[str | None, Direction] = {"CRDT": "credit", "DBIT": "debit"}


@dataclass(frozen=True, slots=True)
class Detail:
    """One transaction of an entry (TxDtls); amount and direction are None when it does not state them."""

    amount_vnd: int | None
    direction: Direction | None
    bank_reference: str | None
    payer_reference: str | None
    description: str
    debtor: str | None
    creditor: str | None
    raw: str

    @classmethod
    def read(cls, record: Record, place: str) -> "Detail":
        """Reduce a TxDtls; raises StatementError for an amount that is not whole đồng."""
        return cls(
            amount_vnd=amount_in(record, f"{place}/TxDtls", "Amt", "AmtDtls/TxAmt/Amt"),
            direction=_DIRECTIONS.get(record.value("CdtDbtInd")),
            bank_reference=known(record.value("Refs/AcctSvcrRef", "Refs/TxId", "Refs/InstrId")),
            payer_reference=known(record.value("Refs/EndToEndId")),
            description=" ".join(texts(record, "RmtInf/Ustrd") or texts(record, "AddtlTxInf")),
            debtor=record.value("RltdPties/Dbtr/Nm", "RltdPties/Dbtr/Pty/Nm"),
            creditor=record.value("RltdPties/Cdtr/Nm", "RltdPties/Cdtr/Pty/Nm"),
            raw=record.source(),
        )

    def effect_vnd(self, entry_direction: Direction) -> int:
        """Return the effect on the balance; without a mark of its own it follows the entry."""
        amount_vnd = self.amount_vnd or 0
        return amount_vnd if (self.direction or entry_direction) == "credit" else -amount_vnd


@dataclass(frozen=True, slots=True)
class Entry:
    """One booked movement of the account (Ntry), without its details."""

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

    @classmethod
    def read(cls, record: Record, place: str) -> "Entry":
        """Read an entry; raises StatementError when anything it must state is missing or wrong."""
        amount_vnd = amount_in(record, place, "Amt")
        direction = _DIRECTIONS.get(record.value("CdtDbtInd"))
        status = record.value("Sts/Cd", "Sts")
        if amount_vnd is None or direction is None or status is None:
            raise bad_structure(place, "bút toán thiếu Amt, CdtDbtInd hoặc Sts", "an entry lacks Amt, CdtDbtInd or Sts")
        reversal = record.value("RvslInd")
        if reversal not in (None, "true", "false", "1", "0"):
            raise bad_structure(f"{place}/RvslInd", "RvslInd sai", "RvslInd is wrong")
        value_date = day_of(record, place, "ValDt/Dt", "ValDt/DtTm")
        booked_on = day_of(record, place, "BookgDt/Dt", "BookgDt/DtTm") or value_date
        if booked_on is None:
            raise bad_structure(place, "bút toán không có ngày", "an entry has no date")
        return cls(
            place=place,
            status=status,
            amount_vnd=amount_vnd,
            direction=direction,
            reversal=reversal in ("true", "1"),
            booked_on=booked_on,
            value_date=value_date or booked_on,
            bank_reference=known(record.value("AcctSvcrRef", "NtryRef")),
            description=" ".join(texts(record, "AddtlNtryInf")),
            raw=record.source(),
        )

    def line(self, number: int, detail: Detail | None, amount_vnd: int, direction: Direction) -> StatementLine:
        """Make a line of the entry, with what a detail adds."""
        return StatementLine(
            line_no=number,
            value_date=self.value_date,
            booked_on=self.booked_on,
            amount_vnd=amount_vnd,
            direction=direction,
            bank_reference=(detail.bank_reference if detail else None) or self.bank_reference,
            description=(detail.description if detail else "") or self.description,
            raw=f"{self.raw}\n{detail.raw}" if detail else self.raw,
            place=self.place,
            counterparty=(detail.debtor if direction == "credit" else detail.creditor) if detail else None,
            payer_reference=detail.payer_reference if detail else None,
            reversal=self.reversal,
        )


def lines_of(entry: Entry, details: list[Detail], number: int) -> tuple[list[StatementLine], Notice | None]:
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
    return [
        entry.line(number + offset, detail, abs(part), "credit" if part > 0 else "debit")
        for offset, (detail, part) in enumerate(zip(details, parts, strict=True))
    ], None


def merged(details: list[Detail]) -> Detail | None:
    """Keep the texts of details that cannot be told apart by amount."""
    if not details:
        return None
    return Detail(
        amount_vnd=None,
        direction=None,
        bank_reference=None,
        payer_reference=None,
        description=" ".join(filter(None, (detail.description for detail in details))),
        debtor=None,
        creditor=None,
        raw="\n".join(detail.raw for detail in details),
    )


def amount_in(record: Record, place: str, *paths: str) -> int | None:
    """Read the amount at the first path that has one; None where none has."""
    for path in paths:
        text = record.value(path)
        if text is not None:
            return amount_of(text, record.value(f"{path}@Ccy") or "", f"{place}/{path}")
    return None


def amount_of(text: str, currency: str, place: str) -> int:
    """Read whole đồng, strictly; raises StatementError for another currency or a fraction."""
    if currency != "VND":
        raise StatementError(
            "bad_currency",
            place,
            "Số tiền không phải bằng đồng Việt Nam.",
            "The amount is not in Vietnamese đồng.",
        )
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise StatementError(
            "bad_amount",
            place,
            f"Không đọc được số tiền «{text[:24]}»; đồng Việt Nam không có phần lẻ.",
            f"Cannot read the amount «{text[:24]}»; the đồng has no fraction.",
        )
    return int(match.group(1))


def day_of(record: Record, place: str, *paths: str) -> date | None:
    """Read a day, or the day in Việt Nam of a moment, at the first path that has one; None where none has."""
    text = record.value(*paths)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
        day = date.fromisoformat(text[:10]) if moment is None and _DAY.fullmatch(text) else None
        if moment is not None:
            day = (moment.astimezone(VIETNAM) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        day = None
    if day is None or not 2000 <= day.year <= 2099:
        raise StatementError(
            "bad_date",
            f"{place}/{paths[0]}",
            f"Không đọc được ngày «{text[:24]}».",
            f"Cannot read the date «{text[:24]}».",
        )
    return day


def texts(record: Record, path: str) -> list[str]:
    """Return the texts at a path that are not empty."""
    return [bare for text in record.values(path) if (bare := text.strip())]


def known(reference: str | None) -> str | None:
    """Drop the words by which a bank says that there is no reference."""
    return None if reference is None or reference.upper() in ("NOTPROVIDED", "NONREF") else reference


def bad_structure(place: str, vi: str, en: str) -> StatementError:
    """Build the error for a message that breaks its own rules."""
    return StatementError(
        "bad_structure",
        place,
        f"Sao kê camt sai cấu trúc: {vi}. Hãy tải lại từ ngân hàng.",
        f"The camt statement is malformed: {en}. Download it from the bank again.",
    )
