"""A delivery as a test vector that anybody may have: its shape with invented people and keys, signed anew.

The form is that of ``bank_adapters.conformance``; what the vector expects is what the adapter gives today, and it is
handed out only when that is what the delivery itself came to.
"""

import base64
import secrets as chance
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from bank_adapters import conformance, get_adapter
from bank_adapters.contract import Adapter, AdapterError, MalformedCallbackError, Request, TokenIssuer, Verdict, unix
from payments.developers.disguise import disguised
from payments.developers.redaction import SHORTEST_SECRET
from payments.developers.schemes import signed_anew
from payments.developers.senders import granted_token, token_request
from payments.developers.service import Delivery
from payments.errors import ConflictError

_HEX: Final = frozenset("0123456789abcdefABCDEF")


def vector_of(delivery: Delivery) -> dict[str, Any]:
    """The vector. Raises ConflictError ``no_vector`` where none can be made that tells the same."""
    connection = delivery.connection
    if connection is None or not connection.secrets or not delivery.complete:
        raise _no_vector()
    try:
        adapter = get_adapter(connection.adapter)
    except AdapterError as error:
        raise _no_vector() from error
    if adapter.ROUTES.get(delivery.request.path) not in {"notify", "inquire"}:
        raise _no_vector()
    return _checked(adapter, delivery, delivery.row["received_at"])


def _checked(adapter: Adapter, delivery: Delivery, received_at: datetime) -> dict[str, Any]:
    verdict = adapter.authenticate(delivery.request, delivery.secrets, received_at)
    key = invented(delivery.secrets[0])
    real = {
        value: key.get(name, invented({name: value})[name])
        for mapping in delivery.secrets
        for name, value in mapping.items()
        if len(value) >= SHORTEST_SECRET
    }
    shape = disguised(delivery.request, chance.token_bytes(16), real)
    signer = key if verdict.outcome.value != "bad_signature" else invented(delivery.secrets[0])
    if verdict.valid:
        shape = _with_token(adapter, shape, key, received_at)
    vector = _vector(adapter, delivery, key, signed_anew(adapter.NAME, shape, signer) or shape)
    got = conformance.run(adapter, vector)
    if (got["valid"], got["reason"]) != (verdict.valid, _reason(adapter, delivery, verdict)):
        raise _no_vector()
    return vector | {
        "expect": {"valid": got["valid"], "reason": got["reason"]},
        "expected_ack": {"status": got["status"], "body": got["body"]},
        **({"normalized": got["normalized"]} if got["normalized"] else {}),
    }


def invented(secret: Mapping[str, str]) -> dict[str, str]:
    """Another secret of the same kind. Short values are no secrets and stay."""
    return {name: _invented(name, value) for name, value in secret.items()}


def _invented(name: str, value: str) -> str:
    if len(value) < SHORTEST_SECRET:
        return value
    if value.startswith("whsec_"):
        return "whsec_" + base64.b64encode(chance.token_bytes(24)).decode()
    if len(value) % 2 == 0 and set(value) <= _HEX:
        return chance.token_hex(len(value) // 2)
    if name.endswith("_b64"):
        return base64.b64encode(chance.token_bytes(32)).decode()
    return f"invented-{name}-{chance.token_hex(4)}"


def _with_token(adapter: Adapter, request: Request, key: Mapping[str, str], at: datetime) -> Request:
    """With a token of ours in place of the one that it carried."""
    if "jwt_secret" not in key or not request.header("authorization") or not isinstance(adapter, TokenIssuer):
        return request
    try:
        token = granted_token(adapter.token(token_request(key), [key], at).body)
    except (LookupError, ValueError):
        return request
    return replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})


def _vector(adapter: Adapter, delivery: Delivery, key: Mapping[str, str], request: Request) -> dict[str, Any]:
    try:
        body = request.body.decode()
    except UnicodeDecodeError as error:
        raise _no_vector() from error
    operation = request.path if request.path and request.path in adapter.ROUTES else None
    if operation and request.query:
        raise _no_vector()
    return {
        "id": f"{adapter.NAME}-event-{delivery.row['id']}",
        "adapter": delivery.row["adapter"],
        "source": "made from a delivery: people, accounts, ids and keys are invented",
        "key": dict(key),
        "request": {
            "method": request.method,
            "query": operation or request.query or None,
            "headers": dict(request.headers),
            "body": body or None,
        },
        "verify_at_unix": unix(delivery.row["received_at"]),
    }


def _reason(adapter: Adapter, delivery: Delivery, verdict: Verdict) -> str:
    """What the delivery itself comes to today, as the kit words it."""
    if not verdict.valid or adapter.ROUTES.get(delivery.request.path) != "notify":
        return verdict.reason.value
    try:
        adapter.parse(delivery.request, delivery.secrets)
    except MalformedCallbackError as error:
        return f"{error.code}: {error.where}"
    return verdict.reason.value


def _no_vector() -> ConflictError:
    return ConflictError(
        "no_vector",
        "Không dựng được mẫu kiểm thử từ tin này (bên gửi ký bằng khóa riêng, hoặc tin không còn đủ nội dung).",
        "No test vector can be made of this delivery (its sender signs with a private key, or it was not kept whole).",
    )
