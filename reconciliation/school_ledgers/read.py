"""One door for every accounting export: our template, or a detailed ledger through a mapping file."""

from collections.abc import Mapping

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.spreadsheet import recognise
from bank_adapters.statements.tables import read_tables
from reconciliation.school_ledgers import mappings
from reconciliation.school_ledgers.model import LedgerFile
from reconciliation.school_ledgers.sections import SheetReader


def read_ledger(data: bytes, filename: str, mapping: Mapping[str, object] | None = None) -> list[LedgerFile]:
    """Read a ledger file: one LedgerFile per sheet, or per account where a sheet has a section for each.

    `mapping` is a mapping of the school's own (the form of the files in mappings/) and then the only one
    tried. Raises StatementError with every bad row, and then nothing of the file may be imported.
    """
    known = mappings.built_in() if mapping is None else (mappings.mapping_from(mapping),)
    sheets = read_tables(data, filename)
    found: list[LedgerFile] = []
    for sheet in sheets:
        recognised = recognise(sheet, known)
        if recognised is not None:
            found.extend(SheetReader(sheet, filename, *recognised).ledgers())
    if not found:
        raise StatementError(
            "no_header",
            sheets[0].name if sheets else "",
            "Không tìm thấy dòng tiêu đề của sổ chi tiết trong 40 dòng đầu. Hãy dùng mẫu của hệ thống "
            "hoặc khai báo ánh xạ cột cho phần mềm kế toán của trường.",
            "No ledger header was found in the first 40 rows. Use our template, or describe the columns of "
            "the school's accounting software in a mapping.",
        )
    return found
