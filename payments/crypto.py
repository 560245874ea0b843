"""Encryption of columns and keyed look-ups: AES-256-GCM with key ids, HMAC-SHA256 blind indexes.

A sealed value is ``key id (1 byte) | nonce (12) | ciphertext and tag``. The associated data names table and column,
so that a value cannot be moved to another place unnoticed. Keys come from ``HOCPHI_FIELD_KEYS``; the first
one seals, all of them open, which is how keys rotate.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from payments.errors import DomainError

NONCE_BYTES = 12


class SealError(DomainError):
    """A stored value cannot be opened: unknown key id, or the value was altered or moved."""

    def __init__(self) -> None:
        super().__init__(
            "sealed_value_unreadable",
            "Không đọc được dữ liệu đã mã hóa: thiếu khóa hoặc dữ liệu đã bị thay đổi.",
            "The encrypted value cannot be read: its key is missing or the value was altered.",
        )


class FieldCipher:
    """Seals and opens column values, and computes blind indexes for equality search."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        """``keys``: id (0..255) -> 32 bytes, newest first."""
        if not keys:
            raise ValueError("HOCPHI_FIELD_KEYS holds no key")
        self._open = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._seal_id = next(iter(keys))
        # The index key must not change when a new sealing key is put in front: it hangs on the oldest key.
        oldest = keys[list(keys)[-1]]
        self._index_key = hmac.digest(oldest, b"hocphi blind index", hashlib.sha256)

    def seal(self, value: bytes, place: str) -> bytes:
        """Encrypt ``value`` for ``place`` ("table.column")."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._open[self._seal_id].encrypt(nonce, value, place.encode())
        return bytes((self._seal_id,)) + nonce + sealed

    def open(self, sealed: bytes, place: str) -> bytes:
        """Decrypt what ``seal`` gave for the same place. Raises SealError."""
        try:
            cipher = self._open[sealed[0]]
            return cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], place.encode())
        except (KeyError, IndexError, InvalidTag, ValueError) as error:
            raise SealError from error

    def blind_index(self, value: str, place: str) -> bytes:
        """Keyed hash of a value for equality search; equal values of one place give equal bytes."""
        return hmac.digest(self._index_key, f"{place}\x00{value}".encode(), hashlib.sha256)
