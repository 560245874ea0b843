"""Making, deriving and revoking parents' links."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, time, timedelta

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger

from payments import clock
from payments.audit import service as audit
from payments.errors import ConflictError, NotFoundError
from payments.portal.choosing import Word, may_answer
from payments.portal.models import ParentLink
from payments.portal.queries import Holder, dues
from payments.portal.rules import derive_token, newest_key, token_hash
from payments.schools.queries import year_in_sight
from payments.settlement.applying import stands
from payments.settlement.loading import take_lease

AFTER_THE_YEAR = timedelta(days=92)
"""The summer: what is open at the end of a school year can still be paid with the same link."""
WITHOUT_A_YEAR = timedelta(days=365)

_MISSING = text(
    "SELECT p.id FROM pupil p LEFT JOIN parent_link l ON l.school_id = p.school_id AND l.pupil_id = p.id"
    " WHERE p.school_id = :school_id AND l.id IS NULL ORDER BY p.id"
)
_INSERT = text(
    "INSERT INTO parent_link (school_id, pupil_id, epoch, key_version, token_hash, expires_at)"
    " SELECT :school_id, pupil_id, 1, :key_version, token_hash, :expires_at"
    " FROM unnest(:pupil_ids, :hashes) AS made (pupil_id, token_hash)"
    " ON CONFLICT (school_id, pupil_id) DO NOTHING"
).bindparams(bindparam("pupil_ids", type_=ARRAY(BigInteger)), bindparam("hashes", type_=ARRAY(BYTEA)))
_CHOOSE = text(
    "INSERT INTO voluntary_choice (school_id, line_id, declined, chosen, changed_at)"
    " VALUES (:school_id, :line_id, :declined, :chosen, :at)"
    " ON CONFLICT (school_id, line_id) DO UPDATE"
    " SET declined = excluded.declined, chosen = excluded.chosen, changed_at = excluded.changed_at"
)


def ensure_links(session: Session, link_keys: Mapping[int, bytes], school_id: int, expires_at: datetime) -> int:
    """Give every pupil of a school a link that has none, and let the others live as long; three statements.

    Links on paper and in messages stay good. Returns how many were made.
    """
    version, key = newest_key(link_keys)
    pupil_ids = list(session.scalars(_MISSING, {"school_id": school_id}))
    hashes = [token_hash(derive_token(key, school_id, pupil_id, 1)) for pupil_id in pupil_ids]
    session.execute(
        _INSERT,
        {
            "school_id": school_id,
            "key_version": version,
            "expires_at": expires_at,
            "pupil_ids": pupil_ids,
            "hashes": hashes,
        },
    )
    session.execute(
        update(ParentLink)
        .where(ParentLink.school_id == school_id, ParentLink.expires_at < expires_at)
        .values(expires_at=expires_at)
    )
    return len(pupil_ids)


def good_until(session: Session, school_id: int) -> datetime:
    """When links that are made today end: some time after the school year."""
    year = year_in_sight(session, school_id, clock.today())
    if year is None or year.ends_on + AFTER_THE_YEAR <= clock.today():
        return clock.now() + WITHOUT_A_YEAR
    return datetime.combine(year.ends_on + AFTER_THE_YEAR, time(), clock.VIETNAM)


def link_of(session: Session, link_keys: Mapping[int, bytes], school_id: int, pupil_id: int) -> str | None:
    """The token of a pupil's live link; None: there is none, it has expired, or its key has left the settings."""
    return links_of(session, link_keys, school_id, [pupil_id]).get(pupil_id)


def links_of(
    session: Session, link_keys: Mapping[int, bytes], school_id: int, pupil_ids: Collection[int]
) -> dict[int, str]:
    """The tokens of some pupils' live links by pupil id; who has none is left out."""
    rows = session.scalars(
        select(ParentLink).where(
            ParentLink.school_id == school_id,
            ParentLink.pupil_id.in_(list(pupil_ids)),
            ParentLink.expires_at > clock.now(),
        )
    )
    return {
        row.pupil_id: derive_token(link_keys[row.key_version], school_id, row.pupil_id, row.epoch)
        for row in rows
        if row.key_version in link_keys
    }


def tokens(session: Session, link_keys: Mapping[int, bytes], school_id: int) -> Iterator[tuple[int, str]]:
    """(pupil id, token) of every live link of a school, derived again: for notices and paper."""
    rows = session.scalars(select(ParentLink).where(ParentLink.school_id == school_id).order_by(ParentLink.pupil_id))
    for row in rows:
        if row.key_version in link_keys:
            key = link_keys[row.key_version]
            yield row.pupil_id, derive_token(key, school_id, row.pupil_id, row.epoch)


def revoke_link(session: Session, link_keys: Mapping[int, bytes], school_id: int, pupil_id: int) -> None:
    """Raise the epoch: the old link opens nothing any more, a new one can be sent. Raises NotFoundError."""
    row = session.scalar(
        select(ParentLink).where(ParentLink.school_id == school_id, ParentLink.pupil_id == pupil_id).with_for_update()
    )
    if row is None:
        raise NotFoundError("Học sinh chưa có đường dẫn.", "The pupil has no link.")
    row.epoch += 1
    row.key_version, key = newest_key(link_keys)
    row.token_hash = token_hash(derive_token(key, school_id, pupil_id, row.epoch))
    session.flush()


def choose(session: Session, who: Holder, line_id: int, word: Word) -> None:
    """Keep a family's word about a voluntary line of its own; the invoice stays as it is. What is chosen is asked for,
    and money fills it; nothing else that is voluntary takes any.

    Under the school's lease, for where money goes hangs on it. Raises NotFoundError, and ConflictError
    ``already_paid`` where money would have to move: off the line, or onto it from credit, from a bundle or from the
    pupil's own account. A word is no ledger entry.
    """
    take_lease(session, who.school_id, wait=True)
    found = ((due, line) for due in dues(session, who) for line in due.voluntary if line.id == line_id)
    due, line = next(found, (None, None))
    if due is None or line is None:
        raise NotFoundError
    if not may_answer(due, line):
        raise _already_paid()
    said = {"declined": word is Word.DECLINED, "chosen": word is Word.CHOSEN}
    session.execute(_CHOOSE, {"school_id": who.school_id, "line_id": line_id, "at": clock.now(), **said})
    if not stands(session, who.school_id, due.invoice_id):
        raise _already_paid()
    audit.record(
        session,
        None,
        f"voluntary.{word}",
        subject_kind="invoice_line",
        subject_id=line_id,
        school_id=who.school_id,
    )


def _already_paid() -> ConflictError:
    return ConflictError(
        "already_paid",
        "Khoản tự nguyện này đã có tiền nộp, đang có tiền nộp thừa, hoặc đợt thu đã đóng; muốn đổi, vui lòng hỏi nhà"
        " trường.",
        "Money has been paid on this voluntary item, something was paid too much, or the round is closed; please ask"
        " the school to change it.",
    )
