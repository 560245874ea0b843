"""The event log: what arrived, what became of it, and what can be done with it."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import celery
from payments.access.guards import the_actor
from payments.developers import queries, redaction, schemes, service
from payments.developers.curl import as_curl
from payments.developers.desk import Reach, reach_of
from payments.developers.queries import Wanted
from payments.developers.service import Delivery
from payments.developers.vectors import vector_of
from payments.inbox.models import DeliveryOutcome
from payments.web.context import db_session, row_id, say, services

OUTCOMES: Final = tuple(outcome.value for outcome in DeliveryOutcome)
LONGEST_WORDS: Final = 80


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    one = "/events/<int:event_id>/"
    blueprint.add_url_rule("/events/", "events", events)
    blueprint.add_url_rule(one, "event", event)
    blueprint.add_url_rule(f"{one}open", "open_event", open_event, methods=["POST"])
    blueprint.add_url_rule(f"{one}replay", "replay_event", replay_event, methods=["POST"])
    blueprint.add_url_rule(f"{one}vector", "event_vector", event_vector)


def events() -> ResponseReturnValue:
    """A page of deliveries; every filter stands in the address."""
    wanted = _wanted()
    with db_session() as session:
        reach = reach_of(session, the_actor())
        connections = queries.connections(session, reach)
        rows, cursor = queries.events(session, reach, wanted)
    return render_template(
        "developers/events.html",
        rows=rows,
        wanted=wanted,
        outcomes=OUTCOMES,
        connections=connections,
        older=_older(cursor),
        searched_days=queries.SEARCHED_DAYS,
    )


def _older(cursor: int | None) -> str | None:
    """The address of the next page: the same filters, and where to go on."""
    if cursor is None:
        return None
    filters = [(name, value) for name, value in request.args.items() if name != "before"]
    return f"{url_for('developers.events')}?{urlencode([*filters, ('before', cursor)])}"


def event(event_id: int) -> ResponseReturnValue:
    """One delivery, redacted."""
    with db_session() as session:
        reach = reach_of(session, the_actor())
        return _page(session, reach, service.delivery(session, services().cipher, reach, event_id), opened=False)


def open_event(event_id: int) -> ResponseReturnValue:
    """The same with its body, for this one answer; who looked is written down."""
    with db_session() as session:
        reach = reach_of(session, the_actor())
        return _page(session, reach, service.opened(session, services().cipher, reach, event_id), opened=True)


def replay_event(event_id: int) -> ResponseReturnValue:
    """Feed it through the door again, and show what it is recorded as."""
    with db_session() as session:
        done = service.replay(session, services().cipher, reach_of(session, the_actor()), event_id)
    if DeliveryOutcome.ACCEPTED in done.results:
        celery.wake("settlement")
    outcome = ", ".join(dict.fromkeys(done.results))
    flash(say(f"Đã phát lại tin {event_id}: {outcome}.", f"Replayed {event_id}: {outcome}."), "ok")
    return redirect(url_for("developers.event", event_id=done.event_id), code=303)


def event_vector(event_id: int) -> ResponseReturnValue:
    """A test vector for ``hocphi adapters check``: invented people and keys, the same fault."""
    with db_session() as session:
        reach = reach_of(session, the_actor())
        vector = vector_of(service.delivery(session, services().cipher, reach, event_id))
    response = make_response(json.dumps([vector], ensure_ascii=False, indent=2) + "\n")
    response.headers["Content-Type"] = "application/json; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{vector["id"]}.json"'
    return response


def _page(session: Session, reach: Reach, found: Delivery, *, opened: bool) -> str:
    told = found.transactions()
    row = found.row
    secrets = redaction.secret_values(found.secrets)
    evidence = queries.evidence(session, row["connection_id"], [one.dedup_key for one in told]) if told else []
    answer = found.answer()
    return render_template(
        "developers/event.html",
        row=row,
        method=found.request.method,
        path=redaction.shown_path(found.request, opened=opened),
        headers=redaction.shown_headers(found.request, secrets, opened=opened),
        query=redaction.shown_query(found.request, secrets, opened=opened),
        body=redaction.shown_body(found.request, secrets, opened=opened),
        to_sign=_to_sign(found) if opened else None,
        opened=opened,
        complete=found.complete,
        answer=answer,
        answer_body=answer.body.decode("utf-8", "replace") if answer else "",
        evidence=evidence,
        attempts=queries.attempts(session, row),
        replays=queries.replays(session, row["id"]),
        curl=_curl(found, secrets, opened=opened),
        may_open=reach.may_open,
    )


def _to_sign(found: Delivery) -> str | None:
    if found.connection is None or not found.secrets:
        return None
    return schemes.string_to_sign(found.connection.adapter, found.request, found.secrets[0])


def _curl(found: Delivery, secrets: Sequence[str], *, opened: bool) -> str | None:
    """The command, with variables for what is masked; only of a body that is in sight and whole."""
    if not opened or not found.complete:
        return None
    shown = dict(redaction.shown_headers(found.request, secrets, opened=True))
    headers: list[tuple[str, str | None]] = [
        (name, value if shown[name] == value else None) for name, value in found.request.headers.items()
    ]
    return as_curl(found.request, headers)


def _wanted() -> Wanted:
    given = request.args
    return Wanted(
        connection_id=_number(given.get("connection", "")),
        outcome=given.get("outcome") if given.get("outcome") in OUTCOMES else None,
        since=_day(given.get("since", "")),
        until=_day(given.get("until", "")),
        words=given.get("q", "").strip()[:LONGEST_WORDS],
        before=_number(given.get("before", "")),
    )


def _number(text: str) -> int | None:
    try:
        return row_id(text) if text else None
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
