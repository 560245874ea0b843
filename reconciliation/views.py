"""What accountant and principal see of nights: runs, proof, exceptions, the workbook."""

import io

from flask import Blueprint, Flask, Response, render_template, request, send_file
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from payments.console.desk import desk_of
from payments.console.today import register_cards
from payments.errors import NotFoundError
from payments.web.context import db_session, row_id
from reconciliation import drafts, queries, words
from reconciliation.decisions import queries as decisions
from reconciliation.decisions import views as deciding
from reconciliation.desk_cards import cards
from reconciliation.exceptions.dossier import of_run as exceptions_of_run
from reconciliation.movements import MATCHED, NOT_DUE
from reconciliation.reports import content, workbook

blueprint = Blueprint("reconciliation", __name__, url_prefix="/console", template_folder="templates")
ACCESS = ("accountant", "principal")
deciding.add_to(blueprint)

RUNS_SHOWN = 60
ENTRIES_SHOWN = 100
"""On a page."""
ODD = words.CLASSES.keys() - {MATCHED, NOT_DUE}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.record_once
def add_link(state: BlueprintSetupState) -> None:
    """Stand in the navigation of the desk and on its first page."""
    if isinstance(state.app, Flask):
        register_cards(state.app, cards)
    names = state.app.jinja_env.globals
    known = names.get("desk_links")
    link = ("Đối soát", "Reconciliation", "reconciliation.runs")
    names["desk_links"] = [*known, link] if isinstance(known, list) else [link]


@blueprint.get("/<code>/reconciliation/")
def runs(code: str) -> ResponseReturnValue:
    """The runs that stand, newest day first."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = queries.standing_runs(session, [desk.school_id], limit=RUNS_SHOWN)
    return render_template("reconciliation/runs.html", desk=desk, views=found, words=words)


@blueprint.get("/<code>/reconciliation/<int:run_id>/")
def run(code: str, run_id: int) -> ResponseReturnValue:
    """One run: its proof, its exceptions with what to do, and on request one class of it."""
    with db_session() as session:
        desk = desk_of(session, code)
        chosen = request.args.get("class", "")
        number = _page_number()
        shown = slice((number - 1) * ENTRIES_SHOWN, number * ENTRIES_SHOWN)
        found = content.page(session, run_id, {chosen} if chosen in words.CLASSES else ODD, shown)
        report = _report(code, found.report)
        facts = decisions.labels(session, desk.school_id, [name for entry in report.entries for name in entry.facts])
        decided = decisions.decisions(session, desk.school_id, report.account)
        cases = exceptions_of_run(session, desk.school_id, run_id)
    return render_template(
        "reconciliation/run.html",
        desk=desk,
        report=report,
        entries=report.entries,
        unbooked=found.unbooked,
        facts=facts,
        decided=decided,
        page=number,
        pages=-(-found.total // ENTRIES_SHOWN),
        chosen=chosen,
        words=words,
        cases=cases,
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
        _report(code, content.page(session, run_id, ODD, slice(0)).report)
        data = drafts.workbook(session, run_id)
    return send_file(
        io.BytesIO(data), mimetype=XLSX, as_attachment=True, download_name=f"but-toan-{code}-{run_id}.xlsx"
    )


def _page_number() -> int:
    """The page of the address. Raises NotFoundError for what is none."""
    try:
        return max(1, row_id(request.args.get("page") or "1"))
    except ValueError:
        raise NotFoundError from None


def _report(code: str, report: content.Report) -> content.Report:
    """A run of another school is as unknown as none."""
    if report.school != code:
        raise NotFoundError
    return report
