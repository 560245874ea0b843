"""Take what a payer says, and close it when a person has looked."""

from datetime import date

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from payments import clock, outbox
from payments.audit.service import record
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.payer_claims.models import PayerClaim
from payments.payer_claims.rules import DAY, LIVES, MOST_A_DAY, MOST_OPEN, TooManyClaimsError

QUEUE = "settlement"
KIND = "claim"
"""Kind of settlement's work: suggestions may change with this claim (its id)."""
MAX_NOTE = 500
# One after the other for each pupil, lest two at once pass the limit; references to the pupil need not wait.
_LOCK = text("SELECT id FROM pupil WHERE school_id = :school_id AND id = :pupil_id FOR NO KEY UPDATE")
_OF_PUPIL = text("SELECT FROM invoice WHERE school_id = :school_id AND id = :invoice_id AND pupil_id = :pupil_id")


def claim(
    session: Session,
    school_id: int,
    pupil_id: int,
    bank_reference: str,
    *,
    invoice_id: int | None = None,
    amount_vnd: int | None = None,
    paid_on: date | None = None,
) -> None:
    """Keep that a transfer of this number (``rules.read_reference``) was made for a pupil.

    The same number again changes nothing, also not the amount: it is the second fact that a guess would need. What is
    known of money is not looked at, so that neither the answer nor its time tells anything of it. Raises NotFoundError
    for an invoice of somebody else and TooManyClaimsError.
    """
    if session.execute(_LOCK, {"school_id": school_id, "pupil_id": pupil_id}).first() is None:
        raise NotFoundError
    wanted = {"school_id": school_id, "invoice_id": invoice_id, "pupil_id": pupil_id}
    if invoice_id is not None and session.execute(_OF_PUPIL, wanted).first() is None:
        raise NotFoundError
    mine = (PayerClaim.school_id == school_id, PayerClaim.pupil_id == pupil_id)
    known = select(PayerClaim.id).where(*mine, PayerClaim.bank_number == bank_reference.lstrip("0"))
    if session.scalar(known) is not None:
        return
    now = clock.now()
    today, open_ones = session.execute(
        select(
            func.count().filter(PayerClaim.claimed_at > now - DAY),
            func.count().filter(PayerClaim.closed_at.is_(None), PayerClaim.claimed_at > now - LIVES),
        ).where(*mine)
    ).one()
    if today >= MOST_A_DAY or open_ones >= MOST_OPEN:
        raise TooManyClaimsError
    made = PayerClaim(
        school_id=school_id,
        pupil_id=pupil_id,
        invoice_id=invoice_id,
        bank_reference=bank_reference,
        amount_vnd=amount_vnd,
        paid_on=paid_on,
        claimed_at=now,
    )
    session.add(made)
    session.flush()
    outbox.put(session, QUEUE, KIND, school_id=school_id, subject_id=made.id)


def close(session: Session, school_id: int, claim_id: int, note: str, actor_id: int) -> None:
    """Say what was found about a claim; it waits no more. Raises NotFoundError, ConflictError, DomainError ``note``."""
    words = " ".join(note.split())
    if not words or len(words) > MAX_NOTE:
        raise DomainError("note", "Hãy ghi đã tìm thấy gì (tối đa 500 ký tự).", "Say what was found (500 characters).")
    found = session.get(PayerClaim, (school_id, claim_id), with_for_update=True)
    if found is None:
        raise NotFoundError
    if found.closed_at is not None:
        raise ConflictError("closed", "Lời báo này đã được đóng.", "This claim is closed already.")
    found.closed_at, found.closed_by, found.closing_note = clock.now(), actor_id, words
    record(
        session,
        actor_id,
        "payer_claim.closed",
        subject_kind="payer_claim",
        subject_id=claim_id,
        school_id=school_id,
        detail={"pupil_id": found.pupil_id},
    )
    outbox.put(session, QUEUE, KIND, school_id=school_id, subject_id=claim_id)
