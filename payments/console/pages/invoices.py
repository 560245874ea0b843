"""Invoices: search without diacritics, one invoice with the money on it."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from payments.audit.service import record
from payments.banking.virtual_accounts import numbers_of_pupil
from payments.console import queries
from payments.console.desk import desk_of
from payments.errors import NotFoundError
from payments.portal.service import ensure_links, good_until, link_of, revoke_link
from payments.schools.rules import search_key
from payments.web.context import db_session, row_id, say, services

LAST_PAGE = 10**9
STATES = ("open", "partial", "nothing_owed", "paid", "replaced", "cancelled")


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/invoices/", "invoices", invoices)
    blueprint.add_url_rule("/<code>/invoices/<int:invoice_id>/", "invoice", invoice)
    blueprint.add_url_rule("/<code>/invoices/<int:invoice_id>/links", "make_links", make_links, methods=["POST"])
    blueprint.add_url_rule("/<code>/invoices/<int:invoice_id>/renew", "renew_link", renew_link, methods=["POST"])


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
        own_number = numbers_of_pupil(session, desk.school_id, found["pupil_id"]).get(found["receiving_account_id"])
        token = link_of(session, services().settings.link_keys, desk.school_id, found["pupil_id"])
    link = f"{services().settings.base_url}/p/{token}" if token else None
    return render_template(
        "console/invoice.html",
        desk=desk,
        invoice=found,
        lines=lines,
        payments=payments,
        link=link,
        own_number=own_number,
    )


def make_links(code: str, invoice_id: int) -> ResponseReturnValue:
    """Give every pupil of the school a link; those who have one keep theirs."""
    with db_session() as session:
        desk = desk_of(session, code)
        made = ensure_links(session, services().settings.link_keys, desk.school_id, good_until(session, desk.school_id))
        record(
            session,
            desk.actor.user_id,
            "links.made",
            subject_kind="school",
            subject_id=desk.school_id,
            school_id=desk.school_id,
            detail={"links": made},
        )
    flash(say("Mỗi học sinh đã có đường dẫn cho phụ huynh.", "Every pupil has a link for the parents now."), "ok")
    return redirect(url_for("console.invoice", code=code, invoice_id=invoice_id), code=303)


def renew_link(code: str, invoice_id: int) -> ResponseReturnValue:
    """Revoke the link of the invoice's pupil: whoever has the old one sees nothing any more."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = queries.invoice(session, desk.school_id, invoice_id)
        if found is None:
            raise NotFoundError
        revoke_link(session, services().settings.link_keys, desk.school_id, found["pupil_id"])
        record(
            session,
            desk.actor.user_id,
            "link.renewed",
            subject_kind="pupil",
            subject_id=found["pupil_id"],
            school_id=desk.school_id,
        )
    flash(
        say("Đường dẫn cũ không mở được nữa; hãy gửi đường dẫn mới.", "The old link is dead; send the new one."), "ok"
    )
    return redirect(url_for("console.invoice", code=code, invoice_id=invoice_id), code=303)
