"""One message for one cause; delivery is queued only where there is an address."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.notifications.models import Message, MessageState
from payments.notifications.service import enqueue_message
from payments.outbox import OutboxRow
from tests.payments.setting import SchoolSetting

pytestmark = pytest.mark.db


def enqueue(session: Session, school: SchoolSetting, email: str | None) -> int | None:
    return enqueue_message(
        session,
        school.id,
        dedup_key="account:1:approved",
        kind="account_approved",
        subject="Tài khoản nhận tiền mới",
        body="Tài khoản mới dùng được sau 24 giờ.",
        recipient_user_id=school.principal,
        email=email,
    )


def queued(session: Session, school: SchoolSetting) -> list[int | None]:
    rows = session.scalars(select(OutboxRow).where(OutboxRow.school_id == school.id, OutboxRow.queue == "notices"))
    return [row.subject_id for row in rows]


def test_a_message_with_an_address_waits_for_delivery(session: Session, school: SchoolSetting) -> None:
    message = enqueue(session, school, "hieu.truong@truong.example")
    assert queued(session, school) == [message]


def test_a_message_without_an_address_is_kept_for_the_screen(session: Session, school: SchoolSetting) -> None:
    message = session.get_one(Message, (school.id, enqueue(session, school, None)))
    assert message.state is MessageState.SHOWN
    assert queued(session, school) == []


def test_the_same_cause_gives_one_message(session: Session, school: SchoolSetting) -> None:
    enqueue(session, school, "hieu.truong@truong.example")
    assert enqueue(session, school, "hieu.truong@truong.example") is None
    assert len(queued(session, school)) == 1
