"""What else a person may do with a bank credit: split, exclude, note, refund by two people. Settlement decides."""

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments.console.desk import Desk, desk_of
from payments.console.pages.answering import decide, note
from payments.errors import DomainError
from payments.money import parse_vnd
from payments.settlement.service import (
    ExcludeReason,
    Part,
    annotate,
    confirm_refund,
    decide_refund,
    exclude,
    propose_refund,
    split,
)
from payments.web.context import db_session, row_id, say


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    base = "/<code>/unmatched/<int:transaction_id>"
    blueprint.add_url_rule(f"{base}/split", "split", split_up, methods=["POST"])
    blueprint.add_url_rule(f"{base}/exclude", "exclude", leave_out, methods=["POST"])
    blueprint.add_url_rule(f"{base}/note", "note", remark, methods=["POST"])
    blueprint.add_url_rule(f"{base}/refund", "refund", send_back, methods=["POST"])
    refund = "/<code>/refunds/<int:refund_id>"
    blueprint.add_url_rule(f"{refund}/decide", "decide_refund", decide_on_refund, methods=["POST"])
    blueprint.add_url_rule(f"{refund}/confirm", "confirm_refund", confirm, methods=["POST"])


def split_up(code: str, transaction_id: int) -> ResponseReturnValue:
    """So much for each invoice and as credit of each pupil; the service refuses parts that do not add up."""

    def deed(session: Session, desk: Desk) -> list[int]:
        return [split(session, desk.school_id, transaction_id, _parts(), desk.actor.user_id, note=note())]

    return decide(code, deed)


def leave_out(code: str, transaction_id: int) -> ResponseReturnValue:
    """The money pays no fee, for a reason of the list."""

    def deed(session: Session, desk: Desk) -> list[int]:
        return [exclude(session, desk.school_id, transaction_id, _reason(), desk.actor.user_id, note=note())]

    return decide(code, deed)


def remark(code: str, transaction_id: int) -> ResponseReturnValue:
    """Words about a transfer, for the colleagues and for later."""

    def deed(session: Session, desk: Desk) -> list[int]:
        return [annotate(session, desk.school_id, transaction_id, desk.actor.user_id, note() or "")]

    return decide(code, deed)


def send_back(code: str, transaction_id: int) -> ResponseReturnValue:
    """Propose a refund: of the whole transfer, or of what it left as a pupil's credit."""

    def deed(session: Session, desk: Desk) -> list[int]:
        whose: dict[str, Any] = {"pupil_id": _id("pupil")} if request.form.get("pupil") else {}
        return [propose_refund(session, desk.school_id, transaction_id, desk.actor.user_id, note=note(), **whose)]

    return decide(code, deed)


def decide_on_refund(code: str, refund_id: int) -> ResponseReturnValue:
    """The second person approves or rejects; the service refuses whoever proposed it."""
    approved = request.form.get("approved") == "yes"
    with db_session() as session:
        desk = desk_of(session, code, "principal")
        decide_refund(session, desk.school_id, refund_id, desk.actor.user_id, approved=approved, reason=note())
    told = say("Đã duyệt hoàn trả.", "The refund is approved.") if approved else say("Đã từ chối.", "It is rejected.")
    flash(told, "ok")
    return redirect(url_for("console.unmatched", code=code, tab="refunds"), code=303)


def confirm(code: str, refund_id: int) -> ResponseReturnValue:
    """Name the bank's debit that sent the money back."""
    with db_session() as session:
        desk = desk_of(session, code)
        confirm_refund(session, desk.school_id, refund_id, _id("debit"), desk.actor.user_id)
    flash(say("Đã ghi nhận ngân hàng đã chi.", "The bank's debit is recorded."), "ok")
    return redirect(url_for("console.unmatched", code=code, tab="refunds"), code=303)


def _parts() -> list[Part]:
    """The amounts of the form, in its order: ``i-ID`` for an invoice, ``p-ID`` for a pupil's credit."""
    parts = []
    for key, value in request.form.items():
        kind, dash, number = key.partition("-")
        if not dash or kind not in ("i", "p") or not value.strip():
            continue
        try:
            amount_vnd, of = parse_vnd(value), row_id(number)
        except (DomainError, ValueError):
            shown = value.strip()[:20]
            raise DomainError(
                "bad_amount",
                f"Không đọc được số tiền «{shown}»; hãy nhập số nguyên đồng, ví dụ 1.250.000.",
                f"«{shown}» is no amount; type whole đồng, for example 1.250.000.",
            ) from None
        if amount_vnd:
            parts.append(Part(amount_vnd, invoice_id=of) if kind == "i" else Part(amount_vnd, pupil_id=of))
    return parts


def _reason() -> ExcludeReason:
    try:
        return ExcludeReason(request.form.get("reason", ""))
    except ValueError:
        raise DomainError(
            "no_reason", "Hãy chọn lý do loại khoản tiền này.", "Choose why this transfer is excluded."
        ) from None


def _id(field: str) -> int:
    try:
        return row_id(request.form.get(field, ""))
    except ValueError:
        raise DomainError("nothing_chosen", "Hãy chọn một dòng.", "Choose one of the lines.") from None
