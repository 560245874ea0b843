"""What the order channels share: drawing references, building calls, checking what an answer says."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from bank_adapters.contract import MalformedCallbackError, Order, OrderRefusedError, OutgoingRequest, OutgoingResponse

ALPHABET: Final = "0123456789ABCDEFGJKMNQRSTVWXYZ"
"""No H and no P: no piece of it can be read as a payment reference of ours."""
LENGTH: Final = 24
JSON_TYPE: Final = {"Content-Type": "application/json", "Accept": "application/json"}


def letters(drawn: int) -> str:
    """A reference of 24 capital letters and digits: 117 of the 128 bits."""
    text = ""
    for _ in range(LENGTH):
        drawn, place = divmod(drawn, len(ALPHABET))
        text += ALPHABET[place]
    return text


def json_post(url: str, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> OutgoingRequest:
    """A POST of compact JSON."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return OutgoingRequest(method="POST", url=url, headers={**JSON_TYPE, **(headers or {})}, body=body)


def answered(response: OutgoingResponse) -> dict[str, Any]:
    """The answer's JSON object; a redirect and a fault of the other side's server have none to be believed.

    Raises MalformedCallbackError.
    """
    if response.status >= 500 or 300 <= response.status < 400:
        raise MalformedCallbackError("bad_status", "status")
    return response.document


def require_same(document: Mapping[str, Any], name: str, expected: str | int) -> None:
    """Refuse an answer about something else. Raises MalformedCallbackError."""
    if str(document.get(name)) != str(expected):
        raise MalformedCallbackError("bad_field", name)


def refuse_unless(document: Mapping[str, Any], name: str, good: str) -> None:
    """Raises OrderRefusedError unless the code says that all is well, MalformedCallbackError where there is none."""
    code = document.get(name)
    if not isinstance(code, str):
        raise MalformedCallbackError("missing_field", name)
    if code != good:
        raise OrderRefusedError(code)


def checkout_url(url: Any, hosts: tuple[str, ...], known: str) -> str:
    """An address that a payer may be sent to: of the sender's own hosts over TLS, or of the configured server `known`.

    Empty for an answer that names none. Raises MalformedCallbackError.
    """
    if url in (None, ""):
        return ""
    if not isinstance(url, str) or not url.isascii() or any(letter <= " " for letter in url):
        raise MalformedCallbackError("bad_field", "url")
    try:
        parts, own = urlsplit(url), urlsplit(known)
        place, own_place = (parts.scheme, parts.hostname, parts.port), (own.scheme, own.hostname, own.port)
    except ValueError:
        raise MalformedCallbackError("bad_field", "url") from None
    name = parts.hostname or ""
    listed = any(name == host or (host.startswith(".") and name.endswith(host)) for host in hosts)
    if parts.username is not None or not ((listed and place[0] == "https" and place[2] is None) or place == own_place):
        raise MalformedCallbackError("foreign_address", "url")
    return str(url)


def lasting_minutes(order: Order) -> int:
    """How long the order is open, in whole minutes, one at least."""
    return max(1, int((order.expires_at - order.created_at).total_seconds()) // 60)


def address(secret: Mapping[str, str], name: str, default: str) -> str:
    """A server's address without a slash at its end: the sender's own, or that of its test environment."""
    return (secret.get(name) or default).rstrip("/")
