"""What wallets and gateways owe the school: open payments, lines that may pay them, payouts, settlement reports."""

from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from payments import clock
from payments.clearing import queries, reports, service
from payments.clearing.explaining import propose
from payments.clearing.rules import Explanation, fee_of
from payments.console.desk import desk_of
from payments.errors import DomainError, NotFoundError
from payments.money import format_number
from payments.web.context import db_session, row_id, say

REPORTS_SINCE = timedelta(days=90)
"""Older reports that do not agree have been dealt with otherwise, or never will."""


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/payouts/", "payouts", overview)
    blueprint.add_url_rule("/<code>/payouts/report", "payout_report", upload, methods=["POST"])
    blueprint.add_url_rule("/<code>/payouts/lines/<int:line_id>/", "payout_line", line)
    blueprint.add_url_rule("/<code>/payouts/lines/<int:line_id>/match", "payout_match", match, methods=["POST"])
    blueprint.add_url_rule("/<code>/payouts/<int:payout_id>/dissolve", "payout_dissolve", dissolve, methods=["POST"])


def overview(code: str) -> ResponseReturnValue:
    """Each intermediary with what it owes and since when, lines that wait, payouts, and reports that do not agree."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = {
            "intermediaries": queries.intermediaries(session, desk.school_id),
            "lines": queries.waiting_lines(session, desk.school_id),
            "payouts": queries.payouts(session, desk.school_id),
            "differences": queries.differences(session, desk.school_id, clock.now() - REPORTS_SINCE),
        }
    return render_template("console/payouts.html", desk=desk, **found)


def line(code: str, line_id: int) -> ResponseReturnValue:
    """Choose what a line pays: proposals first, every open payment, and what remains of the choice."""
    return _line_page(code, line_id, None)


def _line_page(code: str, line_id: int, ticked: Sequence[int] | None) -> str:
    """The page with what was ticked; None: what the chosen proposal says, the first one by default."""
    with db_session() as session:
        desk = desk_of(session, code)
        row = queries.line(session, desk.school_id, line_id)
        if row is None:
            raise NotFoundError
        scene = service.scene_around(session, desk.school_id, row.account_id, row.value_date)
        owing = [one for one in queries.intermediaries(session, desk.school_id) if one.account_id == row.account_id]
    told = scene.lines.get(line_id)
    free = [item for item in scene.owed.values() if item.id not in scene.held_by]
    proposals = propose(told, free, scene.tariffs) if told and row.state == "unmatched" else []
    chosen = set(_proposed(proposals) if ticked is None else ticked)
    items = [scene.owed[key] for key in sorted(chosen & scene.owed.keys())]
    gross_vnd = sum(item.amount_vnd for item in items)
    return render_template(
        "console/payout_line.html",
        desk=desk,
        line=row,
        intermediaries=owing,
        proposals=proposals,
        chosen=chosen,
        gross_vnd=gross_vnd,
        fee_vnd=gross_vnd - row.amount_vnd,
        fee_is_known=bool(told and items and fee_of(told, items, scene.tariffs) is not None),
    )


def _proposed(proposals: Sequence[Explanation]) -> Sequence[int]:
    place = request.args.get("proposal", default=0, type=int)
    return proposals[place].item_ids if 0 <= place < len(proposals) else ()


def match(code: str, line_id: int) -> ResponseReturnValue:
    """Say that the line pays the chosen payments; «look» only counts them again."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        ids = _chosen(request.form.getlist("item"))
        if "look" not in request.form:
            note = request.form.get("note", "").strip()[:500] or None
            service.match_by_person(session, desk.school_id, line_id, ids, desk.actor.user_id, note=note)
    if "look" in request.form:
        return _line_page(code, line_id, ids)
    flash(say("Đã ghép lô quyết toán. Có thể hủy bất cứ lúc nào.", "Matched. You can dissolve it at any time."), "ok")
    return redirect(url_for("console.payouts", code=code), code=303)


def dissolve(code: str, payout_id: int) -> ResponseReturnValue:
    """Take a payout back; it stays on record."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        service.dissolve_by_person(session, desk.school_id, payout_id, desk.actor.user_id)
    flash(say("Đã hủy lô quyết toán.", "The payout is dissolved."), "ok")
    return redirect(url_for("console.payouts", code=code), code=303)


def upload(code: str) -> ResponseReturnValue:
    """Take the settlement report of an intermediary about one account."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        file = request.files.get("file")
        if file is None or not file.filename:
            raise DomainError("no_file", "Hãy chọn một tệp.", "Choose a file.")
        connection_id, account_id = _intermediary(request.form.get("intermediary", ""))
        result = reports.import_report(
            session,
            desk.school_id,
            account_id,
            connection_id,
            data=file.read(),
            filename=file.filename,
            actor_id=desk.actor.user_id,
        )
    text = say("Đã nhập báo cáo đối soát, số giao dịch mới", "Settlement report imported, new payments")
    flash(f"{text}: {format_number(result.new_rows)}", "ok")
    return redirect(url_for("console.payouts", code=code), code=303)


def _intermediary(chosen: str) -> tuple[int, int]:
    """Connection and account. Raises NotFoundError for what is neither."""
    connection, _, account = chosen.partition(":")
    try:
        return row_id(connection), row_id(account)
    except ValueError:
        raise NotFoundError from None


def _chosen(values: list[str]) -> list[int]:
    """Raises DomainError ``nothing_chosen`` for what is no number."""
    try:
        return [row_id(value) for value in values]
    except ValueError:
        raise DomainError("nothing_chosen", "Hãy chọn ít nhất một khoản.", "Choose at least one payment.") from None
