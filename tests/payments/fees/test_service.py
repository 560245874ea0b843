"""The catalogue refuses what may never be charged, and entering the same again changes nothing."""

from datetime import date

import pytest
from sqlalchemy import func, select

from payments.banking.models import AccountState, ReceivingAccount
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.fees import queries, service
from payments.fees.checks import NewExemption, NewRegistration
from payments.fees.models import Exemption, FeeCeiling, FeeRate, Registration
from payments.fees.terms import LegalGroup, ReliefKind, Unit
from payments.schools.models import School
from payments.schools.rules import Ownership, SchoolLevel
from tests.payments.setting import make_pupil, make_school

START = date(2025, 9, 1)
DOCUMENT = "Nghị quyết 00/2025/NQ-HĐND (mẫu)"


def add(session, school, **other):
    terms = {
        "code": "CSBT",
        "name": "Chăm sóc bán trú",
        "legal_group": LegalGroup.SERVICE,
        "unit": Unit.MONTH,
        "mandatory": True,
        "by_registration": True,
        "receiving_account_id": school.account,
        "legal_basis": DOCUMENT,
        "valid_from": START,
    } | other
    return service.add_fee_item(session, school.id, **terms)


def ceiling(session, **other):
    terms = {
        "fee_code": "AN",
        "unit": Unit.DAY,
        "ceiling_vnd": 35_000,
        "valid_from": START,
        "document": DOCUMENT,
    } | other
    return service.add_ceiling(session, **terms)


def code_of(work):
    with pytest.raises(DomainError) as refused:
        work()
    assert refused.value.vi
    assert refused.value.en
    return refused.value.code


def exemption(school, **other):
    terms = {
        "pupil_id": school.pupil,
        "kind": ReliefKind.WAIVER,
        "category": "Hộ nghèo",
        "percent": 50,
        "fee_codes": ("AN",),
        "valid_from": START,
        "valid_to": date(2025, 12, 31),
        "document": "QĐ 12/QĐ-TH (mẫu)",
    } | other
    return NewExemption(**terms)


def test_an_item_is_added_once(session, school):
    item_id = add(session, school)
    assert queries.item_by_code(session, school.id, "CSBT").id == item_id
    assert [item.code for item in queries.list_items(session, school.id)] == ["AN", "CSBT", "KNS"]
    with pytest.raises(ConflictError):
        add(session, school)


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"code": "mã"}, "bad_code"),
        ({"name": " "}, "missing_text"),
        ({"legal_basis": ""}, "missing_text"),
        ({"code": "QCM"}, "parents_fund"),
        ({"legal_group": LegalGroup.SPONSORSHIP}, "sponsorship_level"),
        ({"valid_to": date(2025, 8, 1)}, "bad_dates"),
        ({"receiving_account_id": 10**12}, "not_found"),
    ],
)
def test_items_that_may_not_be_are_refused(session, school, other, code):
    assert code_of(lambda: add(session, school, **other)) == code


def test_an_item_on_a_closed_account_is_refused(session, school):
    session.get(ReceivingAccount, (school.id, school.account)).state = AccountState.CLOSED
    session.flush()
    assert code_of(lambda: add(session, school)) == "not_found"


def test_a_price_above_the_ceiling_cannot_be_set(session, school):
    ceiling(session)
    service.set_rate(session, school.id, school.meals, 35_000, START)
    with pytest.raises(DomainError) as refused:
        service.set_rate(session, school.id, school.meals, 35_001, START)
    assert refused.value.code == "above_ceiling"
    assert DOCUMENT in refused.value.vi
    assert "35.000" in refused.value.vi


def test_a_price_of_the_same_day_corrects_it_and_a_later_one_is_added(session, school):
    before = session.scalar(select(func.count()).where(FeeRate.fee_item_id == school.meals))
    service.set_rate(session, school.id, school.meals, 31_000, START)
    service.set_rate(session, school.id, school.meals, 31_000, START)
    service.set_rate(session, school.id, school.meals, 32_000, date(2026, 1, 1), grade=1)
    rates = queries.rates_of(session, school.id, [school.meals])[school.meals]
    assert sorted((rate.grade or 0, rate.unit_price_vnd) for rate in rates) == [(0, 31_000), (1, 32_000)]
    assert len(rates) == before + 1


def test_tuition_of_a_public_school_has_no_price_since_september_2025(session, school):
    item_id = add(session, school, code="HP", legal_group=LegalGroup.TUITION, valid_from=date(2024, 9, 1))
    service.set_rate(session, school.id, item_id, 100_000, date(2024, 9, 1))
    assert code_of(lambda: service.set_rate(session, school.id, item_id, 1, START)) == "public_tuition"
    service.set_rate(session, school.id, item_id, 0, START)
    session.get(School, school.id).ownership = Ownership.PRIVATE
    session.flush()
    service.set_rate(session, school.id, item_id, 2_400_000, START)


