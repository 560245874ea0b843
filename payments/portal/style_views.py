"""One style sheet for the parent's page: every request more is a round trip of a slow network."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue

from payments.web.security import Open

blueprint = Blueprint("portal_styles", __name__)
ACCESS = Open.PUBLIC
SHEETS = ("hocphi.css", "pay.css")


@blueprint.get("/p.css")
def sheet() -> ResponseReturnValue:
    """Tokens and components, then what only the parent's page has."""
    text, tag = _joined(current_app.static_folder or "")
    answer = Response(text, mimetype="text/css")
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = "public, no-cache"
    return answer.make_conditional(request)


@cache
def _joined(folder: str) -> tuple[str, str]:
    text = "\n".join((Path(folder) / name).read_text(encoding="utf-8") for name in SHEETS)
    return text, hashlib.sha256(text.encode()).hexdigest()[:16]
