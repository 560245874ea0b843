"""Use cases of a person: send a file, write what was shown, drop it, have it read again with a layout."""

import hashlib
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments import clock, outbox
from payments.audit.service import record
from payments.banking.models import ReceivingAccount
from payments.crypto import FieldCipher
from payments.errors import ConflictError, DomainError, NotFoundError
from reconciliation.doubts import Answer
from reconciliation.imports.models import ImportJob, ImportKind, JobState
from reconciliation.imports.reading import File
from reconciliation.imports.rules import OPEN, plain_name

QUEUE = "imports"
CONTENT, RETURNED = "import_job.content", "import_job.returned"
"""Places of sealed bytes."""
KEPT_FOR = timedelta(days=14)
"""Files are forgotten then; what became of them stays."""
MOST_OPEN = 40
"""Files of one school that wait at the same time."""
LONGEST_FILE_NAME = 120


def start_import(
    session: Session, cipher: FieldCipher, school_id: int, file: File, *, account_id: int | None, actor_id: int
) -> int:
    """Keep a file sealed and have it read; nothing of it is written before a person says so.

    ``account_id``: the receiving account of a statement; None: the school's books. Returns the job's id. Raises
    NotFoundError, DomainError ``no_file`` and ``too_many_imports``.
    """
    if account_id is not None and session.get(ReceivingAccount, (school_id, account_id)) is None:
        raise NotFoundError(
            "Không có tài khoản nhận tiền này trong trường.", "The school has no such receiving account."
        )
    if not file.data:
        raise DomainError("no_file", "Hãy chọn một tệp có nội dung.", "Choose a file that is not empty.")
    waiting = select(func.count()).where(ImportJob.school_id == school_id, ImportJob.state.in_(OPEN))
    if (session.scalar(waiting) or 0) >= MOST_OPEN:
        raise DomainError(
            "too_many_imports",
            f"Đang có {MOST_OPEN} tệp chờ. Hãy ghi hoặc bỏ bớt trước khi tải thêm.",
            f"{MOST_OPEN} files are waiting. Write or drop some before you send more.",
        )
    now = clock.now()
    job = ImportJob(
        school_id=school_id,
        kind=ImportKind.LEDGER if account_id is None else ImportKind.STATEMENT,
        account_id=account_id,
        file_name=plain_name(file.name, LONGEST_FILE_NAME),
        file_sha256=hashlib.sha256(file.data).digest(),
        file_bytes=len(file.data),
        content_sealed=cipher.seal(file.data, CONTENT),
        phase="read",
        phase_at=now,
        report={},
        problems=[],
        created_by=actor_id,
        created_at=now,
    )
    session.add(job)
    session.flush()
    outbox.put(session, QUEUE, "read", school_id=school_id, subject_id=job.id)
    return job.id


def confirm_import(
    session: Session,
    school_id: int,
    job_id: int,
    *,
    actor_id: int,
    answer: Answer | None = None,
    shown: str | None = None,
) -> None:
    """Have written what was shown; saying so twice writes once.

    ``answer`` says what the lines in doubt are, on a page of the plan ``shown`` (``plan_name``). Raises NotFoundError,
    ConflictError ``not_ready`` or ``changed``, and DomainError ``same_lines`` where there is a doubt and nothing was
    said.
    """
    job = locked(session, school_id, job_id)
    if job.state in {JobState.WRITING, JobState.DONE}:
        return
    if job.state is not JobState.READY:
        raise ConflictError(
            "not_ready",
            "Tệp này không còn chờ ghi. Hãy tải lại trang.",
            "This file does not wait to be written. Reload the page.",
        )
    in_doubt = job.report.get("doubts_count", 0)
    if in_doubt and answer is None:
        raise DomainError(
            "same_lines",
            f"Có {in_doubt} dòng có thể là giao dịch đã nhập. Hãy chọn đó là giao dịch đã có hay khác rồi ghi.",
            f"{in_doubt} lines may be known payments. Say whether they are known or others, then write.",
        )
    if in_doubt and shown != plan_name(job):
        raise ConflictError(
            "changed",
            "Trang này đã cũ: tệp đã được đọc lại, các dòng cần trả lời có thể khác. Hãy tải lại trang, xem rồi chọn.",
            "This page is old: the file was read again and other lines may be in doubt. Reload it, look, and choose.",
        )
    if answer is not None and not answer.except_at <= {doubt["place"] for doubt in job.report.get("doubts", ())}:
        raise DomainError(
            "no_such_line",
            "Dòng được trừ ra không có trong danh sách cần trả lời. Hãy tải lại trang, xem rồi chọn.",
            "A line that was excepted is not in the list. Reload the page, look, and choose.",
        )
    _turn(job, JobState.WRITING, "write")
    job.confirmed_by = actor_id
    if in_doubt and answer is not None:
        job.same_lines, job.other_lines = answer.same_lines, sorted(answer.except_at)
    outbox.put(session, QUEUE, "write", school_id=school_id, subject_id=job.id)
    record(
        session,
        actor_id,
        "import.confirmed",
        subject_kind="import_job",
        subject_id=job.id,
        school_id=school_id,
        detail={"kind": job.kind.value, "bad_rows": job.bad_rows} | _said(in_doubt, job.answer),
    )


