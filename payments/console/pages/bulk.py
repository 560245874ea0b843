"""Many suggestions accepted at once: first what would happen, then exactly that or nothing."""

from collections.abc import Sequence

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments.console.desk import Desk, desk_of
from payments.console.pages.answering import back, decide, part, quick, refused
from payments.console.pages.queue import vocabulary
from payments.console.queue import reading
from payments.console.queue.lines import Line, line
from payments.errors import DomainError
from payments.settlement.service import BulkPreview, Wanted, assign_many, preview_many
from payments.web.context import db_session, row_id


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/unmatched/preview", "preview_many", preview, methods=["POST"])
    blueprint.add_url_rule("/<code>/unmatched/accept", "accept_many", accept, methods=["POST"])


def preview(code: str) -> ResponseReturnValue:
    """Count, sum and the least sure of what would be accepted, and why some would not; nothing is written."""
    try:
        with db_session() as session:
            desk = desk_of(session, code)
            shown = _lines(session, desk.school_id, _selected())
            found = preview_many(session, desk.school_id, _wanted(shown))
    except DomainError as error:
        if not quick():
            raise
        return refused(error)
    context = {"desk": desk, "back": back().query(), **_told(found, shown), **vocabulary()}
    if quick():
        answer = part(render_template("console/queue/bulk.html", **context), name="desk-sheet", event={})
        answer.headers["HX-Retarget"] = "#sheet-body"
        return answer
    return render_template("console/bulk.html", **context)


def accept(code: str) -> ResponseReturnValue:
    """Do what the preview said, if it would say the same now."""

    def deed(session: Session, desk: Desk) -> list[int]:
        token = request.form.get("token", "")
        done = assign_many(session, desk.school_id, _confirmed(), desk.actor.user_id, token=token)
        return [decision_id for _, decision_id in done.decisions]

    return decide(code, deed)


def _selected() -> list[int]:
    """The ticked transfers. Raises DomainError ``nothing_selected``."""
    try:
        ids = [row_id(one) for one in request.form.getlist("x")]
    except ValueError:
        ids = []
    if not ids:
        raise DomainError(
            "nothing_selected",
            "Chưa chọn dòng nào. Đánh dấu các dòng cần nhận (phím x), rồi bấm lại.",
            "Nothing is selected. Tick the rows that you accept (key x), then try again.",
        )
    return ids


def _lines(session: Session, school_id: int, ids: Sequence[int]) -> list[Line]:
    rows = reading.some(session, school_id, ids)
    invoices = reading.named(session, school_id, rows)
    return [line(row, invoices) for row in rows]


def _wanted(shown: Sequence[Line]) -> list[Wanted]:
    return [
        Wanted(one.row["id"], one.first.invoice_ids, one.row["score"]) for one in shown if one.first and one.acceptable
    ]


def _confirmed() -> list[Wanted]:
    """What the preview's form carries: ``transfer:invoice,invoice:score`` for each; the token proves that it is it."""
    wanted = []
    try:
        for one in request.form.getlist("w"):
            transfer, invoices, score = one.split(":")
            ids = tuple(row_id(invoice) for invoice in invoices.split(","))
            wanted.append(Wanted(row_id(transfer), ids, row_id(score)))
    except ValueError:
        raise DomainError("bad_form", "Biểu mẫu không đọc được; hãy xem trước lại.", "Preview it again.") from None
    return wanted


def _told(found: BulkPreview, shown: Sequence[Line]) -> dict[str, object]:
    by_id = {one.row["id"]: one for one in shown}
    return {
        "preview": found,
        "lowest": [by_id[one.transaction_id] for one in found.lowest],
        "refused": [(by_id[one.wanted.transaction_id], one) for one in found.refused],
        "wanted": _wanted(shown),
    }
