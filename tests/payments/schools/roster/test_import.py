"""Importing a roster: set-based, atomic, and the same roster again in any dress changes nothing."""

import io
import os
import random
import unicodedata
from collections import Counter
from datetime import UTC, date, datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session

from payments import clock
from payments.crypto import FieldCipher
from payments.errors import DomainError, NotFoundError
from payments.schools import queries, row_reader, service
from payments.schools.models import (
    ClassRoom,
    Enrollment,
    EnrollmentStatus,
    Guardian,
    Pupil,
    RosterImport,
    SchoolYear,
)
from payments.schools.problems import Heading
from payments.schools.rules import SchoolLevel
from tests.payments.schools.roster.files import HEADERS, by_csv, by_openpyxl, by_xlsxwriter, pupil

CIPHER = FieldCipher({1: bytes(range(32))})
AUTUMN = datetime(2025, 10, 8, 3, 0, tzinfo=UTC)
WINTER = datetime(2025, 12, 1, 3, 0, tzinfo=UTC)
ROWS = [pupil(number, class_name=f"{1 + number % 2}A") for number in range(1, 13)]
TABLES = (Pupil, Enrollment, ClassRoom, Guardian, RosterImport)


@pytest.fixture
def school_id(session):
    """A school with nobody in it."""
    code = "TH-" + os.urandom(4).hex()
    return service.create_school(session, code=code, name="Trường Tiểu học Hoa Phượng (mẫu)", level=SchoolLevel.PRIMARY)


def load(session, school_id, rows=ROWS, at=AUTUMN, form=by_xlsxwriter, **more):
    with clock.turned_to(at):
        return service.import_roster(session, CIPHER, school_id, form(rows), "danh-sach.xlsx", None, **more)


def counts(session, school_id):
    return [session.scalar(select(func.count()).where(table.school_id == school_id)) for table in TABLES]


def everything(session, school_id):
    """All rows that an import may write, as they stand."""
    session.expire_all()
    return [
        session.execute(text(f"SELECT * FROM {table.__tablename__} WHERE school_id = :s ORDER BY id"), {"s": school_id})
        .mappings()
        .all()
        for table in TABLES
    ]


def refused_codes(report):
    return {heading.value: [p.kind.code for p in report.under(heading, refuses=True)] for heading in Heading}


def stays(session, school_id, sector_id):
    return session.execute(
        select(ClassRoom.name, Enrollment.valid_from, Enrollment.valid_to, Enrollment.status)
        .join(ClassRoom, ClassRoom.id == Enrollment.class_id)
        .join(Pupil, Pupil.id == Enrollment.pupil_id)
        .where(Enrollment.school_id == school_id, Pupil.sector_id == sector_id)
        .order_by(Enrollment.id)
    ).all()


def test_the_first_roster_opens_year_classes_and_enrollments(session, school_id):
    report = load(session, school_id)
    assert (report.rows, report.accepted, report.refused, report.created) == (12, 12, 0, 12)
    assert counts(session, school_id) == [12, 12, 2, 12, 1]
    year = session.scalars(select(SchoolYear).where(SchoolYear.school_id == school_id)).one()
    assert year.code == "2025-2026"
    assert stays(session, school_id, "0900000001") == [("2A", year.starts_on, None, EnrollmentStatus.STUDYING)]
    assert {row.name: row.grade for row in queries.classes_of(session, school_id, year.id)} == {"1A": 1, "2A": 2}


def test_personal_numbers_names_and_phones_of_guardians_are_sealed(session, school_id):
    load(session, school_id)
    stored = session.scalars(select(Pupil).where(Pupil.school_id == school_id, Pupil.sector_id == "0900000001")).one()
    assert CIPHER.open(stored.personal_id_sealed, "pupil.personal_id") == b"098218000001"
    guardian = session.scalars(select(Guardian).where(Guardian.pupil_id == stored.id)).one()
    assert CIPHER.open(guardian.phone_sealed, "guardian.phone") == b"0000000001"
    assert CIPHER.open(guardian.name_sealed, "guardian.name").decode() == "Trần Thị Mẫu"
    assert guardian.phone_index == CIPHER.blind_index("0000000001", "guardian.phone")
    dump = repr(everything(session, school_id))
    assert "098218000001" not in dump
    assert "Trần Thị" not in dump


