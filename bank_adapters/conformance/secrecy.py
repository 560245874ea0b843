"""Check of what an adapter lets out: no secret, memo, name or account in exceptions, verdicts, logs and refusals."""

import io
import logging
import re
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from typing import Final

from bank_adapters.answers import REFUSAL_STATUS
from bank_adapters.conformance.leaves import leaves, with_value, without
from bank_adapters.conformance.subject import Case, Findings, Subject, other_key
from bank_adapters.contract import MalformedCallbackError, Reason, Request
from bank_adapters.strict_json import Number

SHORTEST: Final = 6
"""Shorter texts stand in words by chance."""
_SIGNATURE: Final = re.compile(r"[0-9A-Za-z+/_-]{40,}")


def redaction(subject: Subject, found: Findings) -> None:
    """What is raised, judged, logged and answered to a stranger holds no secret and nothing that a payer wrote."""
    for case in subject.kinds:
        private = _private(case)
        with _listening() as heard:
            for request in _provocations(case.request):
                text, faults = _said(subject, case, request)
                for fault in faults:
                    found.expect(held=False, fault=f"{case.id}: {fault}")
                leaked = any(value in text for value in private)
                found.expect(not leaked, f"{case.id}: an exception, verdict or refusal quotes the message or a secret")
        told = heard.getvalue()
        quotes = any(value in told for value in private) or _SIGNATURE.search(told)
        found.expect(not quotes, f"{case.id}: what is logged or printed quotes the message, a secret or a signature")


def _private(case: Case) -> set[str]:
    values = {value for key in case.secrets for name, value in key.items() if not name.startswith("public")}
    for one in case.reading if isinstance(case.reading, list) else [case.reading]:
        for name in ("description", "account_number", "virtual_account", "customer_code"):
            values.add(getattr(one, name, None) or "")
        payer = getattr(one, "counterparty", None)
        values |= {payer.name or "", payer.account_number or ""} if payer else set()
    return {value for value in values if len(value) >= SHORTEST}


def _provocations(request: Request) -> Iterator[Request]:
    """The message as it is, and what makes a careless `parse` speak: each field gone, of another kind, or absurd."""
    yield request
    yield replace(request, body=request.body[:-1], query=request.query[:-1])
    yield replace(request, body=request.body + b"\xff")
    for leaf in leaves(request):
        yield without(request, leaf)
        odd = f"{leaf.value} {leaf.value}" if isinstance(leaf.value, str) else ""
        for value in (odd, Number("1e999"), Number("[]"), "x" * 200, "\0"):
            yield with_value(request, leaf, value)


def _said(subject: Subject, case: Case, request: Request) -> tuple[str, list[str]]:
    adapter = subject.adapter
    said: list[str] = []
    faults: list[str] = []
    for secrets in (case.secrets, [other_key(case.secrets[0])]):
        verdict = adapter.authenticate(request, secrets, case.now)
        said.append(repr(verdict))
        if not isinstance(verdict.reason, Reason):
            faults.append("a verdict whose reason is no Reason")
        try:
            adapter.parse(request, secrets)
        except MalformedCallbackError as error:
            said += [repr((error.args, error.code, error.where)), *_told(error)]
    for outcome in REFUSAL_STATUS:
        answer = adapter.acknowledge(request, [outcome], [], case.now)
        said.append(repr(answer.headers) + answer.body.decode("utf-8", "replace"))
    return "\n".join(said), faults


def _told(error: BaseException) -> Iterator[str]:
    """What a log would print of an exception and of those behind it, without lines of source."""
    seen: BaseException | None = error
    while seen is not None:
        yield "".join(traceback.format_exception_only(seen))
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


@contextmanager
def _listening() -> Iterator[io.StringIO]:
    """Everything that is logged, warned of or printed meanwhile."""
    heard = io.StringIO()
    handler, root = logging.StreamHandler(heard), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(heard), redirect_stderr(heard), warnings.catch_warnings():
            warnings.simplefilter("always")
            yield heard
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
