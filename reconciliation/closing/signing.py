"""The school's signature on a close, and the two files that carry it: pure.

``*.json``: the signed document with its signatures, canonical as a whole. ``*.pdf``: the minutes; a comment line
behind the file, where readers of PDF look for nothing, says which close they are of, signed with all bytes before it.
Ed25519 (RFC 8032) over a context line and the bytes, so that no signature of ours means anything elsewhere.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from reconciliation.closing import canonical

CLOSE: Final = b"hocphi close 1\n"
MINUTES: Final = b"hocphi minutes 1\n"
FORMAT: Final = "hocphi-signed-close/1"
KEYS_FORMAT: Final = "hocphi-closing-keys/1"
ED25519: Final = "Ed25519"
_LINE: Final = re.compile(
    rb"\n%hocphi-minutes 1 ([A-Za-z0-9._-]{1,40}) ([1-9][0-9]{0,8}) ([0-9a-f]{64}) ([0-9a-f]{32})"
    rb" ([A-Za-z0-9+/]{86}==)\n\Z"
)
LINE_BYTES: Final = 300


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature on a document: by a key of ours (``key``) or by a certificate (DER)."""

    algorithm: str
    value: bytes
    key: str | None = None
    certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class Minutes:
    """A PDF that carries a line of ours; whether it is right is for the key to say."""

    content: bytes
    school: str
    sequence: int
    sha256: str
    key: str
    signature: bytes

    def holds(self, public: bytes) -> bool:
        """Whether the key signed these very bytes."""
        return verify(public, _head(self.school, self.sequence, self.sha256) + self.content, self.signature, MINUTES)


def key_name(public: bytes) -> str:
    """A key's name: the first 16 bytes of its hash, the same in every installation."""
    return hashlib.sha256(public).hexdigest()[:32]


def new_key() -> tuple[bytes, bytes]:
    """A private key and its public half, 32 raw bytes each."""
    private = Ed25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def sign(private: bytes, message: bytes, context: bytes = CLOSE) -> bytes:
    """64 bytes; the same message and key give the same signature."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(context + message)


def verify(public: bytes, message: bytes, signature: bytes, context: bytes = CLOSE) -> bool:
    """Whether the key signed this very message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, context + message)
    except (InvalidSignature, ValueError):
        return False
    return True


def envelope(document: bytes, signatures: Sequence[Signature]) -> bytes:
    """The file that people keep: the document and its signatures, ours first."""
    return canonical.encode(
        {
            "format": FORMAT,
            "document": canonical.decode(document),
            "signatures": [_as_dict(one) for one in signatures],
        }
    )


def open_envelope(data: bytes) -> tuple[bytes, list[Signature]] | None:
    """The signed bytes and their signatures; None when this is no file of ours, to the byte."""
    found = canonical.decode(data)
    if found is None or set(found) != {"format", "document", "signatures"} or found["format"] != FORMAT:
        return None
    try:
        document, signatures = canonical.encode(found["document"]), [_signature(one) for one in found["signatures"]]
        # Base64 has spare bits, and objects room for more names: what does not come out the same is not ours.
        return (document, signatures) if envelope(document, signatures) == data else None
    except (KeyError, TypeError, AttributeError, binascii.Error, ValueError):
        return None


def seal_minutes(pdf: bytes, named: tuple[str, int, str], public: bytes, private: bytes) -> bytes:
    """The PDF with its line; ``named``: code of the school, number and SHA-256 of the close."""
    signature = sign(private, _head(*named) + pdf, MINUTES)
    return pdf + _line(*named, key_name(public), signature)


def open_minutes(data: bytes) -> Minutes | None:
    """The parts of such a PDF; None when it has no line of ours."""
    found = _LINE.search(data, max(0, len(data) - LINE_BYTES))
    if found is None:
        return None
    school, sequence, sha256, key = found[1].decode(), int(found[2]), found[3].decode(), found[4].decode()
    signature = base64.b64decode(found[5])
    # Base64 has spare bits: what does not come out the same was written by somebody else.
    if _line(school, sequence, sha256, key, signature) != found[0]:
        return None
    return Minutes(data[: found.start()], school, sequence, sha256, key, signature)


def keys_file(school: str, keys: Sequence[Mapping[str, Any]]) -> bytes:
    """The school's public keys as they are published."""
    return canonical.encode({"format": KEYS_FORMAT, "school": school, "keys": list(keys)}) + b"\n"


def read_keys(data: bytes) -> tuple[str, dict[str, bytes]]:
    """Out of such a file: whose keys they are, and name -> public key. Raises ValueError."""
    found = canonical.decode(data.strip())
    if found is None or found.get("format") != KEYS_FORMAT:
        raise ValueError("no file of closing keys")
    try:
        school, publics = found["school"], [base64.b64decode(one["public"], validate=True) for one in found["keys"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("no file of closing keys") from error
    if not isinstance(school, str):
        raise ValueError("a file of closing keys names its school")  # noqa: TRY004 - what a file says, not a caller
    return school, {key_name(public): public for public in publics}


def _head(school: str, sequence: int, sha256: str) -> bytes:
    return f"{school} {sequence} {sha256}\n".encode()


def _line(school: str, sequence: int, sha256: str, key: str, signature: bytes) -> bytes:
    value = base64.b64encode(signature).decode()
    return f"\n%hocphi-minutes 1 {school} {sequence} {sha256} {key} {value}\n".encode()


def _as_dict(one: Signature) -> dict[str, Any]:
    certificate = None if one.certificate is None else base64.b64encode(one.certificate).decode()
    told = {"key": one.key, "certificate": certificate, "algorithm": one.algorithm}
    return {name: value for name, value in told.items() if value is not None} | {
        "value": base64.b64encode(one.value).decode()
    }


def _signature(said: Mapping[str, Any]) -> Signature:
    certificate = said.get("certificate")
    return Signature(
        str(said["algorithm"]),
        base64.b64decode(said["value"], validate=True),
        said.get("key"),
        None if certificate is None else base64.b64decode(certificate, validate=True),
    )
