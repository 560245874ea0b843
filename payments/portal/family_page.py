"""The page of a family: every child by itself, then what can be paid together."""

from datetime import datetime

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.portal import queries, together
from payments.portal.claims import seen_claims
from payments.portal.families import Child, Home
from payments.portal.rules import UnknownLinkError
from payments.portal.showing import LOOK_BACK
from payments.portal.status import look
from payments.portal.trust import SchoolTrust, school_trust
from payments.receipts.queries import ReceiptRow, of_pupil


def family_page(session: Session, token: str, home: Home, *, is_new: bool) -> ResponseReturnValue:
    """Each child with its own dues and receipts, paid ones for ``LOOK_BACK``; ``is_new``: say that this link must be
    kept.
    """
    looked = look(session, token, clock.now(), clock.today())
    if looked is None:
        raise UnknownLinkError
    items = together.items_of(session, home)
    recent = clock.now() - LOOK_BACK
    children = [
        (
            child,
            [item for item in items if item.child is child and item.is_payable],
            [item for item in items if item.child is child and item.due.open_vnd and not item.is_payable],
            [item for item in items if item.child is child and _is_done(item.due, recent)],
            queries.excess(session, child.who),
            _receipts(session, child),
            seen_claims(session, child.who),
        )
        for child in home.children
    ]
    return render_template(
        "portal/family.html",
        token=token,
        children=children,
        groups=together.by_account(items),
        trusts=_trusts(session, home),
        is_new=is_new,
        version=looked.version,
        today=clock.today(),
        now=clock.now().astimezone(clock.VIETNAM),
    )


def _is_done(due: queries.Due, recent: datetime) -> bool:
    """Paid of late, and nothing of it is owed; a voluntary notice that nobody paid is not «paid»."""
    return due.open_vnd == 0 and due.paid_vnd > 0 and due.changed_at > recent


def _trusts(session: Session, home: Home) -> list[tuple[str, SchoolTrust]]:
    """Each school of the children once: its name, and what is said of its accounts."""
    schools = {child.who.school_id: child.who.school_name for child in home.children}
    now = clock.now()
    return [(name, school_trust(session, school_id, now)) for school_id, name in schools.items()]


def _receipts(session: Session, child: Child) -> list[ReceiptRow]:
    return list(of_pupil(session, child.who.school_id, child.who.pupil_id))
