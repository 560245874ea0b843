"""A list of registrations as a spreadsheet: who takes part in what, from when, how much."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from bank_adapters.statements.tables import Row, Value
from payments.errors import DomainError
from payments.fees.checks import NewRegistration
from payments.fees.terms import Unit
from payments.i18n import Text
from payments.money import parse_vnd
from payments.schools.identifiers import normalise_code
from payments.schools.problems import BAD_DATE_CELL, MISSING, Heading, Problem, kind_of, problem_json
from payments.schools.row_reader import RowReader, day_of, problem_at, read_sector_id, required_text
from payments.schools.sheets import Column, Layout, table_of, tables_with

PROGRAM = "API"
MAX_QUANTITY = 2_147_483_647  # what the column holds
COLUMNS = (
    Column(
        "sector_id",
        "Mã định danh Bộ GD&ĐT",
        ("madinhdanhbogddt", "madinhdanh", "madinhdanhhocsinh", "mahocsinh", "mahs"),
        Text("Mã của học sinh, dạng văn bản.", "The pupil's identifier, as text."),
        required=True,
    ),
    Column(
        "fee_code",
        "Mã khoản thu",
        ("khoanthu", "makhoan", "feecode"),
        Text("Ví dụ AN, CSBT.", "For instance AN, CSBT."),
        required=True,
    ),
    Column(
        "valid_from",
        "Từ ngày",
        ("ngaybatdau", "from"),
        Text("Ngày đầu tiên tham gia.", "The first day."),
        required=True,
    ),
    Column(
        "valid_to",
        "Đến ngày",
        ("denngay", "denhet", "ngayketthuc", "to"),
        Text("Ngày cuối cùng, hoặc trống.", "The last day, or empty."),
    ),
    Column(
        "quantity",
        "Số lượng",
        ("soluong", "sotien", "quantity"),
        Text("Mặc định 1; với tài trợ là số tiền.", "1 when empty; the sum for a free amount."),
    ),
)
UNKNOWN_PUPIL = kind_of(
    "unknown_pupil",
    Heading.LIVE,
    Text("Trường không có học sinh mang mã này.", "The school has no pupil with this identifier."),
    Text("Kiểm tra mã, hoặc nhập danh sách học sinh trước.", "Check the identifier, or import the roster first."),
)
UNKNOWN_FEE = kind_of(
    "unknown_fee",
    Heading.RIGHT,
    Text("Trường không có khoản thu mang mã này.", "The school has no fee item with this code."),
    Text("Kiểm tra mã khoản thu (hocphi fee list).", "Check the fee code (hocphi fee list)."),
)
BAD_QUANTITY = kind_of(
    "bad_quantity",
    Heading.RIGHT,
    Text("Số lượng phải là số nguyên từ 0.", "The quantity must be a whole number, zero or more."),
    Text("Ghi số nguyên, ví dụ 22.", "Write a whole number, for instance 22."),
)
BAD_ORDER = kind_of(
    "bad_dates",
    Heading.RIGHT,
    Text("Ngày kết thúc đứng trước ngày bắt đầu.", "The last day stands before the first."),
    Text("Sửa một trong hai ngày.", "Correct one of the two days."),
)
REGISTERED_TWICE = kind_of(
    "registered_twice",
    Heading.CLEAN,
    Text("Một dòng khác ghi khác cho cùng học sinh, khoản thu và ngày.", "Another row tells it differently."),
    Text("Giữ dòng đúng, xóa dòng kia.", "Keep the right row, remove the other."),
)


@dataclass(frozen=True, slots=True)
class FoundItem:
    """What a fee code means in a school."""

    id: int
    unit: Unit


@dataclass(frozen=True, slots=True)
class ReadRegistration:
    """A row that was read: the registration unless refused, and what is wrong with it."""

    source: Row
    layout: Layout
    registration: NewRegistration | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationReport:
    """The outcome of importing registrations."""

    file_name: str
    rows: int
    refused: int
    new: int
    changed: int
    unchanged: int
    problems: tuple[Problem, ...]

    @property
    def importable(self) -> bool:
        """Whether at least one row was accepted."""
        return self.rows > self.refused

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "file": self.file_name,
            "rows": self.rows,
            "accepted": self.rows - self.refused,
            "refused": self.refused,
            "new": self.new,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "problems": [problem_json(problem) for problem in self.problems],
        }


def read_table(data: bytes, filename: str) -> list[tuple[Layout, list[Row]]]:
    """Read the sheets of a file that have the columns. Raises DomainError (codes of ``tables_with``)."""
    return tables_with(data, filename, COLUMNS)


def table_of_records(records: Sequence[Mapping[str, str]]) -> list[tuple[Layout, list[Row]]]:
    """Stand registrations that a program tells (by the keys of the columns) in a table."""
    return [table_of(records, PROGRAM, COLUMNS)]


def named_pupils(tables: Sequence[tuple[Layout, list[Row]]]) -> set[str]:
    """Name the sector identifiers that the rows may mean, to be looked up at once."""
    codes = (RowReader(row, layout).text("sector_id") for layout, rows in tables for row in rows)
    return {normalise_code(code.removeprefix("'")) for code in codes if "\x00" not in code}


def read_registrations(
    tables: Sequence[tuple[Layout, list[Row]]], pupils: Mapping[str, int], items: Mapping[str, FoundItem]
) -> list[ReadRegistration]:
    """Read and judge all rows; rows that tell one registration in two ways are refused together."""
    return refuse_contradictions(
        [read_registration(row, layout, pupils, items) for layout, rows in tables for row in rows]
    )


def read_registration(
    row: Row, layout: Layout, pupils: Mapping[str, int], items: Mapping[str, FoundItem]
) -> ReadRegistration:
    """Read and judge one row."""
    reader = RowReader(row, layout)
    pupil_id = read_pupil(reader, pupils)
    item = read_item(reader, items)
    valid_from, valid_to = read_day(reader, "valid_from"), read_day(reader, "valid_to")
    if not reader.text("valid_from"):
        reader.tell(MISSING, "valid_from")
    if valid_from and valid_to and valid_to < valid_from:
        reader.tell(BAD_ORDER, "valid_to")
    quantity = read_quantity(reader, item)
    found = None
    if not reader.refused and pupil_id and item and valid_from and quantity is not None:
        found = NewRegistration(pupil_id, item.id, valid_from, valid_to, quantity)
    return ReadRegistration(row, layout, found, tuple(reader.found))


def read_pupil(reader: RowReader, pupils: Mapping[str, int]) -> int | None:
    """Find the pupil that a row means."""
    sector_id = read_sector_id(reader)
    pupil_id = pupils.get(sector_id or "")
    if sector_id and pupil_id is None:
        reader.tell(UNKNOWN_PUPIL, "sector_id")
    return pupil_id


def read_item(reader: RowReader, items: Mapping[str, FoundItem]) -> FoundItem | None:
    """Find the fee item that a row means."""
    code = normalise_code(required_text(reader, "fee_code"))
    item = items.get(code)
    if code and item is None:
        reader.tell(UNKNOWN_FEE, "fee_code")
    return item


def read_day(reader: RowReader, key: str) -> date | None:
    """Read a day; an empty cell is none."""
    value, text = reader.value(key), reader.text(key)
    day = day_of(value, text) if text else None
    if text and (day is None or not 2000 <= day.year <= 2100):
        reader.tell(BAD_DATE_CELL, key)
        return None
    return day


def read_quantity(reader: RowReader, item: FoundItem | None) -> int | None:
    """Read the quantity; empty means one, but a free amount must be told."""
    value = reader.value("quantity")
    if not reader.text("quantity"):
        if item and item.unit is Unit.FREE_AMOUNT:
            reader.tell(MISSING, "quantity")
        return 1
    quantity = whole_number(value)
    if quantity is None or not 0 <= quantity <= MAX_QUANTITY:
        reader.tell(BAD_QUANTITY, "quantity")
        return None
    return quantity


def whole_number(value: Value) -> int | None:
    """Read a whole number as typed or stored; None when it is none."""
    if isinstance(value, int):
        return value
    if not isinstance(value, str):
        return None
    try:
        return parse_vnd(value)
    except DomainError:
        return None


def refuse_contradictions(rows: Sequence[ReadRegistration]) -> list[ReadRegistration]:
    """Refuse all rows that tell one registration (pupil, item, first day) in different ways."""
    by_key: defaultdict[tuple[int, int, date], list[ReadRegistration]] = defaultdict(list)
    for row in rows:
        if row.registration:
            by_key[key_of(row.registration)].append(row)
    return [refuse_contradiction(row, by_key[key_of(row.registration)]) if row.registration else row for row in rows]


def refuse_contradiction(row: ReadRegistration, same: Sequence[ReadRegistration]) -> ReadRegistration:
    """Refuse a row when another one of the same key says something else."""
    other = next((other for other in same if other.registration != row.registration), None)
    if other is None:
        return row
    problem = problem_at(REGISTERED_TWICE, row.source, row.layout, "sector_id", other.source.number)
    return replace(row, registration=None, problems=(*row.problems, problem))


def key_of(registration: NewRegistration) -> tuple[int, int, date]:
    """By this a registration is the same registration."""
    return registration.pupil_id, registration.fee_item_id, registration.valid_from
