"""Keys and comparisons."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bank_adapters import signatures
from bank_adapters.contract import Reason


def test_comparison_is_over_bytes_so_odd_text_is_unequal_and_no_error() -> None:
    assert signatures.same("é", "é")
    assert not signatures.same("é", "e")
    assert not signatures.same("\udce9", "e")
    assert not signatures.same("", "e")


def test_an_empty_secret_is_no_secret() -> None:
    assert signatures.secret_values([{"secret": ""}, {}, {"secret": "b"}], "secret") == ["b"]


def test_hmac_is_the_published_one() -> None:
    # RFC 4231, test case 2.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert signatures.hmac_hex("Jefe", b"what do ya want for nothing?", "sha256") == expected


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        ("1000", Reason.ok),
        ("700", Reason.ok),
        ("1300", Reason.ok),
        ("699", Reason.stale),
        ("1301", Reason.stale),
        ("0", Reason.stale),
        ("", Reason.malformed),
        ("-1000", Reason.malformed),
        ("1000.0", Reason.malformed),
        ("１０００", Reason.malformed),
        ("1" * 5000, Reason.malformed),
    ],
)
def test_a_message_is_fresh_within_five_minutes_either_way(stamp: str, reason: Reason) -> None:
    assert signatures.fresh(stamp, 1000).reason is reason


def test_only_ed25519_keys_are_taken() -> None:
    other = generate_private_key(SECP256R1()).public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for bad in (pem, "whpk_", "whpk_é", "whpk_" + base64.b64encode(b"short").decode(), "-----BEGIN nothing"):
        assert signatures.ed25519_key(bad) is None
    key = signatures.ed25519_key("whpk_" + base64.b64encode(bytes(range(32))).decode())
    assert key is None or not signatures.ed25519_matches(key, b"too short", b"message")
