"""Buttons of the night's page: join what was left apart, part what was joined, and undo, for ever."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments.console.desk import Desk, desk_of
from payments.web.context import db_session, say
from reconciliation import words
from reconciliation.decisions import service


def add_to(blueprint: Blueprint) -> None:
    """Add the routes to the night's pages."""
    page = "/<code>/reconciliation/<int:run_id>"
    blueprint.add_url_rule(f"{page}/join", "join", join, methods=["POST"])
    blueprint.add_url_rule(f"{page}/part", "part", part, methods=["POST"])
    blueprint.add_url_rule(f"{page}/decisions/<int:decision_id>/undo", "undo", undo, methods=["POST"])


def join(code: str, run_id: int) -> ResponseReturnValue:
    """The chosen facts are one."""
    facts, note = request.form.getlist("fact"), request.form.get("note")
    return _decide(
        code,
        run_id,
        lambda session, desk: service.join(session, desk.school_id, facts, desk.actor.user_id, note=note),
    )


def part(code: str, run_id: int) -> ResponseReturnValue:
    """No two of the chosen facts are one."""
    facts, note = request.form.getlist("fact"), request.form.get("note")
    return _decide(
        code,
        run_id,
        lambda session, desk: service.part(session, desk.school_id, facts, desk.actor.user_id, note=note),
    )


def undo(code: str, run_id: int, decision_id: int) -> ResponseReturnValue:
    """A decision holds no more."""
    return _decide(
        code, run_id, lambda session, desk: service.undo(session, desk.school_id, decision_id, desk.actor.user_id)
    )


def _decide(code: str, run_id: int, work: Callable[[Session, Desk], int]) -> ResponseReturnValue:
    """Decide, make the nights again, and show the run that stands now."""
    with db_session() as session:
        desk = desk_of(session, code)
        decision_id = work(session, desk)
        made = service.replay(session, desk.school_id, decision_id)
        run_id = made.id if made else run_id
        lost = made.proof.get("decisions", {}).get("lost", ()) if made else ()
    why = next((words.LOST[one["why"]] for one in lost if one["id"] == decision_id), None)
    if why is not None:
        flash(f"{say('Đã ghi quyết định nhưng chưa áp dụng được', 'Kept, but not replayed')}: {why}.", "warn")
    else:
        flash(say("Đã ghi quyết định và đối soát lại.", "The decision is kept; the night was made again."), "ok")
    return redirect(url_for("reconciliation.run", code=code, run_id=run_id), code=303)
