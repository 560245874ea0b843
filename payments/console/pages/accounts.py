"""Receiving accounts: proposed by one person, approved by another, usable after a day."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from payments.banking.service import approve_account, propose_account
from payments.console import queries
from payments.console.desk import desk_of
from payments.web.context import db_session, say


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/accounts/", "accounts", accounts)
    blueprint.add_url_rule("/<code>/accounts/", "propose_account", propose, methods=["POST"])
    blueprint.add_url_rule("/<code>/accounts/<int:account_id>/approve", "approve_account", approve, methods=["POST"])


def accounts(code: str) -> ResponseReturnValue:
    """The school's accounts and where each stands."""
    with db_session() as session:
        desk = desk_of(session, code)
        rows = queries.accounts(session, desk.school_id)
    return render_template("console/accounts.html", desk=desk, rows=rows)


def propose(code: str) -> ResponseReturnValue:
    """Propose a new account; a second person must approve it, and a day must pass."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        propose_account(
            session,
            desk.school_id,
            bank_bin=request.form.get("bin", ""),
            number=request.form.get("number", ""),
            holder_name=request.form.get("holder", ""),
            fund=request.form.get("fund", ""),
            actor_id=desk.actor.user_id,
        )
    flash(say("Đã đề nghị tài khoản, chờ người thứ hai duyệt.", "Proposed; a second person must approve it."), "ok")
    return redirect(url_for("console.accounts", code=code), code=303)


def approve(code: str, account_id: int) -> ResponseReturnValue:
    """Approve somebody else's proposal; the account is usable after the cooling-off day."""
    with db_session() as session:
        desk = desk_of(session, code, "principal")
        approve_account(session, desk.school_id, account_id, actor_id=desk.actor.user_id)
    flash(say("Đã duyệt. Tài khoản dùng được sau 24 giờ.", "Approved. Usable after 24 hours."), "ok")
    return redirect(url_for("console.accounts", code=code), code=303)
