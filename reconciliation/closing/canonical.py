"""Canonical bytes of what is signed: one way of writing each document, so one changed byte makes it another one. Pure.

JSON (RFC 8259) in UTF-8 without blanks, names sorted by code point, whole numbers only (money is đồng), days as
``2025-09-30``, moments as ``2025-10-01T02:03:04Z``. No line break at the end.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any


def encode(value: Mapping[str, Any]) -> bytes:
    """The canonical bytes. Raises TypeError for what has no canonical form, a fraction above all."""
    plain = _plain(value)
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def decode(data: bytes) -> dict[str, Any] | None:
    """The document, when these are its canonical bytes; None for all else, however much it looks like one."""
    try:
        value = json.loads(data)
        return value if isinstance(value, dict) and encode(value) == data else None
    except (ValueError, TypeError, RecursionError):
        return None


def digest(data: bytes) -> str:
    """SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def moment(value: datetime) -> str:
    """An aware moment in UTC, whole seconds."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {_name(name): _plain(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_plain(one) for one in value]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("names of a canonical document are texts")
    return value
