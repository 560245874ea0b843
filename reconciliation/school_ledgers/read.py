"""One door for every accounting export: our template, or a detailed ledger or list through a mapping file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bank_adapters.statements.errors import Problems, StatementError
from bank_adapters.statements.layouts import Layout
from bank_adapters.statements.one_amount import two_sided
from bank_adapters.statements.rows import Sheet
from bank_adapters.statements.spreadsheet import recognise
from bank_adapters.statements.tables import read_tables
from reconciliation.school_ledgers import mappings
from reconciliation.school_ledgers.model import LedgerFile
from reconciliation.school_ledgers.sections import SheetReader


@dataclass(frozen=True, slots=True)
class Books:
    """A file as read: its ledgers, and the postings that could not be read."""

    ledgers: tuple[LedgerFile, ...]
    bad: tuple[StatementError, ...]


def read_ledger(data: bytes, filename: str, mapping: Mapping[str, object] | None = None) -> list[LedgerFile]:
    """Read a ledger file: one LedgerFile per sheet, or per account where a sheet has a section for each.

    `mapping` is a mapping of the school's own (the form of the files in mappings/) and then the only one
    tried. Raises StatementError with every bad row, and then nothing of the file may be imported.
    """
    books = read_books(data, filename, mapping)
    if books.bad:
        raise as_one(books.bad)
    return list(books.ledgers)


def read_books(
    data: bytes,
    filename: str,
    mapping: Mapping[str, object] | None = None,
    *,
    own: Sequence[Mapping[str, object]] = (),
) -> Books:
    """Read a ledger file; postings that cannot be read stand beside those that can.

    `own` are the school's mappings, tried before the built-in ones. Raises StatementError for a file that cannot be
    relied on as a whole: no known header, balances that contradict each other, too many bad rows.
    """
    sheets = read_tables(data, filename)
    known = known_for(sheets, mapping, own)
    found: list[LedgerFile] = []
    bad = Problems()
    for sheet in sheets:
        recognised = recognise(sheet, known)
        if recognised is not None:
            split, layout, header = two_sided(sheet, *recognised, money_in="debit")
            found.extend(SheetReader(split, filename, layout, header, bad).ledgers())
    if not found:
        raise StatementError(
            "no_header",
            sheets[0].name if sheets else "",
            "Không tìm thấy dòng tiêu đề của sổ chi tiết trong 40 dòng đầu. Hãy dùng mẫu của hệ thống "
            "hoặc khai báo ánh xạ cột cho phần mềm kế toán của trường.",
            "No ledger header was found in the first 40 rows. Use our template, or describe the columns of "
            "the school's accounting software in a mapping.",
        )
    return Books(tuple(found), tuple(bad.found))


def known_for(
    sheets: Sequence[Sheet], mapping: Mapping[str, object] | None, own: Sequence[Mapping[str, object]]
) -> Sequence[Layout]:
    """Return the mappings to try: the only one, else the school's own where one fits, else the built-in ones."""
    if mapping is not None:
        return (mappings.mapping_from(mapping),)
    ours = [mappings.mapping_from(one) for one in own]
    fits = any(recognise(sheet, ours) for sheet in sheets)
    return ours if fits else mappings.built_in()


def as_one(bad: Sequence[StatementError]) -> StatementError:
    """The first error with the others attached."""
    first, *others = bad
    return StatementError(first.code, first.place, first.vi, first.en, tuple(others))
