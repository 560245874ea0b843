"""What only MT942 has: floor limits (34F), the moment of the report (13D), and number and sum of entries (90D, 90C)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.model import Notice, StatementLine
from bank_adapters.statements.mt940_fields import DONG, bad_structure, day_of

_MARK = re.compile(r"^:34F:", re.MULTILINE)
_FIELDS = re.compile(r"^:(34F|13D?|90[CD]):([^\n]*)", re.MULTILINE)
_FLOOR = re.compile(rf"([A-Z]{{3}})([DC ]?)({DONG})\s*")
_MOMENT = re.compile(r"([0-9]{6})[0-9]{4}(?:[+-][0-9]{4})?\s*")
_SUM = re.compile(rf"([0-9]{{1,5}})([A-Z]{{3}})({DONG})\s*")
_LAST_SUM = re.compile(r"^:90[CD]:[^\n]*\n?", re.MULTILINE)


def looks_like(block: str) -> bool:
    """Tell a report within the day from a statement: it states a floor limit, and no balance."""
    return _MARK.search(block) is not None


def body_of(block: str, place: str, end: str) -> str:
    """Return a report up to its sums, or to the mark at the end of its message.

    A report has no closing balance, so one that has neither may be cut short, even inside an amount: raises
    StatementError.
    """
    sums = list(_LAST_SUM.finditer(block))
    stop = sums[-1].end() if sums else block.rfind(end)
    if stop < 0 or "\n:61:" in block[stop - 1 :]:
        raise bad_structure(
            place,
            "không kết thúc bằng :90D:/:90C: hoặc dấu «-»; tệp có thể bị cắt",
            "it ends neither in :90D:/:90C: nor in the mark «-», and may be cut short",
        )
    return block[:stop].replace(end, "")


@dataclass(frozen=True, slots=True)
class Sums:
    """The stated facts: floor limits and (number, đồng) by mark C or D."""

    floors: Mapping[str, int]
    stated: Mapping[str, tuple[int, int]]
    reported_on: date | None

    @classmethod
    def read(cls, body: str, place: str) -> "Sums":
        """Read them strictly; raises StatementError."""
        floors: dict[str, int] = {}
        stated: dict[str, tuple[int, int]] = {}
        reported_on = None
        for field in _FIELDS.finditer(body):
            tag, text = field.groups()
            where = f"{place}, :{tag}:"
            if tag == "34F":
                currency, mark, amount = exactly(_FLOOR, text, where)
                for each in mark.strip() or "CD":
                    floors[each] = dong(amount, currency, where)
            elif tag.startswith("90"):
                number, currency, amount = exactly(_SUM, text, where)
                stated[tag[2]] = int(number), dong(amount, currency, where)
            else:
                (day,) = exactly(_MOMENT, text, where)
                reported_on = day_of(day)
                if reported_on is None:
                    raise bad_structure(where, "ngày không có thật", "its day does not exist")
        return cls(floors, stated, reported_on)

    def total(self, mark: str, lines: Sequence[StatementLine], place: str) -> int | None:
        """Return the stated sum, to be proved against the lines; None where it counts more than the lines show.

        Entries below the floor limit are not listed but may be counted. Raises StatementError when the sum is less than
        the lines, or another number of entries is stated without any limit.
        """
        if mark not in self.stated:
            return None
        number, sum_vnd = self.stated[mark]
        own = [line.amount_vnd for line in lines if line.direction == ("credit" if mark == "C" else "debit")]
        more = number > len(own) or sum_vnd > sum(own)
        if self.floors.get(mark, 0) and more:
            return None
        if number != len(own):
            raise bad_structure(
                f"{place}, :90{mark}:",
                f"ghi {number} bút toán nhưng có {len(own)}",
                f"it states {number} entries but has {len(own)}",
            )
        return sum_vnd

    def notices(self, place: str) -> tuple[Notice, ...]:
        """Say what such a report cannot do, and what it leaves out."""
        found = [
            Notice(
                "proves_no_day",
                place,
                "Đây là báo cáo trong ngày (MT942), không chứng minh được số dư của ngày. Hãy nộp thêm sao kê cuối "
                "ngày (MT940).",
                "This is a report within the day (MT942); it proves no day's balance. Send the statement (MT940) too.",
            )
        ]
        limit_vnd = max(self.floors.values(), default=0)
        if limit_vnd:
            found.append(
                Notice(
                    "below_floor_limit",
                    place,
                    f"Ngân hàng không liệt kê bút toán dưới {limit_vnd} đồng (:34F:).",
                    f"The bank does not list entries below {limit_vnd} đồng (:34F:).",
                )
            )
        return tuple(found)


def exactly(pattern: re.Pattern[str], text: str, place: str) -> tuple[str, ...]:
    """Return the groups of a field; raises StatementError when it does not have its exact form."""
    match = pattern.fullmatch(text)
    if match is None:
        raise StatementError(
            "bad_amount",
            place,
            "Trường này sai mẫu hoặc số tiền không phải số nguyên đồng.",
            "This field is malformed, or its amount is not in whole đồng.",
        )
    return match.groups()


def dong(amount: str, currency: str, place: str) -> int:
    """Return whole đồng; raises StatementError for another currency."""
    if currency != "VND":
        raise bad_currency(place)
    return int(amount.partition(",")[0])


def bad_currency(place: str) -> StatementError:
    """Build the error for a statement in another currency."""
    return StatementError(
        "bad_currency",
        place,
        "Sao kê không phải bằng đồng Việt Nam.",
        "The statement is not in Vietnamese đồng.",
    )
