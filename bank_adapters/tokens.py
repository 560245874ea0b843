"""Bearer tokens that we issue: JWT with HS512 pinned, five minutes, no other algorithm and no options."""

import base64
import hmac
import json
from typing import Any, Final

from bank_adapters import strict_json
from bank_adapters.contract import (
    VALID,
    MalformedCallbackError,
    Now,
    Reason,
    Request,
    Secrets,
    Verdict,
    unix,
)
from bank_adapters.signatures import same
from bank_adapters.strict_json import Number

LIFETIME_S: Final = 300
_MAX_TOKEN_LENGTH: Final = 4096


def issue(subject: str, key: str, now: Now) -> str:
    """A token for `subject`, good for five minutes from now."""
    issued = unix(now)
    header = _encode(json.dumps({"alg": "HS512", "typ": "JWT"}).encode())
    claims = {"sub": subject, "iat": issued, "exp": issued + LIFETIME_S}
    signed = f"{header}.{_encode(json.dumps(claims).encode())}"
    return f"{signed}.{_signature(signed, key)}"


def for_basic(request: Request, secrets: Secrets, now: Now) -> str | None:
    """A token for the right user name and password (Basic authentication), None for wrong ones."""
    scheme, _, given = request.header("authorization").partition(" ")
    for mapping in secrets:
        user, password, key = (mapping.get(name) for name in ("username", "password", "jwt_secret"))
        if user and password and key:
            expected = base64.b64encode(f"{user}:{password}".encode()).decode()
            if scheme.lower() == "basic" and same(given, expected):
                return issue(user, key, now)
    return None


def verify_bearer(request: Request, keys: list[str], now: Now) -> Verdict:
    """As ``verify``, for the token of the Authorization header."""
    scheme, _, bearer = request.header("authorization").partition(" ")
    if scheme.lower() != "bearer":  # RFC 9110 §11.1: the word is read without regard to case
        return Verdict(valid=False, reason=Reason.no_credentials)
    return verify(bearer, keys, now)


def verify(token: str, keys: list[str], now: Now) -> Verdict:
    """Accept a token that one of the live keys signed and that has not expired.

    The algorithm is ours, not the token's choice: the signature is always computed with HS512, and a header
    that names another («none» among them) is refused even so.
    """
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _MAX_TOKEN_LENGTH or not token.isascii():
        return Verdict(valid=False, reason=Reason.malformed)
    signed = f"{parts[0]}.{parts[1]}"
    if not any(same(parts[2], _signature(signed, key)) for key in keys):
        return Verdict(valid=False, reason=Reason.bad_signature)
    try:
        header, claims = _decode(parts[0]), _decode(parts[1])
    except MalformedCallbackError:
        return Verdict(valid=False, reason=Reason.malformed)
    expires = claims.get("exp")
    if header.get("alg") != "HS512" or not (isinstance(expires, Number) and expires.isdecimal()):
        return Verdict(valid=False, reason=Reason.malformed)
    return VALID if unix(now) < int(expires) else Verdict(valid=False, reason=Reason.stale)


def _signature(signed: str, key: str) -> str:
    return _encode(hmac.digest(key.encode("utf-8", "surrogatepass"), signed.encode(), "sha512"))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(part: str) -> dict[str, Any]:
    try:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise MalformedCallbackError("bad_field", "authorization") from None
    return strict_json.load_object(data)
