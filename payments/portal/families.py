"""Families: whose children a link shows, how a child joins and leaves.

Whoever holds the links of two children may see both already: that is the proof with which a parent puts them on one
page. The accountant of a school may do it for siblings of that school. A child is on the page as long as its own link
is the one with which it joined: renewing a child's link takes it off every family's page at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.portal.models import Family, FamilyMember
from payments.portal.queries import Holder
from payments.portal.rules import (
    MOST_CHILDREN,
    MOST_FAMILIES,
    derive_family_token,
    newest_key,
    token_hash,
)

_LIVE = """
    FROM family_member m
    JOIN parent_link l ON l.school_id = m.school_id AND l.pupil_id = m.pupil_id
        AND l.epoch = m.link_epoch AND l.expires_at > :now
"""
_CHILDREN = text(f"""
    SELECT m.family_id, m.id, m.colour, l.school_id, s.name, l.pupil_id, p.full_name, (
        SELECT c.name FROM enrollment e JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id
        WHERE e.school_id = l.school_id AND e.pupil_id = l.pupil_id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1)
    {_LIVE}
    JOIN school s ON s.id = l.school_id
    JOIN pupil p ON p.school_id = l.school_id AND p.id = l.pupil_id
    WHERE m.family_id = (SELECT id FROM family WHERE token_hash = :token_hash)
    ORDER BY m.id
""")  # noqa: S608 - constants of this module
_LINK = text("""
    SELECT school_id, pupil_id, epoch FROM parent_link
    WHERE expires_at > :now AND (token_hash = :token_hash OR school_id = :school_id AND pupil_id = :pupil_id)
""")
_SAME = text(f"""
    SELECT m.family_id {_LIVE}
    GROUP BY m.family_id
    HAVING array_agg(m.school_id || ':' || m.pupil_id ORDER BY m.school_id, m.pupil_id) = CAST(:children AS text[])
    ORDER BY m.family_id LIMIT 1
""")
_FAMILIES_OF = text(f"""
    SELECT DISTINCT m.family_id {_LIVE} WHERE m.school_id = :school_id AND m.pupil_id = :pupil_id
""")
_SHOWN = text(f"SELECT m.school_id, m.pupil_id {_LIVE} WHERE m.family_id = :family_id ORDER BY m.id")
_PAGES = text(f"""
    SELECT f.id, f.created_at, array_agg(p.sector_id ORDER BY m.id), array_agg(p.full_name ORDER BY m.id) {_LIVE}
    JOIN family f ON f.id = m.family_id
    JOIN pupil p ON p.school_id = m.school_id AND p.id = m.pupil_id
    WHERE m.school_id = :school_id AND m.family_id IN ({_FAMILIES_OF.text})
    GROUP BY f.id ORDER BY f.id
""")


@dataclass(frozen=True, slots=True)
class Child:
    """A child on a page. ``member_id`` and ``colour`` are 0 on the page of one pupil."""

    who: Holder
    member_id: int = 0
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Home:
    """Whom a token stands for: one pupil (``family_id`` None) or the children of a family."""

    children: tuple[Child, ...]
    family_id: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A pupil with the epoch of the link that proves the right to see it."""

    school_id: int
    pupil_id: int
    epoch: int

    @property
    def key(self) -> tuple[int, int]:
        """Which pupil it is."""
        return self.school_id, self.pupil_id


def family_of(session: Session, token: str, now: datetime) -> Home | None:
    """The children that a family's link shows now; None: there is no such link, or nobody is left."""
    rows = session.execute(_CHILDREN, {"token_hash": token_hash(token), "now": now}).all()
    children = tuple(Child(Holder(*row[3:]), row[1], row[2]) for row in rows)
    return Home(children, rows[0][0]) if rows else None


def child_of(session: Session, token: str, member_id: str | None, now: datetime) -> Holder | None:
    """One child of a family's link, by what the page calls it."""
    home = family_of(session, token, now) if member_id else None
    found = [child.who for child in home.children if str(child.member_id) == member_id] if home else []
    return found[0] if found else None


def join(session: Session, link_keys: Mapping[int, bytes], mine: str, other: str) -> str:
    """Put the children of two links on one page, and return its token; each may be a pupil's link or a family's.

    The children together are a family of their own, or the one that they make already: a family never grows, for its
    link may be in other hands too (parents who live apart), and would show them a child that they were not told of.
    Raises NotFoundError ``other`` for a link that opens nothing, and ConflictError ``same_child`` or ``too_many``.
    """
    now = clock.now()
    here = _members(session, mine, now)
    there = _members(session, other, now)
    if not here:
        raise NotFoundError
    if not there:
        raise NotFoundError(
            "Đường dẫn của con còn lại không đúng hoặc đã hết hạn. Hãy chép lại nguyên đường dẫn nhà trường gửi.",
            "The other child's link is wrong or has expired. Copy the whole link that the school sent.",
        )
    new = [one for one in there if one.key not in {mine.key for mine in here}]
    if not new:
        raise ConflictError(
            "same_child",
            "Đây là đường dẫn của con đã có trên trang này.",
            "That is the link of a child who is on this page already.",
        )
    return family_for(session, link_keys, [*here, *new])


