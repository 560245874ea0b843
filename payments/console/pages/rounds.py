"""Collection rounds: what a draft would issue, who approves it, how far issuing is and what holds it up."""

import io

from flask import Blueprint, Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.banking.queries import accounts_of, readiness
from payments.console import queries
from payments.console.desk import desk_of
from payments.console.queries import Row
from payments.errors import NotFoundError
from payments.invoices.issuing import request_issue
from payments.invoices.plan_workbook import PlannedPupil, plan_workbook
from payments.invoices.planning import RoundPlan
from payments.invoices.service import approve_round, close_round, discard_round, preview_round
from payments.web.context import db_session, say

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    one = "/<code>/rounds/<int:round_id>/"
    blueprint.add_url_rule("/<code>/rounds/", "rounds", rounds)
    blueprint.add_url_rule(one, "round", round_)
    blueprint.add_url_rule(f"{one}plan.xlsx", "round_plan", plan_file)
    blueprint.add_url_rule(f"{one}approve", "approve_round", approve, methods=["POST"])
    blueprint.add_url_rule(f"{one}discard", "discard_round", discard, methods=["POST"])
    blueprint.add_url_rule(f"{one}issue", "issue_round", issue, methods=["POST"])
    blueprint.add_url_rule(f"{one}close", "close_round", close, methods=["POST"])


def rounds(code: str) -> ResponseReturnValue:
    """All rounds with what is invoiced and paid."""
    with db_session() as session:
        desk = desk_of(session, code)
        rows = queries.rounds(session, desk.school_id)
    return render_template("console/rounds.html", desk=desk, rows=rows)


def round_(code: str, round_id: int) -> ResponseReturnValue:
    """One round: before it is issued what it would ask for and what forbids it, afterwards what it asked for."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = _found(session, desk.school_id, round_id)
        fees = queries.fees_of_round(session, desk.school_id, round_id)
        summary = next(row for row in queries.rounds(session, desk.school_id) if row["id"] == round_id)
        planned = found["state"] in {"draft", "approved"} or (found["state"] == "issuing" and found["problem"])
        plan = preview_round(session, desk.school_id, round_id) if planned else None
        accounts = _accounts(session, desk.school_id, plan) if plan else []
    return render_template(
        "console/round.html",
        desk=desk,
        round=found,
        summary=summary,
        fees=fees,
        plan=plan,
        totals=plan.by_fee() if plan else {},
        pupils=len({draft.pupil_id for draft in plan.drafts}) if plan else 0,
        accounts=accounts,
    )


def plan_file(code: str, round_id: int) -> Response:
    """Every line that the round would issue, as a workbook."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = _found(session, desk.school_id, round_id)
        plan = preview_round(session, desk.school_id, round_id)
        rows = queries.pupils(session, desk.school_id, sorted({draft.pupil_id for draft in plan.drafts}))
    pupils = [PlannedPupil(row["id"], row["class_name"] or "", row["sector_id"], row["full_name"]) for row in rows]
    name = f"du-kien-thu-{found['code']}.xlsx"
    book = plan_workbook(plan, pupils)
    return send_file(io.BytesIO(book), mimetype=XLSX, as_attachment=True, download_name=name)


def approve(code: str, round_id: int) -> ResponseReturnValue:
    """The second person's word on what the page has shown: never that of the person who made the draft."""
    with db_session() as session:
        desk = desk_of(session, code, "principal")
        seen = request.form.get("seen", "")
        approve_round(session, desk.school_id, round_id, actor_id=desk.actor.user_id, seen_sha256=seen)
    flash(say("Đã duyệt đợt thu.", "The round is approved."), "ok")
    return redirect(url_for("console.round", code=code, round_id=round_id), code=303)


def discard(code: str, round_id: int) -> ResponseReturnValue:
    """Throw a draft away."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        discard_round(session, desk.school_id, round_id, desk.actor.user_id)
    flash(say("Đã bỏ bản nháp.", "The draft is thrown away."), "ok")
    return redirect(url_for("console.rounds", code=code), code=303)


def issue(code: str, round_id: int) -> ResponseReturnValue:
    """Start issuing in the background; the page shows how far it is."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        request_issue(session, desk.school_id, round_id, actor_id=desk.actor.user_id)
    flash(say("Đang phát hành thông báo thu.", "Issuing has begun."), "ok")
    return redirect(url_for("console.round", code=code, round_id=round_id), code=303)


def close(code: str, round_id: int) -> ResponseReturnValue:
    """Close an issued round; late money still lands and is marked as late."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        close_round(session, desk.school_id, round_id, desk.actor.user_id)
    flash(say("Đã đóng đợt thu.", "The round is closed."), "ok")
    return redirect(url_for("console.round", code=code, round_id=round_id), code=303)


def _found(session: Session, school_id: int, round_id: int) -> Row:
    found = queries.round_(session, school_id, round_id)
    if found is None:
        raise NotFoundError
    return found


def _accounts(session: Session, school_id: int, plan: RoundPlan) -> list[dict[str, object]]:
    """Per receiving account: invoices and sum of the plan, and whether it may be issued there."""
    funds = {account.id: account.fund for account in accounts_of(session, school_id)}
    rows = []
    for account in readiness(session, school_id, plan.account_ids, clock.now()):
        sheets = (draft.sheet for draft in plan.drafts)
        amounts = [one.amount_vnd for one in sheets if one.receiving_account_id == account.account_id]
        fund = funds[account.account_id]
        rows.append({"account": account, "fund": fund, "invoices": len(amounts), "amount_vnd": sum(amounts)})
    return rows
