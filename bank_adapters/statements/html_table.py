"""The HTML that some banks send under the name of XLS: the largest table of the page."""

import re
from typing import cast

from lxml import etree

from bank_adapters.statements.delimited import decode
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.rows import MAX_COLUMNS, Sheet, SheetBuilder
from bank_adapters.statements.safe_xml import bad_xml
from bank_adapters.statements.values import Value
from bank_adapters.statements.zip_guard import CHUNK_BYTES, MAX_CONTAINER_BYTES, too_large

_HTML = re.compile(
    rb"^[\s\xef\xbb\xbf\xff\xfe\x00]*<\s*(?:!doctype\s+html|html|head|body|table|meta|style)\b", re.IGNORECASE
)
MAX_CELL_CHARS = 32_767


def looks_like(data: bytes) -> bool:
    """Tell whether a file begins as an HTML page does."""
    return _HTML.match(data[:400].replace(b"\x00", b"")) is not None


def read(data: bytes) -> list[Sheet]:
    """Read every table of a page into one sheet, row after row; raises StatementError."""
    if len(data) > MAX_CONTAINER_BYTES:
        raise too_large(len(data), MAX_CONTAINER_BYTES)
    page = decode(data)
    refuse_cut(page)
    text = page.encode("utf-8", "replace")
    target = TableTarget()
    parser = etree.HTMLParser(
        target=cast("etree.ParserTarget", target), encoding="utf-8", no_network=True, huge_tree=False
    )
    try:
        for start in range(0, len(text), CHUNK_BYTES):
            parser.feed(text[start : start + CHUNK_BYTES])
        parser.close()
    except etree.LxmlError as error:
        raise bad_xml("HTML", error) from None
    return [target.builder.sheet()]


def refuse_cut(page: str) -> None:
    """Refuse a page that ends inside a table: the parser would close it, and a row cut short would pass for whole."""
    if page.casefold().rfind("</table") < max(page.casefold().rfind(tag) for tag in ("<td", "<th", "<tr")):
        raise StatementError(
            "bad_structure",
            "HTML",
            "Bảng trong tệp chưa kết thúc (thiếu </table>); tệp có thể bị cắt. Hãy tải lại tệp.",
            "The table in the file does not end (</table> is missing); it may be cut short. Download it again.",
        )


class TableTarget:
    """Collects table cells; a cell over several columns is followed by empty ones."""

    def __init__(self) -> None:
        self.builder = SheetBuilder("")
        self.number = 0
        self.cells: list[Value] = []
        self.parts: list[str] | None = None
        self.span = 1

    def start(self, tag: str, attrib: dict[str, str]) -> None:
        """Open a row or a cell; a line break inside a cell stays one."""
        if tag == "tr":
            self.finish_row()
            self.number += 1
        elif tag in ("td", "th"):
            self.finish_cell()
            span = attrib.get("colspan", "1")
            self.span = int(span) if re.fullmatch(r"[1-9][0-9]{0,2}", span, re.ASCII) else 1
            self.parts = []
        elif tag == "br" and self.parts is not None:
            self.parts.append("\n")

    def data(self, data: str) -> None:
        """Add text to the open cell."""
        if self.parts is not None:
            self.parts.append(data)

    def end(self, tag: str) -> None:
        """Close a cell or a row."""
        if tag in ("td", "th"):
            self.finish_cell()
        elif tag in ("tr", "table"):
            self.finish_row()

    def comment(self, text: str) -> None:
        """Comments carry nothing."""

    def close(self) -> None:
        """Keep the last row of a page that does not close it."""
        self.finish_row()

    def finish_cell(self) -> None:
        """Put the open cell into the row."""
        if self.parts is None:
            return
        text = "".join(self.parts)[:MAX_CELL_CHARS].strip()
        if len(self.cells) <= MAX_COLUMNS:
            self.cells += [text or None] + [None] * min(self.span - 1, MAX_COLUMNS)
        self.parts = None

    def finish_row(self) -> None:
        """Put the open row into the sheet."""
        self.finish_cell()
        self.builder.add(self.number, self.cells)
        self.cells = []
