"""Public keys of several kinds behind one question: did the holder of the private key sign this message?"""

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from bank_adapters.signatures import SMALLEST_RSA_BITS

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey

_CURVES: Final = {
    "secp256r1": ("ecdsa-p256-sha256", hashes.SHA256(), 32),
    "secp384r1": ("ecdsa-p384-sha384", hashes.SHA384(), 48),
}
"""Curve -> algorithm's name in RFC 9421, hash, bytes of each half of a signature."""


@lru_cache(maxsize=256)
def load(pem: str) -> PublicKey | None:
    """An ed25519, P-256, P-384 or RSA key (at least 2048 bits) from PEM, None when it is none of them."""
    try:
        key = load_pem_public_key(pem.encode("utf-8", "surrogatepass"))
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, RSAPublicKey):
        return key if key.key_size >= SMALLEST_RSA_BITS else None
    if isinstance(key, EllipticCurvePublicKey):
        return key if key.curve.name in _CURVES else None
    return key if isinstance(key, Ed25519PublicKey) else None


def matches(key: PublicKey, named: str, signature: bytes, message: bytes) -> bool:
    """Whether the signature is right; `named` is an algorithm of RFC 9421 that the key allows, or empty."""
    try:
        return _verified(key, named, signature, message)
    except InvalidSignature:
        return False


def _verified(key: PublicKey, named: str, signature: bytes, message: bytes) -> bool:
    """False for an algorithm that is not the key's; raises InvalidSignature."""
    if isinstance(key, RSAPublicKey):
        return _verified_rsa(key, named or "rsa-pss-sha512", signature, message)
    if isinstance(key, EllipticCurvePublicKey):
        name, digest, half = _CURVES[key.curve.name]
        if named not in {"", name} or len(signature) != 2 * half:
            return False
        pair = encode_dss_signature(*(int.from_bytes(part) for part in (signature[:half], signature[half:])))
        key.verify(pair, message, ec.ECDSA(digest))
        return True
    if named not in {"", "ed25519"}:
        return False
    key.verify(signature, message)
    return True


def _verified_rsa(key: RSAPublicKey, named: str, signature: bytes, message: bytes) -> bool:
    if named == "rsa-pss-sha512":
        key.verify(signature, message, padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512())
        return True
    if named == "rsa-v1_5-sha256":
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        return True
    return False
