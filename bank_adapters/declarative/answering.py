"""What a sender is answered: the table [answers] of its data file."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bank_adapters.answers import REFUSAL_STATUS, gravest
from bank_adapters.contract import Answer, MalformedCallbackError, Outcome
from bank_adapters.declarative.places import Place, Received, read_place
from bank_adapters.declarative.reading import Table, fault

_NEEDED: Final = (Outcome.accepted, Outcome.bad_signature, Outcome.malformed, Outcome.internal)
_INSTEAD: Final = {Outcome.stale: Outcome.bad_signature}
"""What is told in place of an outcome that the file does not name; all others are told as accepted."""
_QUOTED: Final = re.compile(r"\{field:([^{}]*)\}")
_JSON: Final = {"Content-Type": "application/json"}
_TEXT: Final = {"Content-Type": "text/plain; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; texts in the body may quote the message: `{field:transactionId}`."""

    status: int
    body: Any

    def answer(self, received: Received) -> Answer:
        """The answer to a request; what cannot be read is quoted as the empty text."""
        if self.body is None:
            return Answer(self.status, {}, b"")
        filled = _filled(self.body, received)
        if isinstance(filled, str):
            return Answer(self.status, _TEXT, filled.encode("utf-8", "replace"))
        text = json.dumps(filled, ensure_ascii=False, separators=(",", ":"))
        return Answer(self.status, _JSON, text.encode("utf-8", "replace"))


def reply(replies: Mapping[Outcome, Reply], outcomes: Sequence[Outcome]) -> Reply:
    """The one that answers all outcomes of a request: a refusal first."""
    outcome = gravest(outcomes)
    return replies.get(outcome) or replies.get(_INSTEAD.get(outcome, Outcome.accepted)) or replies[Outcome.accepted]


def read_answers(table: Table) -> dict[Outcome, Reply]:
    """The table [answers]: outcome -> status and body; raises BrokenAdapterError."""
    replies: dict[Outcome, Reply] = {}
    for needed in _NEEDED:
        table.value(needed.value)
    for outcome in Outcome:
        if table.has(outcome.value):
            replies[outcome] = _read_reply(table.table(outcome.value))
    table.done()
    for outcome, one in replies.items():
        if outcome in REFUSAL_STATUS and one == replies[Outcome.accepted]:
            fault(table.where(outcome.value), "this is the answer of success: a request that is not safe with us.")
        if outcome not in REFUSAL_STATUS and not 200 <= one.status <= 299:
            fault(table.where(outcome.value), "money that has moved is never refused: write a status from 200 to 299.")
    return replies


def _read_reply(table: Table) -> Reply:
    status = table.whole("status", 0, 200, 599)
    body = table.value("body", None)
    for text in _texts(body, table):
        for name in _QUOTED.findall(text):
            read_place(name, table.where("body"))
    table.done()
    return Reply(status, body)


def _texts(body: Any, table: Table) -> list[str]:
    if isinstance(body, str):
        return [body]
    if isinstance(body, dict | list):
        inside = body.values() if isinstance(body, dict) else body
        return [text for one in inside for text in _texts(one, table)]
    if body is not None and type(body) not in {int, bool}:
        fault(table.where("body"), "write texts, whole numbers, true or false, and tables or lists of them.")
    return []


def _filled(body: Any, received: Received) -> Any:
    if isinstance(body, dict):
        return {key: _filled(value, received) for key, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, received) for value in body]
    return _QUOTED.sub(lambda found: _quote(found[1], received), body) if isinstance(body, str) else body


def _quote(name: str, received: Received) -> str:
    try:
        return str(received.at(Place("top", name)) or "")
    except MalformedCallbackError:
        return ""
