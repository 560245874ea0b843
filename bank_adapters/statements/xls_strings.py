"""The shared strings of an XLS: texts that may be cut anywhere and go on in the next record, even in another width."""

import struct
from collections.abc import Sequence

from bank_adapters.statements.xlsx_sheet import MAX_CELL_CHARS
from bank_adapters.statements.zip_guard import broken

_WIDE, _EXTENDED, _RICH = 0x01, 0x04, 0x08


class Cursor:
    """A place in the records of the table."""

    def __init__(self, records: Sequence[bytes]) -> None:
        self.records = records
        self.number = 0
        self.at = 0

    def take(self, count: int) -> bytes:
        """Return the next bytes, over the borders of records; raises StatementError at the end."""
        found = b""
        while len(found) < count:
            record = self.here()
            piece = record[self.at : self.at + count - len(found)]
            self.at += len(piece)
            found += piece
        return found

    def here(self) -> bytes:
        """Return the record of which something is left; raises StatementError when there is none."""
        while self.at >= len(self.records[self.number]):
            if self.number + 1 >= len(self.records):
                raise broken("SST")
            self.number += 1
            self.at = 0
        return self.records[self.number]

    def text(self, characters: int, *, wide: bool) -> str:
        """Return a text; where it goes on in the next record, that begins with its own width."""
        found = ""
        while len(found) < characters:
            if found or self.at >= len(self.records[self.number]):
                wide = bool(self.take(1)[0] & _WIDE)
            width = 2 if wide else 1
            record = self.here()
            count = min(characters - len(found), (len(record) - self.at) // width)
            if not count:
                raise broken("SST")
            found += record[self.at : self.at + count * width].decode(
                "utf-16-le" if wide else "latin-1", "surrogatepass"
            )
            self.at += count * width
        return found


def shared_strings(records: Sequence[bytes]) -> list[str]:
    """Return the texts that cells share, without their fonts and phonetic hints; raises StatementError."""
    if not records:
        return []
    cursor = Cursor(records)
    _, count = struct.unpack("<II", cursor.take(8))
    if count > sum(map(len, records)):
        raise broken("SST")
    return [shared_string(cursor) for _ in range(count)]


def shared_string(cursor: Cursor) -> str:
    """Read one text."""
    characters, flags = struct.unpack("<HB", cursor.take(3))
    runs = struct.unpack("<H", cursor.take(2))[0] if flags & _RICH else 0
    extra = struct.unpack("<I", cursor.take(4))[0] if flags & _EXTENDED else 0
    if characters > MAX_CELL_CHARS:
        raise broken("SST")
    text = cursor.text(characters, wide=bool(flags & _WIDE))
    cursor.take(4 * runs)
    cursor.take(extra)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
