"""Our own keys of a connection: made here, kept sealed, shown by their public parts alone.

Banks exchange certificates («.cer»), so a public key is given as PEM and as a self-signed X.509 certificate; it says
nothing but the connection's name, for the bank trusts it because a person handed it over.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509.oid import NameOID

Kind = Literal["rsa", "ed25519"]
PrivateKey = rsa.RSAPrivateKey | Ed25519PrivateKey
_PRIVATE: Final = (rsa.RSAPrivateKey, Ed25519PrivateKey)
RSA_BITS: Final = 3072
CERTIFICATE_DAYS: Final = 3 * 366


@dataclass(frozen=True, slots=True)
class PublicPart:
    """What may be shown of a key: ``field`` of the secret, PEM, Standard Webhooks' form and what people compare."""

    field: str
    ours: bool
    kind: str
    pem: str
    whpk: str | None
    """``whpk_`` + base64, for ed25519 alone (Standard Webhooks 1.0.0)."""
    sha256: str
    """Of the SubjectPublicKeyInfo, in hex by pairs: read over the telephone before a key is trusted."""
    certificate: str | None
    """Of our own key, as PEM: the same each time it is shown."""


def generate(kind: Kind) -> str:
    """A new private key as PKCS#8 PEM."""
    key = rsa.generate_private_key(65537, RSA_BITS) if kind == "rsa" else Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def public_parts(secret: Mapping[str, str], name: str, made_at: datetime) -> list[PublicPart]:
    """The public part of every key in a secret, by field; what is no key is left out.

    ``name`` stands on the certificate of a key of ours, which is good for three years from ``made_at``.
    """
    found = [_public_part(field, secret[field], name, made_at) for field in sorted(secret)]
    return [part for part in found if part is not None]


def _certificate(key: PrivateKey, serial: int, name: str, made_at: datetime) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(made_at)
        .not_valid_after(made_at + timedelta(days=CERTIFICATE_DAYS))
        .sign(key, SHA256() if isinstance(key, rsa.RSAPrivateKey) else None)
    )
    return made.public_bytes(Encoding.PEM).decode("ascii")


def _public_part(field: str, text: str, name: str, made_at: datetime) -> PublicPart | None:
    try:
        key = _read(text)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, (*_PRIVATE, rsa.RSAPublicKey, Ed25519PublicKey)):
        return None
    ours = isinstance(key, _PRIVATE)
    public = key.public_key() if isinstance(key, _PRIVATE) else key
    digest = hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw) if isinstance(public, Ed25519PublicKey) else None
    serial = int(digest[:31], 16) or 1
    return PublicPart(
        field=field,
        ours=ours,
        kind="ed25519" if raw is not None else "rsa",
        pem=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii"),
        whpk=None if raw is None else f"whpk_{base64.b64encode(raw).decode('ascii')}",
        sha256=":".join(digest[place : place + 2] for place in range(0, len(digest), 2)).upper(),
        certificate=_certificate(key, serial, name, made_at) if isinstance(key, _PRIVATE) else None,
    )


def _read(text: str) -> object:
    """A key of either kind and half, None for other text. Raises ValueError, TypeError and UnsupportedAlgorithm."""
    if "PRIVATE KEY" in text:
        return load_pem_private_key(text.encode(), None)
    if "PUBLIC KEY" in text:
        return load_pem_public_key(text.encode())
    if text.startswith("whpk_"):
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix("whpk_")))
    return None
