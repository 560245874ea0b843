"""What a worker does with a file: read, check, show; later write. Safe to begin again at any point.

Reading ends in one transaction with the job's state and the end of its outbox row; writing in one with the lines
themselves. So a worker that is killed leaves the job as it was, and whoever takes it up does it once. Progress is
told in transactions of its own, which also keep the lease.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bank_adapters.statements.errors import StatementError
from payments import clock, outbox
from payments.crypto import FieldCipher
from payments.errors import DomainError
from reconciliation import ledger_import, statement_import
from reconciliation.imports import shown
from reconciliation.imports.models import ImportJob, ImportKind, JobState
from reconciliation.imports.reading import File, all_of, give_back
from reconciliation.imports.returned import place_of, rows_with
from reconciliation.imports.rules import WORKING, Step, silent
from reconciliation.imports.service import RETURNED, content_of, forget, locked
from reconciliation.imports.telling import tell_end

LEASE = timedelta(minutes=10)
"""Renewed whenever progress is told; a single step of the longest import takes less."""
MOST_LOSSES = 5
"""A file that takes its worker down so often is given up."""
TOLD_EVERY = timedelta(seconds=1)

Sessions = Callable[[], AbstractContextManager[Session]]
Plan = statement_import.StatementPlan | ledger_import.LedgerPlan

_PROGRESS = text("""
    UPDATE import_job SET phase_at = CASE WHEN phase = :phase THEN phase_at ELSE :now END,
        phase = :phase, done_rows = :done, total_rows = :total
    WHERE school_id = :school_id AND id = :id AND state IN ('reading', 'writing')
""")


class LostError(Exception):
    """Somebody else has the job: what was done is rolled back."""


class Teller:
    """Tells how far a job is, at most once a second, and keeps its lease."""

    def __init__(self, sessions: Sessions, row: outbox.Claimed) -> None:
        self._sessions = sessions
        self._row = row
        self._told: datetime | None = None
        self._phase = ""

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Raises LostError when the lease is somebody else's."""
        now = clock.now()
        if phase == self._phase and done < total and self._told and now - self._told < TOLD_EVERY:
            return
        self._told, self._phase = now, phase
        values = {"school_id": self._row.school_id, "id": self._row.subject_id, "now": now}
        with self._sessions() as session:
            if not outbox.extend(session, self._row, LEASE):
                raise LostError
            session.execute(_PROGRESS, values | {"phase": phase, "done": done, "total": total})


def work_on(sessions: Sessions, cipher: FieldCipher, row: outbox.Claimed) -> None:
    """Read or write the file of a row, and end the row; what is in the way ends the job or has it tried again."""
    if row.school_id is None or row.subject_id is None:
        with sessions() as session:
            outbox.fail(session, row, "no_job")
        return
    tell = Teller(sessions, row)
    try:
        with sessions() as session:
            _work(session, cipher, row, tell)
    except LostError:
        return
    except (StatementError, DomainError) as error:
        _refuse(sessions, cipher, row, error)
    except SQLAlchemyError:
        with sessions() as session:
            outbox.fail(session, row, "database")


def _work(session: Session, cipher: FieldCipher, row: outbox.Claimed, tell: Step) -> None:
    """The work and the end of its row in one transaction. Raises LostError when somebody else has it by now."""
    if row.attempts > MOST_LOSSES:
        raise DomainError("worker_lost", LOST_VI, LOST_EN)
    (read if row.kind == "read" else write)(session, cipher, row, tell)
    if not outbox.finish(session, row):
        raise LostError


LOST_VI = "Hệ thống không đọc hết được tệp này. Chưa ghi dòng nào; hãy chia nhỏ tệp rồi tải lên lại."
LOST_EN = "The file could not be worked through. Nothing was written; split it and upload it again."


def read(session: Session, cipher: FieldCipher, row: outbox.Claimed, tell: Step) -> None:
    """Read and check a file, and keep what it would do for its page."""
    job = _job(session, row)
    if job.state is not JobState.READING:
        return
    file = content_of(cipher, job)
    tell("read", 0, 0)
    plan = plan_of(session, job, file, tell)
    tell("preview", 0, 0)
    job = locked(session, job.school_id, job.id)
    if job.state is not JobState.READING:
        return  # The person has dropped it meanwhile.
    _keep_plan(session, cipher, job, file, plan)
    job.state, job.phase = JobState.READY, "preview"
    tell_end(session, job)


