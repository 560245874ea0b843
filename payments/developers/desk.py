"""Who sits at the developers' desk, and how far they see."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from payments.access.rules import Actor
from payments.banking.sharing import readable_ids
from payments.errors import ForbiddenError, NotFoundError

DESK_ROLES = ("engineer", "operator")


@dataclass(frozen=True, slots=True)
class Reach:
    """What one person may look at; ``connection_ids`` None: everything (the operator, and the command line)."""

    actor_id: int | None
    connection_ids: frozenset[int] | None
    may_open: bool
    """Whether bodies may be opened by an explicit, recorded step."""

    def check(self, connection_id: int | None) -> None:
        """Raises NotFoundError: "no such connection" and "not yours" are one answer."""
        if self.connection_ids is not None and connection_id not in self.connection_ids:
            raise NotFoundError

    def must_open(self) -> None:
        """Raises ForbiddenError for whoever may not open bodies."""
        if not self.may_open:
            raise ForbiddenError


EVERYWHERE = Reach(None, None, may_open=True)
"""The operator's own terminal."""


def reach_of(session: Session, person: Actor) -> Reach:
    """How far a member of staff sees."""
    if person.has("operator"):
        return Reach(person.user_id, None, may_open=True)
    return Reach(person.user_id, readable_ids(session, person.user_id), may_open=False)
