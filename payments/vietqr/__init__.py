"""VietQR payloads: encode, decode, memo, bank registry and rendering; pure."""

from payments.vietqr.decoder import decode
from payments.vietqr.encoder import encode
from payments.vietqr.errors import VietQRError
from payments.vietqr.payload import VietQR

__all__ = ["VietQR", "VietQRError", "decode", "encode"]
