"""Hand over a rendered message: kept for the recipient's screen, and sent where an address is given."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments import clock, outbox
from payments.notifications.models import Message, MessageState


def enqueue_message(
    session: Session,
    school_id: int,
    *,
    dedup_key: str,
    kind: str,
    subject: str,
    body: str,
    recipient_user_id: int | None = None,
    email: str | None = None,
) -> int | None:
    """Keep a message once for its cause (``dedup_key``), and queue its delivery when it has an email address.

    Returns its id; None when the same cause has given a message before.
    """
    message_id = session.scalar(
        insert(Message)
        .values(
            school_id=school_id,
            dedup_key=dedup_key,
            kind=kind,
            recipient_user_id=recipient_user_id,
            email=email,
            subject=subject,
            body=body,
            state=MessageState.WAITING if email else MessageState.SHOWN,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["school_id", "dedup_key"])
        .returning(Message.id)
    )
    if message_id is not None and email:
        outbox.put(session, "notices", "message", school_id=school_id, subject_id=message_id)
    return message_id
