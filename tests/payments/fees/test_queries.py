"""A round reads all it needs about a school in seven statements, whatever the school's size."""

from datetime import date

import pytest
from sqlalchemy import event, update

from payments.errors import NotFoundError
from payments.fees import queries, service
from payments.fees.checks import NewExemption, NewRegistration
from payments.fees.queries import charges_for_round
from payments.fees.rules import compute_line
from payments.fees.terms import ReliefKind, Unit
from payments.schools.models import ClassRoom, Enrollment
from payments.schools.rules import sort_key
from tests.payments.setting import make_pupil, make_school

START, DAY = date(2025, 9, 1), date(2025, 10, 8)


def read(session, school, day=DAY, **other):
    return charges_for_round(
        session,
        school.id,
        day=day,
        year_id=school.year,
        **{"fee_item_ids": [school.meals, school.club]} | other,
    )


@pytest.fixture
def busy(session, school):
    """A school with ten more pupils in a second class, registrations, reductions and a ceiling."""
    room = ClassRoom(school_id=school.id, year_id=school.year, name="2A", grade=2)
    session.add(room)
    session.flush()
    pupils = [make_pupil(session, school.id, room.id, name) for name in ("Ân", "An", "Bình", "Đào", "Dũng")]
    service.register(session, school.id, [NewRegistration(pupil, school.club, START, None, 4) for pupil in pupils])
    service.add_ceiling(session, fee_code="AN", unit=Unit.DAY, ceiling_vnd=35_000, valid_from=START, document="NQ mẫu")
    waiver = NewExemption(
        pupil_id=pupils[0],
        kind=ReliefKind.WAIVER,
        category="Con thương binh",
        percent=50,
        fee_codes=("AN",),
        valid_from=START,
        valid_to=None,
        document="QĐ mẫu",
    )
    service.grant_exemption(session, school.id, waiver)
    return room.id, pupils


def test_everything_about_a_round_is_read_and_computes(session, school, busy):
    charges = read(session, school)
    assert list(charges.items) == [school.meals, school.club]
    assert set(charges.receiving_accounts.values()) == {school.account}
    assert [pupil.grade for pupil in charges.pupils] == [1, 2, 2, 2, 2, 2]
    total = 0
    for pupil in charges.pupils:
        for item_id, item in charges.items.items():
            line = compute_line(
                item,
                charges.school,
                grade=pupil.grade,
                day=charges.day,
                registration=charges.participations.get((pupil.pupil_id, item_id)),
                round_quantity=22 if item_id == school.meals else None,
                reliefs=charges.reliefs.get(pupil.pupil_id, ()),
            )
            total += line.amount_vnd if line else 0
    assert total == 5 * 22 * 30_000 + 22 * 15_000 + 5 * 4 * 15_000


def test_the_reason_of_a_reduction_is_not_read(session, school, busy):
    assert "thương binh" not in repr(read(session, school).reliefs)


def test_a_round_of_one_class_reads_that_class_in_name_order(session, school, busy):
    room, pupils = busy
    charges = read(session, school, class_ids=[room])
    by_key = sorted(zip(("Ân", "An", "Bình", "Đào", "Dũng"), pupils, strict=True), key=lambda pair: sort_key(pair[0]))
    assert {pupil.pupil_id for pupil in charges.pupils} == {pupil for _name, pupil in by_key}


def test_who_had_left_by_the_day_is_not_charged_but_was_before(session, school):
    session.execute(update(Enrollment).where(Enrollment.pupil_id == school.pupil).values(valid_to=DAY))
    assert read(session, school).pupils == []
    assert [pupil.pupil_id for pupil in read(session, school, day=date(2025, 10, 7)).pupils] == [school.pupil]


def test_of_two_registrations_the_later_one_counts(session, school):
    service.register(
        session,
        school.id,
        [
            NewRegistration(school.pupil, school.club, START, None, 4),
            NewRegistration(school.pupil, school.club, date(2025, 10, 1), None, 8),
            NewRegistration(school.pupil, school.club, date(2025, 11, 1), None, 2),
        ],
    )
    assert read(session, school).participations[school.pupil, school.club].quantity == 8


def test_items_of_another_school_are_not_found(session, school):
    other = make_school(session)
    with pytest.raises(NotFoundError):
        read(session, school, fee_item_ids=[school.meals, other.meals])
    with pytest.raises(NotFoundError):
        queries.item_by_code(session, school.id, "XX")


def test_the_number_of_statements_does_not_grow_with_the_school(session, school, busy):
    seen = []
    engine = session.get_bind().engine

    def count(conn, cursor, statement, parameters, context, executemany):
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    try:
        read(session, school)
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert len(seen) == 7
