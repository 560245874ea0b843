"""Any spreadsheet file as plain rows: the one guarded reader behind every import.

`read_tables(data, filename)` takes XLSX, XLS, CSV, and the HTML that some banks call XLS. It executes nothing,
follows no link and stays within fixed limits of memory; what it cannot read it refuses with a StatementError.
"""

from bank_adapters.statements import delimited, html_table, xls, xlsx
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.old_codes import refuse_old_codes
from bank_adapters.statements.rows import Row, Sheet
from bank_adapters.statements.values import Formula, Value

__all__ = ["Formula", "Row", "Sheet", "Value", "read_tables"]

OLE_MAGIC = b"\xd0\xcf\x11\xe0"
NO_TABLES = (b"%PDF", b"{\\rtf", b"<?xml", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf")
"""How documents, pictures and archives begin, which people send in place of the table that they show."""


def read_tables(data: bytes, filename: str) -> list[Sheet]:
    """Read the visible sheets of a file; the content decides its format, not the name.

    Raises StatementError when it is damaged, protected, unsafe, too large, of another format, or in a code of letters
    from before Unicode.
    """
    sheets = read_sheets(data, filename)
    refuse_old_codes(sheets)
    return sheets


def read_sheets(data: bytes, filename: str) -> list[Sheet]:
    """Read a file by the format that its content shows."""
    if data.startswith(b"PK"):
        return xlsx.read(data)
    if data.startswith(OLE_MAGIC):
        return xls.read(data)
    if html_table.looks_like(data):
        return html_table.read(data)
    start = data[:8].lstrip()
    if not start or start.startswith(NO_TABLES) or not data.strip():
        raise unknown(filename)
    return delimited.read(data)


def unknown(filename: str) -> StatementError:
    """Build the error for a file of no known format."""
    return StatementError(
        "unknown_format",
        filename[-80:],
        "Tệp không phải bảng tính (tệp rỗng, PDF, ảnh, tệp nén hoặc định dạng khác). Hãy xuất lại dạng XLSX, XLS hoặc "
        "CSV (UTF-8).",
        "The file is no table (empty, a PDF, a picture, an archive or another format). Export it as XLSX, XLS or "
        "CSV (UTF-8).",
    )