@pytest.mark.parametrize(
    "again",
    [
        by_xlsxwriter,
        by_openpyxl,
        by_csv,
        lambda rows: by_csv(rows, delimiter=";"),
        lambda rows: by_xlsxwriter(rows, above=3),
        lambda rows: by_openpyxl(list(reversed(rows))),
        lambda rows: by_csv([[row[3], *row[:3], *row[4:]] for row in rows], [HEADERS[3], *HEADERS[:3], *HEADERS[4:]]),
        lambda rows: by_openpyxl(
            [[unicodedata.normalize("NFD", c) if isinstance(c, str) else c for c in row] for row in rows]
        ),
    ],
)
def test_the_same_roster_in_any_dress_changes_nothing(session, school_id, again):
    load(session, school_id)
    before = everything(session, school_id)
    report = load(session, school_id, at=WINTER, form=again)
    assert report.unchanged
    assert report.import_id is None
    assert (report.accepted, report.created, report.changed) == (12, 0, 0)
    assert everything(session, school_id) == before


def serials(rows):
    """The rows as saved with the cells of days set to «General»."""
    return [[(cell - date(1899, 12, 30)).days if isinstance(cell, date) else cell for cell in row] for row in rows]


def test_days_that_lost_their_format_change_nothing_and_are_told(session, school_id):
    load(session, school_id)
    report = load(session, school_id, serials(ROWS), at=WINTER)
    assert (report.unchanged, report.accepted) == (True, 12)
    assert [row.kind.code for row in report.under(Heading.RIGHT, refuses=False)] == ["birth_as_number"] * 12


def zeros_eaten(rows):
    """A CSV that Excel has opened and saved: «0900000001» is 900000001 now."""
    lost = [[str(int(cell)) if place in {2, 8} else cell for place, cell in enumerate(row)] for row in rows]
    return by_csv(lost)


def test_a_csv_whose_zeros_excel_has_eaten_is_refused_row_by_row_and_doubles_nobody(session, school_id):
    load(session, school_id)
    before = everything(session, school_id)
    report = load(session, school_id, at=WINTER, form=zeros_eaten)
    assert (report.accepted, report.refused, report.created) == (0, 12, 0)
    assert {row.kind.code for row in report.under(Heading.RIGHT, refuses=True)} == {"number_not_text"}
    assert everything(session, school_id) == before


def test_without_the_look_at_csv_every_pupil_would_be_doubled(session, school_id, monkeypatch):
    load(session, school_id)
    monkeypatch.setattr(row_reader, "may_have_lost_zeros", lambda *_: False)
    without_numbers = [[*row[:8], None, *row[9:]] for row in ROWS]
    eaten = [[str(int(cell)) if place == 2 else cell for place, cell in enumerate(row)] for row in without_numbers]
    assert load(session, school_id, eaten, at=WINTER, form=by_csv).created == 12


def test_a_new_identifier_for_a_known_name_and_birthday_is_told(session, school_id):
    load(session, school_id)
    twin = pupil(1, sector_id="0977777777", personal_id=None, class_name="3A")
    report = load(session, school_id, [*ROWS, twin], at=WINTER)
    assert [row.kind.code for row in report.under(Heading.CLEAN, refuses=False)] == ["known_under_another_id"]
    assert (report.created, report.accepted) == (1, 13)
    assert load(session, school_id, [*ROWS, twin], at=WINTER).unchanged


def test_the_content_hash_does_not_depend_on_program_or_order(session, school_id):
    other = service.create_school(session, code="TH-" + os.urandom(4).hex(), name="Mẫu", level=SchoolLevel.PRIMARY)
    load(session, school_id)
    load(session, other, rows=list(reversed(ROWS)), form=by_csv)
    hashes = session.execute(
        select(RosterImport.content_sha256, RosterImport.file_sha256).where(
            RosterImport.school_id.in_([school_id, other])
        )
    ).all()
    assert hashes[0].content_sha256 == hashes[1].content_sha256
    assert hashes[0].file_sha256 != hashes[1].file_sha256


def test_a_name_in_nfd_is_the_same_pupil_as_in_nfc(session, school_id):
    name = "Nguyễn Thị Hoà"
    load(session, school_id, rows=[pupil(1, full_name=unicodedata.normalize("NFD", name))])
    report = load(session, school_id, rows=[pupil(1, full_name=name)])
    assert report.unchanged
    stored = session.scalar(select(Pupil.full_name).where(Pupil.school_id == school_id))
    assert stored == unicodedata.normalize("NFC", name)


def test_another_class_ends_the_old_enrollment_and_begins_a_new_one(session, school_id):
    load(session, school_id)
    report = load(session, school_id, rows=[pupil(1, class_name="2B"), *ROWS[1:]], at=WINTER)
    assert [(move.from_class, move.to_class) for move in report.moves] == [("2A", "2B")]
    moved = date(2025, 12, 1)
    assert stays(session, school_id, "0900000001") == [
        ("2A", date(2025, 8, 1), moved, EnrollmentStatus.STUDYING),
        ("2B", moved, None, EnrollmentStatus.STUDYING),
    ]


