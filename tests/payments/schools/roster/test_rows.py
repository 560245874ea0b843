"""A row becomes a pupil or is refused with line, column and reason; nothing else ever happens."""

import random
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from bank_adapters.statements.rows import Row
from bank_adapters.statements.tables import Formula
from payments.schools.models import EnrollmentStatus, IdentityStatus
from payments.schools.roster.columns import COLUMNS
from payments.schools.roster.rows import RosterGuardian, RosterPupil, read_row
from payments.schools.rules import SchoolLevel, Sex, search_key, sort_key
from payments.schools.sheets import Layout
from tests.payments.schools.roster.files import KEYS, layout, pupil

TODAY = date(2025, 10, 8)
LAYOUT = layout()


def read(level=SchoolLevel.PRIMARY, **cells):
    return read_row(Row("Danh sách", 7, tuple(pupil(3, **cells))), LAYOUT, level, TODAY)


def codes(row):
    return [problem.kind.code for problem in row.problems]


def test_a_good_row_becomes_a_pupil():
    assert read().pupil == RosterPupil(
        sector_id="0900000003",
        full_name="Nguyễn Văn Dn",
        date_of_birth=date(2018, 4, 4),
        sex=Sex.MALE,
        class_name="1A",
        grade=1,
        status=EnrollmentStatus.STUDYING,
        personal_id="098218000003",
        identity_status=None,
        guardians=(RosterGuardian("guardian", "Trần Thị Mẫu", "0000000003", None),),
    )


@pytest.mark.parametrize(
    ("cells", "code", "column", "cell"),
    [
        ({"sector_id": None}, "missing_value", "Mã định danh Bộ GD&ĐT", "C7"),
        ({"sector_id": 900000003}, "number_not_text", "Mã định danh Bộ GD&ĐT", "C7"),
        ({"sector_id": "1.23E+09"}, "bad_sector_id", "Mã định danh Bộ GD&ĐT", "C7"),
        ({"full_name": "  "}, "missing_value", "Họ tên", "D7"),
        ({"full_name": "NguyÔn V¨n An"}, "legacy_font", "Họ tên", "D7"),
        ({"full_name": "An 2"}, "bad_name", "Họ tên", "D7"),
        ({"full_name": '=HYPERLINK("x")'}, "bad_name", "Họ tên", "D7"),
        ({"full_name": Formula("=A1", "Nguyễn Văn An")}, "formula", "Họ tên", "D7"),
        ({"born": None}, "missing_value", "Ngày sinh", "E7"),
        ({"born": "31/02/2018"}, "bad_date", "Ngày sinh", "E7"),
        ({"born": "02/31/2018"}, "bad_date", "Ngày sinh", "E7"),
        ({"born": 2018}, "bad_date", "Ngày sinh", "E7"),
        ({"born": 5092018}, "bad_date", "Ngày sinh", "E7"),
        ({"born": 46_400}, "bad_date", "Ngày sinh", "E7"),
        ({"born": date(2026, 1, 1)}, "bad_date", "Ngày sinh", "E7"),
        ({"born": "1/1/18"}, "bad_date", "Ngày sinh", "E7"),
        ({"sex": "X"}, "bad_sex", "Giới tính", "F7"),
        ({"class_name": None}, "missing_value", "Mã lớp", "B7"),
        ({"class_name": date(2025, 4, 6)}, "class_is_date", "Mã lớp", "B7"),
        ({"class_name": "x" * 41}, "bad_class", "Mã lớp", "B7"),
        ({"status": "Bảo lưu"}, "bad_status", "Trạng thái", "H7"),
        ({"personal_id": "09821800000"}, "bad_personal_id", "Số ĐDCN", "I7"),
        ({"personal_id": 98218000003}, "number_not_text", "Số ĐDCN", "I7"),
    ],
)
def test_a_wrong_cell_refuses_the_row_and_is_named(cells, code, column, cell):
    row = read(**cells)
    problem = row.problems[0]
    assert row.pupil is None
    assert (problem.kind.code, problem.line, problem.column, problem.cell) == (code, 7, column, cell)
    assert problem.kind.refuses
    assert problem.kind.reason.vi
    assert problem.kind.reason.en
    assert problem.kind.fix.vi


def test_all_wrong_cells_of_a_row_are_told_at_once():
    assert codes(read(sector_id=None, born="x", sex="x")) == ["missing_value", "bad_date", "bad_sex"]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"sector_id": "HS-0001"}, "unusual_sector_id"),
        ({"sector_id": "900000003"}, "unusual_sector_id"),
        ({"born": 43_194}, "birth_as_number"),
        ({"personal_id": "098318000003"}, "personal_id_sex"),
        ({"personal_id": "098217000003"}, "personal_id_year"),
        ({"guardian_phone": "12"}, "bad_contact"),
        ({"guardian_email": "không có"}, "bad_contact"),
        ({"class_name": "Tài năng"}, "no_grade"),
    ],
)
def test_doubts_are_told_and_the_row_is_taken(cells, code):
    row = read(**cells)
    assert codes(row) == [code]
    assert row.pupil is not None


