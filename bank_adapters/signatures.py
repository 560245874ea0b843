"""Keys, digests and comparisons over bytes; every comparison takes constant time."""

import base64
import binascii
import hmac
import re
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from bank_adapters.contract import VALID, Now, Reason, Secrets, Verdict, unix

TOLERANCE_S: Final = 300
SMALLEST_RSA_BITS: Final = 2048
_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


def secret_values(secrets: Secrets, field: str) -> list[str]:
    """The live values of one field, newest first; an empty one is none, for anyone could sign with it."""
    return [value for mapping in secrets if (value := mapping.get(field))]


def same(received: str, expected: str) -> bool:
    """Compare in constant time; text outside ASCII (an odd header) is unequal, not an error."""
    return hmac.compare_digest(received.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass"))


def hmac_hex(key: str, message: bytes, algorithm: str) -> str:
    """HMAC in lower-case hex; the key is text and used as it stands."""
    return hmac.digest(key.encode("utf-8", "surrogatepass"), message, algorithm).hex()


def any_same(received: str, keys: list[str], message: bytes, algorithm: str, *, prefix: str = "") -> bool:
    """Whether `received` is `prefix` and the hex HMAC of `message` under one of the live keys."""
    return any(same(received, prefix + hmac_hex(key, message, algorithm)) for key in keys)


def fresh(stamp: str, now: Now) -> Verdict:
    """Judge the Unix seconds of a message that is signed rightly: five minutes either way of now."""
    if not _SECONDS.fullmatch(stamp):
        return Verdict(valid=False, reason=Reason.malformed)
    if abs(unix(now) - int(stamp)) > TOLERANCE_S:
        return Verdict(valid=False, reason=Reason.stale)
    return VALID


def decode_base64(text: str) -> bytes | None:
    """Strict standard base64, None when it is not."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None


@lru_cache(maxsize=256)
def ed25519_key(public: str) -> Ed25519PublicKey | None:
    """An ed25519 public key from `whpk_` + base64 or from PEM, None when it is neither."""
    try:
        if public.startswith("-----BEGIN"):
            key = load_pem_public_key(public.encode())
            return key if isinstance(key, Ed25519PublicKey) else None
        return Ed25519PublicKey.from_public_bytes(decode_base64(public.removeprefix("whpk_")) or b"")
    except (ValueError, UnsupportedAlgorithm):
        return None


def ed25519_matches(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether the holder of the private key signed this message."""
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=256)
def rsa_key(pem: str) -> RSAPublicKey | None:
    """An RSA public key of at least 2048 bits from PEM, None when it is none."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= SMALLEST_RSA_BITS else None


def rsa_matches(key: RSAPublicKey, signature: bytes, message: bytes) -> bool:
    """Whether the holder of the private key signed this message: SHA256withRSA, PKCS#1 v1.5."""
    try:
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=64)
def rsa_private_key(pem: str) -> RSAPrivateKey | None:
    """An RSA private key of at least 2048 bits from PEM without a password, None when it is none."""
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPrivateKey) and key.key_size >= SMALLEST_RSA_BITS else None


def rsa_sign(pem: str, message: bytes) -> str:
    """Our SHA256withRSA signature (PKCS#1 v1.5) in base64; empty for a text that is no private key."""
    key = rsa_private_key(pem)
    return "" if key is None else base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()
