"""Each school's signing key: made when first needed, sealed, replaced when it must be."""

from typing import cast

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from payments import clock
from payments.crypto import FieldCipher
from payments.receipts import signing
from payments.receipts.models import ReceiptKey

PLACE = "receipt_key.private_sealed"

_MAKE = text("""
    INSERT INTO receipt_key (school_id, private_sealed, public, created_at)
    VALUES (:school_id, :private_sealed, :public, :now)
    ON CONFLICT (school_id) WHERE retired_at IS NULL DO NOTHING
""")


def sign(session: Session, cipher: FieldCipher, school_id: int, code: str, pdf: bytes) -> bytes:
    """The receipt's file signed with the school's key, which is made when there is none. Raises SealError."""
    key = _current(session, school_id)
    if key is None:
        private, public = signing.new_key()
        made = {"private_sealed": cipher.seal(private, PLACE), "public": public}
        session.execute(_MAKE, {"school_id": school_id, "now": clock.now(), **made})
        # Another request may have been first: its key is the school's then.
        key = cast("ReceiptKey", _current(session, school_id))
    return signing.sign(pdf, code, key.id, cipher.open(key.private_sealed, PLACE))


def retire(session: Session, school_id: int) -> None:
    """Sign with a new key from now on (the old one leaked, or its time is over); its receipts stay valid."""
    session.execute(
        update(ReceiptKey)
        .where(ReceiptKey.school_id == school_id, ReceiptKey.retired_at.is_(None))
        .values(retired_at=clock.now())
    )


def public_key(session: Session, school_id: int, key_id: int) -> bytes | None:
    """The public half of a key of the school, retired or not."""
    return session.scalar(select(ReceiptKey.public).where(ReceiptKey.school_id == school_id, ReceiptKey.id == key_id))


def _current(session: Session, school_id: int) -> ReceiptKey | None:
    return session.scalars(
        select(ReceiptKey).where(ReceiptKey.school_id == school_id, ReceiptKey.retired_at.is_(None))
    ).one_or_none()
