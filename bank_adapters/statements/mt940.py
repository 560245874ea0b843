"""SWIFT MT940: one statement per `:20:` block, read by the mt-940 library and checked by us.

The library is lenient where money is concerned (it overwrites a line that lacks a type code, cuts long texts
and takes any Unicode digit), so its input is cleaned, its raw groups are checked, and its lines are counted.
"""

import io
import logging
import re
from datetime import date
from decimal import Decimal
from typing import Any

import mt940

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.model import Direction, Statement, StatementLine, days_covered
from bank_adapters.statements.zip_guard import too_large

MAX_BYTES = 32 * 2**20
_DONG = r"[0-9]{1,13}(?:,0{0,2})?"
# The library's own patterns end early: they would read 1.500.000 as 1.
_MOVEMENT = re.compile(rf"[0-9]{{6}}(?:[0-9]{{4}})?R?[DC][A-Z]?{_DONG}(?:[A-Z][A-Z0-9]{{3}}.*|//.*)?")
_BALANCE = re.compile(rf"[DC][0-9]{{6}}[A-Z]{{3}}{_DONG}\s*")
_FIELDS = re.compile(r"^:(60[FM]?|61|62[FM]?):([^\n]*)", re.MULTILINE)
_BLOCK_START = re.compile(r"^(?=:20:)", re.MULTILINE)
_LINE_START = re.compile(r"^:61:", re.MULTILINE)
_CLOSING = re.compile(r"^:62[FM]?:[^\n]*\n?", re.MULTILINE)
_ENVELOPE = re.compile(r"^(?:\{[1-5]:.*|-\}?(?:\{5:.*)?|\x01|\x03)$")
_STRUCTURED = re.compile(r"(?:[0-9]{3})?\?[0-9]{2}")
_SUBFIELD = re.compile(r"\?([0-9]{2})")
_PURPOSE = frozenset({*map(str, range(20, 30)), *map(str, range(60, 64))})
_NAME = frozenset({"32", "33"})
_DIRECTIONS: dict[str, Direction] = {"C": "credit", "RD": "credit", "D": "debit", "RC": "debit"}
_BALANCES = {
    "opening": ("final_opening_balance", "intermediate_opening_balance", "opening_balance"),
    "closing": ("final_closing_balance", "intermediate_closing_balance", "closing_balance"),
}
_LIBRARY_ERRORS = (ValueError, RuntimeError, ArithmeticError, KeyError, IndexError, TypeError, AttributeError)
_OPTIONS = mt940.Options(unbounded_details=True, strip_bom=True)

# The library logs the text of lines that it cannot read; those texts name people.
logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)


def looks_like(data: bytes) -> bool:
    """Tell whether a file is MT940: the first fields of a statement at the start of lines."""
    head = data[:8192].replace(b"\r", b"")
    return re.search(rb"(?:^|\n|\{4:\s*):20:", head) is not None and b"\n:25" in head


def read(data: bytes) -> list[Statement]:
    """Read every statement of a file; raises StatementError."""
    if len(data) > MAX_BYTES:
        raise too_large(len(data), MAX_BYTES)
    blocks = _BLOCK_START.split(cleaned(data))[1:]
    if not blocks:
        raise bad_structure("", "không có trường :20:", "it has no :20: field")
    return [read_block(block, f":20: thứ {number}") for number, block in enumerate(blocks, start=1)]