def plan_name(job: ImportJob) -> str:
    """Which reading of the file its page shows: an answer to an older one says nothing of this one."""
    return (job.plan_sha256 or b"").hex()[:16]


def _said(in_doubt: int, answer: Answer | None) -> dict[str, object]:
    if answer is None:
        return {}
    return {"in_doubt": in_doubt, "same_lines": answer.same_lines.value, "other_lines": len(answer.except_at)}


def read_again(session: Session, school_id: int, job_id: int) -> None:
    """Have a file read anew: a layout was confirmed, or a code was given its account. Raises as confirming does."""
    job = locked(session, school_id, job_id)
    if job.state not in {JobState.MAPPING, JobState.READY, JobState.REFUSED} or job.content_sealed is None:
        raise ConflictError("not_ready", "Tệp này không còn chờ.", "This file does not wait any more.")
    _turn(job, JobState.READING, "read")
    job.same_lines, job.other_lines = None, []
    outbox.put(session, QUEUE, "read", school_id=school_id, subject_id=job.id)


def drop_import(session: Session, school_id: int, job_id: int) -> None:
    """Forget a file that nobody has asked to be written. Raises NotFoundError and ConflictError ``not_ready``."""
    job = locked(session, school_id, job_id)
    if job.state in {JobState.WRITING, JobState.DONE}:
        raise ConflictError("not_ready", "Tệp này đã được ghi.", "This file is written already.")
    _turn(job, JobState.DROPPED, job.phase)
    job.finished_at = clock.now()
    forget(job)


def content_of(cipher: FieldCipher, job: ImportJob) -> File:
    """The file as it was sent. Raises NotFoundError when it is forgotten."""
    if job.content_sealed is None:
        raise NotFoundError("Tệp không còn được giữ. Hãy tải lên lại.", "The file is gone. Upload it again.")
    return File(job.file_name, cipher.open(job.content_sealed, CONTENT))


def locked(session: Session, school_id: int, job_id: int) -> ImportJob:
    """The job, held for this transaction. Raises NotFoundError."""
    job = session.get(ImportJob, (school_id, job_id), with_for_update=True, populate_existing=True)
    if job is None:
        raise NotFoundError
    return job


def forget(job: ImportJob) -> None:
    """Drop the bytes of a file and the rows of it that were shown."""
    job.content_sealed = job.returned_sealed = None
    job.report = {name: value for name, value in job.report.items() if name not in {"first", "doubts"}}


def forget_old(session: Session) -> int:
    """Forget the files of every school that are older than KEPT_FOR; those that nobody wrote are dropped."""
    now = clock.now()
    old = select(ImportJob).where(ImportJob.content_sealed.is_not(None), ImportJob.created_at < now - KEPT_FOR)
    jobs = session.scalars(old.with_for_update(skip_locked=True).limit(MOST_OPEN)).all()
    for job in jobs:
        if job.state in OPEN:
            job.state, job.finished_at = JobState.DROPPED, now
        forget(job)
    session.flush()
    return len(jobs)


def _turn(job: ImportJob, state: JobState, phase: str) -> None:
    job.state, job.phase, job.phase_at = state, phase, clock.now()
    job.done_rows = job.total_rows = 0
