"""RFC 9421 in detail: what is read of its headers, which key may sign how, and what must be covered."""

import base64
import hashlib
import hmac
from dataclasses import replace
from typing import Any

import pytest

from bank_adapters import rfc9421
from bank_adapters.contract import MalformedCallbackError, Reason, Request
from tests.bank_adapters.golden_files import request_of, vector

KEY = b"a key of this test alone"
SECRET = {"shared_secret_b64": base64.b64encode(KEY).decode()}
URL = "https://hocphi.example/callbacks/x"
BODY = b'{"type":"bank.transaction.credited","data":{"txn_id":"1","amount":5,"content":"x"}}'
NOW = 1790039735
DIGEST = f"sha-256=:{base64.b64encode(hashlib.sha256(BODY).digest()).decode()}:"
COVERED = {
    "@method": "POST",
    "@target-uri": URL,
    "content-digest": DIGEST,
}


def message(covered: dict[str, str] | None = None, parameters: str = ";created=1790039730", **headers: str) -> Request:
    values = COVERED if covered is None else covered
    line = "(" + " ".join(f'"{name}"' for name in values) + ")" + parameters
    base = "\n".join([*(f'"{name}": {value}' for name, value in values.items()), f'"@signature-params": {line}'])
    signature = base64.b64encode(hmac.digest(KEY, base.encode(), "sha256")).decode()
    told = {"content-digest": DIGEST, "signature-input": f"a={line}", "signature": f"a=:{signature}:"}
    return Request(
        "POST", "", "", {**told, **{name.replace("_", "-"): text for name, text in headers.items()}}, BODY, url=URL
    )


def verdict(request: Request, secret: Any = SECRET, now: int = NOW) -> Reason:
    return rfc9421.authenticate(request, [secret], now).reason


def test_a_message_that_covers_what_is_needed_is_believed_and_read() -> None:
    assert verdict(message()) is Reason.ok
    (found,) = rfc9421.parse(message(), [SECRET])
    assert (found.amount_vnd, found.occurred_at.timestamp()) == (5, 1790039730)


@pytest.mark.parametrize("missing", COVERED)
def test_nothing_is_read_of_a_message_that_is_not_covered(missing: str) -> None:
    request = message({name: value for name, value in COVERED.items() if name != missing})
    assert verdict(request) is Reason.ok
    with pytest.raises(MalformedCallbackError, match="not covered"):
        rfc9421.parse(request, [SECRET])


def test_the_published_sample_is_authentic_and_takes_nothing() -> None:
    given = vector("rfc9421-01-published-B.2.5")
    request, secrets = request_of(given), [given["key"]]
    assert rfc9421.authenticate(request, secrets, given["verify_at_unix"]).valid
    with pytest.raises(MalformedCallbackError):
        rfc9421.parse(request, secrets)


def test_the_door_s_address_counts_and_not_what_the_query_claims() -> None:
    assert verdict(replace(message(), url="https://hocphi.example/callbacks/y", query=URL)) is Reason.bad_signature


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        (";created=1790039730;expires=1790039735", Reason.ok),
        (";created=1790039730;expires=1790039734", Reason.stale),
        (";created=1790039434", Reason.stale),
        (";created=1790040036", Reason.stale),
        ("", Reason.malformed),
        (';created="soon"', Reason.malformed),
        (';created=1790039730;alg="hmac-sha256"', Reason.ok),
        (';created=1790039730;alg="ed25519"', Reason.bad_signature),
        (";created=1790039730;created=1790039730", Reason.malformed),
        (';created=1790039730;nonce="n-1";tag="x"', Reason.ok),
    ],
)
def test_the_parameters_of_a_signature(parameters: str, reason: Reason) -> None:
    assert verdict(message(parameters=parameters)) is reason


def test_blanks_between_parameters_do_not_matter() -> None:
    request = message()
    spaced = request.header("signature-input").replace(";created", "; created")
    assert verdict(replace(request, headers={**request.headers, "signature-input": spaced})) is Reason.ok


def test_a_key_id_binds_where_the_connection_names_one() -> None:
    request = message(parameters=';created=1790039730;keyid="k1"')
    assert verdict(request, {**SECRET, "keyid": "k1"}) is Reason.ok
    assert verdict(request, {**SECRET, "keyid": "k2"}) is Reason.bad_signature


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("signature", "a=:!!:"),
        ("signature", "a=:AA==:, a=:AA==:"),
        ("signature", "a=x"),
        ("signature_input", 'a=("@method"'),
        ("signature_input", 'a=("@method" "@method");created=1790039730'),
        ("signature_input", 'a=("content-digest";sf);created=1790039730'),
        ("signature_input", 'a=("@METHOD");created=1790039730'),
        ("signature_input", ", ".join(f'{label}=("date")' for label in "abcde")),
        ("signature_input", 'a=("date");nonce="' + "x" * 5000 + '"'),
    ],
)
def test_headers_that_cannot_be_read_are_refused(name: str, value: str) -> None:
    assert verdict(message(**{name: value})) is Reason.malformed


def test_components_that_the_request_does_not_have_are_refused() -> None:
    for covered in ({"date": "x"}, {"@status": "200"}, {"@query-param": "x"}):
        assert verdict(message(covered)) is Reason.bad_signature


def test_one_right_signature_among_several_is_enough() -> None:
    request = message()
    other = {"signature-input": 'b=("@method");created=1', "signature": "b=:AAAA:"}
    both = {name: f"{other.get(name)}, {value}" if name in other else value for name, value in request.headers.items()}
    assert verdict(replace(request, headers=both)) is Reason.ok
    assert rfc9421.parse(replace(request, headers=both), [SECRET])[0].amount_vnd == 5


def test_every_known_digest_must_be_the_body_s() -> None:
    wrong = f"sha-512=:{base64.b64encode(b'x' * 64).decode()}:"
    two = f"{DIGEST}, {wrong}"
    request = message({**COVERED, "content-digest": two}, content_digest=two)
    assert verdict(request) is Reason.bad_signature
    unknown = "md5=:AAAA:"
    assert verdict(message({**COVERED, "content-digest": unknown}, content_digest=unknown)) is Reason.bad_signature
    extra = f"{DIGEST}, {unknown}"
    assert verdict(message({**COVERED, "content-digest": extra}, content_digest=extra)) is Reason.ok


def test_the_default_port_is_no_part_of_the_address() -> None:
    covered = {"@method": "POST", "@authority": "hocphi.example", "@path": "/callbacks/x", "content-digest": DIGEST}
    called = replace(message(covered), url="https://HOCPHI.example:443/callbacks/x?a=1")
    assert verdict(called) is Reason.ok
    assert verdict(replace(called, url="https://hocphi.example:8443/callbacks/x")) is Reason.bad_signature
