"""Vectors of signed requests against an adapter: read, run, judged.

A vector is a JSON object: `id`, `adapter`, `key` (one secret mapping), `request` {method, headers, body,
query}, `verify_at_unix` (the clock; absent where the scheme has none), and what is expected, each optional:
`expect` {valid}, `expected_ack` {status, body}, `normalized` (fields of the transaction). What the adapter
gives does not depend on the expectations; without `expect` and `expected_ack` nothing is judged.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bank_adapters.billing import judge, sample_owed
from bank_adapters.conformance import judging
from bank_adapters.contract import (
    Adapter,
    BankTransaction,
    Biller,
    BrokenAdapterError,
    Inquiry,
    MalformedCallbackError,
    Outcome,
    Request,
    Status,
    UnknownAdapterError,
)
from bank_adapters.fields import VIETNAM
from bank_adapters.registry import get_adapter

Vector = Mapping[str, Any]
_URL: Final = re.compile("https?://")


class VectorError(ValueError):
    """A vector or the file that holds it is not of the form described above."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one vector gave; `passed` is None when nothing was expected or nothing could be run."""

    id: str
    passed: bool | None
    got: dict[str, Any] | None
    expected: dict[str, Any]
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """The form printed by `hocphi adapters check --json`."""
        return {
            "id": self.id,
            "passed": self.passed,
            "got": self.got,
            "expected": self.expected,
            "reason": self.reason,
        }


def read_vectors(text: str) -> list[Vector]:
    """The vectors of a file: a list, an object whose `vectors` is one, or a single vector; raises VectorError."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise VectorError(f"The file is not JSON: {error}") from None
    vectors = document
    if isinstance(document, dict):
        vectors = [document] if "request" in document else document.get("vectors")
    if not isinstance(vectors, list):
        raise VectorError('The file has no list of vectors: write [...] or {"vectors": [...]}.')
    for number, vector in enumerate(vectors, 1):
        _require(vector, number)
    return vectors


def check_vectors(vectors: Iterable[Vector], name: str | None = None) -> list[Result]:
    """Run every vector, or those of one adapter (by any of its names); raises UnknownAdapterError."""
    return [check_vector(vector) for vector in chosen(vectors, name)]


def chosen(vectors: Iterable[Vector], name: str | None) -> list[Vector]:
    """The vectors of one adapter, by any of its names, or all; raises UnknownAdapterError."""
    if name is None:
        return list(vectors)
    try:
        wanted = get_adapter(name).NAME
    except BrokenAdapterError:
        wanted = name
    return [vector for vector in vectors if first_name(vector["adapter"]) == wanted]


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """All results with the numbers of those that passed and failed."""
    return {
        "results": [result.as_dict() for result in results],
        "passed": sum(result.passed is True for result in results),
        "failed": sum(result.passed is False for result in results),
    }


def check_vector(vector: Vector, adapter: Adapter | None = None) -> Result:
    """Run one vector and judge what it expects, of the adapter that it names unless one is given."""
    expected = judging.expected(vector)
    try:
        adapter = adapter or get_adapter(vector["adapter"])
    except UnknownAdapterError:
        return Result(vector["id"], None, None, expected, "adapter not installed")
    except BrokenAdapterError as error:
        return Result(vector["id"], passed=False, got=None, expected=expected, reason=str(error))
    got = run(adapter, vector)
    if "valid" not in expected and "status" not in expected:
        return Result(vector["id"], None, got, expected, "nothing expected")
    faults = list(judging.faults(expected, got))
    return Result(vector["id"], not faults, got, expected, "; ".join(faults))


def run(adapter: Adapter, vector: Vector) -> dict[str, Any]:
    """Authenticate, parse and acknowledge as the inbox would when everything is new and stored."""
    request, secrets = request_of(adapter, vector["request"]), [vector["key"]]
    now = vector.get("verify_at_unix") or 0
    verdict = adapter.authenticate(request, secrets, now)
    normalized: Any = None
    reason, answer = verdict.reason.value, None
    outcomes = [verdict.outcome]
    if verdict.valid:
        try:
            if adapter.ROUTES.get(request.path) == "inquire" and isinstance(adapter, Biller):
                owed = sample_owed(adapter.inquire(request, secrets))
                answer = adapter.answer_inquiry(request, owed, secrets, now)
            else:
                found = adapter.parse(request, secrets)
                outcomes = [outcome_of(adapter, transaction) for transaction in found] or [Outcome.not_a_payment]
                normalized = _normalized(adapter, found)
        except MalformedCallbackError as error:
            reason, outcomes = f"{error.code}: {error.where}", [Outcome(error.outcome)]
    answer = answer or adapter.acknowledge(request, outcomes, secrets, now)
    return {
        "valid": verdict.valid,
        "reason": reason,
        "status": answer.status,
        "body": judging.readable(answer),
        "normalized": normalized,
    }


def first_name(name: str) -> str:
    """The name an alias stands for; a name that nobody provides stands for itself."""
    try:
        return get_adapter(name).NAME
    except (UnknownAdapterError, BrokenAdapterError):
        return name


def _require(vector: Any, number: int) -> None:
    shape = {"id": str, "adapter": str, "key": dict, "request": dict}
    for field, kind in shape.items():
        if not isinstance(vector, dict) or not isinstance(vector.get(field), kind):
            raise VectorError(f"Vector {number} lacks {field!r} ({kind.__name__}).")


def request_of(adapter: Adapter, given: Mapping[str, Any]) -> Request:
    """The request of a vector; a ``query`` that names an operation is its path, one that is a whole URL its URL."""
    query = given.get("query") or ""
    path = query if query in adapter.ROUTES else ""
    url = query if _URL.match(query) else ""
    return Request(
        method=given.get("method", "POST"),
        path=path,
        query=url.partition("?")[2] if url else "" if path else query,
        headers=given.get("headers") or {},
        body=(given.get("body") or "").encode("utf-8", "surrogatepass"),
        url=url,
    )


def outcome_of(adapter: Adapter, transaction: BankTransaction) -> Outcome:
    """What the inbox would decide if the sample school were all there is."""
    if transaction.status is not Status.settled:
        return Outcome.not_a_payment
    if transaction.order_ref is not None and isinstance(adapter, Biller):
        return judge(transaction, sample_owed(Inquiry(transaction.customer_code or "")))
    return Outcome.accepted


# Names of the vectors that differ from those of BankTransaction; SePay calls its own finding a payment code.
_RENAMED: Final = {"sepay": {"order_ref": "payment_code"}}
_TEXTS: Final = (
    "provider_txn_id",
    "bank_reference",
    "description",
    "account_number",
    "virtual_account",
    "customer_code",
    "order_ref",
)


def _normalized(adapter: Adapter, found: Sequence[BankTransaction]) -> Any:
    rows = [_row(adapter.NAME, transaction) for transaction in found]
    if adapter.BATCH:
        return rows
    return rows[0] if rows else None


def _row(name: str, transaction: BankTransaction) -> dict[str, Any]:
    renamed = _RENAMED.get(name, {})
    row: dict[str, Any] = {renamed.get(field, field): getattr(transaction, field) for field in _TEXTS}
    return {
        **{field: value for field, value in row.items() if value is not None},
        "amount": transaction.amount_vnd,
        "currency": "VND",
        "direction": transaction.direction.value,
        "status": transaction.status.value,
        "occurred_at": _iso(transaction.occurred_at),
    }


def _iso(moment: datetime) -> str:
    """In Viet Nam, with milliseconds where the sender gives them."""
    return moment.astimezone(VIETNAM).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