def test_a_class_changed_there_and_back_on_one_day_leaves_one_open_enrollment(session, school_id):
    load(session, school_id)
    for name in ("2B", "2C", "2B", "2A", "2B"):
        load(session, school_id, rows=[pupil(1, class_name=name)], at=WINTER)
    open_now = [stay for stay in stays(session, school_id, "0900000001") if stay.valid_to is None]
    assert [stay.name for stay in open_now] == ["2B"]


def test_who_moved_away_is_closed_and_who_comes_back_is_entered_again(session, school_id):
    load(session, school_id)
    left = load(session, school_id, rows=[pupil(1, class_name="2A", status="Chuyển đi")], at=WINTER)
    assert [move.status for move in left.moves] == [EnrollmentStatus.MOVED]
    assert stays(session, school_id, "0900000001")[0].status is EnrollmentStatus.MOVED
    back = datetime(2026, 2, 1, tzinfo=UTC)
    load(session, school_id, rows=[pupil(1, class_name="2A")], at=back)
    assert stays(session, school_id, "0900000001")[1] == ("2A", date(2026, 2, 1), None, EnrollmentStatus.STUDYING)


def test_who_left_and_was_never_here_is_told_and_not_created(session, school_id):
    report = load(session, school_id, rows=[pupil(1, status="Thôi học"), pupil(2)])
    assert [p.kind.code for p in report.under(Heading.LIVE, refuses=False)] == ["left_unknown"]
    assert counts(session, school_id)[0] == 1


def test_a_pupil_missing_from_the_file_is_told_and_kept(session, school_id):
    load(session, school_id)
    report = load(session, school_id, rows=ROWS[1:], at=WINTER)
    assert report.missing == (("0900000001", "2A"),)
    assert report.unchanged
    assert stays(session, school_id, "0900000001")[0].valid_to is None


def test_a_refused_row_is_not_missing_and_does_not_stop_the_others(session, school_id):
    load(session, school_id)
    report = load(session, school_id, rows=[pupil(1, born="?"), *ROWS[1:], pupil(20)], at=WINTER)
    assert report.missing == ()
    assert (report.accepted, report.refused, report.created) == (12, 1, 1)


def test_a_newcomer_counts_from_the_day_of_the_import(session, school_id):
    load(session, school_id)
    load(session, school_id, rows=[*ROWS, pupil(20)], at=WINTER)
    assert stays(session, school_id, "0900000020")[0].valid_from == date(2025, 12, 1)
    load(session, school_id, rows=[*ROWS, pupil(20), pupil(21)], at=WINTER, day=date(2025, 11, 15))
    assert stays(session, school_id, "0900000021")[0].valid_from == date(2025, 11, 15)


def test_what_the_file_leaves_empty_erases_nothing(session, school_id):
    load(session, school_id)
    before = everything(session, school_id)
    bare = [pupil(n, class_name=f"{1 + n % 2}A", personal_id=None, guardian_phone=None) for n in range(1, 13)]
    assert load(session, school_id, rows=bare, at=WINTER).unchanged
    assert everything(session, school_id) == before


def test_corrected_data_is_written_and_keeps_the_rest(session, school_id):
    load(session, school_id)
    row = pupil(1, class_name="2A", full_name="Nguyễn Văn Bình", personal_id=None, guardian_phone="0000999999")
    report = load(session, school_id, rows=[row], at=WINTER)
    assert (report.changed, report.created) == (1, 0)
    stored = session.scalars(select(Pupil).where(Pupil.school_id == school_id, Pupil.sector_id == "0900000001")).one()
    session.refresh(stored)
    assert (stored.full_name, stored.search_key) == ("Nguyễn Văn Bình", "nguyen van binh")
    assert CIPHER.open(stored.personal_id_sealed, "pupil.personal_id") == b"098218000001"
    guardian = session.scalars(select(Guardian).where(Guardian.pupil_id == stored.id)).one()
    session.refresh(guardian)
    assert CIPHER.open(guardian.phone_sealed, "guardian.phone") == b"0000999999"


def test_a_personal_number_of_another_pupil_is_refused(session, school_id):
    load(session, school_id)
    report = load(session, school_id, rows=[pupil(30, personal_id="098218000001")], at=WINTER)
    assert refused_codes(report)["sach"] == ["duplicate_personal_id"]
    assert report.unchanged


