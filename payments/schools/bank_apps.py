"""A school's own switch: whether its parents' pages link into banks' apps through a service outside the school."""

from sqlalchemy.orm import Session

from payments.audit.service import record
from payments.errors import NotFoundError
from payments.schools.models import School


def switch_bank_apps(session: Session, school_id: int, *, on: bool, actor_id: int | None) -> None:
    """Switch the links on or off, and write down who did. Raises NotFoundError."""
    school = session.get(School, school_id, with_for_update=True)
    if school is None:
        raise NotFoundError("Không tìm thấy trường.", "No such school.")
    if school.bank_apps is on:
        return
    school.bank_apps = on
    session.flush()
    record(
        session,
        actor_id,
        "school.bank_apps",
        subject_kind="school",
        subject_id=school_id,
        school_id=school_id,
        detail={"on": on},
    )
