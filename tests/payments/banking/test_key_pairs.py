"""Our own keys are made here and shown by their public parts; a new one signs only when the bank knows it."""

import base64
import hashlib
import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from sqlalchemy.orm import Session

from bank_adapters.contract import Outcome, Request
from bank_adapters.vietinbank import acknowledge
from payments.banking import key_pairs
from payments.banking.connections import (
    AccountName,
    add_key,
    create_connection,
    drop_new_secret,
    use_prepared,
    with_our_keys,
)
from payments.banking.models import Connection, ReceivingAccount
from payments.banking.queries import connection_by_token, secrets_of
from payments.crypto import FieldCipher
from payments.errors import ConflictError, DomainError
from tests.payments.setting import SchoolSetting

pytestmark = pytest.mark.db

MADE_AT = datetime(2026, 9, 1, tzinfo=UTC)
NOTICE = Request("POST", "notify-bill", "", {}, json.dumps({"transId": "T1", "providerId": "P"}).encode())


def openssl(*arguments: str, given: str) -> str:
    return subprocess.run(
        ["openssl", *arguments], input=given.encode(), capture_output=True, check=True
    ).stdout.decode()


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_generated_key_is_shown_as_openssl_shows_it(kind: key_pairs.Kind) -> None:
    private = key_pairs.generate(kind)
    [part] = key_pairs.public_parts({"private_pem": private, "duplicate_code": "05"}, "Trường Hoa Phượng", MADE_AT)
    assert (part.field, part.ours, part.kind) == ("private_pem", True, kind)
    assert openssl("pkey", "-pubout", given=private) == part.pem
    assert openssl("x509", "-noout", "-pubkey", given=part.certificate or "") == part.pem
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"], input=part.pem.encode(), capture_output=True, check=True
    ).stdout
    assert part.sha256.replace(":", "").lower() == hashlib.sha256(der).hexdigest()
    [again] = key_pairs.public_parts({"private_pem": private}, "Trường Hoa Phượng", MADE_AT)
    assert again == part


def test_the_certificate_is_signed_by_its_own_key() -> None:
    for kind in ("rsa", "ed25519"):
        [part] = key_pairs.public_parts({"k": key_pairs.generate(kind)}, "x" * 100, MADE_AT)
        certificate = x509.load_pem_x509_certificate((part.certificate or "").encode())
        certificate.verify_directly_issued_by(certificate)
        assert certificate.not_valid_before_utc == MADE_AT
        assert certificate.not_valid_after_utc - MADE_AT > timedelta(days=3 * 365)


def test_nothing_private_is_in_what_is_shown() -> None:
    private = key_pairs.generate("rsa")
    key = load_pem_private_key(private.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == key_pairs.RSA_BITS
    shown = repr(key_pairs.public_parts({"private_pem": private, "secret": "s3cr3t"}, "n", MADE_AT))
    assert "PRIVATE" not in shown
    assert "s3cr3t" not in shown
    assert private.split("\n")[3] not in shown


def test_the_sender_s_public_keys_are_shown_too_and_broken_ones_left_out() -> None:
    [ed25519] = key_pairs.public_parts({"k": key_pairs.generate("ed25519")}, "n", MADE_AT)
    assert ed25519.whpk is not None
    raw = base64.b64decode(ed25519.whpk.removeprefix("whpk_"))
    assert isinstance(Ed25519PublicKey.from_public_bytes(raw), Ed25519PublicKey)
    parts = key_pairs.public_parts(
        {"public": ed25519.whpk, "public_pem": ed25519.pem, "a": "whpk_short", "b": "-----BEGIN PUBLIC KEY-----"},
        "n",
        MADE_AT,
    )
    assert [(part.field, part.ours, part.sha256) for part in parts] == [
        ("public", False, ed25519.sha256),
        ("public_pem", False, ed25519.sha256),
    ]
    assert parts[0].certificate is None


@pytest.fixture
def cipher() -> FieldCipher:
    return FieldCipher({1: bytes(32)})


@pytest.fixture
def connection_id(session: Session, cipher: FieldCipher, school: SchoolSetting) -> int:
    """A connection with VietinBank, whose own key hocphi made."""
    theirs = key_pairs.public_parts({"k": key_pairs.generate("rsa")}, "bank", MADE_AT)[0].pem
    number = session.get_one(ReceivingAccount, (school.id, school.account)).number
    made, _ = create_connection(
        session,
        cipher,
        adapter="vietinbank",
        accounts=[AccountName("970998", number)],
        secret=with_our_keys("vietinbank", {"public_pem": theirs}),
        actor_id=None,
    )
    return made


def signer(session: Session, cipher: FieldCipher, connection_id: int) -> int:
    """The id of the secret whose key signs our answers now, found with the public parts alone."""
    door = connection_by_token(session, cipher, session.get_one(Connection, connection_id).token_hash)
    assert door is not None
    answer = json.loads(acknowledge(NOTICE, [Outcome.accepted], door.secrets, MADE_AT).body)
    signed = (answer["transId"] + answer["errorCode"] + answer["errorDesc"]).encode()
    for row in secrets_of(session, cipher, connection_id):
        [ours] = [key for key in row.keys if key.ours]
        public = load_pem_public_key(ours.pem.encode())
        assert isinstance(public, rsa.RSAPublicKey)
        try:
            public.verify(base64.b64decode(answer["signature"]), signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            continue
        return row.id
    raise AssertionError("nobody signed the answer")


def test_a_new_key_signs_only_when_the_bank_has_confirmed_it(
    session: Session, cipher: FieldCipher, connection_id: int
) -> None:
    [first] = secrets_of(session, cipher, connection_id)
    assert signer(session, cipher, connection_id) == first.id
    new_id = add_key(session, cipher, connection_id, actor_id=None)
    assert signer(session, cipher, connection_id) == first.id
    new, old = secrets_of(session, cipher, connection_id)
    assert (new.id, new.prepared, old.prepared) == (new_id, True, False)
    theirs = [[key.sha256 for key in row.keys if not key.ours] for row in (new, old)]
    assert theirs[0] == theirs[1]
    assert use_prepared(session, connection_id, actor_id=None) == new_id
    assert signer(session, cipher, connection_id) == new_id


def test_a_key_made_by_mistake_is_taken_back(session: Session, cipher: FieldCipher, connection_id: int) -> None:
    [first] = secrets_of(session, cipher, connection_id)
    new_id = add_key(session, cipher, connection_id, actor_id=None)
    with pytest.raises(ConflictError, match="two live"):
        add_key(session, cipher, connection_id, actor_id=None)
    assert drop_new_secret(session, connection_id, actor_id=None) == new_id
    assert signer(session, cipher, connection_id) == first.id
    with pytest.raises(ConflictError, match="No new key"):
        use_prepared(session, connection_id, actor_id=None)


def test_an_adapter_that_signs_nothing_has_no_key_of_ours(
    session: Session, cipher: FieldCipher, school: SchoolSetting
) -> None:
    number = session.get_one(ReceivingAccount, (school.id, school.account)).number
    secret = with_our_keys("sepay", {"secret": "s"})
    assert secret == {"secret": "s"}
    made, _ = create_connection(
        session, cipher, adapter="sepay", accounts=[AccountName("970998", number)], secret=secret, actor_id=None
    )
    with pytest.raises(DomainError) as refused:
        add_key(session, cipher, made, actor_id=None)
    assert refused.value.code == "no_key_of_ours"


def test_no_key_is_made_twice() -> None:
    assert key_pairs.generate("rsa") != key_pairs.generate("rsa")
    assert key_pairs.generate("ed25519") != key_pairs.generate("ed25519")
