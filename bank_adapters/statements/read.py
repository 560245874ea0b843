"""One door for every statement file: its content decides the format, never its name."""

from collections.abc import Mapping, Sequence

from bank_adapters.statements import camt, mt940, spreadsheet
from bank_adapters.statements import layouts as built
from bank_adapters.statements.layouts import Layout, layout_from
from bank_adapters.statements.model import Statement
from bank_adapters.statements.rows import Sheet
from bank_adapters.statements.tables import read_tables


def read_statement(
    data: bytes,
    filename: str,
    layout: Mapping[str, object] | None = None,
    *,
    layouts: Sequence[Mapping[str, object]] = (),
) -> list[Statement]:
    """Read the statements of a file: camt.052/053/054, MT940, or a spreadsheet of a known layout.

    `layouts` are the school's own (the form of the files in layouts/), tried before the built-in ones; `layout` is
    then the only one tried. Raises StatementError, and then nothing of the file may be imported.
    """
    if not is_table(data):
        return camt.read(data) if camt.looks_like(data) else mt940.read(data)
    sheets = read_tables(data, filename)
    return spreadsheet.read(sheets, known_for(sheets, None if layout is None else [layout_from(layout)], layouts))


def is_table(data: bytes) -> bool:
    """Tell whether a file is neither camt nor MT940, so that its columns need a layout."""
    return not (camt.looks_like(data) or mt940.looks_like(data))


def known_for(
    sheets: Sequence[Sheet], only: Sequence[Layout] | None, own: Sequence[Mapping[str, object]]
) -> Sequence[Layout]:
    """Return the layouts to try: the only one, else the school's own where one of them fits, else the built-in ones."""
    if only is not None:
        return only
    ours = [layout_from(one) for one in own]
    fits = any(spreadsheet.recognise(sheet, ours) for sheet in sheets)
    return ours if fits else built.built_in()
