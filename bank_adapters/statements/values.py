"""Cells of tables and what may be read out of them: whole đồng, days and texts; nothing is guessed."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from bank_adapters.statements.errors import StatementError

MAX_AMOUNT_VND = 10**13
MAX_AMOUNT_CHARS = 40


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that computes; `cached` is what the program that saved the file had computed."""

    text: str
    cached: "str | int | Decimal | date | None"


# datetime is a date; a Decimal is a number with a fraction, or one too long to be an amount.
Value = str | int | Decimal | date | Formula | None

_PLAIN = re.compile(r"[0-9]{1,13}")
_GROUPED = re.compile(r"[0-9]{1,3}(?:([.,' ])[0-9]{3})(?:\1[0-9]{3})*")
_DECIMALS = re.compile(r"(.*[0-9])([.,])00")
_CURRENCY = re.compile(r"\s*(?:VND|VNĐ|Đ|₫|đ)\s*$", re.IGNORECASE)
_DAY_FIRST = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})(?![0-9])")
_YEAR_FIRST = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?![0-9])")
_TIME = re.compile(r"(?:[T ]\s*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]{1,6})?)?")
# Full-width forms and blanks that do not break; other digits, such as ², are no digits of an amount.
_PLAIN_FORMS = {0xFEE0 + code: code for code in range(0x21, 0x7F)} | dict.fromkeys((0xA0, 0x2009, 0x202F, 0x3000), " ")
_EXCEL_EPOCH = date(1899, 12, 30)
_FIRST_SERIAL, _LAST_SERIAL = 36526, 73050  # 2000-01-01 and 2099-12-31


def is_blank(value: Value) -> bool:
    """Tell whether a cell shows nothing."""
    return value is None or (isinstance(value, str) and not value.strip())


def text_of(value: Value) -> str:
    """Return what a cell shows, in one line's worth of NFC text; a number without grouping."""
    if value is None:
        return ""
    if isinstance(value, Formula):
        return text_of(value.cached)
    if isinstance(value, datetime):
        return value.strftime("%d/%m/%Y %H:%M:%S")
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    if isinstance(value, Decimal):
        return format(value, "f") if abs(value.adjusted()) < MAX_AMOUNT_CHARS else str(value)
    return unicodedata.normalize("NFC", str(value)).replace("\xa0", " ").strip()


def refuse_formula(value: Value, place: str) -> None:
    """Refuse a cell that computes, or a text that would, where a stated fact is needed."""
    if isinstance(value, Formula):
        raise StatementError(
            "formula",
            place,
            "Ô này là công thức. Hãy chép rồi dán dạng giá trị (Paste Values) trước khi nộp.",
            "This cell is a formula. Copy it and paste it as a value before sending the file.",
        )


def parse_amount(value: Value, place: str) -> int | None:
    """Read whole đồng, negative with a leading minus or in brackets; None for an empty cell.

    A separator must be followed by groups of exactly three digits; `,00` may follow where it cannot be
    mistaken for a group. Everything else is refused, never guessed.
    """
    refuse_formula(value, place)
    if is_blank(value):
        return None
    if isinstance(value, int) and abs(value) <= MAX_AMOUNT_VND:
        return value
    if isinstance(value, str) and len(value) <= MAX_AMOUNT_CHARS:
        amount = amount_from_text(value)
        if amount is not None:
            return amount
        if value.strip() == "-":  # how the accounting number format shows zero
            return None
    raise StatementError(
        "bad_amount",
        place,
        f"Không đọc được số tiền «{shown(value)}». Hãy ghi số nguyên đồng, ví dụ 1.500.000.",
        f"Cannot read the amount «{shown(value)}». Write whole đồng, for instance 1.500.000.",
    )


