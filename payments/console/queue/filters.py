"""The filters of the queue as they stand in an address: read, told to people, written again. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from payments.errors import DomainError
from payments.i18n import Text
from payments.money import parse_vnd
from payments.schools.rules import search_key

TABS: Mapping[str, Text] = {
    "waiting": Text("Chờ xử lý", "Waiting"),
    "sure": Text("Gợi ý chắc", "Sure hints"),
    "assigned": Text("Đã gán", "Assigned"),
    "excluded": Text("Đã loại", "Excluded"),
    "refunds": Text("Hoàn trả", "Refunds"),
    "held": Text("Báo có cần quyết định", "Messages to decide"),
    "astray": Text("Chuyển giữa tài khoản", "Between accounts"),
}
SORTS: Mapping[str, Text] = {
    "oldest": Text("cũ nhất trước", "oldest first"),
    "newest": Text("mới nhất trước", "newest first"),
    "largest": Text("lớn nhất trước", "largest first"),
    "score": Text("điểm cao trước", "best score first"),
    "name": Text("theo tên học sinh", "by pupil's name"),
}
OUTCOMES = ("damaged", "unknown", "lump", "several", "other_pupil")
NAMES: Mapping[str, Text] = {
    "account": Text("Tài khoản", "Account"),
    "from": Text("Từ ngày", "From"),
    "to": Text("Đến ngày", "To"),
    "min": Text("Số tiền từ", "Amount from"),
    "max": Text("Số tiền đến", "Amount to"),
    "q": Text("Có chữ", "Text"),
    "class": Text("Lớp", "Class"),
    "chip": Text("Lý do", "Reason"),
    "score": Text("Điểm từ", "Score from"),
    "outcome": Text("Tình trạng", "State"),
}
"""The filters that people see as chips, in order; the keys are those of the address."""
MAX_PAGE = 10_000
MAX_WORDS = 100
_ATTRIBUTES = {"from": "since", "to": "until", "min": "least_vnd", "max": "most_vnd", "class": "class_name"}
_CHIP = re.compile(r"[a-z_]{1,40}")
_NOT_IN_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the queue shows. Amounts in đồng, days of Viet Nam."""

    tab: str = "waiting"
    account: int | None = None
    since: date | None = None
    until: date | None = None
    least_vnd: int | None = None
    most_vnd: int | None = None
    q: str = ""
    class_name: str = ""
    chip: str = ""
    score: int | None = None
    outcome: str = ""
    sort: str = "oldest"
    page: int = 0
    view: int | None = None
    unread: tuple[str, ...] = ()
    """Filters of the address that say nothing: told, never silently widened."""

    @property
    def words(self) -> str:
        """The text looked for, folded: lower case, no diacritics, single blanks."""
        return search_key(_NOT_IN_WORDS.sub(" ", self.q))

    def active(self) -> dict[str, Any]:
        """Key of the address -> value, of the filters that narrow."""
        values = {key: getattr(self, _ATTRIBUTES.get(key, key)) for key in NAMES}
        return {key: value for key, value in values.items() if value not in (None, "")}

    def query(self, **changes: object) -> str:
        """The address' query of these filters with some changed; None and "" leave a filter out."""
        shape = {"tab": self.tab, **self.active(), "sort": self.sort, "page": self.page, "view": self.view}
        merged = {**shape, **changes}
        defaults = {"tab": "waiting", "sort": "oldest", "page": 0}
        kept = {key: value for key, value in merged.items() if value not in (None, "") and value != defaults.get(key)}
        return urlencode({key: value.isoformat() if isinstance(value, date) else value for key, value in kept.items()})

    def without(self, key: str) -> str:
        """The query with one filter dropped, on the first page."""
        return self.query(**{key: None, "page": 0, "view": None})


def read(args: Mapping[str, str]) -> Filters:
    """Read the filters of an address; what cannot be read is named in ``unread``."""
    values: dict[str, Any] = {}
    unread: list[str] = []
    for key, value in _given(args):
        try:
            values[_ATTRIBUTES.get(key, key)] = _READERS[key](value.strip())
        except (ValueError, DomainError):
            unread.append(key)
    return Filters(**values, unread=tuple(key for key in unread if key in NAMES))


def _given(args: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key in _READERS:
        value = args.get(key, "")
        if value.strip():
            yield key, value


def _one_of(allowed: Mapping[str, object] | tuple[str, ...]) -> Any:
    def reader(value: str) -> str:
        if value not in allowed:
            raise ValueError(value[:20])
        return value

    return reader


def _number(least: int, most: int) -> Any:
    def reader(value: str) -> int:
        number = int(value) if value.isascii() and len(value) < 20 else -1
        if not least <= number <= most:
            raise ValueError(value[:20])
        return number

    return reader


def _day(value: str) -> date:
    """``2025-09-08`` as a browser sends it, or ``08/09/2025`` as people type it."""
    day, slash, rest = value.partition("/")
    if slash:
        month, _, year = rest.partition("/")
        value = f"{int(year):04d}-{int(month):02d}-{int(day):02d}"
    return date.fromisoformat(value)


def _chip(value: str) -> str:
    if not _CHIP.fullmatch(value):
        raise ValueError(value[:20])
    return value


def _text(value: str) -> str:
    return value[:MAX_WORDS].replace("\x00", "")


_READERS: Mapping[str, Any] = {
    "tab": _one_of(TABS),
    "account": _number(1, 2**63 - 1),
    "from": _day,
    "to": _day,
    "min": parse_vnd,
    "max": parse_vnd,
    "q": _text,
    "class": _text,
    "chip": _chip,
    "score": _number(0, 100),
    "outcome": _one_of(OUTCOMES),
    "sort": _one_of(SORTS),
    "page": _number(0, MAX_PAGE),
    "view": _number(1, 2**63 - 1),
}
