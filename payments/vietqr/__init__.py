"""VietQR payloads: encode, decode, memo, bank registry and rendering; pure.

The pictures live in ``payments.vietqr.render``: whoever only encodes does not load an imaging library.
"""

from payments.vietqr.advice import Advice, advise
from payments.vietqr.bank_file import BankFileError, read_registry, shipped
from payments.vietqr.banks import AmbiguousBankError, Bank, Registry, RegistryDiff, UnknownBankError, diff
from payments.vietqr.decoder import decode
from payments.vietqr.encoder import encode, encode_transfer
from payments.vietqr.errors import VietQRError
from payments.vietqr.memo import Memo, MemoChange, build_memo
from payments.vietqr.payload import VietQR
from payments.vietqr.style import Style

__all__ = [
    "Advice",
    "AmbiguousBankError",
    "Bank",
    "BankFileError",
    "Memo",
    "MemoChange",
    "Registry",
    "RegistryDiff",
    "Style",
    "UnknownBankError",
    "VietQR",
    "VietQRError",
    "advise",
    "build_memo",
    "decode",
    "diff",
    "encode",
    "encode_transfer",
    "read_registry",
    "shipped",
]
