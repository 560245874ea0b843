"""The pages of closes at the desk: the month, the form to sign, the history with its papers, and reopenings.

The accountant signs; the principal may sign too, and alone approves a reopening that somebody else proposed.
"""

import base64
import binascii
import io
from datetime import date

from flask import Blueprint, Response, flash, redirect, render_template, request, send_file, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.access.queries import actor
from payments.console.desk import Desk, desk_of
from payments.errors import DomainError
from payments.web.context import db_session, language, row_id, say, services
from reconciliation import words
from reconciliation.balances import DAY
from reconciliation.closing import chain, document, papers, queries, reopening, service
from reconciliation.closing import words as closing_words
from reconciliation.closing.gathering import month_of
from reconciliation.closing.minutes import amount

blueprint = Blueprint("closing", __name__, url_prefix="/console", template_folder="templates")
ACCESS = ("accountant", "principal")
ODD_SHOWN = 200
MAX_SIGNATURE_BYTES = 64 * 1024


@blueprint.record_once
def add_link(state: BlueprintSetupState) -> None:
    """Stand in the navigation of the desk."""
    names = state.app.jinja_env.globals
    known = names.get("desk_links")
    link = ("Khóa sổ", "Closing", "closing.overview")
    names["desk_links"] = [*known, link] if isinstance(known, list) else [link]


@blueprint.get("/<code>/closing/")
def overview(code: str) -> ResponseReturnValue:
    """The month account by account, what can be closed, and the history."""
    with db_session() as session:
        desk = desk_of(session, code)
        proposals = queries.proposals(session, desk.school_id)
        of = _day(request.args.get("month", "") + "-01") or next(iter(proposals), clock.today() - DAY)
        first, last = month_of(of)
        entries, older = queries.history(session, desk.school_id, request.args.get("before", type=row_id))
        return render_template(
            "closing/overview.html",
            desk=desk,
            first=first,
            before=first - DAY,
            after=last + DAY if last < clock.today() else None,
            accounts=queries.month(session, desk.school_id, of),
            proposals=proposals,
            through=chain.head(session, desk.school_id).through,
            entries=entries,
            older=older,
            pending=_pending(session, desk),
            words=words,
            closing=closing_words,
        )


@blueprint.get("/<code>/closing/new")
def new(code: str) -> ResponseReturnValue:
    """What would be signed through a day, and what stands in the way."""
    through = _day(request.args.get("through", ""))
    with db_session() as session:
        desk = desk_of(session, code)
        if through is None:
            return redirect(url_for("closing.overview", code=code), code=303)
        return _form(session, desk, through)


@blueprint.post("/<code>/closing/prepare")
def prepare(code: str) -> ResponseReturnValue:
    """Bring the figures up to date, so that what is shown next is what is signed."""
    through = _day(request.form.get("through", ""))
    with db_session() as session:
        desk = desk_of(session, code)
    if through is None:
        return redirect(url_for("closing.overview", code=code), code=303)
    try:
        with db_session() as session:
            service.prepare(session, desk.school_id, through)
    except DomainError:
        pass  # The form says what stands in the way.
    english = "en" if language() == "en" else None
    return redirect(url_for("closing.new", code=code, through=through.isoformat(), lang=english), code=303)


@blueprint.post("/<code>/closing/new")
def sign(code: str) -> ResponseReturnValue:
    """Sign, with the note on what is open and the figures that were seen."""
    through = _day(request.form.get("through", ""))
    with db_session() as session:
        desk = desk_of(session, code)
    if through is None:
        raise DomainError("bad_day", "Hãy chọn ngày cuối của kỳ.", "Choose the last day of the period.")
    note = request.form.get("note", "") if request.form.get("known") == "1" else ""
    try:
        with db_session() as session:
            wanted = service.Request(
                desk.actor.user_id, note, request.form.get("seen", ""), services().settings.base_url
            )
            link = service.close_period(session, services().cipher, desk.school_id, through, wanted)
    except DomainError as error:
        return _again(code, through, error), error.status
    flash(say(f"Đã ký khóa sổ số {link.sequence}.", f"Signed as close number {link.sequence}."), "ok")
    return redirect(url_for("closing.overview", code=code), code=303)


@blueprint.get("/<code>/closing/<int:number>.pdf")
def paper_pdf(code: str, number: int) -> Response:
    """The minutes, the same bytes every time."""
    return _paper(code, number, "pdf")


@blueprint.get("/<code>/closing/<int:number>.xlsx")
def paper_xlsx(code: str, number: int) -> Response:
    """Minutes, exceptions and runs as a workbook, the same bytes every time."""
    return _paper(code, number, "xlsx")


@blueprint.get("/<code>/closing/<int:number>.json")
def paper_json(code: str, number: int) -> Response:
    """The signed file, the same bytes every time."""
    return _paper(code, number, "json")


