"""What accountant and principal see of nights: runs, proof, exceptions, the workbook; and statements and books in."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, flash, redirect, render_template, request, send_file, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from bank_adapters.statements.errors import StatementError
from payments.banking.queries import accounts_of
from payments.console.desk import desk_of
from payments.errors import DomainError, NotFoundError
from payments.money import format_number
from payments.web.context import db_session, row_id, say
from reconciliation import drafts, queries, service, words
from reconciliation.decisions import queries as decisions
from reconciliation.decisions import views as deciding
from reconciliation.movements import MATCHED, NOT_DUE
from reconciliation.reports import content, workbook

blueprint = Blueprint("reconciliation", __name__, url_prefix="/console", template_folder="templates")
ACCESS = ("accountant", "principal")
deciding.add_to(blueprint)

RUNS_SHOWN = 60
ENTRIES_SHOWN = 500
"""More are in the workbook."""
PLACES_SHOWN = 10
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.record_once
def add_link(state: BlueprintSetupState) -> None:
    """Stand in the navigation of the desk."""
    names = state.app.jinja_env.globals
    known = names.get("desk_links")
    link = ("Đối soát", "Reconciliation", "reconciliation.runs")
    names["desk_links"] = [*known, link] if isinstance(known, list) else [link]


@blueprint.get("/<code>/reconciliation/")
def runs(code: str) -> ResponseReturnValue:
    """The runs that stand, newest day first, and the forms for files."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = queries.standing_runs(session, [desk.school_id], limit=RUNS_SHOWN)
        accounts = accounts_of(session, desk.school_id)
    return render_template("reconciliation/runs.html", desk=desk, views=found, accounts=accounts, words=words)


@blueprint.get("/<code>/reconciliation/<int:run_id>/")
def run(code: str, run_id: int) -> ResponseReturnValue:
    """One run: its proof, its exceptions with what to do, and on request one class of it."""
    with db_session() as session:
        desk = desk_of(session, code)
        report = _report(code, content.build(session, run_id))
        chosen = request.args.get("class", "")
        entries = report.of(chosen) if chosen in words.CLASSES else report.odd
        shown = entries[:ENTRIES_SHOWN]
        facts = decisions.labels(session, desk.school_id, [name for entry in shown for name in entry.facts])
        decided = decisions.decisions(session, desk.school_id, report.account)
    return render_template(
        "reconciliation/run.html",
        desk=desk,
        report=report,
        entries=shown,
        facts=facts,
        decided=decided,
        left_out=max(0, len(entries) - ENTRIES_SHOWN),
        chosen=chosen,
        words=words,
        matched=MATCHED,
        not_due=NOT_DUE,
    )


@blueprint.get("/<code>/reconciliation/<int:run_id>.xlsx")
def download(code: str, run_id: int) -> Response:
    """The run as a workbook, the same bytes every time."""
    with db_session() as session:
        desk_of(session, code)
        report = _report(code, content.build(session, run_id))
    name = f"doi-soat-{report.school}-{report.account.replace(':', '-')}-{report.day:%Y%m%d}-{report.id}.xlsx"
    return send_file(io.BytesIO(workbook.write(report)), mimetype=XLSX, as_attachment=True, download_name=name)


@blueprint.get("/<code>/reconciliation/<int:run_id>/postings.xlsx")
def postings(code: str, run_id: int) -> Response:
    """Proposed postings for what the books lack, ready to be changed and imported."""
    with db_session() as session:
        desk_of(session, code)
        _report(code, content.build(session, run_id))
        data = drafts.workbook(session, run_id)
    return send_file(
        io.BytesIO(data), mimetype=XLSX, as_attachment=True, download_name=f"but-toan-{code}-{run_id}.xlsx"
    )


@blueprint.post("/<code>/reconciliation/statement")
def upload_statement(code: str) -> ResponseReturnValue:
    """Take a statement of one of the school's accounts."""
    account_id = request.form.get("account", type=row_id) or 0
    with _readable(), db_session() as session:
        desk = desk_of(session, code, "accountant")
        name, data = _file()
        report = service.import_statement(session, desk.school_id, account_id, data, name)
        text = say("Đã nhập sao kê, số dòng mới", "Statement imported, new lines")
        broken = any(not one.proved for one in report.statements)
        warning = say("Số dư trong tệp không khớp.", "Its balances do not add up.") if broken else ""
        _tell(text, report.new_lines, warning)
    return redirect(url_for("reconciliation.runs", code=code), code=303)


@blueprint.post("/<code>/reconciliation/ledger")
def upload_ledger(code: str) -> ResponseReturnValue:
    """Take an export of the school's books."""
    with _readable(), db_session() as session:
        desk = desk_of(session, code, "accountant")
        name, data = _file()
        report = service.import_ledger(session, desk.school_id, data, name)
        text = say("Đã nhập sổ kế toán, số dòng mới", "Books imported, new rows")
        unplaced = ", ".join(report.unplaced)
        warning = f"{say('Chưa rõ tài khoản ngân hàng của', 'No bank account is known for')} {unplaced}."
        _tell(text, report.new_rows, warning if unplaced else "")
    return redirect(url_for("reconciliation.runs", code=code), code=303)


@contextmanager
def _readable() -> Iterator[None]:
    """A file that cannot be read as a whole is refused in words: nothing of it was imported."""
    try:
        yield
    except StatementError as error:
        for one in (error, *error.others)[:PLACES_SHOWN]:
            flash(f"{one.place}: {say(one.vi, one.en)}" if one.place else say(one.vi, one.en), "error")
        flash(say("Chưa nhập dòng nào của tệp.", "Nothing of the file was imported."), "error")


def _tell(text: str, count: int, warning: str) -> None:
    flash(f"{text}: {format_number(count)}. {warning}".rstrip(), "warn" if warning else "ok")


def _report(code: str, report: content.Report) -> content.Report:
    """A run of another school is as unknown as none."""
    if report.school != code:
        raise NotFoundError
    return report


def _file() -> tuple[str, bytes]:
    """Name and content of the uploaded file. Raises DomainError ``no_file``."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise DomainError("no_file", "Hãy chọn một tệp.", "Choose a file.")
    return file.filename, file.read()
