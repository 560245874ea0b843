"""Count tries against limits, in PostgreSQL: any number of web machines share the count."""

from collections.abc import Collection, Mapping

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from payments import clock
from payments.crypto import FieldCipher
from payments.errors import TooManyTriesError
from payments.throttle.models import Throttle
from payments.throttle.rules import Limit

PLACE = "throttle.key"

# A full bucket gives no row back and stays as it is: who goes on hammering does not push the end away.
_TAKE = text("""
    INSERT INTO throttle AS bucket (key, empty_at) VALUES (:key, :first)
    ON CONFLICT (key) DO UPDATE SET empty_at = greatest(bucket.empty_at, :now) + :share
        WHERE greatest(bucket.empty_at, :now) + :share <= :full
    RETURNING true
""")
_GIVE_BACK = text("UPDATE throttle SET empty_at = empty_at - :share WHERE key = :key")


def limit(session: Session, cipher: FieldCipher, of: Limit, key: str) -> None:
    """Count one try of ``key`` (a network, a code: what ``of`` is about). Raises TooManyTriesError beyond the limit."""
    if take(session, cipher, {of: key}):
        raise TooManyTriesError(of.share)


def take(session: Session, cipher: FieldCipher, tries: Mapping[Limit, str]) -> frozenset[Limit]:
    """Count one try against several limits and tell which of them were used up; always as many statements.

    The rows stay locked until the transaction ends: keep it short. They are taken in the order of their keys, so two
    visitors never wait for each other.
    """
    now = clock.now()
    rows = sorted((_key(cipher, of, key), of) for of, key in tries.items())
    return frozenset(
        of
        for key, of in rows
        if not session.scalar(
            _TAKE, {"key": key, "first": now + of.share, "now": now, "share": of.share, "full": now + of.per}
        )
    )


def give_back(session: Session, cipher: FieldCipher, tries: Mapping[Limit, str], kept: Collection[Limit] = ()) -> None:
    """Take the try of a person who was right off the buckets again; ``kept`` were full and had not counted it."""
    for key, of in sorted((_key(cipher, of, key), of) for of, key in tries.items() if of not in kept):
        session.execute(_GIVE_BACK, {"key": key, "share": of.share})


def sweep(session: Session) -> int:
    """Forget the buckets that are empty; returns how many."""
    gone = session.scalars(delete(Throttle).where(Throttle.empty_at < clock.now()).returning(Throttle.key))
    return len(gone.all())


def _key(cipher: FieldCipher, of: Limit, key: str) -> bytes:
    return cipher.blind_index(f"{of.name}\0{key}", PLACE)
