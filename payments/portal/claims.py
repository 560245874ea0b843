"""«Tôi đã chuyển»: what the holder of a link said about transfers, as the parent's page shows it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from payments.payer_claims import queries as payer_claims
from payments.payer_claims.queries import ClaimState
from payments.portal.queries import Holder


@dataclass(frozen=True, slots=True)
class SeenClaim:
    """One claim; ``ticket`` is what the parent names when asking the school."""

    ticket: str
    bank_reference: str
    invoice_id: int | None
    claimed_at: datetime
    state: ClaimState


def seen_claims(session: Session, who: Holder) -> list[SeenClaim]:
    """The holder's claims that are not shown as paid, oldest first. Part of what a waiting page's version hashes."""
    return [
        SeenClaim(f"TC{told.id}", told.bank_reference, told.invoice_id, told.claimed_at, told.state)
        for told in payer_claims.of_pupil(session, who.school_id, who.pupil_id)
    ]
