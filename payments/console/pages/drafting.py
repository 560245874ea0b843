"""The form of a new collection round: fee items with their prices of today, quantities, first day and due day."""

from collections.abc import Mapping
from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.console.desk import Desk, desk_of
from payments.errors import DomainError
from payments.fees.queries import CatalogueRow, catalogue
from payments.fees.terms import UNIT_WORDS, Unit
from payments.invoices.service import FeeOfRound, draft_round
from payments.schools.queries import year_on
from payments.web.context import db_session, say

MAX_DIGITS = 6


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/rounds/new", "new_round", new_round)
    blueprint.add_url_rule("/<code>/rounds/new", "draft_round", draft, methods=["POST"])


def new_round(code: str) -> ResponseReturnValue:
    """The empty form."""
    with db_session() as session:
        return _form(session, desk_of(session, code, "accountant"))


def draft(code: str) -> ResponseReturnValue:
    """Draft the round; what a rule refuses is told on the form, with everything that was typed."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        try:
            with session.begin_nested():
                round_id = _draft(session, desk, request.form)
        except DomainError as error:
            return _form(session, desk, error), error.status
    flash(say("Đã lập bản nháp. Hãy xem lại số liệu.", "The draft is made. Look at its figures."), "ok")
    return redirect(url_for("console.round", code=code, round_id=round_id), code=303)


def _draft(session: Session, desk: Desk, form: Mapping[str, str]) -> int:
    starts_on, due_on = _day(form, "starts"), _day(form, "due")
    year = year_on(session, desk.school_id, starts_on)
    if year is None:
        raise DomainError(
            "no_year",
            f"Trường chưa có năm học ngày {starts_on:%d/%m/%Y}. Hãy tải danh sách học sinh của năm học đó trước.",
            f"No school year holds on {starts_on:%d/%m/%Y}. Upload the pupils' list of that year first.",
        )
    return draft_round(
        session,
        desk.school_id,
        code=form.get("round", "").strip(),
        name=form.get("name", ""),
        year_id=year.id,
        starts_on=starts_on,
        due_on=due_on,
        fees=_fees(form, catalogue(session, desk.school_id, starts_on)),
        actor_id=desk.actor.user_id,
    )


def _fees(form: Mapping[str, str], rows: list[CatalogueRow]) -> list[FeeOfRound]:
    return [
        FeeOfRound(row.id, _quantity(row, form.get(f"quantity-{row.id}", "").strip()))
        for row in rows
        if f"fee-{row.id}" in form
    ]


def _quantity(row: CatalogueRow, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        raise DomainError(
            "bad_quantity",
            f"Số lượng của khoản «{row.terms.name}» phải là số nguyên, ví dụ 22.",
            f"The quantity of «{row.terms.name}» must be a whole number, like 22.",
        )
    return int(text)


def _day(form: Mapping[str, str], key: str) -> date:
    try:
        return date.fromisoformat(form.get(key, ""))
    except ValueError:
        raise DomainError(
            "bad_day", "Hãy chọn ngày bắt đầu và hạn nộp.", "Choose the first day and the due day."
        ) from None


def _form(session: Session, desk: Desk, refusal: DomainError | None = None) -> str:
    return render_template(
        "console/new_round.html",
        desk=desk,
        rows=catalogue(session, desk.school_id, clock.today()),
        today=clock.today(),
        units=UNIT_WORDS,
        free=Unit.FREE_AMOUNT,
        refusal=refusal,
    )
