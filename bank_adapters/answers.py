"""Answers that several senders understand alike.

Money evidence is always answered with success, whatever is thought of it: a refusal would only stop the
news of money that has already moved. A refusal does not tell which check failed.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bank_adapters.contract import Answer, Outcome

REFUSAL_STATUS: Final = {
    Outcome.internal: 503,  # first: one part that must be sent again makes the whole request be sent again
    Outcome.bad_signature: 401,
    Outcome.stale: 401,
    Outcome.malformed: 400,
}


def refusal(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The gravest outcome that success may not answer; None when the whole request is safe with us."""
    return next((outcome for outcome in REFUSAL_STATUS if outcome in outcomes), None)


def gravest(outcomes: Sequence[Outcome]) -> Outcome:
    """The one outcome to answer with in a sender's code table: a refusal first, else what became of the first."""
    return refusal(outcomes) or next(iter(outcomes), Outcome.accepted)


def json_answer(status: int, document: Mapping[str, Any]) -> Answer:
    """An answer with a compact JSON body."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, {"Content-Type": "application/json"}, body)


_SUCCESS: Final = json_answer(200, {"success": True})
_FAILURES: Final = {outcome: json_answer(status, {"success": False}) for outcome, status in REFUSAL_STATUS.items()}


def success_flag(outcomes: Sequence[Outcome]) -> Answer:
    """`{"success": true}` with 200, or false with 401, 400 or 503."""
    refused = refusal(outcomes)
    return _SUCCESS if refused is None else _FAILURES[refused]
