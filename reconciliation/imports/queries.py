"""Reads for the pages of imports."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, defer

from payments.access.models import User
from payments.banking.models import ReceivingAccount
from payments.errors import NotFoundError
from reconciliation.imports.models import ImportJob


@dataclass(frozen=True, slots=True)
class JobView:
    """A job with the names of its person and account."""

    job: ImportJob
    person: str
    account: str
    """``BIN:NUMBER``; empty for books."""
    has_returned: bool
    """Whether a workbook with its bad rows waits to be corrected."""


_BARE = (defer(ImportJob.content_sealed), defer(ImportJob.returned_sealed))


def jobs_of(session: Session, school_id: int, *, limit: int) -> Sequence[JobView]:
    """The newest jobs of a school."""
    wanted = _views().where(ImportJob.school_id == school_id).order_by(ImportJob.id.desc()).limit(limit)
    return [_view(*row) for row in session.execute(wanted)]


def job_of(session: Session, school_id: int, job_id: int) -> JobView:
    """One job. Raises NotFoundError."""
    row = session.execute(_views().where(ImportJob.school_id == school_id, ImportJob.id == job_id)).first()
    if row is None:
        raise NotFoundError
    return _view(*row)


def _views() -> Select[ImportJob, str, ReceivingAccount, bool]:
    return (
        select(ImportJob, User.full_name, ReceivingAccount, ImportJob.returned_sealed.is_not(None))
        .join(User, User.id == ImportJob.created_by)
        .outerjoin(
            ReceivingAccount,
            (ReceivingAccount.school_id == ImportJob.school_id) & (ReceivingAccount.id == ImportJob.account_id),
        )
        .options(*_BARE)
    )


def _view(job: ImportJob, person: str, account: ReceivingAccount | None, has_returned: bool) -> JobView:  # noqa: FBT001 - a row as the database gives it
    return JobView(job, person, f"{account.bin}:{account.number}" if account else "", has_returned)
