"""The desk's pages of exceptions: a list that can be filtered, one case with its history, deeds on one and on many."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.banking.queries import accounts_of
from payments.console.desk import desk_of
from payments.web.context import db_session, row_id, say
from reconciliation import words as night_words
from reconciliation.exceptions import bulk, dossier, forms, queries, rules, service, words, workbook
from reconciliation.exceptions.acting import MOST_AT_ONCE
from reconciliation.exceptions.filters import read
from reconciliation.exceptions.rules import Resolution, age_of, ends_alone

blueprint = Blueprint("exceptions", __name__, url_prefix="/console", template_folder="templates")
ACCESS = ("accountant", "principal")

PAGE_ROWS = 100
LAST_PAGE = 10_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.record_once
def add_link(state: BlueprintSetupState) -> None:
    """Stand in the navigation of the desk."""
    names = state.app.jinja_env.globals
    known = names.get("desk_links")
    link = ("Ngoại lệ", "Exceptions", "exceptions.overview")
    names["desk_links"] = [*known, link] if isinstance(known, list) else [link]


@blueprint.context_processor
def for_templates() -> dict[str, Any]:
    """What every page of exceptions speaks with."""
    return {"words": words, "rules": rules, "night_words": night_words, "today": clock.today()}


@blueprint.get("/<code>/exceptions/")
def overview(code: str) -> ResponseReturnValue:
    """The list: filters in the address, counts by class and age, and deeds on what is ticked."""
    chosen = read(request.args)
    page = min(request.args.get("page", 0, type=row_id), LAST_PAGE)
    with db_session() as session:
        desk = desk_of(session, code)
        found = queries.overview(
            session, desk.school_id, chosen, desk.actor.user_id, limit=PAGE_ROWS, offset=page * PAGE_ROWS
        )
        return render_template(
            "exceptions/list.html",
            desk=desk,
            found=found,
            chosen=chosen,
            page=page,
            page_rows=PAGE_ROWS,
            accounts=accounts_of(session, desk.school_id),
            staff=queries.staff(session, desk.school_id),
            most=MOST_AT_ONCE,
            age_of=age_of,
            sources=dossier.sources(session, desk.school_id, [row.id for row in found.rows]),
            counts=queries.counts(session, desk.school_id, desk.actor.user_id),
            alone=_alone(),
        )


@blueprint.get("/<code>/exceptions/export.xlsx")
def export(code: str) -> ResponseReturnValue:
    """The whole list as a workbook, by the same filter."""
    chosen = read(request.args)
    with db_session() as session:
        desk = desk_of(session, code)
        rows = queries.rows(session, desk.school_id, chosen, desk.actor.user_id)
        sources = dossier.sources(session, desk.school_id, [row.id for row in rows])
    data = workbook.write(workbook.Heading(desk.name, words.filter_vi(chosen)), rows, sources)
    return send_file(
        io.BytesIO(data),
        mimetype=XLSX,
        as_attachment=True,
        download_name=f"ngoai-le-{code}-{clock.today():%Y%m%d}.xlsx",
    )


@blueprint.get("/<code>/exceptions/<int:exception_id>/")
def one(code: str, exception_id: int) -> ResponseReturnValue:
    """One case: three sources side by side, grounds, next step, history, and what this person may do."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = dossier.detail(session, desk.school_id, exception_id)
        staff = queries.staff(session, desk.school_id)
        case = found.case
        alone = ends_alone(case.primary_class, case.flags)
        together = [end for end in rules.HANDLING[case.primary_class].ends if end not in alone]
        return render_template(
            "exceptions/one.html",
            desk=desk,
            found=found,
            case=case,
            staff=staff,
            alone=alone,
            together=together,
            age=age_of((clock.today() - case.day).days),
            may_decide=desk.is_principal and found.proposer_id != desk.actor.user_id,
            is_proposer=found.proposer_id == desk.actor.user_id,
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked to be done to one case."""

    session: Session
    school_id: int
    exception_id: int
    actor_id: int
    form: Mapping[str, str]

    @property
    def case(self) -> tuple[Session, int, int, int]:
        """Which case and who, as the service wants it."""
        return (self.session, self.school_id, self.exception_id, self.actor_id)

    @property
    def said(self) -> str:
        """The note."""
        return self.form.get("note", "")

    @property
    def proposal_id(self) -> int | None:
        """The proposal that was read."""
        return forms.number(self.form, "proposal")


def _propose(asked: Asked) -> object:
    return service.propose(*asked.case, resolution=forms.resolution(asked.form), said=asked.said)


def _resolve(asked: Asked) -> object:
    return service.resolve(*asked.case, resolution=forms.resolution(asked.form), said=asked.said)


DEEDS: Mapping[str, tuple[Callable[[Asked], object], str, str]] = {
    "assign": (
        lambda asked: service.assign(*asked.case, forms.assignee(asked.form, asked.actor_id)),
        "Đã giao việc.",
        "Assigned.",
    ),
    "note": (lambda asked: service.note(*asked.case, asked.said), "Đã thêm ghi chú.", "Note added."),
    "propose": (_propose, "Đã gửi đề nghị; hiệu trưởng sẽ quyết định.", "Proposed; a principal decides."),
    "approve": (
        lambda asked: service.approve(*asked.case, proposal_id=asked.proposal_id, said=asked.said),
        "Đã duyệt; ngoại lệ đã xử lý xong.",
        "Approved; the exception is resolved.",
    ),
    "reject": (
        lambda asked: service.reject(*asked.case, proposal_id=asked.proposal_id, said=asked.said),
        "Đã từ chối hoặc rút đề nghị.",
        "Rejected, or withdrawn.",
    ),
    "resolve": (_resolve, "Đã xử lý xong.", "Resolved."),
    "reopen": (lambda asked: service.reopen(*asked.case, asked.said), "Đã mở lại.", "Opened again."),
}


@blueprint.post("/<code>/exceptions/<int:exception_id>/<any(assign,note,propose,approve,reject,resolve,reopen):deed>")
def act(code: str, exception_id: int, deed: str) -> ResponseReturnValue:
    """Do one thing to one case, then show it again."""
    work, vi, en = DEEDS[deed]
    with db_session() as session:
        desk = desk_of(session, code, *ACCESS)
        work(Asked(session, desk.school_id, exception_id, desk.actor.user_id, request.form))
    flash(say(vi, en), "ok")
    page = url_for("exceptions.one", code=code, exception_id=exception_id, lang=request.args.get("lang"))
    return redirect(page, code=303)


def _alone() -> list[Resolution]:
    """The ends that one person may give to many at once."""
    known = {end for key in rules.HANDLING for end in ends_alone(key, ())}
    return [end for end in Resolution if end in known]


bulk.add_to(blueprint)
