"""Each school's key for its closes: made when first needed, sealed, replaced when it must be, published."""

import base64
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.crypto import FieldCipher
from reconciliation.closing import canonical, signing
from reconciliation.closing.models import CloseKey

PLACE = "close_key.private_sealed"

_MAKE = text("""
    INSERT INTO close_key (school_id, private_sealed, public, created_at)
    VALUES (:school_id, :private_sealed, :public, :now)
    ON CONFLICT (school_id) WHERE retired_at IS NULL DO NOTHING
""")


def current(session: Session, cipher: FieldCipher, school_id: int) -> CloseKey:
    """The key that signs now; made when there is none."""
    key = _current(session, school_id)
    if key is None:
        private, public = signing.new_key()
        made = {"private_sealed": cipher.seal(private, PLACE), "public": public}
        session.execute(_MAKE, {"school_id": school_id, "now": clock.now(), **made})
        # Another request may have been first: its key is the school's then.
        key = cast("CloseKey", _current(session, school_id))
    return key


def private_half(cipher: FieldCipher, key: CloseKey) -> bytes:
    """32 raw bytes. Raises SealError."""
    return cipher.open(key.private_sealed, PLACE)


def retire(session: Session, school_id: int, actor_id: int | None) -> None:
    """Sign with a new key from now on (the old one leaked, or its time is over); its closes stay valid."""
    session.execute(
        update(CloseKey)
        .where(CloseKey.school_id == school_id, CloseKey.retired_at.is_(None))
        .values(retired_at=clock.now())
    )
    record(
        session, actor_id, "retire_close_key", subject_kind="close_key", subject_id=None, school_id=school_id, detail={}
    )


def all_keys(session: Session, school_id: int) -> Sequence[CloseKey]:
    """Every key that the school ever had, oldest first."""
    return session.scalars(select(CloseKey).where(CloseKey.school_id == school_id).order_by(CloseKey.id)).all()


def published(session: Session, school_id: int, school_code: str) -> bytes:
    """The file with the school's public keys, for whoever checks without our database."""
    return signing.keys_file(school_code, [_as_dict(key) for key in all_keys(session, school_id)])


def _as_dict(key: CloseKey) -> dict[str, Any]:
    return {
        "key": signing.key_name(key.public),
        "algorithm": signing.ED25519,
        "public": base64.b64encode(key.public).decode(),
        "created_at": canonical.moment(key.created_at),
        "retired_at": None if key.retired_at is None else canonical.moment(key.retired_at),
    }


def _current(session: Session, school_id: int) -> CloseKey | None:
    return session.scalars(
        select(CloseKey).where(CloseKey.school_id == school_id, CloseKey.retired_at.is_(None))
    ).one_or_none()