def write(session: Session, cipher: FieldCipher, row: outbox.Claimed, tell: Step) -> None:
    """Write what was shown; where another reading gives something else, that is shown first."""
    job = _job(session, row)
    if job.state is not JobState.WRITING:
        return
    file = content_of(cipher, job)
    plan = plan_of(session, job, file, silent)
    if plan.sha256 != job.plan_sha256:
        job = locked(session, job.school_id, job.id)
        _keep_plan(session, cipher, job, file, plan)
        job.report = job.report | {"changed": True}
        job.same_lines, job.other_lines = None, []
        job.state, job.phase = JobState.READY, "preview"
        return
    if isinstance(plan, ledger_import.LedgerPlan):
        report = shown.of_ledger(ledger_import.write_ledger(session, plan, tell))
    else:
        statement_import.write_statement(session, plan, file.data, file.name, tell)
        report = shown.of_statement(plan.report)
    job = locked(session, job.school_id, job.id)
    job.report, job.state, job.finished_at = report, JobState.DONE, clock.now()
    if not job.bad_rows:
        forget(job)
    tell_end(session, job)


def plan_of(session: Session, job: ImportJob, file: File, tell: Step) -> Plan:
    """What a file would do. Raises StatementError and DomainError."""
    if job.kind is ImportKind.LEDGER:
        return ledger_import.plan_ledger(session, job.school_id, file.data, file.name, step=tell)
    account_id = job.account_id or 0
    return statement_import.plan_statement(
        session, job.school_id, account_id, file.data, file.name, answer=job.answer, step=tell
    )


def _job(session: Session, row: outbox.Claimed) -> ImportJob:
    """The job of a row, not locked: its progress is written beside. Raises DomainError when there is none."""
    job = session.get(ImportJob, (row.school_id, row.subject_id))
    if job is None:
        raise DomainError("no_job", "Không có tệp này.", "There is no such file.")
    return job


def _keep_plan(session: Session, cipher: FieldCipher, job: ImportJob, file: File, plan: Plan) -> None:
    bad: tuple[StatementError, ...] = ()
    if isinstance(plan, ledger_import.LedgerPlan):
        bad = plan.bad
        job.report = shown.of_ledger(plan.report) | {"first": shown.first_rows(plan)}
    else:
        job.report = shown.of_statement(plan.report) | {"first": shown.first_lines(plan)}
    job.plan_sha256 = plan.sha256
    _keep_problems(session, cipher, job, file, bad)


def _keep_problems(
    session: Session, cipher: FieldCipher, job: ImportJob, file: File, bad: tuple[StatementError, ...]
) -> None:
    job.problems, job.bad_rows, job.returned_sealed = shown.problems(bad), rows_with(bad), None
    if bad:
        job.returned_sealed = cipher.seal(give_back(session, job.school_id, job.kind, file, bad), RETURNED)


def _refuse(sessions: Sessions, cipher: FieldCipher, row: outbox.Claimed, error: StatementError | DomainError) -> None:
    """End a job whose file cannot be taken, or ask which column is which."""
    with sessions() as session:
        if not outbox.finish(session, row) or session.get(ImportJob, (row.school_id, row.subject_id)) is None:
            return
        job = locked(session, row.school_id or 0, row.subject_id or 0)
        if job.state not in WORKING:
            return
        job.report, job.phase, job.plan_sha256 = {}, "check", None
        if isinstance(error, StatementError):
            file = content_of(cipher, job)
            _keep_problems(session, cipher, job, file, all_of(error))
        else:
            said: dict[str, Any] = {"place": "", "code": error.code, "vi": error.vi, "en": error.en}
            job.problems, job.bad_rows, job.returned_sealed = [said], 0, None
        job.state = JobState.MAPPING if asks_for_columns(error) else JobState.REFUSED
        if job.state is JobState.REFUSED:
            job.finished_at = clock.now()
        tell_end(session, job)


def asks_for_columns(error: StatementError | DomainError) -> bool:
    """Whether a person can answer by saying which column is which: no layout fits, or several do.

    A header that is named by its row is known and refused for what it is, such as books sent as a statement.
    """
    if not isinstance(error, StatementError):
        return False
    return error.code == "no_header" or (error.code == "unknown_layout" and place_of(error.place) is None)
