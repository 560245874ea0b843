"""Files in: uploaded, read by a worker, shown, written when a person says so. A page that is closed loses nothing."""

import io
from dataclasses import replace
from pathlib import Path

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, send_file, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.banking.queries import accounts_of
from payments.console.desk import Desk, desk_of
from payments.errors import DomainError, NotFoundError
from payments.i18n import Text
from payments.web.context import db_session, row_id, say, services
from reconciliation.doubts import Answer, SameLines
from reconciliation.imports import layouts, queries, service, wizard, words
from reconciliation.imports.models import ImportKind, JobState
from reconciliation.imports.reading import File
from reconciliation.imports.rules import WORKING, phase_states, progress_of
from reconciliation.ledger_placing import set_book_account

blueprint = Blueprint("imports", __name__, url_prefix="/console", template_folder="templates")
ACCESS = ("accountant", "principal")
JOBS_SHOWN = 60
LOOK_AGAIN_S = 3
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.record_once
def add_link(state: BlueprintSetupState) -> None:
    """Stand in the navigation of the desk."""
    names = state.app.jinja_env.globals
    known = names.get("desk_links")
    link = ("Nhập tệp", "Imports", "imports.jobs")
    names["desk_links"] = [*known, link] if isinstance(known, list) else [link]


@blueprint.get("/<code>/imports/")
def jobs(code: str) -> ResponseReturnValue:
    """The forms for files, what became of earlier ones, and the layouts of the school's own."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = queries.jobs_of(session, desk.school_id, limit=JOBS_SHOWN)
        own = [(kind, one) for kind in ImportKind for one in layouts.listed(session, desk.school_id, kind)]
        accounts = accounts_of(session, desk.school_id)
    return render_template(
        "imports/jobs.html", desk=desk, views=found, own=own, accounts=accounts, words=words, kept=service.KEPT_FOR.days
    )


@blueprint.post("/<code>/imports/statement")
def upload_statement(code: str) -> ResponseReturnValue:
    """Take a statement of one of the school's accounts."""
    return _upload(code, request.form.get("account", type=row_id) or 0)


@blueprint.post("/<code>/imports/ledger")
def upload_ledger(code: str) -> ResponseReturnValue:
    """Take an export of the school's books."""
    return _upload(code, None)


def _upload(code: str, account_id: int | None) -> ResponseReturnValue:
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            raise DomainError("no_file", "Hãy chọn một tệp.", "Choose a file.")
        file = File(sent.filename, sent.read())
        job_id = service.start_import(
            session, services().cipher, desk.school_id, file, account_id=account_id, actor_id=desk.actor.user_id
        )
    return _to_job(code, job_id)


@blueprint.get("/<code>/imports/<int:job_id>/")
def job(code: str, job_id: int) -> ResponseReturnValue:
    """How far a file is, what it would do, what is wrong with it, what it did."""
    with db_session() as session:
        desk = desk_of(session, code)
        view = queries.job_of(session, desk.school_id, job_id)
        accounts = accounts_of(session, desk.school_id) if view.job.report.get("unplaced") else []
    return _page("imports/job.html", desk, view, accounts=accounts)


@blueprint.get("/<code>/imports/<int:job_id>/progress")
def progress(code: str, job_id: int) -> ResponseReturnValue:
    """The part of a job's page that moves; once the worker is through, the whole page is asked for again."""
    with db_session() as session:
        desk = desk_of(session, code)
        view = queries.job_of(session, desk.school_id, job_id)
    if view.job.state not in WORKING:
        return Response(headers={"HX-Refresh": "true"})
    return _page("imports/progress.html", desk, view)


def _page(template: str, desk: Desk, view: queries.JobView, **more: object) -> str:
    job = view.job
    return render_template(
        template,
        desk=desk,
        view=view,
        job=job,
        words=words,
        phases=phase_states(job.state, job.phase),
        progress=progress_of(job.done_rows, job.total_rows, job.phase_at, clock.now()),
        working=job.state in WORKING,
        look_again_s=LOOK_AGAIN_S,
        htmx=has_htmx(),
        plan_name=service.plan_name(job),
        **more,
    )


def has_htmx() -> bool:
    """Whether the build brought htmx; without it the page asks again by itself as a whole."""
    return current_app.static_folder is not None and (Path(current_app.static_folder) / "vendor/htmx.min.js").is_file()


