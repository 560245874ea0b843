"""SWIFT MT940 and MT942: one statement per `:20:` block, read by the mt-940 library and checked by us.

MT940 is the statement of a day and proves it. MT942 is a report within the day: what it says of sums is checked, but it
has no balances and never proves a day.
"""

import io
import logging
import re
from datetime import date
from decimal import Decimal
from typing import Any

import mt940

from bank_adapters.statements import mt942
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.model import Statement, days_covered
from bank_adapters.statements.mt940_fields import DONG, TAGS, FieldError, bad_structure, line_of
from bank_adapters.statements.old_codes import code_of_bytes, old_code
from bank_adapters.statements.pages import Page, joined
from bank_adapters.statements.zip_guard import too_large

MAX_BYTES = 32 * 2**20
SEARCHED_BYTES = 2**20  # for the code of letters of a file that is not UTF-8
# The library's own pattern ends early: it would read 1.500.000 as 1.
_BALANCE = re.compile(rf"[DC][0-9]{{6}}[A-Z]{{3}}{DONG}\s*")
_BALANCES = re.compile(r"^:(60[FM]?|62[FM]?):([^\n]*)", re.MULTILINE)
_BLOCK_START = re.compile(r"^(?=:20:)", re.MULTILINE)
_CLOSING = re.compile(r"^:62([FM]?):[^\n]*\n?", re.MULTILINE)
_INTERMEDIATE_OPENING = re.compile(r"^:60M:", re.MULTILINE)
_ENVELOPE = re.compile(r"^(?:\{[1-5]:.*|-\}?(?:\{5:.*)?|\x01|\x03)$", re.MULTILINE)
_OPENED = re.compile(r"^\{.*\{4:(?=:20:)", re.MULTILINE)
_KEYS = {
    "opening": ("final_opening_balance", "intermediate_opening_balance", "opening_balance"),
    "closing": ("final_closing_balance", "intermediate_closing_balance", "closing_balance"),
}
_LIBRARY_ERRORS = (ValueError, RuntimeError, ArithmeticError, KeyError, IndexError, TypeError, AttributeError)
_OPTIONS = mt940.Options(unbounded_details=True, strip_bom=True)
_NO_PROCESSORS: Any = {"post_transaction_details": []}
END = "\x04"
"""Marks the end of a message in cleaned text."""

# The library logs the text of lines that it cannot read; those texts name people.
logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)


def looks_like(data: bytes) -> bool:
    """Tell whether a file is MT940 or MT942: the first fields of a statement at the start of lines."""
    head = data[:8192].replace(b"\r", b"")
    return re.search(rb"(?:^|\n|\{4:\s*):20:", head) is not None and b"\n:25" in head


def read(data: bytes) -> list[Statement]:
    """Read every statement of a file; raises StatementError."""
    if len(data) > MAX_BYTES:
        raise too_large(len(data), MAX_BYTES)
    blocks = _BLOCK_START.split(cleaned(data))[1:]
    if not blocks:
        raise bad_structure("", "không có trường :20:", "it has no :20: field")
    return joined([read_block(block, f":20: thứ {number}") for number, block in enumerate(blocks, start=1)])


