"""The switch for links into banks' apps: data leaves for a third party, so the principal decides."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from payments.console.desk import desk_of
from payments.schools.bank_apps import switch_bank_apps
from payments.web.context import db_session, say


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/bank-apps", "switch_bank_apps", switch, methods=["POST"])


def switch(code: str) -> ResponseReturnValue:
    """On with ``on=1``, else off."""
    on = request.form.get("on") == "1"
    with db_session() as session:
        desk = desk_of(session, code, "principal")
        switch_bank_apps(session, desk.school_id, on=on, actor_id=desk.actor.user_id)
    flash(say("Đã bật.", "Switched on.") if on else say("Đã tắt.", "Switched off."), "ok")
    return redirect(url_for("console.accounts", code=code) + "#bank-apps", code=303)
