"""What school software would be told, each body held against the JSON Schema of its kind."""

import json
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy import select
from sqlalchemy.orm import Session

from payments import clock
from payments.events.models import Endpoint, Event
from payments.events.queries import schema
from payments.events.rules import EventKind, body_of


def listen(session: Session, school_id: int) -> None:
    """An endpoint that wants everything; nothing is sent."""
    session.add(
        Endpoint(school_id=school_id, url="https://software.example/", kinds=list(EventKind), created_at=clock.now())
    )
    session.flush()


def told(session: Session, school_id: int, kind: EventKind | None = None) -> list[dict[str, Any]]:
    """The data of the events so far, oldest first."""
    session.flush()
    events = session.scalars(select(Event).where(Event.school_id == school_id).order_by(Event.id)).all()
    bodies = [body_of(one.event_key, one.kind, one.id, one.occurred_at, one.data) for one in events]
    return [
        validated(json.loads(body))["data"]
        for body, one in zip(bodies, events, strict=True)
        if kind in {None, EventKind(one.kind)}
    ]


def kinds(session: Session, school_id: int) -> list[str]:
    """The kinds of the events so far, oldest first."""
    return list(session.scalars(select(Event.kind).where(Event.school_id == school_id).order_by(Event.id)))


def validated(document: dict[str, Any]) -> dict[str, Any]:
    """The document, if its schema holds; raises jsonschema's ValidationError."""
    Draft202012Validator(schema(EventKind(document["type"])), format_checker=FormatChecker()).validate(document)
    return document