def cleaned(data: bytes) -> str:
    """Decode and drop the SWIFT envelope around statements."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StatementError(
            "bad_encoding",
            f"byte {error.start}",
            "Tệp MT940 không dùng mã ASCII hoặc UTF-8. Hãy tải lại từ ngân hàng.",
            "The MT940 file is not in ASCII or UTF-8. Download it from the bank again.",
        ) from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    opened = [line.rpartition("{4:")[2] if line.startswith("{") and ":20:" in line else line for line in lines]
    return "\n".join(line for line in opened if not _ENVELOPE.match(line))


def read_block(block: str, place: str) -> Statement:
    """Read one statement; raises StatementError when anything in it was not understood."""
    closing = _CLOSING.search(block)
    if closing is None:
        raise bad_structure(place, "thiếu số dư cuối :62F:; tệp có thể bị cắt", "it lacks :62F: and may be cut short")
    body = block[: closing.end()]  # what follows, as a general :86:, belongs to no line
    check_fields(body, place)
    try:
        (found,) = mt940.parse_statements(io.StringIO(body), processors=PROCESSORS, options=_OPTIONS)
    except _LIBRARY_ERRORS:
        raise bad_structure(place, "có trường không đọc được", "a field of it cannot be read") from None
    raws = _LINE_START.split(body[: closing.start()])[1:]
    if len(raws) != len(found.transactions):
        raise bad_structure(place, "số dòng :61: không khớp", "its :61: lines do not add up")
    lines = tuple(
        line_of(number, item.data, raw.rstrip("\n"), f"{place}, :61: thứ {number}")
        for number, (item, raw) in enumerate(zip(found.transactions, raws, strict=True), start=1)
    )
    opening_vnd, opened_on = balance_of(found.data, "opening", place)
    closing_vnd, closed_on = balance_of(found.data, "closing", place)
    first, last = days_covered(opened_on, closed_on, lines)
    account = str(found.data.get("account_identification") or "").strip()
    return Statement(
        account_number=account.rpartition("/")[2].strip() or None,
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


def line_of(number: int, data: dict[str, Any], raw: str, place: str) -> StatementLine:
    """Turn the library's transaction into a line."""
    mark = str(data["status"]).upper()
    amount_vnd = whole_dong(data["amount"].amount, place)
    if amount_vnd == 0 or mark not in _DIRECTIONS:
        raise bad_structure(place, "số tiền bằng 0 hoặc dấu sai", "its amount is zero or its mark wrong")
    value_date = day(data["date"])
    details, counterparty = told(str(data.get("transaction_details") or ""))
    extra = str(data.get("extra_details") or "")
    reference = str(data.get("bank_reference") or "").strip()
    customer = str(data.get("customer_reference") or "").strip()
    return StatementLine(
        line_no=number,
        value_date=value_date,
        booked_on=day(data["entry_date"]) if data.get("entry_date") else value_date,
        amount_vnd=amount_vnd,
        direction=_DIRECTIONS[mark],
        bank_reference=reference or (None if customer in ("", "NONREF") else customer),
        description=details or extra.strip(),
        raw=raw,
        place=place,
        counterparty=counterparty,
        payer_reference=customer if reference and customer not in ("", "NONREF") else None,
        reversal=mark.startswith("R"),
    )


def told(details: str) -> tuple[str, str | None]:
    """Return the text of an :86: field and the other side's name.

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


def balance_of(data: dict[str, Any], name: str, place: str) -> tuple[int | None, date | None]:
    """Return a balance, negative when overdrawn, and its day."""
    balance = next((data[key] for key in _BALANCES[name] if data.get(key) is not None), None)
    if balance is None:
        return None, None
    if balance.amount.currency != "VND":
        raise StatementError(
            "bad_currency",
            place,
            "Sao kê không phải bằng đồng Việt Nam.",
            "The statement is not in Vietnamese đồng.",
        )
    return whole_dong(balance.amount.amount, place, signed=True), day(balance.date)


def check_fields(body: str, place: str) -> None:
    """Refuse a movement or balance that does not have its exact form, with whole đồng in ASCII digits."""
    openings = 0
    for field in _FIELDS.finditer(body):
        tag, text = field.groups()
        openings += tag.startswith("60")
        pattern = _MOVEMENT if tag == "61" else _BALANCE
        if openings > 1 or not pattern.fullmatch(text):
            raise StatementError(
                "bad_structure" if openings > 1 else "bad_amount",
                f"{place}, :{tag}:",
                "Trường này sai mẫu hoặc số tiền không phải số nguyên đồng.",
                "This field is malformed, or its amount is not in whole đồng.",
            )


def keep_line(_transactions: object, _tag: object, fields: dict[str, Any]) -> dict[str, Any]:
    """Give a line without a type code one, or the library would overwrite it with the next line."""
    return {**fields, "id": fields.get("id") or "NMSC"}


PROCESSORS: Any = {
    "pre_statement": [keep_line],
    "post_statement": [],
    "post_transaction_details": [],
}


def whole_dong(amount: Decimal, place: str, *, signed: bool = False) -> int:
    """Return an amount as int; the fraction was checked to be zero."""
    if not amount.is_finite() or amount.adjusted() > 13 or amount != amount.to_integral_value():
        raise bad_structure(place, "số tiền sai", "an amount is wrong")
    return int(amount) if signed else abs(int(amount))


def day(value: date) -> date:
    """Return the library's date as a plain one."""
    return date(value.year, value.month, value.day)


def number_of(text: object) -> int | None:
    """Return the digits of a statement or page number."""
    found = str(text or "")
    return int(found) if re.fullmatch("[0-9]{1,5}", found, re.ASCII) else None


def bad_structure(place: str, vi: str, en: str) -> StatementError:
    """Build the error for a statement that breaks the format."""
    return StatementError(
        "bad_structure",
        place,
        f"Sao kê MT940 không đọc được: {vi}. Hãy tải lại từ ngân hàng.",
        f"The MT940 statement cannot be read: {en}. Download it from the bank again.",
    )
