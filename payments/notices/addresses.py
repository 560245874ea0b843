"""Where parents can be reached: addresses of guardians as they are now, less those that bounce or want no notices.

An address is compared by its blind index; the table of contacts has a row only for addresses of which something is
known, sealed, so that the school can be shown what to correct.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.crypto import FieldCipher
from payments.errors import NotFoundError
from payments.notices.models import NoticeContact
from payments.notices.rules import Channel, Left
from payments.notifications.rules import is_address
from payments.schools.roster.store import GUARDIAN_PHONE

PLACE = "notice_contact.address"
_PREFERENCE = {"guardian": 0, "mother": 1, "father": 2}
"""Who is written to where several have an address: whom the school's list names as the one to turn to."""

_EMAILS = text("""
    SELECT pupil_id, relation, lower(btrim(email)) FROM guardian
    WHERE school_id = :school_id AND email IS NOT NULL
      AND (CAST(:pupil_id AS bigint) IS NULL OR pupil_id = :pupil_id)
""")
_PHONES = text("""
    SELECT pupil_id, relation, phone_sealed FROM guardian
    WHERE school_id = :school_id AND phone_sealed IS NOT NULL
      AND (CAST(:pupil_id AS bigint) IS NULL OR pupil_id = :pupil_id)
""")
_SHUT = text("""
    SELECT address_sealed, opted_out_at IS NOT NULL FROM notice_contact
    WHERE school_id = :school_id AND channel = :channel AND (bounced_at IS NOT NULL OR opted_out_at IS NOT NULL)
""")


@dataclass(frozen=True, slots=True)
class Address:
    """A way to a pupil's guardian by a channel."""

    pupil_id: int
    preference: int
    address: str
    index: bytes


class Reach(NamedTuple):
    """An address of a channel, as one school knows it."""

    school_id: int
    channel: Channel
    address: str


def index_of(cipher: FieldCipher, channel: Channel, address: str) -> bytes:
    """The blind index of an address."""
    return cipher.blind_index(f"{channel}|{address.strip().lower()}", PLACE)


def addresses(
    session: Session, cipher: FieldCipher, school_id: int, channel: Channel, pupil_id: int | None = None
) -> list[Address]:
    """The guardians' addresses of a channel, of one pupil or of all."""
    return [
        Address(pupil, _PREFERENCE.get(relation, 9), address, index_of(cipher, channel, address))
        for pupil, relation, address in _known(session, cipher, school_id, channel, pupil_id)
    ]


def ways(
    session: Session, cipher: FieldCipher, school_id: int, channel: Channel, pupil_id: int | None = None
) -> dict[Left | None, list[int]]:
    """Pupils with an address, by why none of theirs may be written to; None: at least one may.

    The few shut addresses are opened and compared as text: a keyed hash of every address of a school takes longer.
    """
    shut = {
        cipher.open(sealed, PLACE).decode(): opted_out
        for sealed, opted_out in session.execute(_SHUT, {"school_id": school_id, "channel": channel.value})
    }
    marks: dict[int, list[bool | None]] = defaultdict(list)
    for pupil, _, address in _known(session, cipher, school_id, channel, pupil_id):
        marks[pupil].append(shut.get(address.strip().lower()))
    found: dict[Left | None, list[int]] = {None: [], Left.OPTED_OUT: [], Left.BOUNCED: []}
    for pupil, of_pupil in marks.items():
        found[reason(of_pupil)].append(pupil)
    return found


def reason(marks: Sequence[bool | None]) -> Left | None:
    """Why no address of a pupil may be written to. A mark: None for an open one, else whether its owner opted out."""
    if None in marks:
        return None
    return Left.OPTED_OUT if any(marks) else Left.BOUNCED


def _known(
    session: Session, cipher: FieldCipher, school_id: int, channel: Channel, pupil_id: int | None
) -> list[tuple[int, str, str]]:
    """Pupil, relation and address of the guardians."""
    values = {"school_id": school_id, "pupil_id": pupil_id}
    if channel is Channel.EMAIL:
        return [(row[0], row[1], row[2]) for row in session.execute(_EMAILS, values) if is_address(row[2])]
    sealed = session.execute(_PHONES, values)
    return [(row[0], row[1], cipher.open(row[2], GUARDIAN_PHONE).decode()) for row in sealed]


def usable(session: Session, school_id: int, channel: Channel, known: Sequence[Address]) -> Address | None:
    """The best of a pupil's addresses that neither bounces nor wants no notices."""
    shut = set(
        session.scalars(
            select(NoticeContact.address_index).where(
                NoticeContact.school_id == school_id,
                NoticeContact.channel == channel,
                NoticeContact.address_index.in_([one.index for one in known]),
                NoticeContact.bounced_at.is_not(None) | NoticeContact.opted_out_at.is_not(None),
            )
        )
    )
    good = [one for one in known if one.index not in shut]
    return min(good, key=lambda one: (one.preference, one.address), default=None)


def mark_bounced(session: Session, cipher: FieldCipher, reach: Reach, code: str) -> None:
    """No notice is sent there any more, until the school corrects the address or says that it works."""
    _upsert(session, cipher, reach, bounced_at=clock.now(), bounce_code=code)


def opt_out(session: Session, cipher: FieldCipher, reach: Reach) -> None:
    """The owner wants no notices by this channel; doing it twice changes nothing."""
    _upsert(session, cipher, reach, opted_out_at=clock.now())


def opt_in(session: Session, cipher: FieldCipher, reach: Reach) -> None:
    """The owner wants them again."""
    _upsert(session, cipher, reach, opted_out_at=None, opted_in_at=clock.now())


def forgive(session: Session, school_id: int, contact_id: int, actor_id: int | None) -> None:
    """A person says that an address which bounced works again. Raises NotFoundError.

    An owner's wish is not overruled: only the mark of the bounce goes.
    """
    contact = session.get(NoticeContact, (school_id, contact_id), with_for_update=True)
    if contact is None or contact.bounced_at is None:
        raise NotFoundError
    contact.bounced_at = contact.bounce_code = None
    record(
        session, actor_id, "notice.address_forgiven", subject_kind="contact", subject_id=contact_id, school_id=school_id
    )


def _upsert(session: Session, cipher: FieldCipher, reach: Reach, **known: object) -> None:
    plain = reach.address.strip().lower()
    row = insert(NoticeContact).values(
        school_id=reach.school_id,
        channel=reach.channel,
        address_sealed=cipher.seal(plain.encode(), PLACE),
        address_index=index_of(cipher, reach.channel, plain),
        **known,
    )
    session.execute(row.on_conflict_do_update(index_elements=["school_id", "channel", "address_index"], set_=known))
