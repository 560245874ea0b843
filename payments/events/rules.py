"""What may be told, how it is signed, and when it is tried again. Pure.

Source: github.com/standard-webhooks/standard-webhooks, specification 1.0.0 (signature scheme, headers, retries).
"""

import base64
import enum
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class EventKind(enum.StrEnum):
    """The kinds of events; each has a JSON Schema in ``payments/events/schemas``."""

    INVOICE_ISSUED = "invoice.issued"
    PAYMENT_SETTLED = "payment.settled"
    PAYMENT_REVERSED = "payment.reversed"
    DAY_CLOSED = "day.closed"


class Scheme(enum.StrEnum):
    """Identifiers of signatures: a shared secret, or a key pair of which the receiver has the public part."""

    HMAC = "v1"
    ED25519 = "v1a"


KEY_BYTES = 32
LIVE_SECRETS = 2

SCHEDULE = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Waits before the attempts, as the specification suggests: 75 hours and 35 minutes in all."""
JITTER = 0.1
"""Up to so much longer, so that what failed together is not sent again together."""
LONGEST_RETRY_AFTER = timedelta(hours=24)
FAILING_FOR = timedelta(days=5)
"""After so long without one success an endpoint is disabled."""
LONGEST_REST = timedelta(minutes=5)

HTTP_GONE = 410
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Key:
    """A live signing key, opened."""

    scheme: Scheme
    secret: bytes


def body_of(event_key: str, kind: str, sequence: int, occurred_at: datetime, data: Mapping[str, Any]) -> bytes:
    """The JSON of an event; equal for every attempt."""
    document = {
        "type": kind,
        "id": event_key,
        "timestamp": occurred_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "sequence": sequence,
        "data": data,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def headers_of(keys: Iterable[Key], event_key: str, moment: datetime, body: bytes) -> dict[str, str]:
    """Signed headers: one signature of each key, over id, moment of the attempt and body."""
    stamp = str(int(moment.timestamp()))
    message = f"{event_key}.{stamp}.".encode() + body
    signatures = [f"{key.scheme},{base64.b64encode(_signature(key, message)).decode()}" for key in keys]
    if not signatures:
        raise ValueError("an event is never sent without a signature")
    return {
        "content-type": "application/json",
        "user-agent": "hocphi-webhooks/1",
        "webhook-id": event_key,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signatures),
    }


def _signature(key: Key, message: bytes) -> bytes:
    if key.scheme is Scheme.ED25519:
        return Ed25519PrivateKey.from_private_bytes(key.secret).sign(message)
    return hmac.digest(key.secret, message, "sha256")


def shown(key: Key) -> str:
    """What the receiver needs: the shared secret (``whsec_``), or the public key (``whpk_``)."""
    if key.scheme is Scheme.ED25519:
        public = Ed25519PrivateKey.from_private_bytes(key.secret).public_key().public_bytes_raw()
        return "whpk_" + base64.b64encode(public).decode()
    return "whsec_" + base64.b64encode(key.secret).decode()


def problem_of(status: int) -> str | None:
    """Why an answer is no receipt; None for 2xx. A redirect is a failure: events go to the address that was given."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return "redirect"
    return "gone" if status == HTTP_GONE else f"http_{status}"


def next_wait(attempts: int, asked_for: timedelta | None, luck: float) -> timedelta | None:
    """How long to wait after so many attempts; None: give up. ``asked_for``: Retry-After; ``luck``: 0 to 1."""
    if attempts >= len(SCHEDULE):
        return None
    planned = SCHEDULE[attempts] * (1 + JITTER * luck)
    return max(planned, min(asked_for or timedelta(0), LONGEST_RETRY_AFTER))


def rest(failures: int) -> timedelta:
    """How long an endpoint is left alone after so many failures in a row, whatever waits for it."""
    doubled: timedelta = SCHEDULE[1] * 2 ** min(failures - 1, 10)
    return min(doubled, LONGEST_REST)


def retry_after(value: str | None, moment: datetime) -> timedelta | None:
    """Read a Retry-After header, seconds or an HTTP date (RFC 9110, 10.2.3); None when it says nothing useful."""
    if value is None:
        return None
    if _SECONDS.fullmatch(value.strip()):
        return timedelta(seconds=int(value))
    try:
        wanted = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(timedelta(0), wanted - moment) if wanted.tzinfo else None