@pytest.mark.parametrize(
    "born", [date(2018, 4, 4), datetime(2018, 4, 4, tzinfo=UTC), "04/04/2018", "4/4/2018", "4.4.2018", "2018-04-04"]
)
def test_a_day_is_read_from_every_clear_form(born):
    assert read(born=born).pupil.date_of_birth == date(2018, 4, 4)


@pytest.mark.parametrize(
    ("written", "status"),
    [
        (None, EnrollmentStatus.STUDYING),
        ("Đang học", EnrollmentStatus.STUDYING),
        ("CHUYỂN ĐI", EnrollmentStatus.MOVED),
        ("Thôi học", EnrollmentStatus.LEFT),
    ],
)
def test_the_status_is_read_by_the_catalogue(written, status):
    assert read(status=written).pupil.status == status


def test_every_spelling_of_one_pupil_is_one_pupil():
    plain = read().pupil
    spelled = read(
        sector_id=unicodedata.normalize("NFKC", "０９００００００03"),
        full_name=unicodedata.normalize("NFD", "Nguyễn\u00a0Văn  Dn "),
        class_name=" Lớp 1A",
        sex="NAM",
        born="04/04/2018",
        personal_id="'098 218 000 003",
        guardian_phone="+84 000 000 003",
    ).pupil
    assert spelled == plain


def test_a_number_of_full_length_is_taken_as_text():
    assert read(sector_id=1900000003).pupil.sector_id == "1900000003"


def test_grades_come_from_their_column_before_the_class_name():
    wide = Layout({**LAYOUT.places, "grade": len(KEYS)}, 1, (), COLUMNS)
    cells = (*pupil(3, class_name="Chồi 2"), "Khối 4")
    assert read_row(Row("", 2, cells), wide, SchoolLevel.PRIMARY, TODAY).pupil.grade == 4
    bad = read_row(Row("", 2, (*pupil(3), "13")), wide, SchoolLevel.PRIMARY, TODAY)
    assert codes(bad) == ["bad_grade"]
    assert read(level=SchoolLevel.KINDERGARTEN, class_name="Lá 2").pupil.grade is None


def test_identity_status_is_read_as_told():
    wide = Layout({**LAYOUT.places, "identity": len(KEYS)}, 1, (), COLUMNS)
    told = [
        read_row(Row("", 2, (*pupil(3), text)), wide, SchoolLevel.PRIMARY, TODAY) for text in ("Đã xác thực", "có lẽ")
    ]
    assert told[0].pupil.identity_status is IdentityStatus.VERIFIED
    assert codes(told[1]) == ["bad_status"]


def test_a_guardian_without_phone_or_mail_is_not_kept():
    assert read(guardian_phone=None).pupil.guardians == ()


def fuzz(rounds, seed):
    """Random and mutated cells: a pupil or problems, and no exception."""
    draw = random.Random(seed)
    good = pupil(3)
    alphabet = "0123456789/-.:ễăđĐ\u0301\u00ad\u200b\x00\ud800 '=+@ABz\uff10\U0001f600\n\t«»"
    for _ in range(rounds):
        cells = list(good)
        for _ in range(draw.randint(1, 4)):
            text = "".join(draw.choices(alphabet, k=draw.randint(0, 14)))
            mutated = str(cells[place := draw.randrange(len(cells))] or "")
            at = draw.randint(0, len(mutated))
            cells[place] = draw.choice(
                [
                    text,
                    mutated[:at] + text + mutated[at:],
                    draw.randint(-(10**20), 10**20),
                    Decimal(draw.randint(-9, 9)).scaleb(draw.randint(-300, 300)),
                    date.fromordinal(draw.randint(1, 3_000_000)),
                    Formula("=" + text, text),
                    None,
                ]
            )
        row = read_row(Row("S", 2, tuple(cells)), LAYOUT, draw.choice(list(SchoolLevel)), TODAY)
        assert (row.pupil is None) == any(problem.kind.refuses for problem in row.problems)
        if row.pupil:
            stored = f"{row.pupil}{sort_key(row.pupil.full_name)}{search_key(row.pupil.full_name)}"
            assert "\x00" not in stored
            stored.encode()


def test_random_cells_give_a_pupil_or_reasons():
    fuzz(3_000, seed=1)


@pytest.mark.slow
def test_a_hundred_thousand_random_rows_give_a_pupil_or_reasons():
    fuzz(100_000, seed=2)


def test_every_required_column_is_required():
    for place, key in enumerate(KEYS):
        column = next((column for column in COLUMNS if LAYOUT.places.get(column.key) == place), None)
        if column and column.required:
            assert codes(read(**{key: None})) == ["missing_value"]


def test_a_day_that_lost_its_format_is_the_day_it_was():
    assert read(born=43_194).pupil.date_of_birth == date(2018, 4, 4)
