"""Files that somebody made up or put together: none of them is taken for what a school signed, and none crashes."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reconciliation.closing import canonical, certificates, checking, signing
from reconciliation.closing.signing import ED25519, Signature
from reconciliation.closing.verifying import Known, known_by_file

PRIVATE, PUBLIC = signing.new_key()
KNOWN = Known({signing.key_name(PUBLIC): PUBLIC})


def document(number: int = 1, previous: str | None = None, **more: object) -> bytes:
    said = {
        "school": {"code": "thcs-a", "name": "THCS A"},
        "sequence": number,
        "kind": "close",
        "period": {"from": "2025-09-01", "through": f"2025-09-{number:02}"},
        "signed_by": {"name": "Kế toán", "role": "accountant"},
        "signed_at": "2025-10-02T03:00:00Z",
        "previous_sha256": previous,
    }
    return canonical.encode(said | more)


def signed(said: bytes, *more: Signature) -> bytes:
    ours = Signature(ED25519, signing.sign(PRIVATE, said), signing.key_name(PUBLIC))
    return signing.envelope(said, [ours, *more])


def minutes(number: int, said: bytes) -> bytes:
    named = ("thcs-a", number, canonical.digest(said))
    return signing.seal_minutes(b"%PDF-1.7\n", named, PUBLIC, PRIVATE)


def judge(*files: bytes) -> list[str]:
    found = checking.judge([(f"{n}", data) for n, data in enumerate(files)], lambda _: KNOWN)
    return [one.verdict for one in found]


def own_certificate(name: str = "Sở Tài chính") -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime(2025, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return key, made.public_bytes(certificates.serialization.Encoding.DER)


def test_links_that_follow_each_other_are_valid():
    one = document()
    two = document(2, canonical.digest(one))
    assert judge(signed(one), signed(two)) == ["valid", "valid"]
    assert judge(signed(one), minutes(1, one), signed(two), minutes(2, two)) == ["valid"] * 4


def test_two_closes_of_one_number_are_a_chain_that_splits():
    """Both rightly signed: somebody signed, went back to an older database and signed again."""
    one, other = document(), document(note="khác")
    assert judge(signed(one), signed(other)) == ["chain_broken", "chain_broken"]
    assert judge(signed(one), minutes(1, other)) == ["chain_broken", "chain_broken"]


def test_minutes_between_two_files_do_not_hide_that_the_chain_breaks():
    one, two = document(), document(2, "ab" * 32)
    assert judge(signed(one), signed(two)) == ["valid", "chain_broken"]
    assert judge(signed(one), minutes(1, one), signed(two)) == ["valid", "valid", "chain_broken"]


@pytest.mark.parametrize(
    "more",
    [
        {"school": {"code": ["thcs-a"], "name": "x"}},
        {"school": {"code": {"a": 1}, "name": "x"}},
        {"school": {"code": "thcs-\u0000a", "name": "x"}},
        {"school": 7},
        {"sequence": "1"},
        {"sequence": 10**30},
        {"sequence": True},
        {"period": {"from": 1, "through": []}},
        {"signed_by": {"name": ["x"], "role": "accountant"}},
        {"signed_at": 1},
        {"previous_sha256": 5},
        {"kind": ["close"]},
    ],
)
def test_a_document_of_other_types_is_altered_whoever_signed_it(more):
    forged = signed(document(**more))
    assert judge(forged, signed(document()), forged) == ["altered", "valid", "altered"]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.decode().encode("utf-16"),
        lambda data: data.replace(b'"kind":"close"', b'"kind":"close","kind":"close"'),
        lambda data: data.replace(b'"sequence":1', b'"sequence":1.0'),
        lambda data: data.replace(b'"sequence":1', b'"sequence":1e0'),
        lambda data: data.replace(b"THCS A", b"THCS \\u0041"),
        lambda data: data.replace(b'"Ed25519"', b'"none"'),
        lambda data: data.replace(b'"Ed25519"', b'"RSA-SHA256"'),
        lambda data: data[:-1] + b',"more":1}',
        lambda data: data.replace(b'"sequence":1', b'"sequence":' + b"9" * 5000),
        lambda data: b"[" * 100_000 + data,
        lambda _data: b'{"document":{"school":{"code":"\\ud800"}},"format":"hocphi-signed-close/1","signatures":[]}',
    ],
)
def test_what_is_not_the_file_to_the_byte_is_altered(change):
    assert judge(change(signed(document()))) == ["altered"]


def test_a_signature_for_minutes_is_none_for_a_close():
    said = document()
    swapped = Signature(ED25519, signing.sign(PRIVATE, said, signing.MINUTES), signing.key_name(PUBLIC))
    assert judge(signing.envelope(said, [swapped])) == ["altered"]


def test_a_certificate_alone_signs_no_close():
    key, der = own_certificate()
    said = document()
    alone = Signature("ECDSA-SHA256", certificates.sign(key, said), certificate=der)
    assert judge(signing.envelope(said, [alone])) == ["altered"]


def test_keys_of_one_school_say_nothing_about_another():
    published = signing.keys_file("thcs-b", [{"public": base64.b64encode(PUBLIC).decode()}])
    known = known_by_file(published)
    [found] = checking.judge([("x", signed(document()))], known)
    assert found.verdict == "unknown_key"
    [found] = checking.judge([("x", minutes(1, document()))], known)
    assert found.verdict == "unknown_key"
    [found] = checking.judge([("x", signed(document(school={"code": "thcs-b", "name": "B"})))], known)
    assert found.verdict == "valid"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        canonical.encode({"format": signing.KEYS_FORMAT}),
        canonical.encode({"format": signing.KEYS_FORMAT, "school": "a", "keys": 7}),
        canonical.encode({"format": signing.KEYS_FORMAT, "school": "a", "keys": ["x"]}),
        canonical.encode({"format": signing.KEYS_FORMAT, "school": "a", "keys": [{"public": 1}]}),
        canonical.encode({"format": signing.KEYS_FORMAT, "school": "a", "keys": [{"public": "!!"}]}),
        canonical.encode({"format": signing.KEYS_FORMAT, "school": 1, "keys": []}),
        json.dumps({"format": signing.KEYS_FORMAT, "school": "a", "keys": []}, indent=1).encode(),
    ],
)
def test_what_is_no_file_of_keys_is_refused(data):
    with pytest.raises(ValueError, match="keys"):
        known_by_file(data)
