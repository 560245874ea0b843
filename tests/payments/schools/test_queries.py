"""Lists of pupils stand in Vietnamese order and are searched without diacritics."""

from datetime import date
from zlib import crc32

import pytest
from sqlalchemy import update

from payments.schools import queries
from payments.schools.models import ClassRoom, Enrollment, Pupil, SchoolYear, Sex
from payments.schools.rules import search_key, sort_key

DAY = date(2025, 10, 8)
NAMES = ["Lê Thị Ân", "Nguyễn Văn An", "Đặng Ngọc Ánh", "Trần Dũng", "Lê Đào", "Nguyễn Đức", "H'Hen Niê"]


def add_pupil(session, school, name, class_id=None):
    pupil = Pupil(
        school_id=school.id,
        sector_id=f"{crc32(name.encode()):010d}",
        full_name=name,
        sort_key=sort_key(name),
        search_key=search_key(name),
        date_of_birth=date(2018, 1, 1),
        sex=Sex.MALE,
    )
    session.add(pupil)
    session.flush()
    class_id = class_id or school.class_room
    session.add(Enrollment(school_id=school.id, pupil_id=pupil.id, class_id=class_id, valid_from=date(2025, 9, 1)))
    session.flush()
    return pupil


@pytest.fixture
def class_room(session, school):
    """A class of its own with pupils of known names."""
    room = ClassRoom(school_id=school.id, year_id=school.year, name="2A", grade=2)
    session.add(room)
    session.flush()
    for name in NAMES:
        add_pupil(session, school, name, room.id)
    return room


def names(rows):
    return [row.full_name for row in rows]


def test_a_class_is_listed_in_vietnamese_order(session, school, class_room):
    assert names(queries.pupils_of_class(session, school.id, class_room.id, DAY)) == [
        "Nguyễn Văn An",
        "Đặng Ngọc Ánh",
        "Lê Thị Ân",
        "Trần Dũng",
        "Lê Đào",
        "Nguyễn Đức",
        "H'Hen Niê",
    ]


def test_who_left_is_listed_until_the_day_of_leaving(session, school, class_room):
    session.execute(update(Enrollment).where(Enrollment.class_id == class_room.id).values(valid_to=DAY))
    assert queries.pupils_of_class(session, school.id, class_room.id, DAY) == []
    assert len(queries.pupils_of_class(session, school.id, class_room.id, date(2025, 10, 7))) == len(NAMES)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("anh", ["Đặng Ngọc Ánh"]),
        ("dang ngoc", ["Đặng Ngọc Ánh"]),
        ("ĐỨC", ["Nguyễn Đức"]),
        ("hhen", ["H'Hen Niê"]),
        ("le", ["Lê Thị Ân", "Lê Đào"]),
        ("%", []),
        ("", []),
        ("_", []),
    ],
)
def test_pupils_are_found_by_part_of_the_name_without_diacritics(session, school, class_room, typed, found):
    assert names(queries.search_pupils(session, school.id, typed, DAY)) == found


def test_a_pupil_is_found_by_sector_identifier(session, school, class_room):
    wanted = queries.pupils_of_class(session, school.id, class_room.id, DAY)[0]
    assert queries.search_pupils(session, school.id, f" {wanted.sector_id} ", DAY) == [wanted]


def test_a_pupil_stands_with_the_class_entered_last(session, school):
    pupil = add_pupil(session, school, "Mai Lan")
    year = SchoolYear(school_id=school.id, code="2026-2027", starts_on=date(2026, 8, 1), ends_on=date(2027, 7, 31))
    session.add(year)
    session.flush()
    room = ClassRoom(school_id=school.id, year_id=year.id, name="2B", grade=2)
    session.add(room)
    session.flush()
    session.add(Enrollment(school_id=school.id, pupil_id=pupil.id, class_id=room.id, valid_from=date(2026, 8, 1)))
    session.flush()
    found = {
        day: [row.class_name for row in queries.search_pupils(session, school.id, "mai lan", day)]
        for day in (DAY, date(2026, 9, 1))
    }
    assert found == {DAY: ["1A"], date(2026, 9, 1): ["2B"]}


def test_pupils_of_another_school_are_never_found(session, school, class_room):
    assert queries.search_pupils(session, school.id + 1_000_000, "anh", DAY) == []
