"""Log-in and log-out."""

from urllib.parse import urlsplit

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from payments.access.guards import cookie_name, current_actor
from payments.access.service import LoginRefusedError, TooManyTriesError, log_in, log_out
from payments.web.context import db_session, services
from payments.web.security import Open

blueprint = Blueprint("access", __name__, template_folder="templates")
ACCESS = Open.PUBLIC
DESK = "/console/"
DEVELOPERS = "/developers/"


@blueprint.get("/")
def front() -> ResponseReturnValue:
    """The first page: staff go on to their desk, parents learn that they need their own link."""
    person = current_actor()
    if person is None:
        return render_template("access/front.html")
    only_engineer = person.has("engineer") and not person.has("accountant", "principal", "officer", "operator")
    return redirect(DEVELOPERS if only_engineer else DESK, code=303)


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """The form."""
    if current_actor() is not None:
        return redirect(_next(), code=303)
    return render_template("access/login.html", refused=None, next=_next())


@blueprint.post("/login")
def try_login() -> ResponseReturnValue:
    """Open a session, or say no in the same words for every reason."""
    try:
        token = _opened()
    except (LoginRefusedError, TooManyTriesError) as refused:
        return render_template("access/login.html", refused=refused, next=_next()), refused.status
    response = make_response(redirect(_next(), code=303))
    response.set_cookie(
        cookie_name(), token, httponly=True, samesite="Lax", secure=services().settings.secure_cookies, path="/"
    )
    return response


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session here and in the table."""
    with db_session() as session:
        log_out(session, request.cookies.get(cookie_name(), ""))
    response = make_response(redirect(url_for("access.login"), code=303))
    response.delete_cookie(cookie_name(), path="/", secure=services().settings.secure_cookies)
    return response


def _opened() -> str:
    """The token of a new session; the refusal is raised after the commit, which keeps the attempt and the lock."""
    with db_session() as session:
        token = log_in(
            session,
            username=request.form.get("username", ""),
            password=request.form.get("password", ""),
            remote_addr=request.remote_addr,
        )
    if token is None:
        raise LoginRefusedError
    return token


def _next() -> str:
    """Where to go after the log-in: a path of ours only, never another host."""
    wanted = request.values.get("next", "/")
    parts = urlsplit(wanted)
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return wanted if ours and wanted != "/login" else "/"
