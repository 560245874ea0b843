"""The columns of the sector template that we keep, and how their headers are recognised in real files.

Source: the Excel template of the sector database (facts: data fields of students). Ethnicity, addresses and
parents' years of birth are left out on purpose: fees do not need them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bank_adapters.statements.tables import Row, Sheet
from bank_adapters.statements.values import text_of
from payments.errors import DomainError
from payments.i18n import Text
from payments.schools.rules import search_key

HEADER_IN_FIRST_ROWS = 40
LIKE_A_HEADER = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A column we keep: its header in the template, other names in real files (best first), and what it takes."""

    key: str
    header: str
    names: tuple[str, ...]
    takes: Text
    required: bool = False


COLUMNS = (
    Column(
        "class_name",
        "Mã lớp",
        ("lop", "tenlop", "lophoc", "malophoc", "class"),
        Text("Tên lớp như trường gọi: 1A, 6/4, Lá 2.", "The class as the school calls it: 1A, 6/4, Lá 2."),
        required=True,
    ),
    Column(
        "sector_id",
        "Mã định danh Bộ GD&ĐT",
        ("madinhdanhbogddt", "madinhdanhbogiaoducvadaotao", "madinhdanh", "madinhdanhhocsinh", "mahocsinh", "mahs"),
        Text(
            "Mã trên CSDL ngành, để dạng văn bản để không mất số 0 đầu.",
            "The identifier of the sector database, as text, so that leading zeros stay.",
        ),
        required=True,
    ),
    Column(
        "full_name",
        "Họ tên",
        ("hovaten", "hotenhocsinh", "hovatenhocsinh", "tenhocsinh", "fullname"),
        Text("Họ, tên đệm, tên; phông Unicode.", "Family, middle and given name, in Unicode."),
        required=True,
    ),
    Column(
        "date_of_birth",
        "Ngày sinh",
        ("ngaythangnamsinh", "sinhngay", "dateofbirth"),
        Text("Ngày/tháng/năm: 05/09/2018.", "Day/month/year: 05/09/2018."),
        required=True,
    ),
    Column(
        "sex", "Giới tính", ("gioi", "phai", "sex"), Text("Nam hoặc Nữ.", "Nam (male) or Nữ (female)."), required=True
    ),
    Column(
        "grade",
        "Khối",
        ("khoilop", "grade"),
        Text("1–12; để trống thì lấy theo tên lớp.", "1-12; when empty it is read off the class name."),
    ),
    Column(
        "status",
        "Trạng thái",
        ("trangthaihocsinh", "tinhtrang", "status"),
        Text("Đang học, Chuyển đi hoặc Thôi học.", "Đang học (studying), Chuyển đi (moved) or Thôi học (left)."),
    ),
    Column(
        "personal_id",
        "Số ĐDCN",
        ("sodinhdanhcanhan", "dinhdanhcanhan", "ddcn", "socccd", "cccd", "socccdddcn", "socancuoc"),
        Text("Số định danh cá nhân, 12 chữ số, dạng văn bản.", "Personal number, 12 digits, as text."),
    ),
    Column(
        "identity",
        "Xác thực ĐDCN",
        ("trangthaixacthuc", "trangthaidinhdanh", "xacthucdinhdanh"),
        Text("Đã xác thực hoặc Chưa xác thực.", "Đã xác thực (verified) or Chưa xác thực (not verified)."),
    ),
    Column(
        "guardian_name",
        "Họ tên người giám hộ",
        ("hotenphuhuynh", "tenphuhuynh", "phuhuynh", "nguoigiamho", "hotenchame", "chamehocsinh"),
        Text("Người nhận thông báo thu.", "Who receives the notices."),
    ),
    Column(
        "guardian_phone",
        "Điện thoại người giám hộ",
        (
            "sdtnguoigiamho",
            "sodienthoaiphuhuynh",
            "dienthoaiphuhuynh",
            "sdtphuhuynh",
            "sodienthoai",
            "dienthoai",
            "sdt",
        ),
        Text("10 chữ số, dạng văn bản.", "10 digits, as text."),
    ),
    Column(
        "guardian_email",
        "Email người giám hộ",
        ("emailphuhuynh", "email", "thudientu"),
        Text("Không bắt buộc.", "Optional."),
    ),
    Column(
        "father_name",
        "Họ tên cha",
        ("hotenbo", "tencha", "tenbo"),
        Text("Lưu khi có điện thoại.", "Kept with a phone."),
    ),
    Column(
        "father_phone",
        "Điện thoại cha",
        ("sdtcha", "sodienthoaicha", "dienthoaibo", "sdtbo", "sodienthoaibo"),
        Text("10 chữ số, dạng văn bản.", "10 digits, as text."),
    ),
    Column("mother_name", "Họ tên mẹ", ("tenme",), Text("Lưu khi có điện thoại.", "Kept with a phone.")),
    Column(
        "mother_phone",
        "Điện thoại mẹ",
        ("sdtme", "sodienthoaime"),
        Text("10 chữ số, dạng văn bản.", "10 digits, as text."),
    ),
)
BY_KEY: Mapping[str, Column] = {column.key: column for column in COLUMNS}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns of a sheet stand: key -> place counted from 0; headers that we do not keep."""

    places: Mapping[str, int]
    header_row: int
    ignored: tuple[str, ...]

    @property
    def missing(self) -> list[Column]:
        """Required columns that the sheet lacks."""
        return [column for column in COLUMNS if column.required and column.key not in self.places]


def fold_header(text: str) -> str:
    """Fold a header for comparison: no case, diacritics, blanks, punctuation, or «(*)»."""
    return search_key(text).replace(" ", "")


def without_notes(text: str) -> str:
    """Drop what stands in brackets: «Mã định danh Bộ GD&ĐT (trên CSDL ngành)»."""
    return re.sub(r"\([^)]*\)", " ", text)


def rank(column: Column, header: str) -> int | None:
    """Say how well a header names a column: 0 is the template's own, None is not at all."""
    names = [fold_header(column.header), *column.names]
    folded = {fold_header(header), fold_header(without_notes(header))}
    return next((place for place, name in enumerate(names) if name in folded), None)


