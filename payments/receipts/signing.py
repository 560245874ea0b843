"""The school's signature on a receipt's file, and what a file with one turns out to be: pure.

The signature (Ed25519, RFC 8032) is over every byte of the PDF and stands behind it as a comment line, where readers of
PDF look for nothing: the file opens as any other, and needs nothing but itself to be checked. There is one way of
writing the line, so one changed byte anywhere makes it another file.
"""

import base64
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

CONTEXT: Final = b"hocphi receipt 1\n"
_LINE: Final = re.compile(rb"\n%hocphi-receipt 1 ([A-Za-z0-9_-]{20}) ([1-9][0-9]{0,18}) ([A-Za-z0-9+/]{86}==)\n\Z")
LINE_BYTES: Final = 160


@dataclass(frozen=True, slots=True)
class Signed:
    """A file that carries a signature line; whether it is right is for the key to say."""

    content: bytes
    code: str
    key_id: int
    signature: bytes

    def holds(self, public: bytes) -> bool:
        """Whether the key signed this very content under this code."""
        try:
            key = Ed25519PublicKey.from_public_bytes(public)
            key.verify(self.signature, _message(self.content, self.code))
        except (InvalidSignature, ValueError):
            return False
        return True


def sign(pdf: bytes, code: str, key_id: int, private: bytes) -> bytes:
    """The file with its signature line. ``private``: 32 raw bytes; ``code``: the receipt's, for the public check."""
    signature = Ed25519PrivateKey.from_private_bytes(private).sign(_message(pdf, code))
    return pdf + _line(code, key_id, signature)


def read(data: bytes) -> Signed | None:
    """The parts of a signed file; None when it has no signature line of ours."""
    found = _LINE.search(data, max(0, len(data) - LINE_BYTES))
    if found is None:
        return None
    code, key_id, signature = found[1].decode(), int(found[2]), base64.b64decode(found[3])
    # Base64 has spare bits: what does not come out the same was written by somebody else.
    if _line(code, key_id, signature) != found[0]:
        return None
    return Signed(data[: found.start()], code, key_id, signature)


def new_key() -> tuple[bytes, bytes]:
    """A private key and its public half, 32 raw bytes each."""
    private = Ed25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def _message(pdf: bytes, code: str) -> bytes:
    return CONTEXT + code.encode() + b"\n" + pdf


def _line(code: str, key_id: int, signature: bytes) -> bytes:
    return f"\n%hocphi-receipt 1 {code} {key_id} {base64.b64encode(signature).decode()}\n".encode()
