"""The worker's side of notices. Safe to run twice and in several workers: see payments/notices/sending.py."""

from celery import shared_task
from sqlalchemy.orm import Session

from payments import outbox
from payments.celery import settings, task_session
from payments.notices import sending, thanks
from payments.notices.outside import Outside
from payments.notices.service import QUEUE
from payments.notifications.channels.email import MailServer
from payments.notifications.rules import Fate

CAMPAIGNS = 4
"""Campaigns that a worker serves in turn before it asks again."""
BEAT = {
    "waves-sweep": {"task": "payments.notices.tasks.send_due", "schedule": 15.0},
    "thanks-sweep": {
        "task": "payments.notices.tasks.thank_payers",
        "schedule": 60.0,
        "options": {"queue": QUEUE},
    },
}


@shared_task(name="payments.notices.tasks.send_due")
def send_due() -> int:
    """Send the waves that are due; returns how many notices were worked on."""
    with task_session() as session:
        rows = outbox.claim(session, QUEUE, limit=CAMPAIGNS)
    outside = Outside.of(settings())
    return sum(_wave(outside, row) for row in rows)


@shared_task(name="payments.notices.tasks.thank_payers")
def thank_payers() -> int:
    """Give each new payment its notice, at schools that want that; returns how many."""
    with task_session() as session:
        return thanks.write_new(session, settings().link_keys)


def _wave(outside: Outside, row: outbox.Claimed) -> int:
    """One campaign until its pace, its end, or a mail server that is away; then its row is due again, or gone."""
    school_id, campaign_id = row.school_id or 0, row.subject_id or 0
    config, worked = outside.settings, 0
    server = MailServer(config.smtp_url, config.mail_from, config.bounce_address) if config.smtp_url else None
    try:
        while True:
            with task_session() as session:
                wave = sending.take(session, outside, school_id, campaign_id)
                if not wave.notices:
                    _come_again(session, row, wave)
                    return worked
                outbox.extend(session, row, outbox.LEASE)
            worked += len(wave.notices)
            problem = _send_all(outside, wave, server)
            with task_session() as session:
                again = sending.set_problem(session, school_id, campaign_id, problem)
                if problem is not None:
                    _come_again(session, row, sending.Wave((), again))
                    return worked
    finally:
        if server:
            server.close()


def _send_all(outside: Outside, wave: sending.Wave, server: MailServer | None) -> str | None:
    """Send each; a server that is away ends the wave, and what was not tried is given back. Its problem, or None."""
    problem: str | None = None
    for taken in wave.notices:
        with task_session() as session:
            if problem is not None:
                sending.give_back(session, taken)
                continue
            verdict = sending.deliver(session, outside, taken, server)
            if verdict.fate is Fate.AWAY:
                problem = verdict.problem
    return problem


def _come_again(session: Session, row: outbox.Claimed, wave: sending.Wave) -> None:
    """Put the campaign's row back for later; whoever lost the lease leaves it to the one who has it."""
    if outbox.finish(session, row) and wave.again_at is not None:
        outbox.put(session, QUEUE, "wave", school_id=row.school_id, subject_id=row.subject_id, due_at=wave.again_at)
