"""A file as tables, and the file that goes back when rows of it are bad."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from bank_adapters.statements import read as statements
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.tables import Sheet, read_tables
from reconciliation.imports.layouts import in_use
from reconciliation.imports.models import ImportKind
from reconciliation.imports.returned import returned_workbook
from reconciliation.school_ledgers import read as ledgers


class File(NamedTuple):
    """What somebody sent."""

    name: str
    data: bytes


def tables_of(file: File) -> list[Sheet]:
    """The sheets of a file; none where it is no table or cannot be opened."""
    if not statements.is_table(file.data):
        return []
    try:
        return read_tables(file.data, file.name)
    except StatementError:
        return []


def give_back(
    session: Session, school_id: int, kind: ImportKind, file: File, errors: Sequence[StatementError]
) -> bytes:
    """The same workbook with what is wrong beside each bad row; a list of the places where the file is no table."""
    sheets = tables_of(file)
    own = in_use(session, school_id, kind)
    known_for = statements.known_for if kind is ImportKind.STATEMENT else ledgers.known_for
    return returned_workbook(sheets, known_for(sheets, None, own) if sheets else (), errors)


def all_of(error: StatementError) -> tuple[StatementError, ...]:
    """Every place that an error names."""
    return (error, *error.others)
