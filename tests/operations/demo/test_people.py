"""Invented people: as many and as various as the facts say, and nobody real."""

import unicodedata
from collections import Counter
from datetime import date

import pytest

from bank_adapters.statements.tables import read_tables
from operations.demo import names
from operations.demo.people import invent_pupils
from operations.demo.presets import PRESETS
from operations.demo.roster_file import write_roster
from payments.schools.rules import normalise_name

DEMO = PRESETS["demo"]


@pytest.fixture(scope="module")
def province():
    return invent_pupils(DEMO, 7)


def test_the_same_seed_invents_the_same_people(province):
    assert invent_pupils(DEMO, 7) == province
    assert invent_pupils(DEMO, 8) != province


def test_schools_have_the_sizes_of_the_facts(province):
    assert [len(pupils) for pupils in province.values()] == [1200, 300, 900, 900, 180, 120]


def test_nobody_could_be_taken_for_a_real_person(province):
    everybody = [pupil for pupils in province.values() for pupil in pupils]
    assert all(pupil.sector_id[:3] in {"097", "098", "099"} for pupil in everybody)
    assert all((pupil.personal_id or "097")[:3] in {"097", "098", "099"} for pupil in everybody)
    assert all(pupil.family.phone.startswith("0000") for pupil in everybody)


def test_identifiers_are_given_once_in_the_province(province):
    everybody = [pupil for pupils in province.values() for pupil in pupils]
    assert len({pupil.sector_id for pupil in everybody}) == len(everybody)
    numbers = [pupil.personal_id for pupil in everybody if pupil.personal_id]
    assert len(set(numbers)) == len(numbers) >= len(everybody) - 1


def test_the_first_class_has_every_name_that_needs_care(province):
    first = [pupil for pupil in province["MAU-TH01"] if pupil.class_name == "1A1"]
    called = Counter(pupil.full_name for pupil in first)
    assert called["Nguyễn Ngọc Anh"] >= 2
    assert {"Đỗ Đình Đạt", "Nguyễn Hoàng Phương Thảo Vy", "Vàng A Súa", "H'Hen Niê", "Anna Müller"} <= called.keys()
    twins = [pupil for pupil in first if pupil.full_name in {"Lê Minh Khôi", "Lê Minh Khoa"}]
    assert len({(twin.born, twin.family.number) for twin in twins}) == 1


def test_nine_in_a_hundred_have_a_brother_or_sister_in_their_school(province):
    pupils = province["MAU-TH01"]
    children = Counter(pupil.family.number for pupil in pupils)
    with_siblings = sum(children[pupil.family.number] > 1 for pupil in pupils)
    assert 80 <= with_siblings * 1000 // len(pupils) <= 100


def test_some_families_have_children_in_two_schools(province):
    schools = {}
    for code, pupils in province.items():
        for pupil in pupils:
            schools.setdefault(pupil.family.number, set()).add(code)
    assert sum(len(found) > 1 for found in schools.values()) >= 20


def test_pupils_are_as_old_as_their_class(province):
    assert {pupil.born.year for pupil in province["MAU-TH01"] if pupil.grade == 1} == {2019}
    assert {pupil.born.year for pupil in province["MAU-MN01"] if pupil.class_name.startswith("Lá")} == {2020}
    assert all(pupil.born < date(2024, 1, 1) for pupils in province.values() for pupil in pupils)


def test_the_roster_file_repeats_byte_for_byte_and_holds_one_name_as_some_macs_write_it(province):
    data = write_roster(province["MAU-TH01"])
    assert data == write_roster(province["MAU-TH01"])
    (sheet,) = read_tables(data, "roster.xlsx")
    texts = {str(value) for row in sheet.rows[:20] for value in row.cells}
    decomposed = unicodedata.normalize("NFD", names.SAVED_AS_NFD)
    assert decomposed in texts
    assert normalise_name(decomposed) == names.SAVED_AS_NFD