def test_every_problem_stands_under_its_heading_with_line_and_column(session, school_id):
    rows = [pupil(1), pupil(2, born="?"), pupil(3, full_name=None), pupil(4), pupil(4, sex="Nữ")]
    report = load(session, school_id, rows=rows)
    assert refused_codes(report) == {
        "dung": ["bad_date"],
        "du": ["missing_value"],
        "sach": ["duplicate_sector_id", "duplicate_sector_id"],
        "song": [],
    }
    told = report.to_json()["headings"]["dung"]["refused"][0]
    assert (told["sheet"], told["line"], told["cell"], told["column"]) == ("Danh sách", 3, "E3", "Ngày sinh")
    kept = session.scalars(select(RosterImport.report).where(RosterImport.school_id == school_id)).one()
    assert kept["headings"] == report.to_json()["headings"]


def test_several_sheets_are_one_roster(session, school_id):
    book = openpyxl.Workbook()
    book.active.append(["Hướng dẫn"])
    for number in (1, 2):
        sheet = book.create_sheet(f"Lớp {number}A")
        sheet.append(HEADERS)
        sheet.append(pupil(number, class_name=f"{number}A"))
    buffer = io.BytesIO()
    book.save(buffer)
    assert load(session, school_id, form=lambda rows: buffer.getvalue()).created == 2


def test_another_year_has_classes_of_its_own(session, school_id):
    load(session, school_id)
    load(
        session,
        school_id,
        rows=[pupil(1, class_name="3A")],
        year_code="2026-2027",
        at=datetime(2026, 7, 20, tzinfo=UTC),
    )
    assert stays(session, school_id, "0900000001") == [
        ("2A", date(2025, 8, 1), None, EnrollmentStatus.STUDYING),
        ("3A", date(2026, 8, 1), None, EnrollmentStatus.STUDYING),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "unknown_format"),
        (b"PK\x03\x04 half a file", "bad_container"),
        (b"%PDF-1.7", "unknown_format"),
        (by_csv([], ["STT", "Mã lớp", "Họ tên", "Ngày sinh"]), "missing_column"),
        (by_csv([], ["a", "b"]), "no_table"),
        ("Mã lớp,Họ tên".encode("utf-16-le"), "bad_encoding"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(session, school_id, data, code):
    with pytest.raises(DomainError) as refused:
        load(session, school_id, form=lambda rows: data)
    assert refused.value.code == code
    assert counts(session, school_id) == [0, 0, 0, 0, 0]


def test_an_unknown_school_is_not_found(session):
    with pytest.raises(NotFoundError):
        load(session, 10**12)


def statements_of(session, work):
    seen = Counter()
    engine = session.get_bind().engine

    def count(conn, cursor, statement, parameters, context, executemany):
        seen[statement.split()[0]] += 1

    event.listen(engine, "before_cursor_execute", count)
    try:
        work()
    finally:
        event.remove(engine, "before_cursor_execute", count)
    return seen.total()


def test_twelve_hundred_rows_take_few_statements(session, school_id):
    rows = [pupil(number, class_name=f"{1 + number % 5}A{number % 6}") for number in range(1, 1201)]
    few = statements_of(session, lambda: load(session, school_id, rows=rows))
    assert few <= 40
    assert counts(session, school_id) == [1200, 1200, 30, 1200, 1]
    assert statements_of(session, lambda: load(session, school_id, rows=rows)) <= 15


MUTATIONS = st.lists(
    st.tuples(st.integers(0, 11), st.sampled_from(["1A", "1B", "2A", "gone", "Chuyển đi", "bad"])), max_size=6
)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(MUTATIONS, min_size=1, max_size=4), seed=st.integers(0, 99))
def test_any_history_leaves_each_pupil_in_one_class_and_the_last_file_changes_nothing(
    postgres, shared_engine, steps, seed
):
    with (
        shared_engine.connect() as connection,
        Session(connection, join_transaction_mode="create_savepoint") as session,
    ):
        outer = connection.begin_nested() if connection.in_transaction() else connection.begin()
        school = service.create_school(session, code="TH-" + os.urandom(4).hex(), name="Mẫu", level=SchoolLevel.PRIMARY)
        rows = []
        for step in steps:
            cells = {number: {"class_name": "1A"} for number in range(12)}
            for number, change in step:
                if change == "gone":
                    cells.pop(number, None)
                elif number in cells:
                    key = {"Chuyển đi": "status", "bad": "born"}.get(change, "class_name")
                    cells[number] = {**cells[number], key: change}
            rows = [pupil(number, **other) for number, other in cells.items()]
            random.Random(seed).shuffle(rows)
            load(session, school, rows=rows, form=by_csv)
        assert load(session, school, rows=rows, form=by_csv).unchanged
        several = session.execute(
            select(Enrollment.pupil_id)
            .where(Enrollment.school_id == school, Enrollment.valid_to.is_(None))
            .group_by(Enrollment.pupil_id)
            .having(func.count() > 1)
        ).all()
        assert several == []
        outer.rollback()
