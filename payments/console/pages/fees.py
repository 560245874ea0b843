"""The catalogue of fees with what holds today, registrations from a file, and reductions of pupils."""

from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.banking.queries import accounts_of
from payments.console.desk import Desk, desk_of
from payments.errors import DomainError
from payments.fees.checks import NewExemption
from payments.fees.queries import catalogue, exemptions_of
from payments.fees.registration_file import RegistrationReport
from payments.fees.service import end_exemption, grant_exemption, import_registrations
from payments.fees.terms import RELIEF_WORDS, UNIT_WORDS, ReliefKind, Unit
from payments.money import parse_vnd
from payments.schools.queries import pupil_id_by_sector_id
from payments.schools.roster.uploads import check_upload
from payments.web.context import db_session, say

PROBLEMS_SHOWN = 200


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/fees/", "fees", fees)
    blueprint.add_url_rule("/<code>/fees/registrations", "import_registrations", register, methods=["POST"])
    blueprint.add_url_rule("/<code>/fees/exemptions", "grant_exemption", grant, methods=["POST"])
    blueprint.add_url_rule("/<code>/fees/exemptions/<int:exemption_id>/end", "end_exemption", end, methods=["POST"])


def fees(code: str) -> ResponseReturnValue:
    """Fee items with price, ceiling and legal basis; who is registered; reductions with their reasons."""
    with db_session() as session:
        return _page(session, desk_of(session, code))


def register(code: str) -> ResponseReturnValue:
    """Import registrations: good rows in one transaction, every refused row told; the same file changes nothing."""
    file = request.files.get("file")
    data, name = (file.read(), file.filename or "") if file else (b"", "")
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        try:
            check_upload(data)
            report = import_registrations(session, desk.school_id, data, name, actor_id=desk.actor.user_id)
        except DomainError as error:
            return _page(session, desk, error), error.status
        return _page(session, desk, report=report)


def grant(code: str) -> ResponseReturnValue:
    """Grant a reduction; it shows in the figures that the principal approves."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        try:
            exemption = _exemption(session, desk)
            grant_exemption(session, desk.school_id, exemption, actor_id=desk.actor.user_id)
        except DomainError as error:
            return _page(session, desk, error), error.status
    flash(say("Đã ghi quyết định miễn giảm.", "The reduction is granted."), "ok")
    return redirect(url_for("console.fees", code=code, _anchor="exemptions"), code=303)


def end(code: str, exemption_id: int) -> ResponseReturnValue:
    """Let a reduction end with a day."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        try:
            last_day = _day("last_day")
            end_exemption(session, desk.school_id, exemption_id, last_day, actor_id=desk.actor.user_id)
        except DomainError as error:
            return _page(session, desk, error), error.status
    flash(say("Đã ghi ngày hết hiệu lực.", "The last day is recorded."), "ok")
    return redirect(url_for("console.fees", code=code, _anchor="exemptions"), code=303)


def _exemption(session: Session, desk: Desk) -> NewExemption:
    form = request.form
    kind = form.get("kind", "")
    if kind not in {member.value for member in ReliefKind}:
        raise DomainError("bad_relief", "Hãy chọn hình thức miễn giảm.", "Choose the kind of reduction.")
    percent = form.get("percent", "").strip()
    fixed = form.get("fixed", "").strip()
    return NewExemption(
        pupil_id=pupil_id_by_sector_id(session, desk.school_id, form.get("pupil", "")),
        kind=ReliefKind(kind),
        category=form.get("category", ""),
        percent=parse_vnd(percent.removesuffix("%").strip()) if percent else None,
        fixed_vnd=parse_vnd(fixed) if fixed else None,
        fee_codes=tuple(form.getlist("fee")),
        valid_from=_day("from"),
        valid_to=_day("to") if form.get("to") else None,
        document=form.get("document", ""),
    )


def _day(key: str) -> date:
    try:
        return date.fromisoformat(request.form.get(key, ""))
    except ValueError:
        raise DomainError("bad_day", "Hãy chọn ngày hợp lệ.", "Choose a valid day.") from None


def _page(
    session: Session, desk: Desk, refusal: DomainError | None = None, report: RegistrationReport | None = None
) -> str:
    today = clock.today()
    return render_template(
        "console/fees.html",
        desk=desk,
        rows=catalogue(session, desk.school_id, today),
        accounts={account.id: account for account in accounts_of(session, desk.school_id)},
        exemptions=exemptions_of(session, desk.school_id),
        units=UNIT_WORDS,
        reliefs=RELIEF_WORDS,
        free=Unit.FREE_AMOUNT,
        today=today,
        refusal=refusal,
        report=report.to_json() if report else None,
        shown=PROBLEMS_SHOWN,
    )