def family_for(
    session: Session, link_keys: Mapping[int, bytes], members: Sequence[Member], *, actor_id: int | None = None
) -> str:
    """The token of the family of exactly these children; it is made where there is none.

    Raises ConflictError ``too_many``.
    """
    # Two taps at the same moment find the family of the first: the first child's link stands in their way.
    keys = sorted({member.key for member in members})
    session.execute(
        text("SELECT id FROM parent_link WHERE school_id = :school_id AND pupil_id = :pupil_id FOR UPDATE"),
        {"school_id": keys[0][0], "pupil_id": keys[0][1]},
    )
    children = [f"{school_id}:{pupil_id}" for school_id, pupil_id in keys]
    found: int | None = session.scalar(_SAME, {"children": children, "now": clock.now()})
    if found is not None:
        return token_of(session, link_keys, found)
    version, key = newest_key(link_keys)
    family = Family(key_version=version, token_hash=b"", created_at=clock.now(), epoch=1)
    session.add(family)
    session.flush()
    token = derive_family_token(key, family.id, family.epoch)
    family.token_hash = token_hash(token)
    _take_in(session, family.id, members, actor_id=actor_id)
    return token


def token_of(session: Session, link_keys: Mapping[int, bytes], family_id: int) -> str:
    """The token of a family that exists. Raises NotFoundError when its key has left the settings."""
    family = session.get_one(Family, family_id)
    if family.key_version not in link_keys:
        raise NotFoundError
    return derive_family_token(link_keys[family.key_version], family.id, family.epoch)


@dataclass(frozen=True, slots=True)
class Page:
    """A family's page as a school sees it: its own children on it, and nobody else's."""

    family_id: int
    made_at: datetime
    sector_ids: tuple[str, ...]
    names: tuple[str, ...]


def pages_of(session: Session, school_id: int, pupil_id: int) -> list[Page]:
    """The pages that show a pupil now, the oldest first; children of other schools are not told of."""
    values = {"school_id": school_id, "pupil_id": pupil_id, "now": clock.now()}
    return [Page(row[0], row[1], tuple(row[2]), tuple(row[3])) for row in session.execute(_PAGES, values)]


def renew(
    session: Session, link_keys: Mapping[int, bytes], school_id: int, family_id: int, actor_id: int | None
) -> str | None:
    """Raise the epoch of a family that shows a child of the school: its old link opens nothing any more.

    Returns the new token when all children on the page are the school's. Else None: whoever had it would see what
    another school asks for, so the parents get it by putting their children's own links together again (``join``).
    Raises NotFoundError for a family that shows no child of the school, as for one that does not exist.
    """
    shown = session.execute(_SHOWN, {"family_id": family_id, "now": clock.now()}).all()
    mine = [row.pupil_id for row in shown if row.school_id == school_id]
    if not mine:
        raise NotFoundError
    family = session.get_one(Family, family_id, with_for_update=True, populate_existing=True)
    family.epoch += 1
    family.key_version, key = newest_key(link_keys)
    token = derive_family_token(key, family.id, family.epoch)
    family.token_hash = token_hash(token)
    session.flush()
    for pupil_id in mine:
        _record(session, "family.renewed", family_id, (school_id, pupil_id), actor_id)
    return token if len(mine) == len(shown) else None


def leave(session: Session, home: Home, member_id: str) -> None:
    """Take a child off the family's page. Raises NotFoundError for a child that is not on it."""
    child = next((one for one in home.children if str(one.member_id) == member_id), None)
    if child is None or home.family_id is None:
        raise NotFoundError
    session.execute(
        delete(FamilyMember).where(FamilyMember.family_id == home.family_id, FamilyMember.id == child.member_id)
    )
    _record(session, "family.left", home.family_id, (child.who.school_id, child.who.pupil_id), None)


def member_of(session: Session, school_id: int, pupil_id: int) -> Member | None:
    """A pupil with the epoch of its live link; None when it has none."""
    values = {"token_hash": b"", "school_id": school_id, "pupil_id": pupil_id, "now": clock.now()}
    row = session.execute(_LINK, values).first()
    return Member(*row) if row else None


def _members(session: Session, token: str, now: datetime) -> list[Member]:
    """The live members of a token's family; of a pupil's token that one."""
    values = {"token_hash": token_hash(token), "school_id": None, "pupil_id": None, "now": now}
    row = session.execute(_LINK, values).first()
    if row is not None:
        return [Member(*row)]
    home = family_of(session, token, now)
    if home is None:
        return []
    shown = {child.member_id for child in home.children}
    rows = session.scalars(select(FamilyMember).where(FamilyMember.id.in_(shown)).order_by(FamilyMember.id))
    return [Member(one.school_id, one.pupil_id, one.link_epoch) for one in rows]


def _take_in(session: Session, family_id: int, members: Sequence[Member], *, actor_id: int | None = None) -> None:
    for colour, member in enumerate(members, start=1):
        _require_room(session, member, colour)
        session.add(
            FamilyMember(
                family_id=family_id,
                school_id=member.school_id,
                pupil_id=member.pupil_id,
                link_epoch=member.epoch,
                colour=colour,
                joined_at=clock.now(),
            )
        )
        session.flush()
        _record(session, "family.joined", family_id, member.key, actor_id)


def _require_room(session: Session, member: Member, place: int) -> None:
    values = {"school_id": member.school_id, "pupil_id": member.pupil_id, "now": clock.now()}
    if place > MOST_CHILDREN or len(session.scalars(_FAMILIES_OF, values).all()) >= MOST_FAMILIES:
        raise DomainError(
            "too_many",
            f"Một trang gia đình có tối đa {MOST_CHILDREN} con, và một con ở trong tối đa {MOST_FAMILIES} trang.",
            f"A family page has at most {MOST_CHILDREN} children, and a child is on at most {MOST_FAMILIES} pages.",
        )


def _record(session: Session, kind: str, family_id: int, who: tuple[int, int], actor_id: int | None) -> None:
    school_id, pupil_id = who
    detail = {"family_id": family_id}
    record(session, actor_id, kind, subject_kind="pupil", subject_id=pupil_id, school_id=school_id, detail=detail)
