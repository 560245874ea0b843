"""A decision takes two people, in the code and in the database."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from payments.access import approvals
from payments.errors import ConflictError, ForbiddenError, NotFoundError
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db


def proposed(session: Session, school: SchoolSetting) -> int:
    return approvals.propose(
        session, school.id, subject_kind="collection_round", subject_id=7, actor_id=school.accountant
    )


def test_a_second_person_decides(session: Session, school: SchoolSetting) -> None:
    approval = proposed(session, school)
    assert approvals.open_proposal(session, school.id, "collection_round", 7) == approval
    approvals.decide(session, school.id, approval, school.principal, approved=True)
    assert approvals.open_proposal(session, school.id, "collection_round", 7) is None


def test_the_proposer_may_not_decide(session: Session, school: SchoolSetting) -> None:
    with pytest.raises(ForbiddenError):
        approvals.decide(session, school.id, proposed(session, school), school.accountant, approved=True)


def test_the_database_refuses_the_same_person_too(session: Session, school: SchoolSetting) -> None:
    approval = proposed(session, school)
    with pytest.raises(IntegrityError, match="two_people"):
        session.execute(
            text("UPDATE approval SET state = 'approved', decided_by = proposed_by WHERE id = :id"), {"id": approval}
        )


def test_a_decision_is_final(session: Session, school: SchoolSetting) -> None:
    approval = proposed(session, school)
    approvals.decide(session, school.id, approval, school.principal, approved=False, reason="Sai số tài khoản")
    with pytest.raises(ConflictError, match="decided_already"):
        approvals.decide(session, school.id, approval, school.principal, approved=True)


def test_another_school_cannot_decide(session: Session, school: SchoolSetting) -> None:
    stranger = make_school(session)
    with pytest.raises(NotFoundError):
        approvals.decide(session, stranger.id, proposed(session, school), stranger.principal, approved=True)
