"""Doubles inside a file are refused or told, whichever row comes first."""

from datetime import date

import pytest

from bank_adapters.statements.rows import Row
from payments.errors import DomainError
from payments.schools.roster.checks import check_rows
from payments.schools.roster.columns import COLUMNS
from payments.schools.roster.rows import read_row
from payments.schools.rules import SchoolLevel
from payments.schools.sheets import Layout
from tests.payments.schools.roster.files import KEYS, layout, pupil

WITH_GRADE = Layout({**layout().places, "grade": len(KEYS)}, 1, (), COLUMNS)


def checked(*rows):
    read = [
        read_row(Row("", line, tuple(cells)), WITH_GRADE, SchoolLevel.PRIMARY, date(2025, 10, 8))
        for line, cells in enumerate(rows, start=2)
    ]
    return [([p.kind.code for p in row.problems], row.pupil is not None) for row in check_rows(read)]


def test_a_repeated_row_counts_once():
    assert checked(pupil(1), pupil(1), pupil(2)) == [([], True), (["repeated_row"], False), ([], True)]


def test_one_identifier_with_two_contents_refuses_all_its_rows():
    found = checked(pupil(1), pupil(1, class_name="1B"), pupil(1))
    assert found == [(["duplicate_sector_id"], False)] * 3


def test_one_personal_number_under_two_identifiers_refuses_both():
    found = checked(pupil(1), pupil(2, personal_id="098218000001"))
    assert [accepted for _codes, accepted in found] == [False, False]
    assert found[0][0] == ["duplicate_personal_id"]


def test_pupils_without_personal_number_are_no_doubles():
    assert checked(pupil(1, personal_id=None), pupil(2, personal_id=None)) == [([], True), ([], True)]


def test_namesakes_born_on_one_day_in_one_class_are_told():
    twin = {"full_name": "Nguyễn Ngọc Anh", "born": date(2018, 5, 1)}
    found = checked(pupil(1, **twin), pupil(2, **twin), pupil(3, **twin, class_name="1B"))
    assert [("possible_duplicate" in codes, accepted) for codes, accepted in found] == [
        (True, True),
        (True, True),
        (False, True),
    ]


def test_a_class_with_two_grades_is_refused():
    found = checked([*pupil(1), "1"], [*pupil(2, class_name="1a"), "2"], [*pupil(3, class_name="2A"), "2"])
    assert found == [(["class_with_two_grades"], False), (["class_with_two_grades"], False), ([], True)]


def test_a_file_in_an_old_font_is_refused_as_a_whole_but_one_cell_only_its_row():
    legacy = {"full_name": "TrÇn ThÞ B×nh"}
    with pytest.raises(DomainError) as refused:
        checked(pupil(1, **legacy), pupil(2, **legacy), pupil(3))
    assert refused.value.code == "legacy_font"
    assert "TCVN3" in refused.value.vi
    found = checked(pupil(1, **legacy), *(pupil(number) for number in range(2, 15)))
    assert [accepted for _codes, accepted in found].count(False) == 1
