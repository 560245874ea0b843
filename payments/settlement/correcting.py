"""Replace or cancel an issued invoice together with the money that is on it (invariant I11)."""

from sqlalchemy.orm import Session

from payments.invoices import corrections
from payments.settlement import loading
from payments.settlement.settling import move_on


def replace_invoice(session: Session, school_id: int, invoice_id: int, actor_id: int) -> int | None:
    """Replace an invoice by what the catalogue says now; what was paid moves to the successor, the rest to credit.

    Returns the successor's id; None: nothing is due any more. Raises what ``invoices.corrections.replace_invoice``
    raises, except ``invoice_paid``.
    """
    paid = _paid_by_line(session, school_id, invoice_id)
    successor_id = corrections.replace_invoice(session, school_id, invoice_id, actor_id=actor_id, paid_by_line=paid)
    move_on(session, school_id, invoice_id)
    return successor_id


def cancel_invoice(session: Session, school_id: int, invoice_id: int, actor_id: int) -> None:
    """Cancel an invoice; what was paid becomes credit. Raises what ``invoices.corrections.cancel_invoice`` raises,
    except ``invoice_paid``.
    """
    paid = _paid_by_line(session, school_id, invoice_id)
    corrections.cancel_invoice(session, school_id, invoice_id, actor_id=actor_id, paid_by_line=paid)
    move_on(session, school_id, invoice_id)


def _paid_by_line(session: Session, school_id: int, invoice_id: int) -> dict[int, int]:
    """What was paid on each line, in đồng; it stays so, for the lease of the school is ours from here on."""
    loading.take_lease(session, school_id, wait=True)
    paid: dict[int, int] = {}
    for row in loading.allocations_on(session, school_id, [invoice_id]):
        paid[row.place[1]] = paid.get(row.place[1], 0) + row.amount_vnd
    return paid
