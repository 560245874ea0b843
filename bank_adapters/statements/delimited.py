"""CSV as banks and spreadsheet programs save it: comma, semicolon or tab; UTF-8 or UTF-16."""

import csv
import io
from collections.abc import Iterator

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.old_codes import code_of_bytes, old_code
from bank_adapters.statements.rows import MAX_COLUMNS, Sheet, SheetBuilder
from bank_adapters.statements.values import Value
from bank_adapters.statements.zip_guard import MAX_CONTAINER_BYTES, too_large

SNIFFED_ROWS = 40
SEARCHED_BYTES = 2**20  # for the code of letters of a file that is not UTF-8
DELIMITERS = (",", ";", "\t")


def read(data: bytes) -> list[Sheet]:
    """Read a CSV file into one sheet without a name; raises StatementError."""
    if len(data) > MAX_CONTAINER_BYTES:
        raise too_large(len(data), MAX_CONTAINER_BYTES)
    text = decode(data)
    first_line = text[:16].partition("\n")[0].strip()
    builder = SheetBuilder("")
    builder.endless = True
    if first_line.lower().startswith("sep=") and len(first_line) == 5:
        text, delimiter, offset = text.partition("\n")[2], first_line[4], 1
    else:
        delimiter, offset = sniff(text), 0
    number = offset
    for number, cells in enumerate(records(text, delimiter), start=1 + offset):
        values: list[Value] = [cell or None for cell in cells]
        builder.add(number, values)
    if not text.endswith(("\n", "\r")):
        builder.open_row = number
    return [builder.sheet()]


def decode(data: bytes) -> str:
    """Decode by the byte order mark, else strictly as UTF-8; anything else is refused, not guessed."""
    try:
        text = data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError as error:
        known = code_of_bytes(data[:SEARCHED_BYTES])
        if known is not None:
            raise old_code(known[0], f"dòng {known[1]}") from None
        raise bad_encoding(f"byte {error.start}") from None
    if "\x00" in text:
        raise bad_encoding("NUL")
    return text


def records(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the records of a text; raises StatementError on broken quoting, as in half a file."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error:
        raise StatementError(
            "bad_structure",
            f"dòng {reader.line_num}",
            "Dấu ngoặc kép trong tệp CSV không khớp; tệp có thể bị cắt. Hãy tải lại tệp.",
            "Quotes in the CSV file do not match; it may be cut short. Download it again.",
        ) from None


def sniff(text: str) -> str:
    """Choose the delimiter that gives the most cells in the first rows."""
    best, most = DELIMITERS[0], 0
    for delimiter in DELIMITERS:
        cells = 0
        try:
            for _, record in zip(range(SNIFFED_ROWS), records(text, delimiter), strict=False):
                cells += min(len(record), MAX_COLUMNS)
        except StatementError:
            continue
        if cells > most:
            best, most = delimiter, cells
    return best


def bad_encoding(place: str) -> StatementError:
    """Build the error for a text that is not UTF-8."""
    return StatementError(
        "bad_encoding",
        place,
        "Tệp không dùng mã UTF-8. Trong Excel hãy chọn «CSV UTF-8 (Comma delimited)» hoặc lưu dạng XLSX.",
        "The file is not in UTF-8. In Excel choose «CSV UTF-8 (Comma delimited)», or save it as XLSX.",
    )
