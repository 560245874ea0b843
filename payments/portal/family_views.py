"""How children come onto one page, and leave it. Holding both links is the proof; nothing is joined by itself.

Changes are counted in the transaction that makes them: what is refused leaves no row, also none of the count.
"""

from datetime import timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.errors import DomainError, TooManyTriesError
from payments.portal import families, together
from payments.portal.families import Home
from payments.portal.rules import UnknownLinkError, token_in
from payments.portal.views import checked_token
from payments.throttle.rules import Limit
from payments.throttle.service import limit
from payments.web.context import db_session, language, services
from payments.web.security import Open

blueprint = Blueprint("family", __name__, template_folder="templates")
ACCESS = Open.PUBLIC

MOST_PASTED = 2000
CHANGES = Limit("family.changes", 20, timedelta(days=1))
"""Of one link: each makes rows, and joining and leaving in turn would make them without end."""


@blueprint.get("/p/<token>/family")
def form(token: str) -> ResponseReturnValue:
    """Where a parent pastes the link of another child."""
    return _form(token)


@blueprint.post("/p/<token>/family")
def join(token: str) -> ResponseReturnValue:
    """Put the children of both links on one page, whose link is shown once more to be kept."""
    try:
        with db_session() as session:
            _home(session, token)  # before what was pasted is judged: a dead link is told the same on every route
            other = _pasted()
            limit(session, services().cipher, CHANGES, token)
            made = families.join(session, services().settings.link_keys, token, other)
    except (UnknownLinkError, TooManyTriesError):
        raise
    except DomainError as error:
        return _form(token, error), error.status
    return _to_page(made, "new")


@blueprint.post("/p/<token>/family/leave")
def leave(token: str) -> ResponseReturnValue:
    """Take a child off the page; its own link stays as it is."""
    with db_session() as session:
        home = _home(session, token)
        limit(session, services().cipher, CHANGES, token)
        families.leave(session, home, request.form.get("child", ""))
    return _to_page(token)


def _pasted() -> str:
    """The token in what was pasted. Raises DomainError ``no_link``."""
    token = token_in(request.form.get("link", "")[:MOST_PASTED])
    if token is None:
        raise DomainError(
            "no_link",
            "Vui lòng dán nguyên đường dẫn của con còn lại (dạng https://…/p/…).",
            "Please paste the whole link of the other child (like https://…/p/…).",
        )
    return token


def _home(session: Session, token: str) -> Home:
    home = together.home_of(session, checked_token(token), clock.now())
    if home is None:
        raise UnknownLinkError
    return home


def _form(token: str, problem: DomainError | None = None) -> str:
    with db_session() as session:
        home = _home(session, token)
    return render_template("portal/family_form.html", token=token, home=home, problem=problem)


def _to_page(token: str, *flags: str) -> ResponseReturnValue:
    asked = [*flags, *(["lang=en"] if language() == "en" else [])]
    address = url_for("portal.page", token=token)
    return redirect(f"{address}?{'&'.join(asked)}" if asked else address, 303)
