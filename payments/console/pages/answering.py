"""How the queue answers a form: to htmx with the rows as they are now, to a plain browser with the queue anew."""

import json
from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl

from flask import make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from payments.console.desk import Desk, desk_of
from payments.console.pages.queue import MOST_DONE, address, vocabulary
from payments.console.queue import reading
from payments.console.queue.filters import Filters, read
from payments.console.queue.lines import line
from payments.errors import DomainError
from payments.web.context import db_session, say

Deed = Callable[[Session, Desk], Sequence[int]]
"""Does what a form asks for and returns the numbers of the decisions it made."""
PART = "X-Desk"
"""Marks a part of a page: whatever comes without it (a log-in, an error page) the script loads as a whole page."""
NOTE_LENGTH = 500


def quick() -> bool:
    """Whether htmx asks for a part of the page."""
    return request.headers.get("HX-Request") == "true"


def decide(code: str, deed: Deed) -> ResponseReturnValue:
    """Let a member of the school's staff do a deed, and show what became of it."""
    try:
        with db_session() as session:
            made = list(deed(session, desk_of(session, code)))
    except DomainError as error:
        if not quick():
            raise
        return refused(error)
    if not quick():
        told = ",".join(map(str, made[:MOST_DONE]))
        return redirect(address(code, back().query(), done=told), code=303)
    with db_session() as session:
        desk = desk_of(session, code)
        deeds = reading.decided(session, desk.school_id, made)
        rows = reading.some(session, desk.school_id, [one["transaction_id"] for one in deeds])
        invoices = reading.named(session, desk.school_id, rows)
        counts = reading.counts(session, desk.school_id)
    shown = [line(row, invoices) for row in rows]
    html = render_template(
        "console/queue/answer.html",
        desk=desk,
        filters=back(),
        deeds=deeds,
        lines=shown,
        counts=counts,
        swapped=True,
        **vocabulary(),
    )
    event = {"rows": [row["id"] for row in rows], "stay": any(one["kind"] in ("undo", "note") for one in deeds)}
    return part(html, event)


def part(html: str, event: object = None, status: int = 200, name: str = "desk-done") -> Response:
    """A part of a page for htmx; ``event``: what the script is told, under this name, once it stands."""
    response = make_response(html, status)
    response.headers[PART] = "1"
    if event is not None:
        response.headers["HX-Trigger-After-Settle"] = json.dumps({name: event})
    return response


def refused(error: DomainError) -> ResponseReturnValue:
    """Why nothing was done, as a part of the page; the row stays as it is."""
    html = render_template("console/queue/toast.html", deeds=[], problem=say(error.vi, error.en), **vocabulary())
    return part(html, status=error.status)


def back() -> Filters:
    """The filters of the queue that the form came from; only what they say is ever written into an address."""
    return read(dict(parse_qsl(request.values.get("back", "")[:4_000])))


def note() -> str | None:
    """What a person wrote beside a decision."""
    return " ".join(request.form.get("note", "").split())[:NOTE_LENGTH] or None
