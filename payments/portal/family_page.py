"""The page of a family: every child by itself, then what can be paid together."""

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.portal import queries, together
from payments.portal.families import Child, Home
from payments.portal.rules import UnknownLinkError
from payments.portal.showing import LOOK_BACK
from payments.portal.status import look
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
        version=looked.version,
        today=clock.today(),
        now=clock.now().astimezone(clock.VIETNAM),
    )


def _receipts(session: Session, child: Child) -> list[ReceiptRow]:
    return list(of_pupil(session, child.who.school_id, child.who.pupil_id))
