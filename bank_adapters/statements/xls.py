"""XLS of Excel 97–2003 (BIFF8): the globals of a workbook, then its visible sheets record by record.

Our own reader, because the libraries cannot tell a formula from a value, and a cell in the farthest corner costs them
hundreds of megabytes (docs/adr/0015).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.ole import CompoundFile, protected
from bank_adapters.statements.rows import Sheet, SheetBuilder, too_many
from bank_adapters.statements.xls_sheet import SheetReader, Workbook, text_at
from bank_adapters.statements.xls_strings import shared_strings
from bank_adapters.statements.xlsx import BUILT_IN_DATES, MAX_SHEETS, MAX_STYLES, shows_a_day
from bank_adapters.statements.zip_guard import broken

BOF, EOF, CONTINUE = 0x0809, 0x000A, 0x003C
BOUNDSHEET, SST, DATEMODE, FORMAT, XF, FILEPASS = 0x0085, 0x00FC, 0x0022, 0x041E, 0x00E0, 0x002F
BIFF8 = 0x0600


@dataclass(slots=True)
class Globals:
    """What the first part of the stream says of the whole workbook."""

    sheets: list[tuple[str, int]] = field(default_factory=list)  # visible worksheets: name, offset in bytes
    strings: list[bytes] = field(default_factory=list)  # the shared strings and their continuations
    formats: dict[int, bool] = field(default_factory=dict)  # number format -> whether it shows a day
    styles: list[int] = field(default_factory=list)  # number format of each cell style
    epoch_1904: bool = False

    def workbook(self) -> Workbook:
        """Return what the cells refer to."""
        dates = (number for number, style in enumerate(self.styles) if self.formats.get(style, style in BUILT_IN_DATES))
        return Workbook(shared_strings(self.strings), frozenset(dates), self.epoch_1904)


def read(data: bytes) -> list[Sheet]:
    """Read the visible sheets of a workbook; raises StatementError."""
    container = CompoundFile(data)
    if "EncryptedPackage" in container:
        raise protected()
    if "Workbook" not in container:
        raise StatementError(
            "unknown_format",
            "",
            "Tệp không phải bảng tính XLS của Excel 97–2003. Hãy mở tệp và lưu dạng XLSX rồi nộp lại.",
            "The file is no XLS of Excel 97-2003. Open it, save it as XLSX and send that.",
        )
    stream = container.stream("Workbook")
    found = read_globals(stream)
    workbook = found.workbook()
    sheets: list[Sheet] = []
    cells = 0
    for name, offset in found.sheets:
        builder = SheetBuilder(name, cells, epoch_1904=found.epoch_1904)
        SheetReader(workbook, builder).read(records(stream, offset))
        cells = builder.cells
        sheets.append(builder.sheet())
    return sheets


def records(stream: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of each record of one part, up to its end; parts inside it (charts) are left out.

    Raises StatementError where the stream ends first.
    """
    depth = 0
    position, length = offset, len(stream)
    while position + 4 <= length:
        kind, size = struct.unpack_from("<HH", stream, position)
        content = stream[position + 4 : position + 4 + size]
        position += 4 + size
        if kind == BOF:
            depth += 1
            if depth == 1 and (len(content) < 4 or struct.unpack_from("<H", content)[0] != BIFF8):
                raise broken("Workbook")
        elif depth == 0:
            raise broken("Workbook")
        elif kind == EOF:
            depth -= 1
            if not depth:
                return
        elif depth == 1:
            yield kind, content
    raise broken("Workbook")


def read_globals(stream: bytes) -> Globals:
    """Read the first part; raises StatementError for a workbook under a password."""
    found = Globals()
    before = 0
    for kind, content in records(stream, 0):
        if kind == FILEPASS:
            raise protected()
        if kind == SST or (kind == CONTINUE and before == SST):
            found.strings.append(content)
            kind = SST  # noqa: PLW2901 - a continuation goes on with what it continues
        else:
            try:
                read_global(kind, content, found)
            except (struct.error, IndexError):
                raise broken("Workbook") from None
        before = kind
    if not found.sheets:
        raise broken("Workbook")
    return found


def read_global(kind: int, content: bytes, found: Globals) -> None:
    """Take one record of the globals."""
    if kind == BOUNDSHEET:
        offset, visibility, sheet_kind = struct.unpack_from("<IBB", content)
        if not visibility and not sheet_kind:
            found.sheets.append((text_at(content, 6, wide_length=False)[:64], offset))
    elif kind == DATEMODE:
        found.epoch_1904 = struct.unpack_from("<H", content)[0] == 1
    elif kind == FORMAT:
        found.formats[struct.unpack_from("<H", content)[0]] = shows_a_day(text_at(content, 2))
    elif kind == XF:
        found.styles.append(struct.unpack_from("<H", content, 2)[0])
    if len(found.sheets) > MAX_SHEETS or len(found.styles) > MAX_STYLES:
        raise too_many("Workbook")
