"""SePay."""

import pytest

from bank_adapters import sepay
from bank_adapters.contract import Direction, MalformedCallbackError, Reason
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
