"""The log of deeds is only ever added to."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from payments.audit.models import AuditEvent
from payments.audit.service import record
from tests.payments.setting import SchoolSetting

pytestmark = pytest.mark.db


def approved(session: Session, school: SchoolSetting, actor_id: int | None) -> None:
    record(
        session,
        actor_id,
        "round.approved",
        subject_kind="collection_round",
        subject_id=3,
        school_id=school.id,
        detail={"amount_vnd": 5},
    )


def test_a_deed_is_written_down_with_its_actor(session: Session, school: SchoolSetting) -> None:
    approved(session, school, school.accountant)
    event = session.scalars(select(AuditEvent).where(AuditEvent.school_id == school.id)).one()
    assert (event.actor_id, event.action, event.detail) == (school.accountant, "round.approved", {"amount_vnd": 5})


def test_a_deed_cannot_be_changed(session: Session, school: SchoolSetting) -> None:
    approved(session, school, None)
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text("UPDATE audit_event SET action = 'nothing happened'"))
