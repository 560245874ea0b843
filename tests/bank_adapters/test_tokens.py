"""Bearer tokens that we issue."""

import base64
import hmac
import json
from typing import Any

import pytest

from bank_adapters import tokens
from bank_adapters.contract import Reason

KEY = "test-jwt-secret"


def forged(header: Any, claims: Any, *, key: str = KEY, algorithm: str = "sha512") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    digest = hmac.digest(key.encode(), ".".join(parts).encode(), algorithm)
    return ".".join([*parts, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()])


def test_a_token_is_good_for_five_minutes_and_no_longer() -> None:
    token = tokens.issue("bank", KEY, 1000)
    assert tokens.verify(token, [KEY], 1000).valid
    assert tokens.verify(token, [KEY], 1299).valid
    assert tokens.verify(token, [KEY], 1300).reason is Reason.stale


def test_a_token_is_good_only_under_a_live_key() -> None:
    token = tokens.issue("bank", KEY, 1000)
    assert tokens.verify(token, ["newer", KEY], 1000).valid
    assert tokens.verify(token, ["newer"], 1000).reason is Reason.bad_signature
    assert tokens.verify(token, [], 1000).reason is Reason.bad_signature


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "hs512", "RS256", None])
def test_the_algorithm_is_pinned(algorithm: str | None) -> None:
    assert not tokens.verify(forged({"alg": algorithm}, {"exp": 2000}), [KEY], 1000).valid


def test_a_token_without_signature_is_refused() -> None:
    head, claims, _ = forged({"alg": "none"}, {"exp": 2000}).split(".")
    assert tokens.verify(f"{head}.{claims}.", [KEY], 1000).reason is Reason.bad_signature
    assert tokens.verify(f"{head}.{claims}", [KEY], 1000).reason is Reason.malformed


@pytest.mark.parametrize(
    "claims", [{}, {"exp": None}, {"exp": "2000"}, {"exp": True}, {"exp": 2e3}, {"exp": -1}, [], 5]
)
def test_a_token_that_never_expires_is_refused(claims: Any) -> None:
    assert tokens.verify(forged({"alg": "HS512"}, claims), [KEY], 1000).reason is Reason.malformed


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c.d", "é.é.é", "a" * 5000, "\udce9.a.b"])
def test_what_is_no_token_is_refused(token: str) -> None:
    assert not tokens.verify(token, [KEY], 1000).valid


def test_a_signed_token_that_is_no_json_is_refused() -> None:
    signed = "!!!.@@@"
    digest = hmac.digest(KEY.encode(), signed.encode(), "sha512")
    token = f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
    assert tokens.verify(token, [KEY], 1000).reason is Reason.malformed
