"""One door for every statement file: its content decides the format, never its name."""

from collections.abc import Mapping

from bank_adapters.statements import camt, layouts, mt940, spreadsheet
from bank_adapters.statements.model import Statement
from bank_adapters.statements.tables import read_tables


def read_statement(data: bytes, filename: str, layout: Mapping[str, object] | None = None) -> list[Statement]:
    """Read the statements of a file: camt.052/053/054, MT940, or a spreadsheet of a known layout.

    `layout` is a layout of the school's own (the form of the files in layouts/) and then the only one tried.
    Raises StatementError, and then nothing of the file may be imported.
    """
    if camt.looks_like(data):
        return camt.read(data)
    if mt940.looks_like(data):
        return mt940.read(data)
    known = layouts.built_in() if layout is None else (layouts.layout_from(layout),)
    return spreadsheet.read(read_tables(data, filename), known)
