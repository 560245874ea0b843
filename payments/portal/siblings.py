"""Siblings of one school who share a guardian's telephone: proposed to the accountant, never joined by itself.

A telephone number may be mistyped, and then it is a stranger's: a person who knows the children decides. Over schools
no telephone joins anybody, for no accountant knows both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.errors import DomainError, NotFoundError
from payments.portal import families
from payments.portal.families import Member

# A number of many is an office's or a placeholder.
_SIBLINGS = text("""
    WITH shared AS (
        SELECT phone_index FROM guardian
        WHERE school_id = :school_id AND phone_index IS NOT NULL
        GROUP BY phone_index HAVING count(DISTINCT pupil_id) BETWEEN 2 AND 6
    )
    SELECT DISTINCT mine.pupil_id, p.id, p.sector_id, p.full_name, (
        SELECT c.name FROM enrollment e JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id
        WHERE e.school_id = p.school_id AND e.pupil_id = p.id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1)
    FROM guardian mine
    JOIN shared USING (phone_index)
    JOIN guardian theirs ON theirs.school_id = mine.school_id AND theirs.phone_index = mine.phone_index
        AND theirs.pupil_id <> mine.pupil_id
    JOIN pupil p ON p.school_id = theirs.school_id AND p.id = theirs.pupil_id
    WHERE mine.school_id = :school_id AND (CAST(:pupil_id AS bigint) IS NULL OR mine.pupil_id = :pupil_id)
    ORDER BY mine.pupil_id, p.id
""")


@dataclass(frozen=True, slots=True)
class Sibling:
    """``pupil_id`` shares a guardian's telephone with this pupil."""

    of_pupil_id: int
    pupil_id: int
    sector_id: str
    full_name: str
    class_name: str | None


def siblings(session: Session, school_id: int, pupil_id: int | None = None) -> list[Sibling]:
    """Proposals for one pupil, or for all of the school."""
    return [Sibling(*row) for row in session.execute(_SIBLINGS, {"school_id": school_id, "pupil_id": pupil_id})]


def confirm(
    session: Session, link_keys: Mapping[int, bytes], school_id: int, pupil_ids: Sequence[int], actor_id: int
) -> str:
    """The token of the family of these pupils, whom a person of their school knows to be siblings.

    Raises NotFoundError for a pupil without a live link in this school, and DomainError ``not_siblings`` for fewer than
    two, or when no telephone says so: then the parent joins them by both links.
    """
    wanted = sorted(set(pupil_ids))
    pairs = {(one.of_pupil_id, one.pupil_id) for one in siblings(session, school_id)}
    if len(wanted) < 2 or not all((wanted[0], other) in pairs for other in wanted[1:]):
        raise DomainError(
            "not_siblings",
            "Các học sinh này không có chung số điện thoại người giám hộ; phụ huynh có thể tự gộp bằng hai đường dẫn.",
            "These pupils share no guardian's telephone; the parent may put them together by both links.",
        )
    return families.family_for(
        session, link_keys, [_member(session, school_id, pupil_id) for pupil_id in wanted], actor_id=actor_id
    )


def _member(session: Session, school_id: int, pupil_id: int) -> Member:
    found = families.member_of(session, school_id, pupil_id)
    if found is None:
        raise NotFoundError("Học sinh chưa có đường dẫn.", "The pupil has no link.")
    return found
