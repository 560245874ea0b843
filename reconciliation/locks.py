"""One writer at a time: imports and nights of a school, and settlement while a night looks."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

_SCHOOL = text("SELECT pg_advisory_xact_lock(hashtextextended('reconciliation of school ' || :school_id, 0))")
_LEASE = text("SELECT school_id FROM settlement_lease WHERE school_id = :school_id FOR UPDATE")
_SCHOOLS = text("""
    SELECT pg_advisory_xact_lock(hashtextextended('reconciliation of school ' || own.id, 0))
    FROM (SELECT unnest(CAST(:schools AS bigint[])) AS id ORDER BY 1) AS own
""")
_LEASES = text("""
    SELECT school_id FROM settlement_lease WHERE school_id = ANY(CAST(:schools AS bigint[])) ORDER BY school_id
    FOR UPDATE
""")
_GROUP = text("SELECT pg_try_advisory_xact_lock(hashtextextended('night group ' || :group_id, 0))")


def lock_schools(session: Session, school_ids: Sequence[int]) -> None:
    """Hold imports and nights of several schools, then their settlement, each in the order of their ids."""
    session.execute(_SCHOOLS, {"schools": sorted(school_ids)})
    session.execute(_LEASES, {"schools": sorted(school_ids)})


def try_group(session: Session, group_id: int) -> bool:
    """Hold a group of schools in its night until the transaction ends; False: another worker has it."""
    return bool(session.scalar(_GROUP, {"group_id": str(group_id)}))


def lock_school(session: Session, school_id: int) -> None:
    """Hold imports and nights of the school until the transaction ends: ids then come in order of commit."""
    session.execute(_SCHOOL, {"school_id": str(school_id)})


def lock_settlement(session: Session, school_id: int) -> None:
    """Hold the school's settlement too, so that what the night reads is one state. Always after ``lock_school``."""
    session.execute(_LEASE, {"school_id": school_id})
