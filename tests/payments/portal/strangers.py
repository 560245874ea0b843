"""Links that must open nothing, and every public route below a link, found in the application itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from werkzeug.test import TestResponse

from payments import clock
from payments.db import session_scope
from payments.portal.service import ensure_links, link_of, revoke_link
from tests.payments.faces import Faces
from tests.payments.setting import make_pupil

LIKELY = {"reference": "HP7K3M9Q2XAT", "number": "XN-2026-000001", "kind": "png", "name": "1-abc", "channel_id": "1"}
"""Values for the other parts of an address; a new part gets some text."""


@dataclass(frozen=True)
class Keys:
    """One link that lives, and those that do not."""

    live: str
    other: str
    """Of another pupil of the school."""
    dead: dict[str, str]


def keys_of(home: Faces) -> Keys:
    """Make a revoked and an expired link beside the live one."""
    link_keys = home.settings.link_keys
    with session_scope(home.engine) as session:
        pupils = [make_pupil(session, home.school.id, home.school.class_room, name) for name in ("Bo", "Cu", "Du")]
        ensure_links(session, link_keys, home.school.id, clock.now().replace(year=2099))
        other, revoked, expired = (str(link_of(session, link_keys, home.school.id, pupil)) for pupil in pupils)
        revoke_link(session, link_keys, home.school.id, pupils[1])
        session.execute(
            text("UPDATE parent_link SET expires_at = :past WHERE pupil_id = :pupil"),
            {"past": clock.now() - timedelta(seconds=1), "pupil": pupils[2]},
        )
    dead = {"unknown": "a" * 32, "revoked": revoked, "expired": expired, "misspelt": "short", "shouted": "A" * 32}
    return Keys(home.token, other, dead)


def below_a_link(home: Faces, method: str, **parts: str) -> Iterator[tuple[str, str]]:
    """(rule, address with «TOKEN») of every route below /p/<token> that takes the method."""
    for rule in home.client.application.url_map.iter_rules():
        if rule.rule.startswith("/p/<token>") and method in (rule.methods or ()):
            values = {name: (LIKELY | parts).get(name, "1") for name in rule.arguments} | {"token": "TOKEN"}
            adapter = home.client.application.url_map.bind("x")
            yield rule.rule, adapter.build(rule.endpoint, {**values}, method=method, append_unknown=False)


def said(answer: TestResponse, token: str) -> tuple[int, bytes, dict[str, str]]:
    """All that an asker can see, without the token that it sent itself."""
    headers = {name: value for name, value in answer.headers if name not in {"Set-Cookie", "Content-Length"}}
    return answer.status_code, answer.data.replace(token.encode(), b"TOKEN"), headers
