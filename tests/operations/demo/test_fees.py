"""The invented catalogue keeps to the rules that real ones must keep to."""

from collections import Counter

import pytest

from operations.demo import fees
from operations.demo.people import invent_pupils
from operations.demo.presets import PRESETS
from payments.fees.rules import compute_line
from payments.fees.terms import Ceiling, Item, LegalGroup, Line, Participation, Rate, SchoolTerms, Unit

DEMO = PRESETS["demo"]


@pytest.fixture(scope="module")
def province():
    return invent_pupils(DEMO, 7)


@pytest.mark.parametrize("school", DEMO.schools, ids=lambda school: school.code)
def test_every_price_keeps_to_the_ceiling_of_its_day(school):
    for fee in fees.catalogue(school):
        item = Item(
            code=fee.code,
            name=fee.name,
            legal_group=fee.group,
            unit=fee.unit,
            mandatory=fee.mandatory,
            by_registration=fee.takes_part is not None,
            legal_basis=fee.basis,
            valid_from=fees.YEAR_STARTS,
            rates=(Rate(None, fee.price_vnd, fees.YEAR_STARTS),),
            ceilings=tuple(
                Ceiling(one.unit, None, None, one.ceiling_vnd, one.valid_from, one.valid_to, one.document)
                for one in fees.CEILINGS
                if one.code == fee.code
            ),
        )
        line = compute_line(
            item,
            SchoolTerms(school.level, school.ownership),
            grade=None,
            day=fees.YEAR_STARTS,
            registration=Participation(1, fees.YEAR_STARTS),
            round_quantity=fee.round_quantity,
        )
        assert isinstance(line, Line), line


def test_only_the_private_school_charges_tuition():
    charging = [school.code for school in DEMO.schools if fees.TUITION in fees.catalogue(school)]
    assert charging == ["MAU-TT01"]


def test_sponsorship_is_voluntary_and_of_a_free_amount():
    assert fees.SPONSOR.group is LegalGroup.SPONSORSHIP
    assert fees.SPONSOR.unit is Unit.FREE_AMOUNT
    assert not fees.SPONSOR.mandatory


def test_registrations_repeat_from_the_seed_and_follow_the_shares_of_the_facts(province):
    school = DEMO.schools[0]
    pupils = province[school.code]
    drawn = list(fees.participations(school, pupils, 7))
    assert drawn == list(fees.participations(school, pupils, 7))
    counts = Counter(one.code for one in drawn)
    assert 0.91 < counts["BHYT"] / len(pupils) < 0.97
    assert 0.34 < counts["NG"] / len(pupils) < 0.46
    assert counts["AN"] == counts["CSBT"] == counts["TTB"]


def test_a_third_of_the_reductions_end_with_the_term(province):
    drawn = [one for school in DEMO.schools for one in fees.reductions(school, province[school.code], 7)]
    decided = [one for one in drawn if one.category != "ho_tro_tu_thuc"]
    ending = [one for one in decided if one.valid_to is not None]
    assert 0.2 < len(ending) / len(decided) < 0.5
