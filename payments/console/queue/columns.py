"""The columns that an export may have: each with its heading, kind and value. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from payments import clock
from payments.console.queue import words
from payments.console.queue.lines import Line
from payments.console.queue.marking import readable
from payments.errors import DomainError
from payments.i18n import Language, Text

MAX_HEADING = 80
LONGEST_CELL = 32_000
"""A cell of a workbook holds 32,767 characters."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what stands over it unless the school has a word of its own, how wide it is, what is in it."""

    heading: Text
    width: int
    kind: str
    """``text``, ``money`` (đồng), ``number``, ``day`` or ``moment`` (time of Viet Nam)."""
    value: Callable[[Line, Language], Any]


class Chosen(NamedTuple):
    """A column of a saved view; an empty heading stands for the usual one."""

    key: str
    heading: str = ""


def _names(line: Line, key: str) -> str:
    kept = dict.fromkeys(str(one[key] or "") for one in line.meant)
    return ", ".join(name for name in kept if name)


def _pupils(line: Line) -> str:
    return _names(line, "full_name") if line.waits else ", ".join(line.row["paid"] or [])


def _chips(line: Line, language: Language) -> str:
    return ", ".join(words.word(words.CHIPS, chip, language) for chip in line.first.chips) if line.first else ""


def _against(line: Line, language: Language) -> str:
    return ", ".join(line.first.told_against(language)) if line.first else ""


def _state(line: Line, language: Language) -> str:
    return words.word(words.OUTCOMES, line.row["outcome"], language)


COLUMNS: Mapping[str, Column] = {
    "day": Column(Text("Ngày", "Day"), 11, "day", lambda line, _: line.row["value_date"]),
    "moment": Column(Text("Thời điểm", "Time"), 16, "moment", lambda line, _: _local(line.row["occurred_at"])),
    "amount": Column(Text("Số tiền (đồng)", "Amount (đồng)"), 15, "money", lambda line, _: line.row["amount_vnd"]),
    "account": Column(Text("Tài khoản nhận", "Account"), 18, "text", lambda line, _: line.row["account_number"]),
    "fund": Column(Text("Nguồn", "Fund"), 22, "text", lambda line, _: line.row["fund"]),
    "bank_reference": Column(Text("Số bút toán", "Bank reference"), 18, "text", lambda line, _: _bank(line)),
    "memo": Column(Text("Nội dung", "Memo"), 44, "text", lambda line, _: readable(line.row["description"])),
    "state": Column(Text("Tình trạng", "State"), 16, "text", _state),
    "pupil": Column(Text("Học sinh", "Pupil"), 26, "text", lambda line, _: _pupils(line)),
    "class": Column(Text("Lớp", "Class"), 8, "text", lambda line, _: _names(line, "class_name")),
    "sector_id": Column(
        Text("Mã định danh", "Sector identifier"), 14, "text", lambda line, _: _names(line, "sector_id")
    ),
    "reference": Column(Text("Mã thanh toán", "Reference"), 16, "text", lambda line, _: _names(line, "reference")),
    "round": Column(Text("Đợt thu", "Round"), 20, "text", lambda line, _: _names(line, "round_name")),
    "open": Column(Text("Còn phải nộp (đồng)", "Open (đồng)"), 15, "money", lambda line, _: _open(line)),
    "reasons": Column(Text("Lý do gợi ý", "Reasons"), 34, "text", _chips),
    "against": Column(Text("Điểm ngược", "Against"), 24, "text", _against),
    "score": Column(Text("Điểm", "Score"), 7, "number", lambda line, _: line.row["score"] or None),
    "decided_by": Column(Text("Người quyết định", "Decided by"), 20, "text", lambda line, _: line.row["decided_by"]),
    "decided_at": Column(
        Text("Lúc quyết định", "Decided at"), 16, "moment", lambda line, _: _local(line.row["decided_at"])
    ),
    "note": Column(Text("Ghi chú", "Note"), 30, "text", lambda line, _: line.row["note"]),
}
USUAL: Sequence[Chosen] = tuple(
    Chosen(key) for key in ("day", "amount", "fund", "bank_reference", "memo", "state", "pupil", "class", "reference")
) + tuple(Chosen(key) for key in ("open", "reasons", "against", "score", "note"))
"""What is exported where no saved view says otherwise."""


def chosen(stored: Sequence[Any]) -> list[Chosen]:
    """The columns that a view has kept; one that this version no longer knows is left out."""
    return [Chosen(str(key), str(heading)) for key, heading in stored if key in COLUMNS]


def read(form: Mapping[str, str]) -> list[Chosen]:
    """The columns that a form asks for: ``place-KEY`` says where (empty: not at all), ``heading-KEY`` under what word.

    Equal places stand in the order of the list. Raises DomainError ``bad_place`` or ``bad_heading``.
    """
    wanted: list[tuple[int, Chosen]] = []
    for key, column in COLUMNS.items():
        place = form.get(f"place-{key}", "").strip()
        if place:
            heading = _heading(form.get(f"heading-{key}", ""), column)
            wanted.append((_place(place, column), Chosen(key, heading)))
    return [one for _, one in sorted(wanted, key=lambda pair: pair[0])]


def heading(one: Chosen, language: Language) -> str:
    """What stands over a column."""
    return one.heading or COLUMNS[one.key].heading.in_(language)


def cells(line: Line, wanted: Sequence[Chosen], language: Language) -> list[Any]:
    """The values of a row: ``str``, ``int``, ``date``, ``datetime`` (time of Viet Nam, without zone) or None."""
    values = [COLUMNS[one.key].value(line, language) for one in wanted]
    return [value[:LONGEST_CELL] if isinstance(value, str) else value for value in values]


def _heading(text: str, column: Column) -> str:
    kept = " ".join(text.split())
    if len(kept) > MAX_HEADING or not kept.isprintable():
        raise DomainError(
            "bad_heading",
            f"Cột «{column.heading.vi}»: tiêu đề dài nhất {MAX_HEADING} ký tự.",
            f"Column «{column.heading.en}»: a heading has {MAX_HEADING} characters at most.",
        )
    return "" if kept in column.heading else kept


def _place(text: str, column: Column) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise DomainError(
            "bad_place",
            f"Cột «{column.heading.vi}»: thứ tự là số từ 1 đến 999, hoặc để trống.",
            f"Column «{column.heading.en}»: its place is a number from 1 to 999, or empty.",
        )
    return int(text)


def _local(moment: Any) -> Any:
    return None if moment is None else moment.astimezone(clock.VIETNAM).replace(tzinfo=None, microsecond=0)


def _bank(line: Line) -> Any:
    return line.row["bank_reference"]


def _open(line: Line) -> int | None:
    return line.open_vnd if line.waits and line.meant else None
