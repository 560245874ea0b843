"""The desk of one school: who may sit at it."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.access.guards import the_actor
from payments.access.rules import Actor
from payments.errors import ForbiddenError, NotFoundError

DESK_ROLES = ("accountant", "principal")
_SCHOOL = text("SELECT id, code, name FROM school WHERE code = :code")


@dataclass(frozen=True, slots=True)
class Desk:
    """A school and the person who works for it."""

    school_id: int
    code: str
    name: str
    actor: Actor

    def require(self, role: str) -> None:
        """Raises ForbiddenError unless the person has this role in this school."""
        if not self.actor.may_in(self.school_id, role):
            raise ForbiddenError

    @property
    def is_principal(self) -> bool:
        """Whether the second person's buttons are shown."""
        return self.actor.may_in(self.school_id, "principal")


def desk_of(session: Session, code: str, *roles: str) -> Desk:
    """The desk of a school for the person who asks; "no such school" and "not yours" are one answer."""
    person = the_actor()
    row = session.execute(_SCHOOL, {"code": code}).first()
    if row is None or not person.may_in(row.id, *(roles or DESK_ROLES)):
        raise NotFoundError
    return Desk(row.id, row.code, row.name, person)
