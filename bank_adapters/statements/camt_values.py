"""What camt writes in its elements: whole đồng, days, texts; strictly, or not at all."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache

from lxml import etree

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.model import Direction

VIETNAM = timezone(timedelta(hours=7))
DIRECTIONS: Mapping[str | None, Direction] = {"CRDT": "credit", "DBIT": "debit"}
_AMOUNT = re.compile(r"([0-9]{1,13})(?:\.0{1,2})?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII
)

# Every element that is read; a message's namespace is put before them once, since versions differ in that only.
_READ = (
    "AcctSvcrRef", "Acct", "AddtlNtryInf", "AddtlTxInf", "Amt", "AmtDtls", "Bal", "BookgDt", "Btch", "Ccy", "Cd",
    "CdOrPrtry", "CdtDbtInd", "Cdtr", "Dbtr", "Dt", "DtTm", "ElctrncSeqNb", "EndToEndId", "FrDt", "FrDtTm", "FrToDt",
    "IBAN", "Id", "InstrId", "LastPgInd", "LglSeqNb", "NbOfTxs", "Nm", "Ntfctn", "NtfctnPgntn", "Ntry", "NtryDtls",
    "NtryRef", "Othr", "PgNb", "Pty", "Refs", "RltdPties", "RmtInf", "Rpt", "RptPgntn", "RvslInd", "Stmt", "StmtPgntn",
    "Sts", "Sum", "ToDt", "ToDtTm", "Tp", "TtlCdtNtries", "TtlDbtNtries", "TxAmt", "TxDtls", "TxId", "TxsSummry",
    "Ustrd", "ValDt",
)  # fmt: skip

Names = Mapping[str, str]
"""Full name of an element -> its local name, for the elements of the message's own namespace that are read."""
Amount = tuple[str | None, str | None]
"""Text and currency of an amount; None and None where there is none."""


def names_in(namespace: str) -> Names:
    """Return the names of one version of the messages."""
    return {f"{{{namespace}}}{name}": name for name in _READ}


def text_of(element: etree._Element | None) -> str | None:
    """Return the text of a leaf; None where there is no element or no text."""
    if element is None:
        return None
    text = element.text
    return text.strip() or None if text else None


def text_at(element: etree._Element | None, names: Names, *path: str) -> str | None:
    """Return the text at the first leaf of a path below an element."""
    return text_of(child_at(element, names, *path))


def child_at(element: etree._Element | None, names: Names, *path: str) -> etree._Element | None:
    """Return the first element at a path."""
    for name in path:
        if element is None:
            return None
        element = child_of(element, names, name)
    return element


def child_of(element: etree._Element, names: Names, name: str) -> etree._Element | None:
    """Return the first child of a name."""
    for child in element:
        if names.get(child.tag) == name:
            return child
    return None


def amount_of(amount: Amount, place: str, name: str) -> int | None:
    """Read whole đồng, strictly; None where there is no amount.

    Raises StatementError for another currency, or a fraction.
    """
    text, currency = amount
    if currency != "VND":
        if amount == (None, None):
            return None
        raise StatementError(
            "bad_currency",
            f"{place}/{name}",
            "Số tiền không phải bằng đồng Việt Nam.",
            "The amount is not in Vietnamese đồng.",
        )
    return dong_of((text or "").strip(), place, name)


def dong_of(text: str, place: str, name: str) -> int:
    """Return whole đồng; raises StatementError."""
    amount_vnd = _dong(text)
    if amount_vnd is None:
        raise StatementError(
            "bad_amount",
            f"{place}/{name}",
            f"Không đọc được số tiền «{text[:24]}»; đồng Việt Nam không có phần lẻ. Hãy tải lại tệp từ ngân hàng.",
            f"Cannot read the amount «{text[:24]}»; the đồng has no fraction.",
        )
    return amount_vnd


def day_of(text: str, place: str, name: str) -> date:
    """Read a day, or the day in Việt Nam of a moment; raises StatementError for any other text."""
    day = _day(text)
    if day is None:
        raise StatementError(
            "bad_date",
            f"{place}/{name}",
            f"Không đọc được ngày «{text[:24]}».",
            f"Cannot read the date «{text[:24]}».",
        )
    return day


@lru_cache(maxsize=4096)  # a school's fees are few amounts, and its statement has few days
def _dong(text: str) -> int | None:
    match = _AMOUNT.fullmatch(text)
    return int(match[1]) if match else None


@lru_cache(maxsize=4096)
def _day(text: str) -> date | None:
    try:
        moment = datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
        day = date.fromisoformat(text[:10]) if moment is None and _DAY.fullmatch(text) else None
        if moment is not None:
            day = (moment.astimezone(VIETNAM) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        return None
    return day if day is not None and 2000 <= day.year <= 2099 else None


def number_of(text: str | None, place: str) -> int | None:
    """Return a small number; raises StatementError for what is none."""
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,18}", text, re.ASCII):
        raise bad_structure(place, "số thứ tự sai", "a sequence number is wrong")
    return int(text)


def bad_structure(place: str, vi: str, en: str) -> StatementError:
    """Build the error for a message that breaks its own rules."""
    return StatementError(
        "bad_structure",
        place,
        f"Sao kê camt sai cấu trúc: {vi}. Hãy tải lại từ ngân hàng.",
        f"The camt statement is malformed: {en}. Download it from the bank again.",
    )