def test_prices_below_zero_of_free_amounts_and_of_unknown_items_are_refused(session, school):
    gift = add(session, school, code="QTT", legal_group=LegalGroup.SPONSORSHIP, unit=Unit.FREE_AMOUNT, mandatory=False)
    assert code_of(lambda: service.set_rate(session, school.id, school.meals, -1, START)) == "bad_price"
    assert code_of(lambda: service.set_rate(session, school.id, gift, 100_000, START)) == "sponsorship_level"
    with pytest.raises(NotFoundError):
        service.set_rate(session, school.id, 10**12, 1, START)


def test_a_ceiling_is_added_once_and_never_overwritten(session, school):
    first = ceiling(session, level=SchoolLevel.PRIMARY)
    assert ceiling(session, level=SchoolLevel.PRIMARY) == first
    assert ceiling(session) != first
    assert code_of(lambda: ceiling(session, level=SchoolLevel.PRIMARY, ceiling_vnd=1)) == "ceiling_exists"
    assert session.scalar(select(func.count()).select_from(FeeCeiling)) == 2


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"document": " "}, "missing_text"),
        ({"ceiling_vnd": -1}, "bad_ceiling"),
        ({"valid_to": date(2025, 8, 31)}, "bad_ceiling"),
        ({"unit": Unit.FREE_AMOUNT}, "bad_ceiling"),
    ],
)
def test_ceilings_without_document_or_sense_are_refused(session, other, code):
    assert code_of(lambda: ceiling(session, **other)) == code


def test_registering_again_changes_nothing_and_another_quantity_changes_it(session, school):
    rows = [
        NewRegistration(school.pupil, school.meals, START, None, 22),
        NewRegistration(school.pupil, school.club, START, date(2026, 5, 31)),
    ]
    assert service.register(session, school.id, rows) == service.Registered(2, 0, 0)
    assert service.register(session, school.id, rows) == service.Registered(0, 0, 2)
    changed = [NewRegistration(school.pupil, school.meals, START, None, 20), rows[1]]
    assert service.register(session, school.id, changed) == service.Registered(0, 1, 1)
    assert session.scalar(select(func.sum(Registration.quantity)).where(Registration.school_id == school.id)) == 21


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([{"valid_to": date(2025, 8, 1)}], "bad_dates"),
        ([{"quantity": -1}], "bad_quantity"),
        ([{"quantity": 1}, {"quantity": 2}], "registered_twice"),
    ],
)
def test_registrations_without_sense_are_refused(session, school, rows, code):
    given = [
        NewRegistration(**{"pupil_id": school.pupil, "fee_item_id": school.meals, "valid_from": START} | row)
        for row in rows
    ]
    assert code_of(lambda: service.register(session, school.id, given)) == code


def test_a_pupil_of_another_school_can_never_be_registered(session, school):
    other = make_school(session).pupil
    with pytest.raises(Exception, match="fk__registration"), session.begin_nested():
        service.register(session, school.id, [NewRegistration(other, school.meals, START)])


def test_reductions_are_granted_in_bulk_and_end_with_a_day(session, school):
    second = make_pupil(session, school.id, school.class_room, "Bình")
    ids = service.grant_exemptions(
        session, school.id, [exemption(school), exemption(school, pupil_id=second, percent=None, fixed_vnd=100_000)]
    )
    assert [session.get(Exemption, (school.id, found)).pupil_id for found in ids] == [school.pupil, second]
    service.end_exemption(session, school.id, ids[0], date(2025, 10, 31))
    assert set(queries.reliefs_on(session, school.id, date(2025, 11, 8))) == {second}
    assert set(queries.reliefs_on(session, school.id, date(2025, 10, 31))) == {school.pupil, second}
    assert service.grant_exemptions(session, school.id, []) == []


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"percent": None}, "bad_relief"),
        ({"percent": 101}, "bad_relief"),
        ({"fixed_vnd": 1}, "bad_relief"),
        ({"percent": None, "fixed_vnd": 0}, "bad_relief"),
        ({"fee_codes": ()}, "unknown_fee"),
        ({"fee_codes": ("AN", "XX")}, "unknown_fee"),
        ({"category": ""}, "missing_text"),
        ({"document": ""}, "missing_text"),
        ({"valid_to": date(2025, 8, 1)}, "bad_dates"),
        ({"kind": ReliefKind.EXEMPTION}, "exemption_is_for_tuition"),
    ],
)
def test_reductions_without_ground_are_refused(session, school, other, code):
    assert code_of(lambda: service.grant_exemption(session, school.id, exemption(school, **other))) == code


def test_an_unknown_reduction_cannot_end(session, school):
    with pytest.raises(NotFoundError):
        service.end_exemption(session, school.id, 10**12, START)
    found = service.grant_exemption(session, school.id, exemption(school))
    assert code_of(lambda: service.end_exemption(session, school.id, found, date(2025, 8, 1))) == "bad_dates"