def cleaned(data: bytes) -> str:
    """Decode, and put one mark in place of the SWIFT envelope around statements."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        known = code_of_bytes(data[:SEARCHED_BYTES])
        if known is not None:
            raise old_code(known[0], f"dòng {known[1]}") from None
        raise StatementError(
            "bad_encoding",
            f"byte {error.start}",
            "Tệp MT940 không dùng mã ASCII hoặc UTF-8. Hãy tải lại từ ngân hàng.",
            "The MT940 file is not in ASCII or UTF-8. Download it from the bank again.",
        ) from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _ENVELOPE.sub(END, _OPENED.sub("", lines))


def read_block(block: str, place: str) -> Page:
    """Read one statement; raises StatementError when anything in it was not understood."""
    closing = _CLOSING.search(block)
    if closing is None and mt942.looks_like(block):
        return Page(read_interim(block, place), place)
    if closing is None:
        raise bad_structure(place, "thiếu số dư cuối :62F:; tệp có thể bị cắt", "it lacks :62F: and may be cut short")
    body = block[: closing.end()].replace(END, "")  # what follows, as a general :86:, belongs to no line
    check_balances(body, place)
    found = parsed(body, place)
    lines = tuple(line_of(number, item.data, place) for number, item in enumerate(found.transactions, start=1))
    opening_vnd, opened_on = balance_of(found.data, "opening", place)
    closing_vnd, closed_on = balance_of(found.data, "closing", place)
    first, last = days_covered(opened_on, closed_on, lines)
    statement = Statement(
        account_number=account_of(found.data),
        currency="VND",
        period_from=first,
        period_to=last,
        opening_vnd=opening_vnd,
        closing_vnd=closing_vnd,
        sequence=number_of(found.data.get("statement_number")),
        lines=lines,
        format="mt940",
        page=number_of(found.data.get("sequence_number")),
    )
    is_first = _INTERMEDIATE_OPENING.search(body) is None
    return Page(statement, place, is_first, is_last=closing.group(1) != "M")


def read_interim(block: str, place: str) -> Statement:
    """Read one report within a day."""
    body = mt942.body_of(block, place, END)
    sums = mt942.Sums.read(body, place)
    found = parsed(body, place)
    lines = tuple(line_of(number, item.data, place) for number, item in enumerate(found.transactions, start=1))
    return Statement(
        account_number=account_of(found.data),
        currency="VND",
        period_from=None,
        period_to=sums.reported_on,
        opening_vnd=None,
        closing_vnd=None,
        sequence=number_of(found.data.get("statement_number")),
        lines=lines,
        format="mt942",
        credits_vnd=sums.total("C", lines, place),
        debits_vnd=sums.total("D", lines, place),
        page=number_of(found.data.get("sequence_number")),
        notices=sums.notices(place),
    )


def parsed(body: str, place: str) -> Any:
    """Let the library take a block apart; raises StatementError when it understood less than all of it."""
    try:
        (found,) = mt940.parse_statements(io.StringIO(body), processors=_NO_PROCESSORS, tags=TAGS, options=_OPTIONS)
    except FieldError as error:
        raise bad_field(error, place) from None
    except _LIBRARY_ERRORS:
        raise bad_structure(place, "có trường không đọc được", "a field of it cannot be read") from None
    if body.count("\n:61:") != len(found.transactions):
        raise bad_structure(place, "số dòng :61: không khớp", "its :61: lines do not add up")
    return found


def bad_field(error: FieldError, place: str) -> StatementError:
    """Build the error for a field 61 that is not exact; nothing of its text is repeated."""
    reasons = {
        "bad_amount": ("sai mẫu hoặc số tiền không phải số nguyên đồng", "malformed, or its amount not in whole đồng"),
        "bad_date": ("có ngày không có thật", "of a day that does not exist"),
    }
    vi, en = reasons[error.code]
    return StatementError(error.code, f"{place}, :61: thứ {error.number}", f"Dòng này {vi}.", f"This movement is {en}.")


def check_balances(body: str, place: str) -> None:
    """Refuse a balance that does not have its exact form, with whole đồng in ASCII digits."""
    openings = 0
    for field in _BALANCES.finditer(body):
        tag, text = field.groups()
        openings += tag.startswith("60")
        if openings > 1 or not _BALANCE.fullmatch(text):
            raise StatementError(
                "bad_structure" if openings > 1 else "bad_amount",
                f"{place}, :{tag}:",
                "Trường này sai mẫu hoặc số tiền không phải số nguyên đồng.",
                "This field is malformed, or its amount is not in whole đồng.",
            )


def balance_of(data: dict[str, Any], name: str, place: str) -> tuple[int | None, date | None]:
    """Return a balance, negative when overdrawn, and its day."""
    balance = next((data[key] for key in _KEYS[name] if data.get(key) is not None), None)
    if balance is None:
        return None, None
    if balance.amount.currency != "VND":
        raise mt942.bad_currency(place)
    day = balance.date
    return whole_dong(balance.amount.amount, place), date(day.year, day.month, day.day)


def whole_dong(amount: Decimal, place: str) -> int:
    """Return an amount as int; the fraction was checked to be zero."""
    if not amount.is_finite() or amount.adjusted() > 13 or amount != amount.to_integral_value():
        raise bad_structure(place, "số tiền sai", "an amount is wrong")
    return int(amount)


def account_of(data: dict[str, Any]) -> str | None:
    """Return the account number without the bank that may stand before it."""
    return str(data.get("account_identification") or "").strip().rpartition("/")[2].strip() or None


def number_of(text: object) -> int | None:
    """Return the digits of a statement or page number."""
    found = str(text or "")
    return int(found) if re.fullmatch("[0-9]{1,5}", found, re.ASCII) else None
