"""BIDV Open API: messages that are encrypted for us (JWE) and signed by the bank (JWS).

Authentication    header `X-JWS-Signature`: compact JWS, RS256 and nothing else, whose payload must be the body byte
                  for byte (a JWS alone does not bind the body). The body is JWE in JSON, A256KW with
                  A128CBC-HS256: what does not open under the shared key is not believed either.
Retries           not published.
Idempotency key   `trans_id`.
Amount format     integer đồng, as text; only money in.
Time zone         `yyyyMMddHHmmss` in Viet Nam (`trans_date`); without it the moment of receipt counts.
Source            the bank's specification as VietQR.vn's published server implements it for calls to the bank; that
                  payments are reported in the same form is an assumption, confirm it with the bank.
Certified by the bank: no
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap
from cryptography.hazmat.primitives.padding import PKCS7

from bank_adapters import fields, signatures, strict_json
from bank_adapters.answers import REFUSAL_STATUS, json_answer, refusal
from bank_adapters.contract import (
    VALID,
    Answer,
    BankTransaction,
    Direction,
    MalformedCallbackError,
    Now,
    Outcome,
    Reason,
    Request,
    Secrets,
    Verdict,
)

INTERFACE: Final = 1
NAME: Final = "bidv_openapi_jose"
SECRET_FIELDS: Final = ("kek_hex", "public_pem")
SECRET_CHOICES: Final = (("kek_hex", "public_pem"),)
ROUTES: Final = {"": "notify"}
BATCH: Final = False

_ENCRYPTION: Final = {"alg": "A256KW", "enc": "A128CBC-HS256"}
_KEK: Final = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_URLSAFE: Final = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_CODES: Final = {
    Outcome.bad_signature: ("004", "Chu ky khong hop le"),
    Outcome.stale: ("004", "Chu ky khong hop le"),
    Outcome.malformed: ("001", "Thieu hoac sai tham so"),
    Outcome.internal: ("031", "Loi he thong"),
}


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept what one live mapping both verifies and opens."""
    usable = [mapping for mapping in secrets if _usable(mapping)]
    if not usable:
        return Verdict(valid=False, reason=Reason.unconfigured)
    given = request.header("x-jws-signature")
    if not given:
        return Verdict(valid=False, reason=Reason.no_credentials)
    for mapping in usable:
        if _signed(given, request.body, mapping["public_pem"]) and _opened(request, mapping) is not None:
            return VALID
    return Verdict(valid=False, reason=Reason.bad_signature)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one payment inside."""
    opened = next((plain for mapping in secrets if _usable(mapping) and (plain := _opened(request, mapping))), None)
    if opened is None:
        raise MalformedCallbackError("not_encrypted_for_us")
    document = strict_json.load_object(opened)
    txn_id = fields.identifier(document, "trans_id")
    return [
        BankTransaction(
            provider_txn_id=txn_id,
            bank_reference=txn_id,
            amount_vnd=fields.amount_vnd(document, "amount"),
            direction=Direction.credit,
            occurred_at=(
                fields.moment(document, "trans_date")
                if document.get("trans_date") is not None
                else fields.moment_of_receipt(request)
            ),
            description=fields.free_text(document, "remark"),
            account_number=fields.optional_identifier(document, "account_no"),
            virtual_account=fields.optional_identifier(document, "virtual_account"),
            customer_code=fields.optional_identifier(document, "customer_id"),
            order_ref=fields.optional_identifier(document, "bill_id"),
            dedup_key=txn_id,
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """`result_code` 000 once it is safe with us, else a code with 401, 400 or 503."""
    refused = refusal(outcomes)
    if refused is None:
        return json_answer(200, {"result_code": "000", "result_desc": "success"})
    code, words = _CODES[refused]
    return json_answer(REFUSAL_STATUS[refused], {"result_code": code, "result_desc": words})


def _usable(mapping: Mapping[str, str]) -> bool:
    return bool(_KEK.fullmatch(mapping.get("kek_hex", "")) and signatures.rsa_key(mapping.get("public_pem", "")))


def _signed(compact: str, body: bytes, pem: str) -> bool:
    """Whether the bank signed exactly this body."""
    parts = compact.split(".")
    raw = [_decoded(part) for part in parts]
    key = signatures.rsa_key(pem)
    if len(parts) != 3 or None in raw or key is None:
        return False
    header, payload, signature = (part or b"" for part in raw)
    try:
        named = strict_json.load_object(header)
    except MalformedCallbackError:
        return False
    # `crit` names extensions that we would have to understand.
    if named.get("alg") != "RS256" or "crit" in named or not hmac.compare_digest(payload, body):
        return False
    return signatures.rsa_matches(key, signature, f"{parts[0]}.{parts[1]}".encode())


def _opened(request: Request, mapping: Mapping[str, str]) -> bytes | None:
    """What is inside, None when the body does not open under this key."""
    try:
        document = request.document
        wrapped, protected = _wrapped(document), document.get("protected")
        cek = aes_key_unwrap(bytes.fromhex(mapping["kek_hex"]), wrapped)
        iv, ciphertext, tag = (_needed(document, name) for name in ("iv", "ciphertext", "tag"))
    except (MalformedCallbackError, InvalidUnwrap, ValueError):
        return None
    if len(cek) != 32 or len(iv) != 16 or not isinstance(protected, str):
        return None
    # RFC 7518, 5.2: the first half of the key authenticates, the second encrypts; the tag is checked first.
    aad = protected.encode()
    authenticated = aad + iv + ciphertext + (len(aad) * 8).to_bytes(8)
    if not hmac.compare_digest(hmac.digest(cek[:16], authenticated, "sha256")[:16], tag):
        return None
    return _unpadded(cek[16:], iv, ciphertext)


def _wrapped(document: Mapping[str, Any]) -> bytes:
    """The encrypted key of the one recipient; raises MalformedCallbackError for another encryption than agreed."""
    recipients = document.get("recipients")
    if not isinstance(recipients, list) or len(recipients) != 1 or not isinstance(recipients[0], dict):
        raise MalformedCallbackError("bad_field", "recipients")
    recipient, protected = recipients[0], _needed(document, "protected")
    beside = recipient.get("header")
    told = {**strict_json.load_object(protected), **(beside if isinstance(beside, dict) else {})}
    if told != _ENCRYPTION or "unprotected" in document or "aad" in document:
        raise MalformedCallbackError("bad_field", "protected")
    return _needed(recipient, "encrypted_key")


def _needed(document: Mapping[str, Any], name: str) -> bytes:
    value = document.get(name)
    raw = _decoded(value) if isinstance(value, str) else None
    if raw is None:
        raise MalformedCallbackError("bad_field", name)
    return raw


def _decoded(text: str) -> bytes | None:
    """Base64url without padding, None when it is not."""
    if not _URLSAFE.fullmatch(text):
        return None
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None


def _unpadded(key: bytes, iv: bytes, ciphertext: bytes) -> bytes | None:
    try:
        decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        unpadder = PKCS7(128).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        return None
