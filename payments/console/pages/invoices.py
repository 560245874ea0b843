"""Invoices: search without diacritics, one invoice with the money on it."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from payments.console import queries
from payments.console.desk import desk_of
from payments.errors import NotFoundError
from payments.schools.rules import search_key
from payments.web.context import db_session, row_id

LAST_PAGE = 10**9
STATES = ("open", "partial", "paid", "replaced", "cancelled")


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/invoices/", "invoices", invoices)
    blueprint.add_url_rule("/<code>/invoices/<int:invoice_id>/", "invoice", invoice)


def invoices(code: str) -> ResponseReturnValue:
    """A page of invoices; filters live in the address, so a view can be bookmarked."""
    state = request.args.get("state")
    wanted = queries.Wanted(
        words=search_key(request.args.get("q", "").strip()),
        state=state if state in STATES else None,
        round_id=request.args.get("round", type=row_id),
        page=min(request.args.get("page", 0, type=row_id), LAST_PAGE),
    )
    with db_session() as session:
        desk = desk_of(session, code)
        rows = queries.invoices(session, desk.school_id, wanted)
    return render_template(
        "console/invoices.html", desk=desk, rows=rows, states=STATES, wanted=wanted, full=queries.PAGE_ROWS
    )


def invoice(code: str, invoice_id: int) -> ResponseReturnValue:
    """One invoice: lines with their arithmetic, payments with their receipts."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = queries.invoice(session, desk.school_id, invoice_id)
        if found is None:
            raise NotFoundError
        lines = queries.lines(session, desk.school_id, invoice_id)
        payments = queries.payments(session, desk.school_id, invoice_id)
    return render_template("console/invoice.html", desk=desk, invoice=found, lines=lines, payments=payments)
