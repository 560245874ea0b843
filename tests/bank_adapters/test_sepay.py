"""SePay."""

import json

import pytest

from bank_adapters import sepay
from bank_adapters.contract import Direction, MalformedCallbackError, Reason, Request, TokenIssuer
from tests.bank_adapters.golden_files import changed, request_of, vector

SIGNED = vector("sepay-hmac-01-valid")
KEYED = vector("sepay-apikey-valid")


def with_headers(**headers: str):
    return request_of(SIGNED, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_the_prefix_of_the_signature_is_part_of_it() -> None:
    headers = SIGNED["request"]["headers"]
    bare = headers["X-SePay-Signature"].removeprefix("sha256=")
    for signature in (bare, f"sha512={bare}", f"sha256={bare.upper()}", f"sha256=sha256={bare}"):
        request = request_of(SIGNED, headers={**headers, "X-SePay-Signature": signature})
        verdict = sepay.authenticate(request, [SIGNED["key"]], SIGNED["verify_at_unix"])
        assert verdict.reason is Reason.bad_signature


def test_the_timestamp_is_signed_too() -> None:
    headers = {**SIGNED["request"]["headers"], "X-SePay-Timestamp": "1790039740"}
    verdict = sepay.authenticate(request_of(SIGNED, headers=headers), [SIGNED["key"]], 1790039740)
    assert verdict.reason is Reason.bad_signature


def test_a_request_without_credentials_is_told_apart_from_a_forged_one() -> None:
    assert sepay.authenticate(with_headers(), [SIGNED["key"]], 0).reason is Reason.no_credentials
    assert sepay.authenticate(with_headers(), [KEYED["key"]], 0).reason is Reason.no_credentials


def test_while_the_scheme_is_changed_both_are_accepted() -> None:
    secrets = [SIGNED["key"], KEYED["key"]]
    assert sepay.authenticate(request_of(SIGNED), secrets, SIGNED["verify_at_unix"]).valid
    assert sepay.authenticate(request_of(KEYED), secrets, 0).valid


def test_the_hmac_secret_is_no_api_key() -> None:
    request = with_headers(authorization=f"Apikey {SIGNED['key']['secret']}")
    assert not sepay.authenticate(request, [SIGNED["key"]], 0).valid


def test_text_comes_from_content_or_else_from_the_bank() -> None:
    assert sepay.parse(changed(KEYED, content=""), [])[0].description == "BankAPINotify HP7K3M9Q2XAT"
    assert sepay.parse(changed(KEYED, content=None, description=None), [])[0].description == ""


def test_a_balance_of_zero_means_unknown() -> None:
    assert sepay.parse(changed(KEYED, accumulated=0), [])[0].balance_after_vnd is None
    assert sepay.parse(changed(KEYED, accumulated=1250000), [])[0].balance_after_vnd == 1_250_000


def test_the_direction_is_what_the_sender_says() -> None:
    assert sepay.parse(changed(KEYED, transferType="out"), [])[0].direction is Direction.debit
    for odd in ("", "IN", None, 1):
        with pytest.raises(MalformedCallbackError):
            sepay.parse(changed(KEYED, transferType=odd), [])


def test_the_id_tells_repeated_deliveries_apart_from_equal_payments() -> None:
    first, again = sepay.parse(request_of(KEYED), [])[0], sepay.parse(request_of(KEYED), [])[0]
    other = sepay.parse(changed(KEYED, id=92704099), [])[0]
    assert first == again
    assert first.dedup_key != other.dedup_key
    with pytest.raises(MalformedCallbackError):
        sepay.parse(changed(KEYED, id=None), [])


OAUTH = vector("sepay-oauth2-valid")
CLIENT = OAUTH["key"]
NOW = OAUTH["verify_at_unix"]


def token_call(**body: object) -> Request:
    return Request("POST", "token", "", {}, json.dumps(body).encode())


def test_the_token_we_give_is_the_token_we_accept() -> None:
    answer = sepay.token(token_call(clientId="school", clientSecret="test-client-secret"), [CLIENT], NOW)
    data = json.loads(answer.body)["data"]
    assert (answer.status, sorted(data), data["expiredIn"]) == (200, ["accessToken", "expiredIn", "refreshToken"], 300)
    request = request_of(OAUTH, headers={"Authorization": f"Bearer {data['accessToken']}"})
    assert sepay.authenticate(request, [CLIENT], NOW + 299).valid
    assert sepay.authenticate(request, [CLIENT], NOW + 300).reason is Reason.stale
    assert isinstance(sepay, TokenIssuer)
    assert sepay.ROUTES["token"] == "token"


@pytest.mark.parametrize(
    "body",
    [
        {"clientId": "school", "clientSecret": "another"},
        {"clientId": "another", "clientSecret": "test-client-secret"},
        {"clientId": "school\ntest-client-secret", "clientSecret": ""},
        {"clientId": "school"},
        {"clientId": ["school"], "clientSecret": "test-client-secret"},
        {},
    ],
)
def test_nobody_else_gets_a_token(body: dict[str, object]) -> None:
    answer = sepay.token(token_call(**body), [CLIENT], NOW)
    assert answer.status == 401
    assert b"accessToken" not in answer.body


def test_a_connection_without_a_client_gives_no_token() -> None:
    for secret in (SIGNED["key"], KEYED["key"], {**CLIENT, "jwt_secret": ""}, {**CLIENT, "client_secret": ""}):
        assert sepay.token(token_call(clientId="school", clientSecret=""), [secret], NOW).status == 401


def test_client_name_and_secret_are_not_joined_over_their_border() -> None:
    moved = {**CLIENT, "client_id": "school\nx", "client_secret": "y"}
    call = token_call(clientId="school", clientSecret="x\ny")
    assert sepay.token(call, [moved], NOW).status == 401


def test_while_clients_are_rotated_both_get_tokens() -> None:
    old = {"client_id": "old", "client_secret": "s0", "jwt_secret": "k0"}
    answer = sepay.token(token_call(clientId="old", clientSecret="s0"), [CLIENT, old], NOW)
    request = request_of(OAUTH, headers={"Authorization": f"Bearer {json.loads(answer.body)['data']['accessToken']}"})
    assert sepay.authenticate(request, [CLIENT, old], NOW).valid
    assert not sepay.authenticate(request, [CLIENT], NOW).valid


def test_bankhub_ids_never_meet_those_of_the_webhook() -> None:
    hub = vector("sepay-bankhub")
    assert sepay.parse(changed(hub, transaction_id="92704002"), [])[0].dedup_key != "92704002"


def test_each_way_in_needs_its_own_header() -> None:
    hub = vector("sepay-bankhub")
    request = request_of(hub, headers={"Authorization": "Apikey test-sepay-bankhub"})
    assert sepay.authenticate(request, [hub["key"]], 0).reason is Reason.bad_signature
    assert not sepay.authenticate(
        request_of(hub, headers={"X-Secret-Key": "test-sepay-apikey"}), [KEYED["key"]], 0
    ).valid
