"""Any spreadsheet file as plain rows: the one guarded reader behind every import.

`read_tables(data, filename)` takes XLSX, CSV, and the HTML that some banks call XLS. It executes nothing,
follows no link and stays within fixed limits of memory; what it cannot read it refuses with a StatementError.
"""

from bank_adapters.statements import delimited, html_table, xlsx
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.rows import Row, Sheet
from bank_adapters.statements.values import Formula, Value

__all__ = ["Formula", "Row", "Sheet", "Value", "read_tables"]

OLE_MAGIC = b"\xd0\xcf\x11\xe0"
ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")


def read_tables(data: bytes, filename: str) -> list[Sheet]:
    """Read the visible sheets of a file; the content decides its format, not the name.

    Raises StatementError when it is damaged, protected, unsafe, too large or of another format.
    """
    if data.startswith(b"PK"):
        return xlsx.read(data)
    if data.startswith(OLE_MAGIC):
        raise old_excel(data, filename)
    if html_table.looks_like(data):
        return html_table.read(data)
    if data[:8].lstrip().startswith((b"%PDF", b"{\\rtf", b"<?xml")) or not data.strip():
        raise unknown(filename)
    return delimited.read(data)


def old_excel(data: bytes, filename: str) -> StatementError:
    """Tell a workbook locked by a password from the binary XLS of Excel 97-2003."""
    if ENCRYPTED_PACKAGE in data:
        return StatementError(
            "encrypted",
            filename[-80:],
            "Tệp được đặt mật khẩu. Hãy bỏ mật khẩu rồi nộp lại.",
            "The file is protected by a password. Remove the password and send it again.",
        )
    return StatementError(
        "unknown_format",
        filename[-80:],
        "Tệp ở dạng XLS của Excel 97–2003. Hãy mở tệp và lưu dạng XLSX rồi nộp lại.",
        "The file is an XLS of Excel 97-2003. Open it, save it as XLSX and send that.",
    )


def unknown(filename: str) -> StatementError:
    """Build the error for a file of no known format."""
    return StatementError(
        "unknown_format",
        filename[-80:],
        "Không nhận ra định dạng tệp. Hãy nộp XLSX hoặc CSV (UTF-8).",
        "The format of the file is not known. Send XLSX or CSV (UTF-8).",
    )
