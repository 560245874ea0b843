"""Guards of blueprints: log-in needed, and which roles; the actor of a request."""

from typing import cast

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from payments.access.rules import Actor
from payments.access.service import session_actor
from payments.errors import ForbiddenError
from payments.web.context import db_session, services
from payments.web.security import Guard


def cookie_name() -> str:
    """``__Host-`` binds the cookie to this host over HTTPS; plain HTTP is for one's own machine only."""
    return "__Host-hocphi" if services().settings.secure_cookies else "hocphi"


def staff(*roles: str) -> Guard:
    """A guard that lets people with any of the roles in, wherever they hold it; views check the school."""

    def guard() -> ResponseReturnValue | None:
        person = current_actor()
        if person is None:
            # A form cannot be sent again after the log-in: its page is where the person goes on.
            wanted = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("access.login", next=wanted), code=303)
        if not person.has(*roles):
            raise ForbiddenError
        return None

    return guard


def current_actor() -> Actor | None:
    """Who is behind this request; looked up once."""
    if "actor" not in g:
        token = request.cookies.get(cookie_name())
        with db_session() as session:
            g.actor = session_actor(session, token) if token else None
    return cast("Actor | None", g.actor)


def the_actor() -> Actor:
    """The actor of a view behind a ``staff`` guard."""
    person = current_actor()
    if person is None:
        raise ForbiddenError
    return person
