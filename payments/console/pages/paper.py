"""Paper of a round: a class at once as a file, the whole school as a job that goes on without its page; the poster."""

import io

from flask import Blueprint, Response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.console import queries
from payments.console.desk import Desk, desk_of
from payments.errors import DomainError, NotFoundError
from payments.paper import queries as paper
from payments.paper import service
from payments.paper.document import Paper, join
from payments.paper.rules import Kind
from payments.paper.service import Links
from payments.web.context import db_session, row_id, services


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/paper/", "paper", choose)
    blueprint.add_url_rule("/<code>/paper/class", "print_class", print_class, methods=["POST"])
    blueprint.add_url_rule("/<code>/paper/school", "print_school", print_school, methods=["POST"])
    blueprint.add_url_rule("/<code>/paper/poster", "print_poster", print_poster, methods=["POST"])
    blueprint.add_url_rule("/<code>/paper/<int:job_id>.pdf", "print_file", print_file)


def choose(code: str) -> ResponseReturnValue:
    """Rounds that are out, the classes of the chosen one with what each needs, and the prints of the last day."""
    with db_session() as session:
        desk = desk_of(session, code)
        return _page(session, desk, request.args.get("round", type=row_id))


def print_class(code: str) -> ResponseReturnValue:
    """One class, or one pupil, as a file."""
    with db_session() as session:
        desk = desk_of(session, code)
        round_id, kind = _round_id(), _kind()
        try:
            wanted = service.order(
                session,
                desk.school_id,
                round_id,
                kind,
                class_id=request.form.get("class", type=row_id),
                pupil_id=request.form.get("pupil", type=row_id),
            )
        except DomainError as error:
            return _page(session, desk, round_id, error), error.status
        if len(wanted.rooms) > 1:
            raise NotFoundError
        service.note_printing(session, wanted, desk.actor.user_id)
        pdf = join(part.pdf for part in service.print_parts(session, _links(), wanted))
    return _file(pdf, f"{_WORDS[kind]}-{wanted.round.code}-{wanted.rooms[0].name or 'chua-xep-lop'}.pdf")


def print_school(code: str) -> ResponseReturnValue:
    """All classes of a round: left to a worker."""
    with db_session() as session:
        desk = desk_of(session, code)
        round_id = _round_id()
        try:
            wanted = service.order(session, desk.school_id, round_id, _kind())
        except DomainError as error:
            return _page(session, desk, round_id, error), error.status
        service.request_print(session, wanted, desk.actor.user_id)
    return redirect(f"{url_for('console.paper', code=code, round=round_id)}#prints", 303)


def print_poster(code: str) -> ResponseReturnValue:
    """The poster of the school's accounts."""
    with db_session() as session:
        desk = desk_of(session, code)
        paper_size: Paper = "a3" if request.form.get("paper") == "a3" else "a4"
        try:
            pdf = service.poster(session, desk.school_id, services().settings.base_url, paper_size)
        except DomainError as error:
            return _page(session, desk, None, error), error.status
    return _file(pdf, f"tai-khoan-{desk.code}-{paper_size}.pdf")


def print_file(code: str, job_id: int) -> ResponseReturnValue:
    """The file of a finished job, for a day; who fetches it is written down."""
    with db_session() as session:
        desk = desk_of(session, code)
        job, pdf = service.open_file(session, services().cipher, desk.school_id, job_id)
        record(
            session,
            desk.actor.user_id,
            "paper.fetched",
            subject_kind="print_job",
            subject_id=job.id,
            school_id=desk.school_id,
            detail={"kind": job.kind.value, "round_id": job.round_id, "slips": job.slips_done},
        )
        name = f"{_WORDS[job.kind]}-{desk.code}-{job.round_id}.pdf"
    return _file(pdf, name)


_WORDS = {Kind.SLIPS: "thong-bao-thu-tien", Kind.SHEETS: "to-cua-lop"}


def _page(session: Session, desk: Desk, round_id: int | None, refusal: DomainError | None = None) -> str:
    out = [row for row in queries.rounds(session, desk.school_id) if row["state"] == "issued"]
    chosen = next((row for row in out if row["id"] == round_id), out[0] if out else None)
    prints = service.jobs(session, desk.school_id)
    return render_template(
        "console/paper.html",
        desk=desk,
        rounds=out,
        chosen=chosen,
        rooms=paper.rooms(session, desk.school_id, chosen["id"]) if chosen else [],
        prints=prints,
        round_names={row["id"]: row["name"] for row in queries.rounds(session, desk.school_id)},
        accounts=len(paper.accounts(session, desk.school_id, clock.now())),
        refusal=refusal,
        running=any(job.finished_at is None for job in prints),
    )


def _round_id() -> int:
    found = request.form.get("round", type=row_id)
    if found is None:
        raise NotFoundError
    return found


def _kind() -> Kind:
    return Kind.SHEETS if request.form.get("kind") == Kind.SHEETS else Kind.SLIPS


def _links() -> Links:
    return Links(services().settings.link_keys, services().settings.base_url)


def _file(pdf: bytes, name: str) -> Response:
    """Named so that it can be a header and a file: «Chồi 1» is no Latin-1, «1/2» would be a folder."""
    plain = " ".join(name.replace("/", "-").replace("\\", "-").split())
    return send_file(io.BytesIO(pdf), mimetype="application/pdf", as_attachment=True, download_name=plain)