@blueprint.get("/<code>/closing/<int:number>/to-be-signed")
def to_be_signed(code: str, number: int) -> Response:
    """The very bytes that the school's own certificate signs elsewhere."""
    with db_session() as session:
        desk = desk_of(session, code)
        data = chain.link(session, desk.school_id, number).document
    return send_file(
        io.BytesIO(data), mimetype=papers.JSON, as_attachment=True, download_name=f"can-ky-{code}-{number}.json"
    )


@blueprint.post("/<code>/closing/<int:number>/signature")
def add_signature(code: str, number: int) -> ResponseReturnValue:
    """Take a signature that was made elsewhere, with its certificate."""
    with db_session() as session:
        desk = desk_of(session, code)
        given = [_file(name) for name in ("certificate", "signature")]
        added = service.add_signature(session, desk.school_id, number, (given[0], _raw(given[1])), desk.actor.user_id)
    flash(say(f"Đã thêm chữ ký {added.algorithm}.", f"Added: {added.algorithm}."), "ok")
    return redirect(url_for("closing.overview", code=code), code=303)


@blueprint.post("/<code>/closing/<int:number>/reopen")
def propose(code: str, number: int) -> ResponseReturnValue:
    """Ask the principal to reopen a close and what follows it."""
    with db_session() as session:
        desk = desk_of(session, code)
        reason = request.form.get("reason", "")
        reopening.propose_reopening(session, desk.school_id, number, actor_id=desk.actor.user_id, reason=reason)
    flash(say("Đã đề nghị, chờ hiệu trưởng duyệt.", "Proposed; the principal must approve it."), "ok")
    return redirect(url_for("closing.overview", code=code), code=303)


@blueprint.post("/<code>/closing/reopen/decide")
def decide(code: str) -> ResponseReturnValue:
    """The principal approves or refuses."""
    proposal = request.form.get("proposal", type=row_id) or 0
    with db_session() as session:
        desk = desk_of(session, code, "principal")
        if request.form.get("approved") == "1":
            reopening.approve_reopening(
                session,
                services().cipher,
                desk.school_id,
                proposal,
                actor_id=desk.actor.user_id,
                base_url=services().settings.base_url,
            )
            flash(say("Đã mở lại kỳ; hãy đối chiếu rồi ký lại.", "Reopened; reconcile, then sign again."), "ok")
        else:
            reopening.refuse_reopening(session, desk.school_id, proposal, actor_id=desk.actor.user_id)
            flash(say("Đã từ chối; kỳ vẫn khóa.", "Refused; the period stays closed."), "ok")
    return redirect(url_for("closing.overview", code=code), code=303)


def _paper(code: str, number: int, kind: str) -> Response:
    with db_session() as session:
        desk = desk_of(session, code)
        link = chain.link(session, desk.school_id, number)
        data = papers.write(session, services().cipher, link, kind)
        name = papers.name(link, desk.code, kind)
    return send_file(io.BytesIO(data), mimetype=papers.KINDS[kind], as_attachment=True, download_name=name)


def _again(code: str, through: date, refusal: DomainError) -> str:
    """The form once more; where figures changed, with the runs made again so that they can be seen."""
    with db_session() as session:
        desk = desk_of(session, code)
        if refusal.code == "figures_changed":
            service.prepare(session, desk.school_id, through)
        return _form(session, desk, through, refusal)


def _form(session: Session, desk: Desk, through: date, refusal: DomainError | None = None) -> str:
    found = None
    try:
        found = queries.draft(session, desk.school_id, through)
    except DomainError as error:
        refusal = refusal or error
    return render_template(
        "closing/sign.html",
        desk=desk,
        through=through,
        draft=found,
        seen=document.fingerprint(found) if found else "",
        odd=found.odd[:ODD_SHOWN] if found else (),
        refusal=refusal,
        words=words,
        closing=closing_words,
        amount=amount,
    )


def _pending(session: Session, desk: Desk) -> dict[str, object] | None:
    """The reopening that waits, and whether this person may decide on it."""
    question = reopening.pending(session, desk.school_id)
    if question is None:
        return None
    person = actor(session, question.proposed_by, clock.today())
    return {
        "id": question.id,
        "sequence": question.payload["sequence"],
        "reason": question.payload["reason"],
        "name": person.full_name if person else "",
        "at": question.proposed_at,
        "mine": question.proposed_by == desk.actor.user_id,
    }


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _file(name: str) -> bytes:
    """Raises DomainError ``no_file``."""
    file = request.files.get(name)
    data = file.stream.read(MAX_SIGNATURE_BYTES) if file else b""
    if not data:
        raise DomainError("no_file", "Hãy chọn chứng thư số và tệp chữ ký.", "Choose certificate and signature.")
    return data


def _raw(signature: bytes) -> bytes:
    """Signature files are raw bytes or base64 of them."""
    try:
        return base64.b64decode(b"".join(signature.split()), validate=True)
    except (binascii.Error, ValueError):
        return signature