def amount_from_text(text: str) -> int | None:
    """Return the đồng a text states without doubt, or None."""
    folded = text.translate(_PLAIN_FORMS).strip()
    folded = _CURRENCY.sub("", folded)
    sign = 1
    if folded.startswith("(") and folded.endswith(")"):
        sign, folded = -1, folded[1:-1].strip()
    elif folded[:1] in ("-", "+", "\u2212"):
        sign, folded = (1 if folded[0] == "+" else -1), folded[1:].strip()
    digits = digits_of(folded)
    return None if digits is None or int(digits) > MAX_AMOUNT_VND else sign * int(digits)


def digits_of(text: str) -> str | None:
    """Return the digits of a plain or grouped number, or None."""
    if _PLAIN.fullmatch(text):
        return text
    grouped = _GROUPED.fullmatch(text)
    if grouped:
        return re.sub(r"[^0-9]", "", text)
    decimals = _DECIMALS.fullmatch(text)
    if decimals is None:
        return None
    whole, mark = decimals.groups()
    if whole == "0" or (_PLAIN.fullmatch(whole) and len(whole) > 3):
        return str(whole)
    grouped = _GROUPED.fullmatch(whole)
    return re.sub(r"[^0-9]", "", whole) if grouped and grouped.group(1) != mark else None


def parse_date(value: Value, place: str) -> date | None:
    """Read a day written dd/mm/yyyy, yyyy-mm-dd or as an Excel serial; None for an empty cell."""
    day, rest = split_date(value, place)
    if rest:
        raise bad_date(value, place)
    return day


def split_date(value: Value, place: str) -> tuple[date | None, str]:
    """Read a day from the start of a cell and return the text after it (some banks put a number there)."""
    refuse_formula(value, place)
    if is_blank(value):
        return None, ""
    if isinstance(value, datetime):
        return value.date(), ""
    if isinstance(value, date):
        return value, ""
    if isinstance(value, int | Decimal):
        return date_from_serial(value, place), ""
    text = str(value).translate(_PLAIN_FORMS).strip()
    match = _DAY_FIRST.match(text)
    if match:
        day, month, year = match.group(1), match.group(3), match.group(4)
    else:
        match = _YEAR_FIRST.match(text)
        if match is None:
            raise bad_date(value, place)
        year, month, day = match.groups()
    return real_date(int(year), int(month), int(day), value, place), without_time(text[match.end() :])


def without_time(text: str) -> str:
    """Drop a time of day from the start of a text."""
    match = _TIME.match(text)
    return text[match.end() if match else 0 :].strip()


def real_date(year: int, month: int, day: int, value: Value, place: str) -> date:
    """Return the day if the calendar has it and it lies in this century."""
    try:
        found = date(year, month, day)
    except ValueError:
        raise bad_date(value, place) from None
    if not 2000 <= year <= 2099:
        raise far_date(found, place)
    return found


def far_date(day: date, place: str) -> StatementError:
    """Build the error for a day that no payment of ours can have: of another century, or long after today."""
    return StatementError(
        "bad_date",
        place,
        f"Ngày {day:%d/%m/%Y} nằm ngoài khoảng có thể (gõ nhầm năm?). Hãy sửa lại ngày.",
        f"The date {day:%d/%m/%Y} is out of range (a slip in the year?). Correct it.",
    )


def date_from_serial(value: int | Decimal, place: str) -> date:
    """Return the day of an Excel serial number of this century (system of 1900)."""
    if not _FIRST_SERIAL <= value < _LAST_SERIAL + 1:
        raise bad_date(value, place)
    return _EXCEL_EPOCH + timedelta(days=int(value))


def bad_date(value: Value, place: str) -> StatementError:
    """Build the error for a cell that is no day."""
    return StatementError(
        "bad_date",
        place,
        f"Không đọc được ngày «{shown(value)}». Hãy ghi dạng ngày/tháng/năm, ví dụ 05/10/2025.",
        f"Cannot read the date «{shown(value)}». Write day/month/year, for instance 05/10/2025.",
    )


def shown(value: Value) -> str:
    """Show a refused cell; one with letters may hold a name, which has no place in an error."""
    text = text_of(value)
    if any(char.isalpha() for char in text):
        return "(chữ)"
    return text if len(text) <= 24 else text[:23] + "…"
