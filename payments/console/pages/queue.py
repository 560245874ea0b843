"""Money that waits for a person: suggestions with their reasons, assign, undo for ever."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments.console import queries
from payments.console.desk import desk_of
from payments.errors import DomainError
from payments.inbox.queries import other_amounts
from payments.invoices.reference import find
from payments.settlement.queries import proposed_transfers
from payments.settlement.service import assign, place_held, undo
from payments.web.context import db_session, row_id, say

NEW = "new"
"""The choice that says: this is a transfer that we have not seen yet."""


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/unmatched/", "unmatched", unmatched)
    blueprint.add_url_rule("/<code>/unmatched/<int:transaction_id>/assign", "assign", assign_to, methods=["POST"])
    blueprint.add_url_rule("/<code>/held/<int:evidence_id>/", "place_held", place, methods=["POST"])
    blueprint.add_url_rule("/<code>/decisions/<int:decision_id>/undo", "undo", undo_decision, methods=["POST"])


def unmatched(code: str) -> ResponseReturnValue:
    """The queue, oldest first, with what was decided lately."""
    with db_session() as session:
        desk = desk_of(session, code)
        rows = queries.queue(session, desk.school_id)
        total = queries.today(session, desk.school_id, desk.actor.user_id)["unmatched"]
        named = {invoice_id for row in rows for hint in row["suggestions"] for invoice_id in hint["invoice_ids"]}
        invoices = queries.suggested(session, desk.school_id, sorted(named))
        decisions = queries.decisions(session, desk.school_id)
        astray = proposed_transfers(session, desk.school_id)
        held = queries.held(session, desk.school_id)
        others = other_amounts(session, desk.school_id)
    return render_template(
        "console/unmatched.html",
        desk=desk,
        rows=rows,
        total=total,
        invoices=invoices,
        decisions=decisions,
        astray=astray,
        held=held,
        other_amounts=others,
    )


def assign_to(code: str, transaction_id: int) -> ResponseReturnValue:
    """Put the money on invoices, in the order they are named; what is left becomes the last pupil's credit."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        ids = _invoice_ids(session, desk.school_id, request.form)
        note = request.form.get("note", "").strip()[:500] or None
        assign(session, desk.school_id, transaction_id, ids, desk.actor.user_id, note=note)
    flash(say("Đã gán khoản tiền. Có thể hoàn tác bất cứ lúc nào.", "Assigned. You can undo it at any time."), "ok")
    return redirect(url_for("console.unmatched", code=code), code=303)


def place(code: str, evidence_id: int) -> ResponseReturnValue:
    """Say of which transfer held evidence tells: a known one (its number), or one of its own («new»)."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        place_held(session, desk.school_id, evidence_id, _told_of(request.form), desk.actor.user_id)
    flash(say("Đã ghi nhận quyết định.", "The decision is recorded."), "ok")
    return redirect(url_for("console.unmatched", code=code), code=303)


def undo_decision(code: str, decision_id: int) -> ResponseReturnValue:
    """Take a decision back by reversal; both stay on record."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        undo(session, desk.school_id, decision_id, desk.actor.user_id)
    flash(say("Đã hoàn tác.", "Undone."), "ok")
    return redirect(url_for("console.unmatched", code=code), code=303)


def _told_of(form: Any) -> int | None:
    """The number of the chosen transfer, None for a new one: money comes into being only by an express choice."""
    chosen: str = form.get("transaction", "")
    if chosen == NEW:
        return None
    try:
        return row_id(chosen)
    except ValueError:
        raise DomainError(
            "nothing_chosen", "Hãy chọn tin này báo về giao dịch nào.", "Choose which transfer it tells of."
        ) from None


def _invoice_ids(session: Session, school_id: int, form: Any) -> list[int]:
    """The chosen suggestions, else the references typed in, in their order."""
    try:
        chosen = [row_id(value) for hint in form.getlist("hint") for value in hint.split(",")]
    except ValueError:
        chosen = []
    if chosen:
        return chosen
    references = find(form.get("references", ""))
    known = queries.ids_by_reference(session, school_id, references)
    ids = [known[reference] for reference in references if reference in known]
    if not ids:
        raise DomainError(
            "no_such_reference",
            "Không thấy mã thanh toán nào của trường. Mã có dạng HP và 10 ký tự, ví dụ HP7K3M9Q2XAT.",
            "No payment reference of this school. A reference is HP and 10 characters, like HP7K3M9Q2XAT.",
        )
    return ids
