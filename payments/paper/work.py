"""What a worker does with a print job. Safe to begin again at any point: pages are made anew, the file is kept once.

Progress is told in transactions of its own, which also keep the lease; the file, the job's end and the end of its
outbox row are one transaction.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from payments import clock, outbox
from payments.crypto import FieldCipher
from payments.errors import DomainError
from payments.paper.document import join, pages_of
from payments.paper.models import PrintJob, PrintState
from payments.paper.service import PLACE, Links, order, print_parts

LEASE = timedelta(minutes=5)
"""Renewed with every class; a batch takes seconds."""
MOST_LOSSES = 5
"""A job that takes its worker down so often is given up."""

Sessions = Callable[[], AbstractContextManager[Session]]

_PROGRESS = text("""
    UPDATE print_job SET state = 'printing', slips_done = least(:done, slips_total)
    WHERE school_id = :school_id AND id = :id AND state IN ('waiting', 'printing')
""")


class LostError(Exception):
    """Somebody else has the job: what was done is thrown away."""


def work_on(sessions: Sessions, cipher: FieldCipher, links: Links, row: outbox.Claimed) -> None:
    """Print the job of a row and end the row; what is in the way ends the job or has it tried again."""
    try:
        _check(row)
        _print(sessions, cipher, links, row)
    except LostError:
        return
    except DomainError as error:
        _give_up(sessions, row, error.code)
    except SQLAlchemyError:
        with sessions() as session:
            outbox.fail(session, row, "database")


def _check(row: outbox.Claimed) -> None:
    if row.attempts > MOST_LOSSES:
        raise DomainError("worker_lost", "Hệ thống không in xong được. Hãy in từng lớp.", "Print class by class.")


def _print(sessions: Sessions, cipher: FieldCipher, links: Links, row: outbox.Claimed) -> None:
    with sessions() as session:
        job = session.get(PrintJob, (row.school_id, row.subject_id))
        if job is None or job.state in {PrintState.READY, PrintState.FAILED}:
            outbox.finish(session, row)
            return
        wanted = order(session, job.school_id, job.round_id, job.kind)
        parts: list[bytes] = []
        done = 0
        for part in print_parts(session, links, wanted):
            parts.append(part.pdf)
            done += part.slips
            _tell(sessions, row, done)
    pdf = join(parts)
    pages = pages_of(pdf)
    with sessions() as session:
        if not outbox.finish(session, row):
            raise LostError
        job = session.get_one(PrintJob, (row.school_id, row.subject_id), with_for_update=True)
        job.file_sealed, job.pages, job.slips_total, job.slips_done = cipher.seal(pdf, PLACE), pages, done, done
        job.state, job.finished_at = PrintState.READY, clock.now()


def _tell(sessions: Sessions, row: outbox.Claimed, done: int) -> None:
    """Raises LostError when the lease is somebody else's."""
    with sessions() as session:
        if not outbox.extend(session, row, LEASE):
            raise LostError
        session.execute(_PROGRESS, {"school_id": row.school_id, "id": row.subject_id, "done": done})


def _give_up(sessions: Sessions, row: outbox.Claimed, problem: str) -> None:
    with sessions() as session:
        job = session.get(PrintJob, (row.school_id, row.subject_id), with_for_update=True)
        if outbox.finish(session, row) and job is not None:
            job.state, job.problem, job.finished_at = PrintState.FAILED, problem, clock.now()
