"""The chain of a school's closes and reopenings: links are added at its end, and nothing else ever happens to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from payments.crypto import FieldCipher
from payments.errors import NotFoundError
from reconciliation.closing import canonical, keys, signing
from reconciliation.closing.models import LinkKind, PeriodClose

HEAD = text("SELECT sequence, sha256, through FROM books_closed WHERE school_id = :school_id")
STANDING = text("""
    SELECT id, sequence, first, through, closed_at FROM standing_close WHERE school_id = :school_id ORDER BY sequence
""")


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a school's chain; ``through``: the last day that is signed and stands."""

    sequence: int = 0
    sha256: bytes | None = None
    through: date | None = None

    def begins(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The document as the next link."""
        previous = None if self.sha256 is None else self.sha256.hex()
        return {**document, "sequence": self.sequence + 1, "previous_sha256": previous}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A link to be; ``document`` lacks its place in the chain only."""

    kind: LinkKind
    first: date
    through: date
    signed_by: int
    signed_at: datetime
    document: Mapping[str, Any]
    proposed_by: int | None = None
    approval_id: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A close that no reopening has taken back."""

    id: int
    sequence: int
    first: date
    through: date
    closed_at: datetime


def head(session: Session, school_id: int) -> Head:
    """Where the chain ends now."""
    row = session.execute(HEAD, {"school_id": school_id}).first()
    return Head() if row is None else Head(row.sequence, row.sha256, row.through)


def append(session: Session, cipher: FieldCipher, school_id: int, link: NewLink) -> PeriodClose:
    """Sign a link and put it at the end. The caller holds the school; the database checks the chain once more."""
    end = head(session, school_id)
    document = canonical.encode(end.begins(link.document))
    key = keys.current(session, cipher, school_id)
    added = PeriodClose(
        school_id=school_id,
        sequence=end.sequence + 1,
        kind=link.kind,
        first=link.first,
        through=link.through,
        closed_by=link.signed_by,
        closed_at=link.signed_at,
        proposed_by=link.proposed_by,
        approval_id=link.approval_id,
        document=document,
        sha256=bytes.fromhex(canonical.digest(document)),
        previous_sha256=end.sha256,
        key_id=key.id,
        signature=signing.sign(keys.private_half(cipher, key), document),
    )
    session.add(added)
    session.flush()
    return added


def standing(session: Session, school_id: int) -> list[Standing]:
    """The closes that stand, oldest first: their days follow each other without a gap."""
    return [as_standing(row) for row in session.execute(STANDING, {"school_id": school_id})]


def as_standing(row: Row[Any]) -> Standing:
    """A row of ``STANDING``, whatever else was asked with it."""
    return Standing(row.id, row.sequence, row.first, row.through, row.closed_at)


def links(session: Session, school_id: int) -> Sequence[PeriodClose]:
    """The whole chain, oldest first."""
    wanted = select(PeriodClose).where(PeriodClose.school_id == school_id).order_by(PeriodClose.sequence)
    return session.scalars(wanted).all()


def link(session: Session, school_id: int, sequence: int) -> PeriodClose:
    """One link. Raises NotFoundError."""
    found = session.scalar(
        select(PeriodClose).where(PeriodClose.school_id == school_id, PeriodClose.sequence == sequence)
    )
    if found is None:
        raise NotFoundError(f"Không có lần khóa sổ số {sequence}.", f"There is no close number {sequence}.")
    return found
