"""Zip containers, read so that no container can use more memory or time than its limits allow.

What a header claims about sizes counts for nothing: bytes are counted as they come out.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from bank_adapters.statements.errors import StatementError

MAX_CONTAINER_BYTES = 32 * 2**20
MAX_ENTRY_BYTES = 64 * 2**20
MAX_TOTAL_BYTES = 128 * 2**20
MAX_RATIO = 100
RATIO_COUNTS_FROM_BYTES = 2**20  # small parts of honest files compress better than 100:1
MAX_MEMBERS = 1000
CHUNK_BYTES = 2**16

_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,  # also UnicodeDecodeError
    NotImplementedError,
    RuntimeError,
    OverflowError,
)


class ZipPackage:
    """A zip file in memory whose members can only be streamed, each under the limits above."""

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_CONTAINER_BYTES:
            raise too_large(len(data), MAX_CONTAINER_BYTES)
        # Counted before zipfile builds an object per directory record.
        if data.count(b"PK\x01\x02") > MAX_MEMBERS:
            raise bomb("", f"hơn {MAX_MEMBERS} thành phần", f"more than {MAX_MEMBERS} members")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _BROKEN as error:
            raise broken("") from error
        self._size = len(data)
        self._spent = 0
        self._members = self._checked_members()

    def _checked_members(self) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            if info.flag_bits & 0x1:
                raise StatementError(
                    "encrypted",
                    info.filename[:80],
                    "Tệp được đặt mật khẩu. Hãy bỏ mật khẩu rồi nộp lại.",
                    "The file is protected by a password. Remove the password and send it again.",
                )
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise broken(info.filename)
            if info.filename in members:
                raise broken(info.filename)
            members[info.filename] = info
        return members

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def stream(self, name: str) -> Iterator[bytes]:
        """Yield a member in pieces; raises StatementError when it is broken or grows past a limit."""
        if name not in self._members:
            raise broken(name)
        info = self._members[name]
        packed = max(1, min(info.compress_size, self._size))
        produced = 0
        try:
            with self._zip.open(info) as member:
                while piece := member.read(CHUNK_BYTES):
                    produced += len(piece)
                    self._spent += len(piece)
                    self._check(name, produced, packed)
                    yield piece
        except _BROKEN as error:
            raise broken(name) from error

    def _check(self, name: str, produced: int, packed: int) -> None:
        if produced > MAX_ENTRY_BYTES or self._spent > MAX_TOTAL_BYTES:
            raise bomb(name, "giải nén quá lớn", "it unpacks to too much")
        if produced > RATIO_COUNTS_FROM_BYTES and produced > MAX_RATIO * packed:
            raise bomb(name, f"tỷ lệ nén trên {MAX_RATIO}:1", f"it is packed more than {MAX_RATIO}:1")


def too_large(size: int, limit: int) -> StatementError:
    """Build the error for a file above its size limit (both in bytes)."""
    return StatementError(
        "too_large",
        "",
        f"Tệp có {size // 2**20 + 1} MB, lớn hơn mức {limit // 2**20} MB. Hãy xuất khoảng ngày ngắn hơn.",
        f"The file has {size // 2**20 + 1} MB, above the limit of {limit // 2**20} MB. Export a shorter period.",
    )


def bomb(name: str, vi: str, en: str) -> StatementError:
    """Build the error for a container that grows past its limits."""
    return StatementError(
        "zip_bomb",
        name[:80],
        f"Tệp nén không an toàn: {vi}. Hãy mở tệp, lưu thành tệp XLSX mới rồi nộp lại.",
        f"The container is not safe: {en}. Open the file, save it as a new XLSX and send that.",
    )


def broken(name: str) -> StatementError:
    """Build the error for a container that is damaged or cut short."""
    return StatementError(
        "bad_container",
        name[:80],
        "Tệp bị hỏng hoặc tải về chưa hết. Hãy xuất và tải lại tệp.",
        "The file is damaged or incomplete. Export and download it again.",
    )
