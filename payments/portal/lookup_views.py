"""Finding a notice without a link. A right answer opens a page for a quarter of an hour, never the child's own link.

The ticket travels in a cookie, not in the address: on a shared computer the history keeps nothing that opens anything.
"""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from payments import clock
from payments.errors import NotFoundError, TooManyTriesError
from payments.portal import lookup, queries
from payments.portal.asking import NETWORK, Asked, code_is_closed, network_is_tired, read_asked
from payments.portal.pictures import picture_of
from payments.portal.rules import veiled_name
from payments.portal.showing import asked_of
from payments.throttle.service import give_back, take
from payments.web.context import db_session, language, services
from payments.web.security import Open
from payments.web.visitors import visitor

blueprint = Blueprint("lookup", __name__, template_folder="templates")
ACCESS = Open.PUBLIC


def cookie_name() -> str:
    """``__Host-`` binds the cookie to this host over HTTPS."""
    return "__Host-hocphi_lookup" if services().settings.secure_cookies else "hocphi_lookup"


@blueprint.get("/lookup")
def english() -> ResponseReturnValue:
    """The page's English name leads to its one address."""
    return redirect(url_for("lookup.ask", lang="en"), 301)


@blueprint.get("/tra-cuu")
def ask() -> ResponseReturnValue:
    """The form: code and date of birth."""
    return render_template("portal/lookup.html", problem=None)


@blueprint.post("/tra-cuu")
def answer() -> ResponseReturnValue:
    """Both facts right: on to the page. Anything else, or a closed code: one answer. Raises TooManyTriesError."""
    asked = read_asked(request.form.get("code", ""), request.form.get("born", ""))
    if asked is None:
        return render_template("portal/lookup.html", problem="unreadable"), 400
    found = _found(asked)
    if not found:
        return render_template("portal/lookup.html", problem="not_found"), 404
    seen = redirect(_here("lookup.show"), 303)
    seen.set_cookie(
        cookie_name(),
        lookup.ticket(services().cipher, found),
        max_age=lookup.TICKET_FOR,
        httponly=True,
        samesite="Lax",
        secure=services().settings.secure_cookies,
        path="/",
    )
    return seen


@blueprint.get("/tra-cuu/ket-qua")
def show() -> ResponseReturnValue:
    """What is due, with every way to pay it; names are shortened, receipts and what was paid long ago stay away."""
    found = _held()
    if not found:
        return redirect(_here("lookup.ask"), 303)
    with db_session() as session:
        seen = [(who, queries.dues(session, who)) for who in lookup.holders(session, found)]
    return render_template(
        "portal/looked_up.html",
        seen=[(who, [due for due in dues if due.open_vnd > 0]) for who, dues in seen],
        veiled=veiled_name,
        asked_of=asked_of,
        today=clock.today(),
        minutes=lookup.TICKET_FOR.seconds // 60,
    )


@blueprint.get("/tra-cuu/qr/<int:invoice_id>.<kind>")
def picture(invoice_id: int, kind: str) -> ResponseReturnValue:
    """The QR of an open invoice that the ticket shows; its reference stays out of the address. Raises NotFoundError."""
    with db_session() as session:
        dues = [due for who in lookup.holders(session, _held()) for due in queries.dues(session, who)]
    due = next((due for due in dues if due.invoice_id == invoice_id), None)
    payable = None if due is None else asked_of(due)
    if payable is None:
        raise NotFoundError
    return picture_of(payable, kind)


@blueprint.post("/tra-cuu/xong")
def done() -> ResponseReturnValue:
    """Forget the ticket on this computer."""
    left = redirect(_here("lookup.ask"), 303)
    left.delete_cookie(cookie_name(), path="/", secure=services().settings.secure_cookies, httponly=True)
    return left


def _found(asked: Asked) -> list[lookup.Who]:
    tries = asked.tries(visitor())
    with db_session() as session:
        full = take(session, services().cipher, tries)
    if network_is_tired(full):
        raise TooManyTriesError(NETWORK.share)
    with db_session() as session:
        found = lookup.find(session, asked)
        if found and not code_is_closed(full):
            give_back(session, services().cipher, tries, full)
            return found
    return []


def _held() -> list[lookup.Who]:
    return lookup.holds(services().cipher, request.cookies.get(cookie_name(), ""))


def _here(endpoint: str) -> str:
    return url_for(endpoint, lang="en") if language() == "en" else url_for(endpoint)
