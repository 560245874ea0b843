"""The form «Tôi đã chuyển»: on a page of its own, so that the notice itself needs no cookie.

The answer to a claim is one and the same whether such a transfer exists, waits or was credited to somebody: it leads to
a page that says that the claim was taken, and nothing else.
"""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from payments import clock
from payments.errors import DomainError
from payments.payer_claims import service
from payments.payer_claims.rules import MAX_TYPED, read_amount, read_day, read_reference
from payments.portal import queries
from payments.portal.rules import shown_name
from payments.portal.views import checked_token, known_holder
from payments.web.context import db_session, language, row_id
from payments.web.security import Open

blueprint = Blueprint("claims", __name__, template_folder="templates")
ACCESS = Open.PUBLIC


@blueprint.get("/p/<token>/claims")
def form(token: str) -> ResponseReturnValue:
    """The form; ``?told``: the same page after a claim, whatever became of it."""
    return _page(token)


@blueprint.post("/p/<token>/claims")
def claim(token: str) -> ResponseReturnValue:
    """Take the bank's number of a transfer. Nothing about money is read, and none is moved."""
    try:
        with db_session() as session:
            who = known_holder(session, checked_token(token))
            service.claim(
                session,
                who.school_id,
                who.pupil_id,
                read_reference(request.form.get("bank_reference", "")),
                invoice_id=_invoice_id(),
                amount_vnd=read_amount(request.form.get("amount", "")),
                paid_on=read_day(request.form.get("paid_on", ""), clock.today()),
            )
    except DomainError as error:
        if error.status == 404:
            raise
        return _page(token, error), error.status
    return redirect(url_for("claims.form", token=token, told=1, lang="en" if language() == "en" else None), 303)


def _page(token: str, problem: DomainError | None = None) -> str:
    with db_session() as session:
        who = known_holder(session, checked_token(token))
        dues = [due for due in queries.dues(session, who) if due.open_vnd > 0]
    return render_template(
        "portal/claim.html",
        token=token,
        who=who,
        name=shown_name(who.full_name),
        dues=dues,
        problem=problem,
        told="told" in request.args and problem is None,
        typed=request.form,
        max_typed=MAX_TYPED,
        today=clock.today(),
    )


def _invoice_id() -> int | None:
    """The chosen invoice; empty: not said. Raises DomainError ``bad_choice``."""
    chosen = request.form.get("invoice", "")
    if not chosen:
        return None
    try:
        return row_id(chosen)
    except ValueError:
        raise DomainError("bad_choice", "Hãy chọn một khoản trong danh sách.", "Choose one of the list.") from None
