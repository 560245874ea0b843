"""Checks of `acknowledge`: it answers everything, and says success to nobody who must send again or go away."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from bank_adapters.answers import REFUSAL_STATUS
from bank_adapters.billing import SAMPLE
from bank_adapters.conformance.judging import SUCCESSES, readable, result_code
from bank_adapters.conformance.subject import Case, Findings, Subject
from bank_adapters.contract import Answer, Biller, Outcome, Owed, Request, TokenIssuer

KEPT: Final = (Outcome.accepted, Outcome.duplicate, Outcome.not_a_payment, Outcome.foreign_account)
"""Money evidence that is safe with us, whatever is thought of it."""
UNREADABLE: Final = (b"", b"\xff\xfe", b"{}", b"[" * 1000, b'{"a":NaN}', b"a=1&a=2")
OWED: Final = (SAMPLE, Owed(Outcome.accepted, "TRAN T. B"), *(Owed(outcome) for outcome in Outcome))


def answers(subject: Subject, found: Findings) -> None:
    """Every outcome gets an answer to every request; no refusal looks like success, and no evidence is refused."""
    adapter = subject.adapter
    for label, request, secrets, now in _requests(subject):
        for outcome in Outcome:
            answer = adapter.acknowledge(request, [outcome], secrets, now)
            found.expect(_is_answer(answer), f"{label}: the answer to «{outcome}» is no Answer of HTTP")
        for outcomes in ([], [Outcome.accepted, Outcome.internal], [Outcome.duplicate] * 50):
            answer = adapter.acknowledge(request, outcomes, secrets, now)
            found.expect(_is_answer(answer), f"{label}: {len(outcomes)} outcomes")
        for name, answer in _others(subject, request, secrets, now):
            found.expect(_is_answer(answer), f"{label}: the answer of {name} is no Answer of HTTP")
    for case in subject.cases:
        if adapter.ROUTES.get(case.request.path) == "notify":
            _told_apart(subject, found, case)


def _told_apart(subject: Subject, found: Findings, case: Case) -> None:
    def told(*outcomes: Outcome) -> Answer:
        return subject.adapter.acknowledge(case.request, outcomes, case.secrets, case.now)

    success = told(Outcome.accepted)
    found.expect(200 <= success.status <= 299, f"{case.id}: «accepted» is answered with status {success.status}")
    for refusal in REFUSAL_STATUS:
        found.expect(not _like(success, told(refusal)), f"{case.id}: «{refusal}» is answered like success")
        mixed = told(Outcome.accepted, refusal)
        found.expect(
            not _like(success, mixed), f"{case.id}: one part «{refusal}», and the whole is answered like success"
        )
    refused = {(answer.status, answer.body) for answer in map(told, REFUSAL_STATUS)}
    may_refuse = subject.adapter.REFUSALS if isinstance(subject.adapter, Biller) else frozenset()
    for outcome in KEPT:
        answer = told(outcome)
        kept = answer.status < 300 and (answer.status, answer.body) not in refused
        found.expect(kept or outcome in may_refuse, f"{case.id}: «{outcome}» is refused, though the money has moved")


def _like(success: Answer, answer: Answer) -> bool:
    """Whether a sender would take this answer for success: by its status, or by the code in its body."""
    if answer.status >= 300:
        return False
    body, usual = readable(answer), readable(success)
    code = result_code(body)
    if code is not None:
        return code in SUCCESSES
    return (
        not isinstance(body, dict)
        or not isinstance(usual, dict)
        or all(body.get(name) == usual[name] for name in usual)
    )


def _requests(subject: Subject) -> Iterator[tuple[str, Request, Any, Any]]:
    for case in subject.cases:
        yield case.id, case.request, case.secrets, case.now
        for body in UNREADABLE:
            yield f"{case.id} with a body that nobody can read", replace(case.request, body=body, query=""), [], 0


def _others(subject: Subject, request: Request, secrets: Any, now: Any) -> Iterator[tuple[str, Answer]]:
    adapter = subject.adapter
    if isinstance(adapter, TokenIssuer):
        yield "token", adapter.token(request, secrets, now)
    if isinstance(adapter, Biller):
        for owed in OWED:
            yield "answer_inquiry", adapter.answer_inquiry(request, owed, secrets, now)


def _is_answer(answer: Any) -> bool:
    return (
        isinstance(answer, Answer)
        and type(answer.status) is int
        and 200 <= answer.status <= 599
        and isinstance(answer.body, bytes)
        and all(_is_header(name) and _is_header(value) for name, value in answer.headers.items())
        and _keeps_its_word(answer)
    )


def _is_header(text: Any) -> bool:
    return isinstance(text, str) and text.isascii() and text.isprintable()


def _keeps_its_word(answer: Answer) -> bool:
    kind = {name.lower(): value for name, value in answer.headers.items()}.get("content-type", "")
    if "json" not in kind:
        return True
    try:
        json.loads(answer.body)
    except ValueError:
        return False
    return True
