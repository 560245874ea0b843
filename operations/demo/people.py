"""Invented pupils and their guardians. Nobody is real, and nothing could be taken for a real person's data.

Identifiers begin with 097–099, provinces that do not exist; telephone numbers begin with 0000 (facts: demo data).
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count

from operations.demo import names
from operations.demo.chance import generator
from operations.demo.presets import Preset, SchoolSize
from payments.schools.rules import SchoolLevel, Sex, grade_of

SCHOOL_YEAR = 2025
PROVINCE_CODES = ("097", "098", "099")
SIBLINGS_PER_100 = 9
ACROSS_SCHOOLS_PER_100 = 2
KINDERGARTEN_BIRTH_YEARS = {"Nhà": 2023, "Mầm": 2022, "Chồi": 2021, "Lá": 2020}


@dataclass(frozen=True, slots=True)
class Family:
    """A household: children of one family name share a guardian and a telephone."""

    number: int
    surname: str
    guardian_name: str
    phone: str

    @property
    def email(self) -> str:
        """An address that nobody can have (RFC 2606)."""
        return f"gia.dinh.{self.number}@mau.example"


@dataclass(frozen=True, slots=True)
class Pupil:
    """A pupil as the school's roster knows them."""

    school_code: str
    sector_id: str
    personal_id: str | None
    full_name: str
    sex: Sex
    born: date
    class_name: str
    grade: int | None
    family: Family


@dataclass(slots=True)
class _Registry:
    """Numbers that are given once in the province, and the families that live in it."""

    chance: random.Random
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    families: list[Family] = field(default_factory=list)

    def family(self, surname: str | None = None) -> Family:
        number = len(self.families) + 1
        surname = surname or names.surname(self.chance)
        sex = self.chance.choice(list(Sex))
        guardian = names.full_name(self.chance, surname, sex)
        self.families.append(Family(number, surname, guardian, f"0000{number:06d}"))
        return self.families[-1]


def invent_pupils(preset: Preset, seed: int) -> dict[str, list[Pupil]]:
    """The pupils of every school, by school code; the same seed invents the same people."""
    registry = _Registry(generator(seed, "people"))
    return {
        school.code: _pupils_of(school, registry, special=number == 0) for number, school in enumerate(preset.schools)
    }


def _pupils_of(school: SchoolSize, registry: _Registry, *, special: bool) -> list[Pupil]:
    known_families = list(registry.families)
    seats = [school.classes[number * len(school.classes) // school.pupils] for number in range(school.pupils)]
    families = _families(len(seats), known_families, registry)
    pupils = [_pupil(school, seat, family, registry) for seat, family in zip(seats, families, strict=True)]
    return _with_special_names(pupils, registry) if special else pupils


def _families(pupils: int, known: Sequence[Family], registry: _Registry) -> list[Family]:
    """A family for each seat: mostly one child here, some have two, some have another one in another school."""
    chance = registry.chance
    pairs = pupils * SIBLINGS_PER_100 // 200
    shared = chance.sample(range(pupils), 2 * pairs)
    second_child = dict(zip(shared[:pairs], shared[pairs:], strict=True))
    across = set(chance.sample(range(pupils), pupils * ACROSS_SCHOOLS_PER_100 // 100)) if known else set()
    found: dict[int, Family] = {}
    for seat in range(pupils):
        if seat not in found:
            found[seat] = chance.choice(known) if seat in across else registry.family()
        if seat in second_child:
            found[second_child[seat]] = found[seat]
    return [found[seat] for seat in range(pupils)]


def _pupil(school: SchoolSize, class_name: str, family: Family, registry: _Registry) -> Pupil:
    chance = registry.chance
    sex = chance.choice(list(Sex))
    born = date(birth_year(school, class_name), 1, 1) + timedelta(days=chance.randrange(365))
    number = next(registry.numbers)
    return Pupil(
        school_code=school.code,
        sector_id=f"{PROVINCE_CODES[number % 3]}{number:07d}",
        personal_id=personal_id(number, sex, born),
        full_name=names.full_name(chance, family.surname, sex),
        sex=sex,
        born=born,
        class_name=class_name,
        grade=grade_of(class_name, school.level),
        family=family,
    )


def birth_year(school: SchoolSize, class_name: str) -> int:
    """The usual year of birth in a class; continuing education comes some years later."""
    grade = grade_of(class_name, school.level)
    if grade is None:
        return KINDERGARTEN_BIRTH_YEARS[class_name.split(maxsplit=1)[0]]
    return SCHOOL_YEAR - 5 - grade - (3 if school.level is SchoolLevel.CONTINUING else 0)


def personal_id(number: int, sex: Sex, born: date) -> str:
    """A number of the form of the population database, of a province that it does not have."""
    century_and_sex = (born.year // 100 - 19) * 2 + (sex is Sex.FEMALE)
    return f"{PROVINCE_CODES[number % 3]}{century_and_sex}{born:%y}{number:06d}"


def _surname_of(full_name: str) -> str | None:
    """The family name, where it is one that guardians of the demo have."""
    first = full_name.split(maxsplit=1)[0]
    return first if first in names.SURNAMES else None


def _with_special_names(pupils: Sequence[Pupil], registry: _Registry) -> list[Pupil]:
    """Give the first pupils of the first class the names that need care; the twins one family and one birthday."""
    changed = list(pupils)
    for seat, special in enumerate(names.SPECIAL):
        old = changed[seat]
        changed[seat] = replace(
            old,
            full_name=special.full_name,
            sex=special.sex,
            personal_id=personal_id(int(old.sector_id[3:]), special.sex, old.born),
            family=registry.family(_surname_of(special.full_name)),
        )
    elder, younger = names.TWINS
    twin = changed[younger]
    born = changed[elder].born
    changed[younger] = replace(
        twin,
        born=born,
        family=changed[elder].family,
        personal_id=personal_id(int(twin.sector_id[3:]), twin.sex, born),
    )
    foreigner = next(seat for seat, pupil in enumerate(changed) if pupil.full_name == "Anna Müller")
    changed[foreigner] = replace(changed[foreigner], personal_id=None)
    return changed
