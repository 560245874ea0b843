"""The compound file (OLE2) around an old XLS: one named stream out of it, within fixed limits.

Every chain of sectors is followed at most as far as the file is long; what points outside the file is refused.
"""

import struct

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.zip_guard import MAX_CONTAINER_BYTES, broken, too_large

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST_SECTOR = 0xFFFFFFFA  # above it are marks, not sectors
_ENTRY_BYTES = 128
_STREAM, _ROOT = 2, 5
_IN_HEADER = 109


class CompoundFile:
    """A compound file in memory; raises StatementError where its own tables do not hold together."""

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_CONTAINER_BYTES:
            raise too_large(len(data), MAX_CONTAINER_BYTES)
        if not data.startswith(MAGIC) or len(data) < 512:
            raise broken("")
        self._data = data
        shift, mini_shift = struct.unpack_from("<HH", data, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise broken("")
        self._size = 1 << shift
        self._sectors = max(0, (len(data) + self._size - 1) // self._size - 1)
        first_directory, self._cutoff, mini_table = (struct.unpack_from("<I", data, at)[0] for at in (48, 56, 60))
        self._table = self._allocation()
        self._entries = self._directory(self._chain(first_directory))
        self._mini_table = numbers(self._chain(mini_table)) if mini_table < _LAST_SECTOR else ()
        root = next((entry for entry in self._entries.values() if entry[0] == _ROOT), None)
        self._mini_stream = self._chain(root[1]) if root and root[1] < _LAST_SECTOR else b""

    def __contains__(self, name: str) -> bool:
        return self._entries.get(name, (0, 0, 0))[0] == _STREAM

    def stream(self, name: str) -> bytes:
        """Return the bytes of a stream; raises StatementError when part of it is missing."""
        kind, start, size = self._entries.get(name, (0, 0, 0))
        if kind != _STREAM:
            raise broken(name)
        found = self._mini_chain(start) if size < self._cutoff else self._chain(start)
        if len(found) < size:
            raise broken(name)
        return found[:size]

    def _sector(self, number: int) -> bytes:
        if number >= self._sectors:
            raise broken("")
        at = (number + 1) * self._size
        return self._data[at : at + self._size]

    def _allocation(self) -> tuple[int, ...]:
        """Read the table that names the sector after each sector."""
        first, count = struct.unpack_from("<II", self._data, 68)
        listed = [*struct.unpack_from(f"<{_IN_HEADER}I", self._data, 76)]
        for _ in range(min(count, self._sectors)):
            if first >= _LAST_SECTOR:
                break
            more = numbers(self._sector(first))
            listed += more[:-1]
            first = more[-1] if more else _LAST_SECTOR
        table: list[int] = []
        for number in listed[: self._sectors + 1]:
            if number < _LAST_SECTOR:
                table += numbers(self._sector(number))
        return tuple(table)

    def _chain(self, start: int) -> bytes:
        parts: list[bytes] = []
        number = start
        while number < _LAST_SECTOR:
            if number >= len(self._table) or len(parts) > self._sectors:
                raise broken("")
            parts.append(self._sector(number))
            number = self._table[number]
        return b"".join(parts)

    def _mini_chain(self, start: int) -> bytes:
        parts: list[bytes] = []
        number = start
        while number < _LAST_SECTOR:
            if number >= len(self._mini_table) or len(parts) > len(self._mini_table):
                raise broken("")
            parts.append(self._mini_stream[number * 64 : number * 64 + 64])
            number = self._mini_table[number]
        return b"".join(parts)

    @staticmethod
    def _directory(data: bytes) -> dict[str, tuple[int, int, int]]:
        """Return kind, first sector and size of each entry by name, the first of a name."""
        found: dict[str, tuple[int, int, int]] = {}
        for at in range(0, len(data) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
            length, kind = struct.unpack_from("<HB", data, at + 64)
            start, size = struct.unpack_from("<II", data, at + 116)
            name = data[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
            if kind:
                found.setdefault(name, (kind, start, size))
        return found


def numbers(data: bytes) -> tuple[int, ...]:
    """Return the 32-bit numbers of a sector or chain."""
    return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])


def protected() -> StatementError:
    """Build the error for a workbook under a password."""
    return StatementError(
        "encrypted",
        "",
        "Tệp được đặt mật khẩu. Hãy bỏ mật khẩu rồi nộp lại.",
        "The file is protected by a password. Remove the password and send it again.",
    )
