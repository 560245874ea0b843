"""Columns are found under the names that real files use, and nothing is guessed where two could be meant."""

import pytest

from bank_adapters.statements.rows import Row, Sheet
from payments.errors import DomainError
from payments.schools.roster.columns import COLUMNS
from payments.schools.sheets import find_layout, is_numbering, layout_of, rank
from tests.payments.schools.roster.files import HEADERS


def sheet(*lines):
    return Sheet("S", tuple(Row("S", number, tuple(line)) for number, line in enumerate(lines, start=1)))


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Mã định danh Bộ GD&ĐT (trên CSDL ngành)", "sector_id"),
        ("Ma dinh danh", "sector_id"),
        ("MÃ ĐỊNH DANH BỘ GD&ĐT (*)", "sector_id"),
        ("Họ và tên", "full_name"),
        ("HO TEN", "full_name"),
        ("Ngày sinh (dd/mm/yyyy)", "date_of_birth"),
        ("Giới\u00a0tính", "sex"),
        ("Lớp", "class_name"),
        ("Số ĐDCN", "personal_id"),
        ("SĐT phụ huynh", "guardian_phone"),
        ("Ngày sinh cha", None),
        ("Họ tên cha", "father_name"),
        ("Dân tộc", None),
    ],
)
def test_headers_are_matched_without_case_diacritics_and_notes(header, key):
    assert [column.key for column in COLUMNS if rank(column, header) is not None] == ([key] if key else [])


def test_no_two_columns_share_a_name():
    names = [name for column in COLUMNS for name in column.names]
    assert len(names) == len(set(names))


def test_the_header_row_is_found_below_titles():
    layout = find_layout(sheet(["SỞ GIÁO DỤC (mẫu)"], ["DANH SÁCH HỌC SINH"], HEADERS, ["1", "1A"]), COLUMNS)
    assert layout.header_row == 3
    assert layout.places["sector_id"] == 2
    assert layout.ignored == ("STT", "Dân tộc")
    assert layout.missing == []


def test_a_sheet_without_required_columns_names_them():
    layout = find_layout(sheet(["STT", "Mã lớp", "Họ tên", "Ngày sinh"]), COLUMNS)
    assert [column.key for column in layout.missing] == ["sector_id", "sex"]


def test_a_sheet_of_other_things_is_no_roster():
    assert find_layout(sheet(["Giới tính", "Trạng thái"], ["Nam", "Đang học"]), COLUMNS) is None


def test_the_better_name_wins_and_equal_names_are_refused():
    both = layout_of(Row("S", 1, ("Mã học sinh", "Mã định danh Bộ GD&ĐT", "Lớp", "Họ tên")), COLUMNS)
    assert both.places["sector_id"] == 1
    with pytest.raises(DomainError) as refused:
        layout_of(Row("S", 1, ("Họ tên", "Họ tên", "Lớp", "Mã định danh")), COLUMNS)
    assert refused.value.code == "duplicate_column"
    assert "«Họ tên»" in refused.value.vi


def test_a_row_that_numbers_the_columns_is_no_pupil():
    assert is_numbering(Row("S", 2, ("(1)", "(2)", "(3)", 4)))
    assert not is_numbering(Row("S", 2, (1, "1A", "0900000001", "An")))