@blueprint.post("/<code>/imports/<int:job_id>/write")
def write(code: str, job_id: int) -> ResponseReturnValue:
    """Have written what was shown."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        said = request.form.get("same_lines", type=SameLines)
        answer = None if said is None else Answer(said, frozenset(request.form.getlist("except_line")))
        service.confirm_import(
            session,
            desk.school_id,
            job_id,
            actor_id=desk.actor.user_id,
            answer=answer,
            shown=request.form.get("shown"),
        )
    return _to_job(code, job_id)


@blueprint.post("/<code>/imports/<int:job_id>/drop")
def drop(code: str, job_id: int) -> ResponseReturnValue:
    """Forget the file without writing it."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        service.drop_import(session, desk.school_id, job_id)
    flash(say("Đã bỏ tệp, chưa ghi gì.", "The file is dropped; nothing was written."), "ok")
    return redirect(url_for("imports.jobs", code=code), code=303)


@blueprint.post("/<code>/imports/<int:job_id>/account")
def say_account(code: str, job_id: int) -> ResponseReturnValue:
    """Say which receiving account a code of the books stands for, and have the file read again with it."""
    account_id = request.form.get("account", type=row_id) or 0
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        if account_id not in {account.id for account in accounts_of(session, desk.school_id)}:
            raise NotFoundError
        set_book_account(session, desk.school_id, request.form.get("book_code", ""), account_id)
        service.read_again(session, desk.school_id, job_id)
    return _to_job(code, job_id)


@blueprint.get("/<code>/imports/<int:job_id>/returned.xlsx")
def returned(code: str, job_id: int) -> Response:
    """The same workbook with reason and way out beside each bad row."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        job = service.locked(session, desk.school_id, job_id)
        if job.returned_sealed is None:
            raise NotFoundError
        data = services().cipher.open(job.returned_sealed, service.RETURNED)
        name = f"can-sua-{job.file_name.rpartition('.')[0] or job.file_name}.xlsx"
    return send_file(io.BytesIO(data), mimetype=XLSX, as_attachment=True, download_name=name)


@blueprint.route("/<code>/imports/<int:job_id>/layout", methods=["GET", "POST"])
def layout(code: str, job_id: int) -> ResponseReturnValue:
    """Say which column is which: the guess, the person's changes, what would be read, and the confirmation."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        job = service.locked(session, desk.school_id, job_id)
        if job.state not in {JobState.MAPPING, JobState.REFUSED, JobState.READY}:
            return _to_job(code, job_id)
        file = service.content_of(services().cipher, job)
        page = wizard.look(job.kind, file, request.form, trying=request.method == "POST")
        if request.form.get("do") == "confirm" and page.definition is not None and not page.moved:
            try:
                return _confirm(session, desk, job_id, job.kind, page)
            except DomainError as error:
                page = replace(page, problem=(Text(error.vi, error.en),))
    return render_template(
        "imports/layout.html", desk=desk, job=job, page=page, words=words, asked=request.method == "POST"
    ), 422 if request.form.get("do") == "confirm" else 200


def _confirm(session: Session, desk: Desk, job_id: int, kind: ImportKind, page: wizard.Page) -> ResponseReturnValue:
    layouts.keep_layout(session, desk.school_id, kind, page.definition or {}, actor_id=desk.actor.user_id)
    service.read_again(session, desk.school_id, job_id)
    flash(say("Đã lưu mẫu cột; lần sau tệp như vậy được đọc ngay.", "The layout is kept for the next file."), "ok")
    return _to_job(desk.code, job_id)


@blueprint.post("/<code>/imports/layouts/retire")
def retire(code: str) -> ResponseReturnValue:
    """Use a layout no longer."""
    kind = request.form.get("kind", type=ImportKind)
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        if kind is None:
            raise NotFoundError
        name = request.form.get("name", "")
        layouts.retire_layout(session, desk.school_id, kind, name, actor_id=desk.actor.user_id)
    flash(say("Đã ngừng dùng mẫu cột.", "The layout is retired."), "ok")
    return redirect(url_for("imports.jobs", code=code), code=303)


def _to_job(code: str, job_id: int) -> ResponseReturnValue:
    return redirect(url_for("imports.job", code=code, job_id=job_id), code=303)
