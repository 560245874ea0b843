"""The public check of a receipt: by the code on it, or of the file itself. Says date, amount and school, never a child.

A code that nobody was given and a file that we did not write look like nothing at all: no cause is told apart.
"""

from datetime import timedelta
from typing import Literal

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from payments.receipts import keys, queries, signing
from payments.receipts.queries import CODE, ReceiptRow
from payments.throttle.rules import Limit
from payments.web.context import db_session
from payments.web.security import Open
from payments.web.visitors import limit_visitor

blueprint = Blueprint("receipts", __name__, template_folder="templates")
ACCESS = Open.PUBLIC

CODES = Limit("verify.code", 120, timedelta(minutes=10))
"""Codes that one network may check: a code has 120 bits, this only spares the database."""
FILES = Limit("verify.file", 30, timedelta(minutes=10))
MAX_FILE_BYTES = 2 * 1024 * 1024
Verdict = Literal["valid", "revoked", "altered", "unknown"]


@blueprint.get("/verify")
def ask() -> ResponseReturnValue:
    """A form for the code or the file; a typed code leads to its own address."""
    code = request.args.get("code", "").strip()
    if CODE.fullmatch(code):
        return redirect(url_for("receipts.by_code", code=code), 303)
    return _told("unknown" if code else None, None)


@blueprint.get("/verify/<code>")
def by_code(code: str) -> ResponseReturnValue:
    """What the school says about the receipt with this code. Raises TooManyTriesError."""
    limit_visitor(CODES)
    with db_session() as session:
        receipt = queries.by_code(session, code)
    return _told("unknown" if receipt is None else _standing(receipt), receipt)


@blueprint.post("/verify")
def of_file() -> ResponseReturnValue:
    """Whether a file is, byte for byte, a receipt that a school signed, and whether it still stands.

    Raises TooManyTriesError.
    """
    limit_visitor(FILES)
    upload = request.files.get("file")
    data = upload.stream.read(MAX_FILE_BYTES + 1) if upload else b""
    if not data:
        return _told(None, None)
    signed = signing.read(data) if len(data) <= MAX_FILE_BYTES else None
    with db_session() as session:
        receipt = queries.by_code(session, signed.code) if signed else None
        public = keys.public_key(session, receipt.school_id, signed.key_id) if signed and receipt else None
    if signed is None or receipt is None or public is None or not signed.holds(public):
        return _told("altered", None)
    return _told(_standing(receipt), receipt)


def _standing(receipt: ReceiptRow) -> Verdict:
    return "valid" if receipt.revoked_at is None else "revoked"


def _told(verdict: Verdict | None, receipt: ReceiptRow | None) -> ResponseReturnValue:
    status = 404 if verdict == "unknown" else 200
    return render_template("receipts/verify.html", verdict=verdict, receipt=receipt), status
