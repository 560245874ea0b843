"""Several items in one transfer: choose them, and see the QR of each receiving account until all of it is paid.

A choice is made by a form (its token is the cookie of this page); the address that it leads to can be kept, printed and
opened again: it shows what is open at that moment.
"""

import hashlib

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.errors import NotFoundError
from payments.portal import together
from payments.portal.bank_apps import offers
from payments.portal.families import Home
from payments.portal.pictures import picture_of
from payments.portal.rules import UnknownLinkError
from payments.portal.together import Step
from payments.portal.views import checked_token
from payments.schools.queries import bank_apps_on
from payments.web.context import db_session, language
from payments.web.security import Open

blueprint = Blueprint("together", __name__, template_folder="templates")
ACCESS = Open.PUBLIC


@blueprint.get("/p/<token>/together")
def choice(token: str) -> ResponseReturnValue:
    """All open items with a box each; voluntary ones are never chosen beforehand."""
    with db_session() as session:
        home = _home(session, token)
        items = together.items_of(session, home)
    return render_template(
        "portal/choose.html",
        token=token,
        home=home,
        groups=together.by_account(items),
        today=clock.today(),
    )


@blueprint.post("/p/<token>/together")
def choose(token: str) -> ResponseReturnValue:
    """Make the codes that pay the chosen items, or find those of the same choice."""
    with db_session() as session:
        home = _home(session, token)
        name = together.choose(session, home, request.form.getlist("item"))
    address = url_for("together.show", token=token, name=name)
    return redirect(f"{address}?lang=en" if language() == "en" else address, 303)


@blueprint.get("/p/<token>/together/<name>")
def show(token: str, name: str) -> ResponseReturnValue:
    """Step by step, one receiving account each: what to pay, for what, and whether it has arrived."""
    with db_session() as session:
        home = _home(session, token)
        steps = together.steps(session, home, name)
        schools = {child.who.school_id for child in home.children}
        apps_on = {school_id: bank_apps_on(session, school_id) for school_id in schools}
    return render_template(
        "portal/together.html",
        token=token,
        name=name,
        home=home,
        steps=steps,
        offers=offers,
        apps_on=apps_on,
        version=_version(steps),
        now=clock.now().astimezone(clock.VIETNAM),
    )


@blueprint.get("/p/<token>/together/<name>/status")
def status(token: str, name: str) -> ResponseReturnValue:
    """What the waiting page polls: a version that changes when something arrives (304 when unchanged)."""
    with db_session() as session:
        version = _version(together.steps(session, _home(session, token), name))
    answer = Response(f'{{"version":"{version}"}}', mimetype="application/json")
    answer.set_etag(version)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request)


@blueprint.get("/p/<token>/together/<name>/qr.<kind>")
def picture(token: str, name: str, kind: str) -> ResponseReturnValue:
    """The QR of one step, for what is still open of it."""
    with db_session() as session:
        steps = together.steps(session, _home(session, token), name)
    if len(steps) != 1 or steps[0].open_vnd == 0 or steps[0].is_closed:
        raise NotFoundError
    return picture_of(steps[0].payable, kind)


def _home(session: Session, token: str) -> Home:
    home = together.home_of(session, checked_token(token), clock.now())
    if home is None:
        raise UnknownLinkError
    return home


def _version(steps: list[Step]) -> str:
    """Which invoices there are, how much of each is paid, and whether its round is closed."""
    seen = [
        (step.reference, [(item.due.reference, item.due.paid_vnd, item.due.round_closed) for item in step.items])
        for step in steps
    ]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]
