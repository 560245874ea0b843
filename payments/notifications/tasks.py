"""Delivery of waiting messages. Safe to run twice: a message that is not waiting any more is not sent again.

A crash between the mail server's yes and our commit can send a message a second time, under the same Message-ID; it can
never lose one.
"""

from celery import shared_task
from sqlalchemy.orm import Session

from payments import clock, outbox
from payments.celery import settings, task_session
from payments.notifications.channels import email
from payments.notifications.models import DeliveryAttempt, Message, MessageState
from payments.settings import Settings

BATCH = 20
BEAT = {"notices-sweep": {"task": "payments.notifications.tasks.deliver_due", "schedule": 15.0}}


@shared_task(name="payments.notifications.tasks.deliver_due")
def deliver_due() -> int:
    """Deliver what is due; returns how many rows were claimed."""
    with task_session() as session:
        claimed = outbox.claim(session, "notices", limit=BATCH)
    for row in claimed:
        with task_session() as session:
            problem = _deliver(session, settings(), row)
            if problem is None:
                outbox.finish(session, row)
            else:
                outbox.fail(session, row, problem)
    return len(claimed)


def _deliver(session: Session, config: Settings, row: outbox.Claimed) -> str | None:
    message = session.get(Message, (row.school_id, row.subject_id), with_for_update=True)
    if message is None or message.state is not MessageState.WAITING:
        return None
    if config.smtp_url is None or not message.email:
        # Without a mail server the message still stands on the recipient's screen.
        message.state = MessageState.SHOWN
        return None
    letter = email.Letter(
        recipient=message.email,
        subject=message.subject,
        text=message.body,
        message_id=f"message.{message.school_id}.{message.id}@{config.mail_from.rpartition('@')[2].rstrip('>')}",
        written_at=clock.now(),
    )
    with email.MailServer(config.smtp_url, config.mail_from, config.bounce_address) as server:
        problem = server.deliver(letter).problem
    session.add(
        DeliveryAttempt(
            school_id=message.school_id,
            message_id=message.id,
            at=clock.now(),
            channel="email",
            succeeded=problem is None,
            reason=problem,
        )
    )
    if problem is None:
        message.state = MessageState.SENT
    elif row.attempts >= outbox.MAX_ATTEMPTS:
        message.state = MessageState.FAILED
    return problem
