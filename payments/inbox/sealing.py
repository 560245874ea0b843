"""Raw requests as they are kept: sealed whole, for they hold names, amounts and signatures."""

from typing import Final

import msgspec

from bank_adapters.contract import Request
from payments.crypto import FieldCipher

MAX_BODY_BYTES: Final = 256 * 1024
"""No more is read before a request is verified."""
SEALED_PLACE: Final = "raw_callback.sealed"


def seal(request: Request, cipher: FieldCipher, keep: int = MAX_BODY_BYTES) -> bytes:
    """The request as one sealed value; of a longer body only the first ``keep`` bytes."""
    parts = (request.method, request.path, request.query, dict(request.headers), request.body[:keep])
    return cipher.seal(_ENCODE(parts), SEALED_PLACE)


def unseal(sealed: bytes, cipher: FieldCipher, remote_addr: str | None = None) -> Request:
    """The request as it was received (without its token). Raises SealError."""
    method, path, query, headers, body = _DECODE(cipher.open(sealed, SEALED_PLACE))
    return Request(method, path, query, headers, body, remote_addr)


_ENCODE: Final = msgspec.msgpack.Encoder().encode
_DECODE: Final = msgspec.msgpack.Decoder(tuple[str, str, str, dict[str, str], bytes]).decode
