"""How children come onto one page, and leave it. Holding both links is the proof; nothing is joined by itself."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from payments import clock
from payments.errors import DomainError
from payments.portal import families, together
from payments.portal.rules import UnknownLinkError, token_in
from payments.portal.views import checked_token
from payments.web.context import db_session, language, services
from payments.web.security import Open

blueprint = Blueprint("family", __name__, template_folder="templates")
ACCESS = Open.PUBLIC

MOST_PASTED = 2000
NO_LINK = DomainError(
    "no_link",
    "Vui lòng dán nguyên đường dẫn của con còn lại (dạng https://…/p/…).",
    "Please paste the whole link of the other child (like https://…/p/…).",
)


@blueprint.get("/p/<token>/family")
def form(token: str) -> ResponseReturnValue:
    """Where a parent pastes the link of another child."""
    return _form(token)


@blueprint.post("/p/<token>/family")
def join(token: str) -> ResponseReturnValue:
    """Put the children of both links on one page, whose link is shown once more to be kept."""
    other = token_in(request.form.get("link", "")[:MOST_PASTED])
    if other is None:
        return _form(token, NO_LINK), NO_LINK.status
    try:
        with db_session() as session:
            made = families.join(session, services().settings.link_keys, checked_token(token), other)
    except UnknownLinkError:
        raise
    except DomainError as error:
        return _form(token, error), error.status
    return _to_page(made, "new")


@blueprint.post("/p/<token>/family/leave")
def leave(token: str) -> ResponseReturnValue:
    """Take a child off the page; its own link stays as it is."""
    with db_session() as session:
        home = families.family_of(session, checked_token(token), clock.now())
        if home is None:
            raise UnknownLinkError
        families.leave(session, home, request.form.get("child", ""))
    return _to_page(token)


def _form(token: str, problem: DomainError | None = None) -> str:
    with db_session() as session:
        home = together.home_of(session, checked_token(token), clock.now())
    if home is None:
        raise UnknownLinkError
    return render_template("portal/family_form.html", token=token, home=home, problem=problem)


def _to_page(token: str, *flags: str) -> ResponseReturnValue:
    asked = [*flags, *(["lang=en"] if language() == "en" else [])]
    address = url_for("portal.page", token=token)
    return redirect(f"{address}?{'&'.join(asked)}" if asked else address, 303)
