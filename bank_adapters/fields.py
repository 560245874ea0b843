"""Reading one field of a callback: text, whole đồng, moments in Viet Nam.

A field that is needed and unusable raises MalformedCallbackError naming the field, never its value.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final

from bank_adapters.contract import Counterparty, Direction, Request
from bank_adapters.errors import MalformedCallbackError

VIETNAM: Final = timezone(timedelta(hours=7))
MAX_IDENTIFIER_LENGTH: Final = 128

_AMOUNT: Final = re.compile(r"([0-9]{1,13})(?:\.0{1,4})?", re.ASCII)
_BALANCE: Final = re.compile(r"(-?[0-9]{1,15})(?:\.0{1,4})?", re.ASCII)
_MOMENT: Final = re.compile(
    r"(20\d\d)-(\d\d)-(\d\d)[T ]?(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_DIGITS: Final = re.compile(r"(20\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})?", re.ASCII)
"""`yyyyMMddHHmmss` with or without milliseconds: 14 or 17 digits, which Unix time never has."""
_EPOCH: Final = re.compile(r"[12](?:\d{9}|\d{12})", re.ASCII)


def identifier(document: Mapping[str, Any], name: str) -> str:
    """A needed text (a number counts as its text) of 1 to 128 characters: an id, a reference."""
    value = optional_identifier(document, name)
    if value is None:
        raise MalformedCallbackError("missing_field", name)
    return value


def optional_identifier(document: Mapping[str, Any], name: str) -> str | None:
    """As `identifier`; absent, null and blank give None."""
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_IDENTIFIER_LENGTH:
        raise MalformedCallbackError("bad_field", name)
    return str(value).strip() or None


def whatever_is_readable(request: Request) -> dict[str, Any]:
    """The document for an answer that quotes it; empty when the body cannot be read."""
    try:
        return request.document
    except MalformedCallbackError:
        return {}


def quoted(document: Mapping[str, Any], name: str) -> str:
    """A text to be quoted in an answer; empty when there is none."""
    value = document.get(name)
    return str(value) if isinstance(value, str) else ""


def nested(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A needed object inside the document."""
    value = document.get(name)
    if not isinstance(value, dict):
        raise MalformedCallbackError("missing_field", name)
    return value


def require_vnd(document: Mapping[str, Any]) -> None:
    """Refuse a `currency` that is named and is not VND."""
    if document.get("currency") not in (None, "", "VND"):
        raise MalformedCallbackError("bad_currency", "currency")


def free_text(document: Mapping[str, Any], name: str) -> str:
    """A text of any length as received; absent and null give the empty text."""
    value = document.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedCallbackError("bad_field", name)
    return str(value)


def amount_vnd(document: Mapping[str, Any], name: str) -> int:
    """Whole đồng above zero from `1250000`, `1250000.0`, "1250000" or "100000.00"; no sign, no exponent."""
    value = document.get(name)
    found = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    amount = int(found[1]) if found else 0
    if not amount:
        raise MalformedCallbackError("bad_amount", name)
    return amount


def signed_amount_vnd(document: Mapping[str, Any], name: str) -> tuple[Direction, int]:
    """As `amount_vnd`, where a leading minus means money out."""
    value = document.get(name)
    if isinstance(value, str) and value.startswith("-"):
        return Direction.debit, amount_vnd({name: value[1:]}, name)
    return Direction.credit, amount_vnd(document, name)


def balance_vnd(document: Mapping[str, Any], name: str) -> int | None:
    """A balance in whole đồng; it is a hint only, so an unusable one is None and stops no money."""
    value = document.get(name)
    found = _BALANCE.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) if found else None


def moment(document: Mapping[str, Any], name: str) -> datetime:
    """A moment with its zone: Viet Nam's unless an offset is given, or Unix seconds or milliseconds.

    Also `yyyyMMddHHmmss` and `yyyyMMddHHmmssSSS`, as banks write it.

    The blank between date and time may be missing (`2024-05-1701:53`, sent by VietQR.vn).
    """
    value = document.get(name)
    try:
        found = read_moment(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise MalformedCallbackError("bad_time", name)
    return found


def moment_of_14_digits(document: Mapping[str, Any], name: str) -> datetime:
    """A moment in Viet Nam as `yyyyMMddHHmmss` and in no other form.

    For senders that sign joined fields: 13 digits would pass as Unix milliseconds, and the 14th would have moved into
    the field beside it.
    """
    if len(identifier(document, name)) != len("yyyyMMddHHmmss"):
        raise MalformedCallbackError("bad_time", name)
    return moment(document, name)


def moment_of_receipt(request: Request) -> datetime:
    """When the request arrived: the only moment there is of a payment whose sender names none."""
    return (request.received_at or datetime.fromtimestamp(0, UTC)).astimezone(VIETNAM)


def optional_date(document: Mapping[str, Any], name: str) -> date | None:
    """The day in Viet Nam of a moment; a hint only, so an unusable one is None and stops no money."""
    try:
        return moment(document, name).date()
    except MalformedCallbackError:
        return None


def counterparty(document: Mapping[str, Any], name: str, account: str, bank: str) -> Counterparty | None:
    """Who paid, from the fields of these names; None when the sender tells nothing."""
    told = [document.get(field) for field in (name, account, bank)]
    known = [str(value).strip() or None if isinstance(value, str) else None for value in told]
    return Counterparty(*known) if any(known) else None


def read_moment(text: str) -> datetime | None:
    """The moment a text names, None when it has no known form; ValueError for a 13th month and its like."""
    if found := _MOMENT.fullmatch(text):
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        return datetime(year, month, day, hour, minute, second, tzinfo=_zone(found[7])).astimezone(VIETNAM)
    if found := _DIGITS.fullmatch(text):
        year, month, day, hour, minute, second, milliseconds = (int(part or 0) for part in found.groups())
        return datetime(year, month, day, hour, minute, second, milliseconds * 1000, tzinfo=VIETNAM)
    if _EPOCH.fullmatch(text):
        seconds, fraction = int(text[:10]), text[10:] or "0"
        return datetime.fromtimestamp(seconds, UTC).astimezone(VIETNAM).replace(microsecond=int(fraction) * 1000)
    return None


def _zone(offset: str | None) -> timezone:
    if offset is None:
        return VIETNAM
    if offset == "Z":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
