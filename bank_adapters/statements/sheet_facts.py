"""What a sheet states outside its lines: account, period, currency, balances and totals."""

import re
from collections.abc import Mapping
from datetime import date

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.headers import MAX_LABEL_CHARS, folded
from bank_adapters.statements.layouts import Layout
from bank_adapters.statements.rows import Row
from bank_adapters.statements.values import Formula, Value, is_blank, parse_amount, parse_date, text_of

_ACCOUNT = re.compile(r"[0-9](?:[ .-]?[0-9]){5,18}(?![0-9])")
_DAY = re.compile(r"(?<![0-9])(?:[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2})(?![0-9])")
_FROM = re.compile(r"\b(?:tu|from)\b")
_CURRENCY = re.compile(r"\b(?:loai tien|tien te|currency)\b\W*(?:te\W*)?([a-z]{3})\b")
_DONG = {"vnd", "dong"}
_WORDS = re.compile(r"[^\W\d_]{4}")  # longer than VND: a footer, not an amount


class Facts:
    """Gathers the facts of one sheet; a fact stated twice must be stated alike."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.account_number: str | None = None
        self.period: tuple[date, date] | None = None
        self.amounts: dict[str, int] = {}

    def read_head(self, row: Row) -> None:
        """Take facts from a row above the header; raises StatementError for a currency other than đồng."""
        joined = " ".join(text_of(cell) for cell in row.cells if not is_blank(cell))[:MAX_LABEL_CHARS]
        self.read_period(joined, row)
        currency = _CURRENCY.search(folded(joined))
        if currency and currency.group(1) not in _DONG:
            raise StatementError(
                "bad_currency",
                row.place(),
                "Sao kê không phải bằng đồng Việt Nam.",
                "The statement is not in Vietnamese đồng.",
            )
        for column, cell in enumerate(row.cells):
            label = folded(text_of(cell))
            if self.account_number is None and label.startswith(self.layout.account):
                self.account_number = account_in(row, column)
            for name, words in (("opening", self.layout.opening), ("closing", self.layout.closing)):
                if label.startswith(words):
                    self.state(name, amount_beside(row, column), row)

    def read_period(self, text: str, row: Row) -> None:
        """Take the first pair of days that a row introduces with «từ»."""
        days = _DAY.findall(text)
        if self.period is None and len(days) == 2 and _FROM.search(folded(text)):
            first, last = (parse_date(day, row.place()) for day in days)
            if first and last and first <= last:
                self.period = first, last

    def read_label(self, row: Row, columns: Mapping[str, int]) -> str | None:
        """Take balances and totals from a labelled row below the header; return its kind, None if it is none."""
        kind, column = label_in(row, self.layout)
        if kind == "totals":
            self.state("debits", plain_amount(row, columns["debit"]), row)
            self.state("credits", plain_amount(row, columns["credit"]), row)
        elif kind in ("opening", "closing"):
            balance = columns.get("balance")
            stated = None if balance == column else plain_amount(row, balance)
            self.state(kind, amount_beside(row, column) if stated is None else stated, row)
        return kind

    def state(self, name: str, amount_vnd: int | None, row: Row) -> None:
        """Keep an amount; raises StatementError when the sheet states another one elsewhere."""
        if amount_vnd is None:
            return
        if self.amounts.setdefault(name, amount_vnd) != amount_vnd:
            raise StatementError(
                "bad_structure",
                row.place(),
                "Tệp ghi hai số dư hoặc hai tổng khác nhau cho cùng một mục.",
                "The file states two different balances or totals for the same thing.",
            )


def label_in(row: Row, layout: Layout) -> tuple[str | None, int]:
    """Return the kind of the first label in a row (opening, closing, totals, ignored) and its column."""
    for column, cell in enumerate(row.cells):
        label = folded(cell) if isinstance(cell, str) else ""
        for kind in ("opening", "closing", "totals", "ignored"):
            words: tuple[str, ...] = getattr(layout, kind)
            if label.startswith(words):
                return kind, column
    return None, 0


def account_in(row: Row, column: int) -> str | None:
    """Return the account number in a labelled cell or in the next one that shows something."""
    here = _ACCOUNT.search(text_of(row.cell(column))[:MAX_LABEL_CHARS])
    found = here or next(
        (_ACCOUNT.search(text_of(cell)[:MAX_LABEL_CHARS]) for cell in row.cells[column + 1 :] if not is_blank(cell)),
        None,
    )
    return re.sub(r"[^0-9]", "", found.group()) if found else None


def amount_beside(row: Row, column: int) -> int | None:
    """Return the amount after the colon of a labelled cell, or in the next cell that shows something."""
    own = text_of(row.cell(column)).rpartition(":")[2].strip() if ":" in text_of(row.cell(column)) else ""
    if own:
        return parse_amount(own, row.place(column))
    for place in range(column + 1, len(row.cells)):
        if not is_blank(row.cell(place)):
            return plain_amount(row, place)
    return None


def plain_amount(row: Row, column: int | None) -> int | None:
    """Read an amount of a total or balance row, where a computed value is as good as a written one."""
    value: Value = row.cell(column)
    return parse_amount(value.cached if isinstance(value, Formula) else value, row.place(column))


def may_be_amount(value: Value) -> bool:
    """Tell whether a cell of a money column may state money: «Trang 1/2» or «(Ký, họ tên)» cannot, «1.25O.000» may."""
    if not isinstance(value, str):
        return not is_blank(value)
    return any(char.isdigit() for char in value) and not _WORDS.search(value)


def is_zero(value: Value) -> bool:
    """Tell whether a cell shows nothing or zero."""
    return is_blank(value) or text_of(value).strip() in ("0", "-")
