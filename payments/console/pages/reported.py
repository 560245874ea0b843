"""«Phụ huynh báo đã chuyển»: claims whose money has not come, or waits for a person; closed with a note."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from payments import clock
from payments.console.desk import desk_of
from payments.payer_claims import queries
from payments.payer_claims.rules import LIVES
from payments.payer_claims.service import MAX_NOTE, close
from payments.web.context import db_session, language, say

SHOWN = 200
"""The oldest ones; the page says how many there are."""


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/reported/", "reported", reported)
    blueprint.add_url_rule("/<code>/reported/<int:claim_id>/close", "close_claim", close_claim, methods=["POST"])


def reported(code: str) -> ResponseReturnValue:
    """Who claimed which transfer, how long ago, and whether the bank has told of it; oldest first."""
    with db_session() as session:
        desk = desk_of(session, code)
        rows = queries.waiting(session, desk.school_id, SHOWN)
        total = queries.count_waiting(session, desk.school_id)
    return render_template(
        "console/reported.html",
        desk=desk,
        rows=rows,
        total=total,
        now=clock.now(),
        lives=LIVES.days,
        max_note=MAX_NOTE,
        tail="?lang=en" if language() == "en" else "",
    )


def close_claim(code: str, claim_id: int) -> ResponseReturnValue:
    """Say what was found; the parent is told that somebody has looked, not what the note says."""
    with db_session() as session:
        desk = desk_of(session, code)
        close(session, desk.school_id, claim_id, request.form.get("note", ""), desk.actor.user_id)
    flash(say("Đã đóng lời báo.", "The claim is closed."), "ok")
    return redirect(url_for("console.reported", code=code) + ("?lang=en" if language() == "en" else ""), code=303)
