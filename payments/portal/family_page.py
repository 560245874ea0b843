"""The page of a family: every child by itself, then what can be paid together."""

import hashlib
from datetime import datetime

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.portal import queries, together
from payments.portal.families import Child, Home
from payments.receipts.queries import ReceiptRow, of_pupil


def family_page(session: Session, token: str, home: Home, *, recent: datetime, is_new: bool) -> ResponseReturnValue:
    """Each child with its own dues and receipts, paid ones as far as they are ``recent``; ``is_new``: say that this
    link must be kept.
    """
    items = together.items_of(session, home)
    open_items = [item for item in items if item.due.open_vnd > 0]
    children = [
        (
            child,
            [item for item in open_items if item.child is child],
            [item for item in items if item.child is child and not item.due.open_vnd and item.due.changed_at > recent],
            queries.excess(session, child.who),
            _receipts(session, child),
        )
        for child in home.children
    ]
    return render_template(
        "portal/family.html",
        token=token,
        children=children,
        groups=together.by_account(items),
        is_new=is_new,
        version=family_version(session, home),
        today=clock.today(),
        now=clock.now().astimezone(clock.VIETNAM),
    )


def family_version(session: Session, home: Home) -> str:
    """Changes with everything that the page shows: children, states, what is kept for them."""
    seen = [
        (child.member_id, queries.states(session, child.who), queries.excess(session, child.who))
        for child in home.children
    ]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _receipts(session: Session, child: Child) -> list[ReceiptRow]:
    return list(of_pupil(session, child.who.school_id, child.who.pupil_id))