def find_layout(sheet: Sheet) -> Layout | None:
    """Find the header row of a sheet: the first that names all required columns, else the best one; None: no roster."""
    layouts = [layout_of(row) for row in sheet.rows[:HEADER_IN_FIRST_ROWS]]
    complete = next((layout for layout in layouts if not layout.missing), None)
    best = complete or max(layouts, key=lambda layout: len(layout.places), default=None)
    return best if best and len(best.places) >= LIKE_A_HEADER else None


def layout_of(row: Row) -> Layout:
    """Read a row as if it were the header. Raises DomainError ``duplicate_column`` when two cells name one column."""
    headers = [text_of(value) for value in row.cells]
    places: dict[str, int] = {}
    for column in COLUMNS:
        ranked = [(found, place) for place, header in enumerate(headers) if (found := rank(column, header)) is not None]
        if ranked:
            places[column.key] = pick(column, sorted(ranked), row)
    kept = set(places.values())
    ignored = tuple(header[:60] for place, header in enumerate(headers) if header and place not in kept)
    return Layout(places, row.number, ignored)


def pick(column: Column, ranked: Sequence[tuple[int, int]], row: Row) -> int:
    """Pick the cell that names a column best; two equally good ones are refused, not guessed."""
    if len(ranked) > 1 and ranked[0][0] == ranked[1][0] and len(row.cells) > LIKE_A_HEADER:
        first, second = row.place(ranked[0][1]), row.place(ranked[1][1])
        raise DomainError(
            "duplicate_column",
            f"Cột «{column.header}» có hai lần ({first} và {second}). Hãy xóa hoặc đổi tên một cột.",
            f"The column «{column.header}» stands there twice ({first} and {second}). Remove or rename one.",
        )
    return ranked[0][1]


def is_numbering(row: Row) -> bool:
    """Tell whether a row only numbers the columns: «(1) (2) (3)»."""
    texts = [text_of(value).strip("()[] ") for value in row.cells if value is not None]
    return len(texts) > LIKE_A_HEADER and all(text.isascii() and text.isdigit() and len(text) < 3 for text in texts)
