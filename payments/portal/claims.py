"""«Tôi đã chuyển»: what the holder of a link said about transfers, as the parent's page shows it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from payments.payer_claims import queries as payer_claims
from payments.payer_claims.queries import ClaimState, Told
from payments.portal.queries import Holder
from payments.portal.states import Seen


@dataclass(frozen=True, slots=True)
class SeenClaim:
    """One claim; ``ticket`` is what the parent names when asking the school."""

    ticket: str
    bank_reference: str
    invoice_id: int | None
    claimed_at: datetime
    state: ClaimState
    seen: Seen | None
    """For the notice that the money was meant for, where the bank has told of it."""


def seen_claims(session: Session, who: Holder) -> list[SeenClaim]:
    """The holder's claims that are not shown as paid, oldest first."""
    return [
        SeenClaim(f"TC{told.id}", told.bank_reference, told.invoice_id, told.claimed_at, told.state, _seen(told))
        for told in payer_claims.of_pupil(session, who.school_id, who.pupil_id)
    ]


def _seen(told: Told) -> Seen | None:
    if told.invoice_id is None or told.seen_at is None:
        return None
    return Seen(told.invoice_id, f"TC{told.id}", told.seen_at, told.amount_vnd)
