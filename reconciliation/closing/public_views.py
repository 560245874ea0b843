"""The public check of a close, where the square on its minutes leads; and the school's public keys.

It says whether the close stands, its number and its period; never an amount, never a person. What is not exactly a
close of ours looks like nothing at all.
"""

import json
from datetime import timedelta

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from payments.errors import NotFoundError
from payments.schools.models import School
from payments.throttle.rules import Limit
from payments.web.context import db_session
from payments.web.security import Open
from payments.web.visitors import limit_visitor
from reconciliation.closing import chain, keys
from reconciliation.closing.papers import JSON

blueprint = Blueprint("closing_checks", __name__, url_prefix="/verify/closing", template_folder="templates")
ACCESS = Open.PUBLIC
CHECKS = Limit("verify.closing", 60, timedelta(minutes=10))
"""Closes and keys that one network may ask for."""


@blueprint.get("/<code>/<int:number>/<sha256>")
def check(code: str, number: int, sha256: str) -> ResponseReturnValue:
    """What the school says about the close with this number and hash. Raises TooManyTriesError."""
    limit_visitor(CHECKS)
    with db_session() as session:
        school_id = session.scalar(select(School.id).where(School.code == code))
        try:
            link = chain.link(session, school_id or 0, number)
        except NotFoundError:
            link = None
        standing = {one.sequence for one in chain.standing(session, school_id or 0)}
        if link is None or link.sha256.hex() != sha256 or link.signature is None:
            return render_template("closing/check.html", verdict="unknown", said=None), 404
        verdict = "reopening" if link.kind == "reopen" else "valid" if link.sequence in standing else "superseded"
        return render_template("closing/check.html", verdict=verdict, said=json.loads(link.document), link=link)


@blueprint.get("/keys/<code>.json")
def public_keys(code: str) -> Response:
    """The school's public keys, for ``hocphi reconcile verify --keys``. Raises NotFoundError, TooManyTriesError."""
    limit_visitor(CHECKS)
    with db_session() as session:
        school_id = session.scalar(select(School.id).where(School.code == code))
        if school_id is None or not keys.all_keys(session, school_id):
            raise NotFoundError
        return Response(keys.published(session, school_id, code), mimetype=JSON)
