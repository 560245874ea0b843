"""Collection rounds: what is drafted, who approves, how far issuing is."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from payments.console import queries
from payments.console.desk import desk_of
from payments.errors import NotFoundError
from payments.invoices.issuing import request_issue
from payments.invoices.service import approve_round
from payments.web.context import db_session, say


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/rounds/", "rounds", rounds)
    blueprint.add_url_rule("/<code>/rounds/<int:round_id>/", "round", round_)
    blueprint.add_url_rule("/<code>/rounds/<int:round_id>/approve", "approve_round", approve, methods=["POST"])
    blueprint.add_url_rule("/<code>/rounds/<int:round_id>/issue", "issue_round", issue, methods=["POST"])


def rounds(code: str) -> ResponseReturnValue:
    """All rounds with what is invoiced and paid."""
    with db_session() as session:
        desk = desk_of(session, code)
        rows = queries.rounds(session, desk.school_id)
    return render_template("console/rounds.html", desk=desk, rows=rows)


def round_(code: str, round_id: int) -> ResponseReturnValue:
    """One round: totals by fee item, state, and the next step."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = next((row for row in queries.rounds(session, desk.school_id) if row["id"] == round_id), None)
        if found is None:
            raise NotFoundError
        fees = queries.fees_of_round(session, desk.school_id, round_id)
    return render_template("console/round.html", desk=desk, round=found, fees=fees)


def approve(code: str, round_id: int) -> ResponseReturnValue:
    """The second person's word: never that of the person who made the draft."""
    with db_session() as session:
        desk = desk_of(session, code, "principal")
        approve_round(session, desk.school_id, round_id, actor_id=desk.actor.user_id)
    flash(say("Đã duyệt đợt thu.", "The round is approved."), "ok")
    return redirect(url_for("console.round", code=code, round_id=round_id), code=303)


def issue(code: str, round_id: int) -> ResponseReturnValue:
    """Start issuing in the background; the page shows how far it is."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        request_issue(session, desk.school_id, round_id, actor_id=desk.actor.user_id)
    flash(say("Đang phát hành thông báo thu.", "Issuing has begun."), "ok")
    return redirect(url_for("console.round", code=code, round_id=round_id), code=303)
