"""«Connect in 30 minutes»: one sheet per adapter, made of its module and its samples; nothing is copied by hand.

The table is the module's docstring, the addresses its ROUTES, the secrets its SECRET_CHOICES, and each answer what it
gives today. The vectors are the samples that the conformance kit holds every adapter to; a plug-in brings its own.
"""

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from bank_adapters import adapter_names, conformance, get_adapter
from bank_adapters.contract import Adapter, AdapterError, Biller, Outcome, Request
from payments.developers.schemes import signature_of, string_to_sign

_ROW: Final = re.compile(r"^(\S[^\n]*?)(?: {2,}|: )(\S[^\n]*(?:\n {18}[^\n]*)*)$", re.MULTILINE)
_UNICODE: Final = re.compile(r"[^\x00-\x7f]|\\u[0-9a-f]{4}|%E1%|%C[34]%", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Vector:
    """One sample request, what the adapter makes of it, and what its sender signed."""

    id: str
    kind: str
    """valid, wrong (signature or key), stale, malformed (authentic, unreadable) or inquiry."""
    unicode: bool
    note: str
    at: datetime | None
    """The clock to use; None: the scheme has none."""
    key: Mapping[str, str]
    method: str
    query: str
    headers: Mapping[str, str]
    body: str
    to_sign: str | None
    signature: str | None
    """What the key makes of the text to sign: for a wrong request another one than it carries."""
    reason: str
    status: int
    answer: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What we say when a delivery comes to an outcome."""

    outcome: str
    status: int
    body: str
    refuses: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that an engineer needs to send to an adapter."""

    name: str
    adapter_name: str
    title: str
    rows: Sequence[tuple[str, str]]
    """The table of the module's docstring."""
    routes: Sequence[tuple[str, str]]
    secrets: Sequence[Sequence[str]]
    batch: bool
    biller: bool
    replies: Sequence[Reply]
    vectors: Sequence[Vector]


def names() -> list[str]:
    """The adapters that may be used here and can be loaded."""
    return [name for name in adapter_names() if _loadable(name)]


def sheet(name: str) -> Sheet | None:
    """The sheet of an adapter; None: there is none of that name."""
    return _sheet(name) if name in names() else None


def title_and_rows(docstring: str) -> tuple[str, list[tuple[str, str]]]:
    """The first line, and the rows of the table below it; continued lines are joined."""
    text = inspect.cleandoc(docstring)
    first, _, rest = text.partition("\n")
    return first.rstrip("."), [(name.strip(), " ".join(value.split())) for name, value in _ROW.findall(rest)]


def _loadable(name: str) -> bool:
    try:
        get_adapter(name)
    except AdapterError:
        return False
    return True


@cache
def _sheet(name: str) -> Sheet:
    adapter = get_adapter(name)
    vectors = conformance.samples_of(adapter)
    title, rows = title_and_rows(_docstring(adapter))
    return Sheet(
        name=name,
        adapter_name=adapter.NAME,
        title=title,
        rows=rows,
        routes=sorted(adapter.ROUTES.items()),
        secrets=adapter.SECRET_CHOICES,
        batch=adapter.BATCH,
        biller=isinstance(adapter, Biller),
        replies=_replies(adapter, vectors),
        vectors=[_vector(adapter, one) for one in vectors],
    )


def _docstring(adapter: Adapter) -> str:
    return adapter.__doc__ or ""


def _replies(adapter: Adapter, vectors: Sequence[Mapping[str, Any]]) -> list[Reply]:
    """Each outcome in the sender's words, told of the first request that is believed."""
    for vector in vectors:
        request = _request(adapter, vector)
        if vector["expect"]["valid"] and adapter.ROUTES.get(request.path) == "notify":
            refusals = adapter.REFUSALS if isinstance(adapter, Biller) else frozenset()
            return [_reply(adapter, vector, request, outcome, refusals) for outcome in Outcome]
    return []


def _reply(
    adapter: Adapter, vector: Mapping[str, Any], request: Request, outcome: Outcome, refusals: frozenset[Outcome]
) -> Reply:
    answer = adapter.acknowledge(request, [outcome], [vector["key"]], vector.get("verify_at_unix") or 0)
    refuses = outcome in refusals or outcome in {
        Outcome.bad_signature,
        Outcome.stale,
        Outcome.malformed,
        Outcome.internal,
    }
    return Reply(outcome.value, answer.status, answer.body.decode("utf-8", "replace"), refuses)


def _vector(adapter: Adapter, vector: Mapping[str, Any]) -> Vector:
    request, got = _request(adapter, vector), conformance.run(adapter, vector)
    given, at = vector["request"], vector.get("verify_at_unix")
    answer = got["body"] if isinstance(got["body"], str) else json.dumps(got["body"], ensure_ascii=False)
    to_sign, signature = _signing(adapter, vector, request, believed=got["valid"])
    return Vector(
        id=vector["id"],
        kind=_kind(adapter, request, got),
        unicode=_UNICODE.search(f"{given.get('body') or ''}{given.get('query') or ''}") is not None,
        note=vector.get("note") or "",
        at=None if at is None else datetime.fromtimestamp(at, UTC),
        key=vector["key"],
        method=given.get("method", "POST"),
        query=given.get("query") or "",
        headers=given.get("headers") or {},
        body=given.get("body") or "",
        to_sign=to_sign,
        signature=signature,
        reason=got["reason"],
        status=got["status"],
        answer=answer,
    )


def _signing(
    adapter: Adapter, vector: Mapping[str, Any], request: Request, *, believed: bool
) -> tuple[str | None, str | None]:
    """The text to sign and its signature; nothing where a sender writes that text in a form of its own."""
    to_sign = string_to_sign(adapter.NAME, request, vector["key"])
    signature = signature_of(adapter.NAME, request, vector["key"])
    sent = f"{request.query}{request.headers}{request.body.decode()}".lower()
    if believed and signature is not None and signature.lower() not in sent:
        return None, None
    return to_sign, signature


def _kind(adapter: Adapter, request: Request, got: Mapping[str, Any]) -> str:
    if not got["valid"]:
        return "stale" if got["reason"] == "stale" else "wrong"
    if adapter.ROUTES.get(request.path) == "inquire":
        return "inquiry"
    return "valid" if got["reason"] == "ok" else "malformed"


def _request(adapter: Adapter, vector: Mapping[str, Any]) -> Request:
    given = vector["request"]
    query = given.get("query") or ""
    path = query if query in adapter.ROUTES else ""
    return Request(
        given.get("method", "POST"),
        path,
        "" if path else query,
        given.get("headers") or {},
        (given.get("body") or "").encode(),
    )
