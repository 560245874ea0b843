"""The line of the parent's page that leads to the school's accounts, and warns when they changed a short time ago."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.banking.public import public_accounts
from payments.banking.standing import last_change
from payments.clock import day_of

WARNED = timedelta(days=30)
"""How long after a change of accounts the parent's page says so: about one round."""

_CODE = text("SELECT code FROM school WHERE id = :school_id")


@dataclass(frozen=True, slots=True)
class SchoolTrust:
    """The school's code, and the day its accounts changed, where that is not long ago."""

    code: str
    changed_on: date | None


def school_trust(session: Session, school_id: int, now: datetime) -> SchoolTrust:
    """What the parent's page says about the accounts of a school."""
    changed_at = last_change(public_accounts(session, school_id, now))
    recent = changed_at is not None and now - changed_at < WARNED
    code: str = session.scalars(_CODE, {"school_id": school_id}).one()
    return SchoolTrust(code, day_of(changed_at) if changed_at and recent else None)
