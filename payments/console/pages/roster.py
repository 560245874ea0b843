"""The pupils' list: upload a file, look at what it would do, confirm; nothing is written before the confirmation."""

import io

from flask import Blueprint, Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.console.desk import Desk, desk_of
from payments.errors import DomainError
from payments.schools import queries
from payments.schools.roster.uploads import check_upload, forget_uploads, keep_upload, open_upload
from payments.schools.roster.workbooks import refused_rows, roster_template
from payments.schools.service import import_roster, preview_roster
from payments.web.context import db_session, say, services

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PROBLEMS_SHOWN = 200
"""Of each kind under each heading; all refused rows are in the workbook."""


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/roster/", "roster", roster)
    blueprint.add_url_rule("/<code>/roster/", "upload_roster", upload, methods=["POST"])
    blueprint.add_url_rule("/<code>/roster/template.xlsx", "roster_template", template)
    blueprint.add_url_rule("/<code>/roster/<int:upload_id>/", "preview_roster", preview)
    blueprint.add_url_rule("/<code>/roster/<int:upload_id>/refused.xlsx", "refused_roster", refused)
    blueprint.add_url_rule("/<code>/roster/<int:upload_id>/import", "import_roster", confirm, methods=["POST"])
    blueprint.add_url_rule("/<code>/roster/<int:upload_id>/drop", "drop_roster", drop, methods=["POST"])
    blueprint.add_url_rule("/<code>/roster/imports/<int:import_id>/", "roster_import", imported)


def roster(code: str) -> ResponseReturnValue:
    """Classes with their sizes, the form for a file, and what was imported before."""
    with db_session() as session:
        return _page(session, desk_of(session, code))


def upload(code: str) -> ResponseReturnValue:
    """Take a file, read it whole, and keep it for a look; a file that cannot be read is refused with the reason."""
    file = request.files.get("file")
    data, name = (file.read(), file.filename or "") if file else (b"", "")
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        try:
            check_upload(data)
            preview_roster(session, services().cipher, desk.school_id, data, name, desk.actor.user_id)
        except DomainError as error:
            return _page(session, desk, error), error.status
        upload_id = keep_upload(
            session, services().cipher, desk.school_id, desk.actor.user_id, data=data, file_name=name
        )
    return redirect(url_for("console.preview_roster", code=code, upload_id=upload_id), code=303)


def preview(code: str, upload_id: int) -> ResponseReturnValue:
    """What the file would do, under the four headings; nothing is written yet."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        cipher, actor_id = services().cipher, desk.actor.user_id
        kept = open_upload(session, cipher, desk.school_id, actor_id, upload_id)
        report = preview_roster(session, cipher, desk.school_id, kept.data, kept.file_name, actor_id)
    return render_template(
        "console/roster_report.html",
        desk=desk,
        report=report.to_json(),
        upload_id=upload_id,
        shown=PROBLEMS_SHOWN,
    )


def refused(code: str, upload_id: int) -> Response:
    """The refused rows as a workbook with reason and way out beside each: to be corrected and sent again."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        cipher, actor_id = services().cipher, desk.actor.user_id
        kept = open_upload(session, cipher, desk.school_id, actor_id, upload_id)
        report = preview_roster(session, cipher, desk.school_id, kept.data, kept.file_name, actor_id)
        book = refused_rows(kept.data, kept.file_name, report)
    return _workbook(book, f"dong-can-sua-{desk.code}.xlsx")


def confirm(code: str, upload_id: int) -> ResponseReturnValue:
    """Import the file that was looked at, in one transaction."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        cipher, actor_id = services().cipher, desk.actor.user_id
        kept = open_upload(session, cipher, desk.school_id, actor_id, upload_id)
        report = import_roster(session, cipher, desk.school_id, kept.data, kept.file_name, actor_id)
        forget_uploads(session, desk.school_id, actor_id)
    if report.import_id is None:
        flash(say("Danh sách không có gì thay đổi.", "The list changes nothing."), "ok")
        return redirect(url_for("console.roster", code=code), code=303)
    flash(say("Đã nhập danh sách học sinh.", "The pupils' list is imported."), "ok")
    return redirect(url_for("console.roster_import", code=code, import_id=report.import_id), code=303)


def drop(code: str, upload_id: int) -> ResponseReturnValue:
    """Forget the file without importing it."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        open_upload(session, services().cipher, desk.school_id, desk.actor.user_id, upload_id)
        forget_uploads(session, desk.school_id, desk.actor.user_id)
    flash(say("Đã bỏ tệp, không có gì thay đổi.", "The file is dropped; nothing was changed."), "ok")
    return redirect(url_for("console.roster", code=code), code=303)


def imported(code: str, import_id: int) -> ResponseReturnValue:
    """The report of an import, as it was."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = queries.roster_import(session, desk.school_id, import_id)
    return render_template(
        "console/roster_report.html", desk=desk, report=found.report, imported=found, shown=PROBLEMS_SHOWN
    )


def template(code: str) -> Response:
    """The empty template."""
    with db_session() as session:
        desk_of(session, code)
    return _workbook(roster_template(), "mau-danh-sach-hoc-sinh.xlsx")


def _page(session: Session, desk: Desk, refusal: DomainError | None = None) -> str:
    year = queries.year_in_sight(session, desk.school_id, clock.today())
    day = min(clock.today(), year.ends_on) if year else clock.today()
    classes = queries.class_sizes(session, desk.school_id, year.id, day) if year else []
    imports = queries.roster_imports(session, desk.school_id)
    return render_template(
        "console/roster.html", desk=desk, year=year, classes=classes, imports=imports, refusal=refusal
    )


def _workbook(data: bytes, name: str) -> Response:
    return send_file(io.BytesIO(data), mimetype=XLSX, as_attachment=True, download_name=name)
