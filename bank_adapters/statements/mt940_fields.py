"""Fields 61 and 86 of MT940 and MT942 as the mt-940 library shall read them: exactly, and with nothing built twice.

The library's own field 61 is lenient where money is concerned: it reads 1.500.000 as 1, takes any Unicode digit,
moves the 30th of February and overwrites a line that lacks a type code. It lets a field be replaced: done here.
"""

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, ClassVar

import mt940

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.model import Direction, StatementLine

DONG = r"[0-9]{1,13}(?:,0{0,2})?"
DIRECTIONS: dict[str, Direction] = {"C": "credit", "RD": "credit", "D": "debit", "RC": "debit"}
NO_TYPE = "NMSC"
"""Stands in for a type code that is not there, or the library would overwrite the line with the next one."""
_NO_REFERENCE = frozenset({"", "NONREF"})
_HALF_A_YEAR = timedelta(days=183)
_STRUCTURED = re.compile(r"(?:[0-9]{3})?\?[0-9]{2}")
_SUBFIELD = re.compile(r"\?([0-9]{2})")
_PURPOSE = frozenset({*map(str, range(20, 30)), *map(str, range(60, 64))})
_NAME = frozenset({"32", "33"})


class FieldError(Exception):
    """Field 61 of this number in its statement is not one."""

    def __init__(self, number: int, code: str) -> None:
        super().__init__(number, code)
        self.number = number
        self.code = code


class Movement(mt940.tags.Statement):
    """Field 61: day of value, day of booking, mark, amount, type, the customer's reference and the bank's."""

    RE_FLAGS: ClassVar[re.RegexFlag] = re.ASCII | re.VERBOSE
    pattern: ClassVar[str] = rf"""
        (?P<valued>[0-9]{{6}}) (?P<booked>[0-9]{{4}})?
        (?P<mark>R?[DC]) [A-Z]? (?P<amount>{DONG})
        (?: (?P<type>[A-Z][A-Z0-9]{{3}}) (?P<customer>(?:(?!//).)*) )?
        (?: // (?P<bank>.*) )?"""

    def parse(self, transactions: Any, value: str) -> dict[str, Any]:
        """Read one field; raises FieldError for what does not have the exact form."""
        head, _, more = value.partition("\n")
        match = self.re.fullmatch(head)
        number = len(transactions.transactions) + 1
        if match is None:
            raise FieldError(number, "bad_amount")
        valued, booked, mark, amount, kind, customer, bank = match.groups()
        value_date = day_of(valued)
        booked_on = booking_day(value_date, booked) if booked and value_date else value_date
        if value_date is None or booked_on is None:
            raise FieldError(number, "bad_date")
        return {
            "id": kind or NO_TYPE,
            "mark": mark,
            "amount_vnd": int(amount.partition(",")[0]),
            "value_date": value_date,
            "booked_on": booked_on,
            "customer": (customer or "").strip(),
            "bank": (bank or "").strip(),
            "more": more,
            "field": value,
        }

    def __call__(self, transactions: Any, value: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - as the library has it
        """Give the field as it was read."""
        return value


class Details(mt940.tags.TransactionDetails):
    """Field 86, whole."""

    def parse(self, transactions: Any, value: str) -> dict[str, Any]:  # noqa: ARG002 - as the library has it
        """Take the text as it stands."""
        return {"transaction_details": value}


TAGS: dict[int | str, Any] = {61: Movement(), 86: Details()}


@lru_cache(maxsize=1024)
def day_of(text: str) -> date | None:
    """Return the day that YYMMDD names, or None."""
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def booking_day(value_date: date, text: str) -> date | None:
    """Return the day MMDD that is nearest to the day of value, or None: at New Year it lies in another year."""
    for year in (value_date.year, value_date.year + 1, value_date.year - 1):
        try:
            day = date(year, int(text[:2]), int(text[2:]))
        except ValueError:
            continue
        if abs(day - value_date) < _HALF_A_YEAR:
            return day
    return None


def line_of(number: int, data: dict[str, Any], place: str) -> StatementLine:
    """Turn a field 61, and the field 86 that belongs to it, into a line."""
    mark, amount_vnd = data["mark"], data["amount_vnd"]
    if amount_vnd == 0:
        raise bad_structure(f"{place}, :61: thứ {number}", "số tiền bằng 0", "its amount is zero")
    text: str = data.get("transaction_details") or ""
    details, counterparty = told(text) if "?" in text else (text, None)
    customer, bank = data["customer"], data["bank"]
    named = None if customer in _NO_REFERENCE else customer
    return StatementLine(
        number,
        data["value_date"],
        data["booked_on"],
        amount_vnd,
        DIRECTIONS[mark],
        bank or named,
        details or data["more"].strip(),
        f"{data['field']}\n:86:{text}" if text else data["field"],
        f"{place}, :61: thứ {number}",
        counterparty,
        None,  # MT940 has no running balance
        named if bank else None,
        mark[0] == "R",
    )


def told(details: str) -> tuple[str, str | None]:
    """Return the text of a field 86 and the other side's name.

    Some banks cut the text into numbered subfields of 27 characters (`166?00…?20…?21…?32…`): put together again
    without their numbers, or a payment reference that the cut divides would be lost.
    """
    flat = details.replace("\n", "")
    if not _STRUCTURED.match(flat):
        return details.strip(), None
    _, *parts = _SUBFIELD.split(flat)
    fields = list(zip(parts[::2], parts[1::2], strict=True))
    purpose = "".join(text for number, text in fields if number in _PURPOSE).strip()
    name = "".join(text for number, text in fields if number in _NAME).strip()
    return purpose or details.strip(), name or None


def bad_structure(place: str, vi: str, en: str) -> StatementError:
    """Build the error for a statement that breaks the format."""
    return StatementError(
        "bad_structure",
        place,
        f"Sao kê MT940 không đọc được: {vi}. Hãy tải lại từ ngân hàng.",
        f"The MT940 statement cannot be read: {en}. Download it from the bank again.",
    )
