"""A round takes two people, and terms that the fee rules allow."""

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from payments.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from payments.fees.models import FeeCeiling, Unit
from payments.invoices.models import CollectionRound, RoundState
from payments.invoices.service import (
    FeeOfRound,
    approve_round,
    close_round,
    draft_round,
    preview_round,
    set_quantity,
)
from payments.invoices.writing import write_invoices
from tests.payments.invoices import rounds
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db


def test_a_second_person_approves_and_the_plan_is_remembered(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.drafted(session, school)
    plan = approve_round(session, school.id, round_id, school.principal)
    approved = session.get_one(CollectionRound, (school.id, round_id))
    assert (approved.state, approved.approved_by) == (RoundState.APPROVED, school.principal)
    assert (approved.planned_invoices, approved.plan_sha256) == (1, plan.sha256)


def test_whoever_drafted_it_may_not_approve_it(session: Session, school: SchoolSetting) -> None:
    with pytest.raises(ForbiddenError):
        approve_round(session, school.id, rounds.drafted(session, school), school.accountant)


def test_the_database_refuses_one_person_for_both(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.drafted(session, school)
    with pytest.raises(IntegrityError, match="two_people"):
        session.execute(
            text("UPDATE collection_round SET state = 'approved', approved_by = created_by WHERE id = :id"),
            {"id": round_id},
        )


def test_a_price_above_the_ceiling_stops_the_approval_and_names_the_document(
    session: Session, school: SchoolSetting
) -> None:
    session.add(
        FeeCeiling(
            fee_code="AN",
            unit=Unit.DAY,
            level=None,
            area_group=None,
            ceiling_vnd=29_000,
            valid_from=date(2025, 9, 1),
            document="Nghị quyết mẫu 02/2025/NQ-HĐND",
        )
    )
    round_id = rounds.drafted(session, school)
    with pytest.raises(DomainError, match="above_ceiling") as refused:
        approve_round(session, school.id, round_id, school.principal)
    assert "02/2025" in refused.value.vi
    assert [refusal.code for refusal in preview_round(session, school.id, round_id).refusals] == ["above_ceiling"]


def test_a_round_in_which_nobody_owes_anything_is_not_approved(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.drafted(session, school)
    set_quantity(
        session,
        school.id,
        round_id,
        pupil_id=school.pupil,
        fee_item_id=school.meals,
        quantity=0,
        actor_id=school.accountant,
    )
    with pytest.raises(DomainError, match="empty_round"):
        approve_round(session, school.id, round_id, school.principal)


def test_a_pupils_own_quantity_counts(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.drafted(session, school)
    for days in (19, 20):
        set_quantity(
            session,
            school.id,
            round_id,
            pupil_id=school.pupil,
            fee_item_id=school.meals,
            quantity=days,
            actor_id=school.accountant,
        )
    assert preview_round(session, school.id, round_id).amount_vnd == 20 * 30_000


def test_a_quantity_is_set_for_pupils_and_items_of_the_round_only(session: Session, school: SchoolSetting) -> None:
    stranger = make_school(session)
    round_id = rounds.drafted(session, school)
    for pupil, item in ((stranger.pupil, school.meals), (school.pupil, stranger.meals)):
        with pytest.raises(NotFoundError):
            set_quantity(
                session, school.id, round_id, pupil_id=pupil, fee_item_id=item, quantity=1, actor_id=school.accountant
            )


def test_a_code_names_one_round(session: Session, school: SchoolSetting) -> None:
    rounds.drafted(session, school)
    with pytest.raises(ConflictError, match="round_exists"):
        rounds.drafted(session, school)
    rounds.drafted(session, make_school(session))


@pytest.mark.parametrize(
    "changed",
    [
        {"code": ""},
        {"code": "tháng 10"},
        {"name": "  "},
        {"due_on": date(2025, 9, 30)},
        {"fees": []},
    ],
)
def test_impossible_particulars_are_refused(
    session: Session, school: SchoolSetting, changed: dict[str, object]
) -> None:
    particulars: dict[str, object] = {
        "code": "T10",
        "name": "Tháng 10",
        "year_id": school.year,
        "starts_on": rounds.STARTS,
        "due_on": rounds.DUE,
        "fees": [FeeOfRound(school.meals)],
        "actor_id": school.accountant,
    }
    with pytest.raises(DomainError, match="bad_round"):
        draft_round(session, school.id, **(particulars | changed))


@pytest.mark.parametrize("fees", [[1, 1], [-1]])
def test_an_item_twice_or_a_negative_quantity_is_refused(
    session: Session, school: SchoolSetting, fees: list[int]
) -> None:
    with pytest.raises(DomainError, match="bad_round"):
        draft_round(
            session,
            school.id,
            code="T10",
            name="Tháng 10",
            year_id=school.year,
            starts_on=rounds.STARTS,
            due_on=rounds.DUE,
            fees=[FeeOfRound(school.meals, quantity) for quantity in fees],
            actor_id=school.accountant,
        )


def test_an_item_of_another_school_is_not_found(session: Session, school: SchoolSetting) -> None:
    stranger = make_school(session)
    with pytest.raises(NotFoundError):
        draft_round(
            session,
            school.id,
            code="T10",
            name="Tháng 10",
            year_id=school.year,
            starts_on=rounds.STARTS,
            due_on=rounds.DUE,
            fees=[FeeOfRound(stranger.meals)],
            actor_id=school.accountant,
        )


def test_only_an_issued_round_is_closed_and_a_closed_one_is_not_approved_again(
    session: Session, school: SchoolSetting
) -> None:
    round_id = rounds.approved(session, school)
    with pytest.raises(ConflictError, match="round_state"):
        close_round(session, school.id, round_id, school.accountant)
    issued = rounds.issued(session, school, "T11")
    close_round(session, school.id, issued, school.accountant)
    with pytest.raises(ConflictError, match="round_state"):
        approve_round(session, school.id, issued, school.principal)


@pytest.mark.parametrize("change", ["created_by = :other", "state = 'draft', approved_by = NULL", "code = 'T11'"])
def test_the_database_keeps_who_drafted_a_round(session: Session, school: SchoolSetting, change: str) -> None:
    round_id = rounds.approved(session, school)
    statement = text(f"UPDATE collection_round SET {change} WHERE id = :id")
    told = {"id": round_id, "other": make_school(session).accountant}
    with pytest.raises(IntegrityError, match="stays on record"), session.begin_nested():
        session.execute(statement, told)
    session.execute(text("DROP TRIGGER keep_round ON collection_round"))
    session.execute(statement, told)


def test_the_database_refuses_invoices_of_a_round_that_nobody_approved(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.drafted(session, school)
    plan = preview_round(session, school.id, round_id)
    collection_round = session.get_one(CollectionRound, (school.id, round_id))
    with pytest.raises(IntegrityError, match="approved by a second person"), session.begin_nested():
        write_invoices(session, collection_round, plan.drafts)
    session.execute(text("DROP TRIGGER round_is_approved ON invoice"))
    assert len(write_invoices(session, collection_round, plan.drafts)) == len(plan.drafts)


def test_the_database_starts_no_round_without_a_second_person(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.drafted(session, school)
    with pytest.raises(IntegrityError, match="ck__collection_round__approved"), session.begin_nested():
        session.execute(text("UPDATE collection_round SET state = 'issuing' WHERE id = :id"), {"id": round_id})


def test_only_a_principal_of_the_school_is_the_second_person(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.drafted(session, school)
    with pytest.raises(ForbiddenError, match="principal"):
        approve_round(session, school.id, round_id, make_school(session).principal)
