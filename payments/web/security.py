"""Headers, CSRF and the rule that every blueprint says who may enter; whatever says nothing is closed."""

import enum
from collections.abc import Callable

from flask import Blueprint, Flask, abort, current_app, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from payments.settings import Settings
from payments.web.context import MAX_ID

Guard = Callable[[], ResponseReturnValue | None]
"""Answers instead of the view when the visitor may not enter; None lets the request pass."""

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "X-Robots-Tag": "noindex, nofollow",
}
STRICT_TRANSPORT = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")

OUR_PAGES = frozenset({"same-origin", "none"})
"""What a browser writes into Sec-Fetch-Site when a form was sent from our own page, or typed by a person."""

csrf = CSRFProtect()
GUARDS = "hocphi guards"


class Open(enum.Enum):
    """For blueprints that need no log-in."""

    PUBLIC = "public"


def install(app: Flask, settings: Settings) -> None:
    """Put headers on every answer and CSRF tokens on every form."""
    app.config.update(
        WTF_CSRF_TIME_LIMIT=None,
        # Our pages send no referrer, lest a parent's link travel: over HTTPS this check would refuse every form.
        WTF_CSRF_SSL_STRICT=False,
        SESSION_COOKIE_NAME="__Host-hocphi_form" if settings.secure_cookies else "hocphi_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
    )
    csrf.init_app(app)
    app.before_request(_refuse_forms_of_others)
    app.before_request(_refuse_what_nobody_types)
    app.before_request(_ask_the_guard)
    app.after_request(_with_headers)


def admit(app: Flask, blueprint: Blueprint, guard: Guard | Open) -> None:
    """Register a blueprint together with who may enter it (checked after CSRF, before the view)."""
    app.register_blueprint(blueprint)
    app.extensions.setdefault(GUARDS, {})[blueprint.name] = guard


def _refuse_forms_of_others() -> None:
    """A form that the browser itself says came from another site, whatever token it carries."""
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "same-origin") not in OUR_PAGES:
        abort(403)


def _refuse_what_nobody_types() -> None:
    """A NUL, which the database cannot keep, is a bad request; a number that no row can have is no such page."""
    names = (file.filename or "" for file in request.files.values())
    if any("\x00" in text for text in (request.path, *request.args.values(), *request.form.values(), *names)):
        abort(400)
    if any(isinstance(part, int) and part > MAX_ID for part in (request.view_args or {}).values()):
        abort(404)


def _ask_the_guard() -> ResponseReturnValue | None:
    if request.endpoint in {None, "static"}:
        return None
    guard = current_app.extensions.get(GUARDS, {}).get(request.blueprint)
    if guard is None:
        abort(404)
    return None if isinstance(guard, Open) else guard()


def _with_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    # «no-cache» alone is what send_file writes: a browser may keep the file, and ours hold names, links and money.
    if request.endpoint != "static" and response.headers.get("Cache-Control", "no-cache") == "no-cache":
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure:
        response.headers.setdefault(*STRICT_TRANSPORT)
    return response
