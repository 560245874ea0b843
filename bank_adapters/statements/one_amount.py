"""Exports with one column of amounts: it is split into debit and credit, so that one reader serves both kinds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bank_adapters.statements.errors import Problems, StatementError
from bank_adapters.statements.headers import Header, folded
from bank_adapters.statements.layouts import Layout
from bank_adapters.statements.model import Direction
from bank_adapters.statements.rows import Row, Sheet
from bank_adapters.statements.sheet_facts import label_in
from bank_adapters.statements.values import Value, is_blank, parse_amount, split_date, text_of

DEBITS = frozenset({"-", "d", "dr", "db", "debit", "n", "no", "ghi no", "rut", "chi", "tien ra", "out"})
CREDITS = frozenset({"+", "c", "cr", "credit", "co", "ghi co", "nop", "thu", "tien vao", "in"})


@dataclass(frozen=True, slots=True)
class SplitRow(Row):
    """A row with two cells more, debit and credit; both stand where its one amount stands."""

    own_width: int = 0
    amount_column: int = 0

    def place(self, column: int | None = None) -> str:
        """Say where a cell stands in the file."""
        inside = column is None or column < self.own_width
        return Row(self.sheet, self.number, self.cells).place(column if inside else self.amount_column)


def two_sided(
    sheet: Sheet, layout: Layout, header: Header, money_in: Direction = "credit"
) -> tuple[Sheet, Layout, Header]:
    """Give a sheet with one column of amounts a debit and a credit column; any other one stays as it is.

    `money_in`: the side of an amount without minus; a bank credits what came in, the school's books debit it. Raises
    StatementError with every row whose side is said by no known word.
    """
    if "amount" not in header.columns:
        return sheet, layout, header
    width = max(len(row.cells) for row in sheet.rows)
    problems = Problems()
    rows: list[Row] = []
    for position, row in enumerate(sheet.rows):
        sides: tuple[Value, Value] = (None, None)
        if position >= header.body:
            try:
                sides = sides_of(row, layout, header.columns, money_in)
            except StatementError as error:
                problems.add(error)
        cells = row.cells + (None,) * (width - len(row.cells)) + sides
        rows.append(SplitRow(row.sheet, row.number, cells, width, header.columns["amount"]))
    problems.raise_if_any()
    columns = {**header.columns, "debit": width, "credit": width + 1}
    return replace(sheet, rows=tuple(rows)), layout, replace(header, columns=columns)


def sides_of(row: Row, layout: Layout, columns: Mapping[str, int], money_in: Direction) -> tuple[Value, Value]:
    """Return debit and credit of a row; what is no amount stays for the reader to refuse. A total has no side.

    Raises StatementError when the column of sides says something else than its amount needs.
    """
    value = row.cell(columns["amount"])
    dated = begins_with_day(row.cell(columns["booked_on"]))
    if is_blank(value) or (not dated and label_in(row, layout)[0] is not None):
        return None, None
    try:
        amount = parse_amount(value, row.place(columns["amount"]))
    except StatementError:
        return None, value
    if amount is None:
        return None, None
    if "side" not in columns:
        came_in = amount > 0
        return (None, abs(amount)) if came_in == (money_in == "credit") else (abs(amount), None)
    side = folded(text_of(row.cell(columns["side"]))) or text_of(row.cell(columns["side"])).strip()
    if side not in DEBITS | CREDITS:
        if not dated:
            return None, None
        raise StatementError(
            "missing_value",
            row.place(columns["side"]),
            "Không rõ dòng này ghi nợ hay ghi có. Hãy ghi «Nợ» hoặc «Có» (D/C, -/+) vào ô này.",
            "It is not clear whether this row is a debit or a credit. Write «Nợ» or «Có» (D/C, -/+) here.",
        )
    if amount < 0 and side in CREDITS:
        raise StatementError(
            "bad_amount",
            row.place(columns["amount"]),
            "Số tiền âm nhưng cột bên cạnh ghi «Có». Hãy xem lại dòng này.",
            "The amount is negative but its side says credit. Check this row.",
        )
    return (abs(amount), None) if side in DEBITS else (None, amount)


def begins_with_day(value: Value) -> bool:
    """Tell whether a cell begins with a day."""
    try:
        return split_date(value, "")[0] is not None
    except StatementError:
        return False
