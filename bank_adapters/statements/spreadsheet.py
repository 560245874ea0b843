"""Statements exported as spreadsheets: the header found by its names, then line by line."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from bank_adapters.statements.errors import Problems, StatementError
from bank_adapters.statements.headers import Header
from bank_adapters.statements.layouts import Layout
from bank_adapters.statements.model import Direction, Notice, Statement, StatementLine
from bank_adapters.statements.old_codes import old_code_notice
from bank_adapters.statements.one_amount import two_sided
from bank_adapters.statements.proof import newest_first, prove
from bank_adapters.statements.recognising import recognise
from bank_adapters.statements.rows import Row, Sheet
from bank_adapters.statements.sheet_facts import Facts, is_zero, may_be_amount
from bank_adapters.statements.values import (
    Value,
    is_blank,
    parse_amount,
    parse_date,
    refuse_formula,
    split_date,
    text_of,
)

__all__ = ["read", "recognise"]

DAYS_TO_1904 = 1462
_DESTROYED = re.compile(r"[0-9](?:[.,][0-9]+)?[Ee]\+[0-9]{2,3}")
_COLUMN_NUMBER = re.compile(r"\(?[0-9A-Za-z]{1,2}\)?")


def read(sheets: Sequence[Sheet], layouts: Sequence[Layout]) -> list[Statement]:
    """Read every sheet that has a known header; raises StatementError when none has."""
    statements = []
    for sheet in sheets:
        recognised = recognise(sheet, layouts)
        if recognised is not None:
            statements.append(SheetReader(*two_sided(sheet, *recognised)).statement())
    if not statements:
        raise StatementError(
            "no_header",
            sheets[0].name if sheets else "",
            "Không tìm thấy dòng tiêu đề cột của sao kê trong 40 dòng đầu. Hãy nộp nguyên tệp ngân hàng xuất ra, "
            "hoặc khai báo mẫu cột của ngân hàng này.",
            "No statement header was found in the first 40 rows. Send the bank's file unchanged, "
            "or describe this bank's columns in a layout.",
        )
    return statements


class SheetReader:
    """Reads one sheet below its header; every row is a line, a label, or text that holds no money."""

    def __init__(self, sheet: Sheet, layout: Layout, header: Header) -> None:
        self.sheet = sheet
        self.layout = layout
        self.header = header
        self.facts = Facts(layout)
        self.lines: list[StatementLine] = []
        self.notices: list[Notice] = []
        self.after_totals = False
        self.last_row: Row | None = None

    def statement(self) -> Statement:
        """Read the sheet; raises StatementError with every bad row."""
        for row in self.sheet.rows[: self.header.first]:
            self.facts.read_head(row)
        problems = Problems()
        for row in self.sheet.rows[self.header.body :]:
            try:
                self.read_row(row)
            except StatementError as error:
                problems.add(error)
        problems.raise_if_any()
        ordered = list(reversed(self.lines)) if newest_first(self.lines) else self.lines
        facts = self.facts
        statement = Statement(
            account_number=facts.account_number,
            currency="VND",
            period_from=facts.period[0] if facts.period else None,
            period_to=facts.period[1] if facts.period else None,
            opening_vnd=facts.amounts.get("opening"),
            closing_vnd=facts.amounts.get("closing"),
            sequence=None,
            lines=tuple(replace(line, line_no=number) for number, line in enumerate(ordered, start=1)),
            format=f"{self.layout.name}/{self.layout.version}",
            credits_vnd=facts.amounts.get("credits"),
            debits_vnd=facts.amounts.get("debits"),
            notices=tuple(self.notices),
            open_on=self.open_on(),
        )
        self.refuse_cut(statement)
        return statement

    def open_on(self) -> date | None:
        """Return the day at the end of a text that may have been cut between two rows; None where it shows its end.

        The end shows by totals, or by the balance that stands at that end of time: the closing one, or the opening one
        where the newest line comes first.
        """
        amounts = self.facts.amounts
        at_end = "opening" if newest_first(self.lines) else "closing"
        if not self.sheet.endless or not self.lines or at_end in amounts or {"credits", "debits"} <= amounts.keys():
            return None
        return self.lines[-1].booked_on

    def refuse_cut(self, statement: Statement) -> None:
        """Refuse a last line that has no end, for half of 1500000 is 150, and half a memo names another pupil.

        Only a running balance at its very end, which follows from the line before, vouches for all of it; not where a
        column to the right of it, such as the memo, may be what was cut off.
        """
        row = self.last_row
        if row is None or row.number != self.sheet.open_row:
            return
        ends_in_balance = len(row.cells) - 1 == self.header.columns.get("balance") == max(self.header.columns.values())
        begun = len(statement.lines) > 1 or statement.opening_vnd is not None
        if not (ends_in_balance and begun and prove(statement).first_break is None):
            raise unfinished(row)

    def read_row(self, row: Row) -> None:
        """Sort one row; raises StatementError when it may hold money but cannot be read."""
        columns = self.header.columns
        dated = has_day(row, columns["booked_on"])
        moved = any(not is_zero(row.cell(columns[name])) for name in ("debit", "credit"))
        if is_header_again(row, self.sheet, self.header):
            return
        # A payer may write «tổng cộng» into a memo, so a row with a day and a movement is never a label.
        label = None if dated and moved else self.facts.read_label(row, columns)
        if label is not None:
            self.after_totals = label != "opening"
        elif self.has_amount(row, dated=dated) or (dated and not self.after_totals):
            line = self.line(row)
            if line is not None:
                self.lines.append(line)
                self.last_row = row
                if (notice := old_code_notice(line.description, line.place)) is not None:
                    self.notices.append(notice)
        elif not self.after_totals:
            self.notices.append(skipped(row))

    def has_amount(self, row: Row, *, dated: bool) -> bool:
        """Tell whether a row may state money: page numbers and places to sign stand below columns of money, too."""
        cells = [row.cell(self.header.columns.get(name)) for name in ("debit", "credit", "balance")]
        return any(not is_blank(cell) if dated else may_be_amount(cell) for cell in cells)

    def reference(self, row: Row) -> str:
        """The bank's number of a movement; raises StatementError for one that a spreadsheet program has destroyed.

        Excel saves 17 digits to CSV as 1.23457E+16: many payments share it, and the bank's own file differs.
        """
        column = self.header.columns.get("bank_reference")
        text = text_of(row.cell(column))
        if _DESTROYED.fullmatch(text) is None:
            return text
        raise StatementError(
            "bad_reference",
            row.place(column),
            f"Mã giao dịch đã bị bảng tính rút gọn thành «{text}», không còn đủ chữ số. Hãy tải lại tệp gốc từ ngân "
            "hàng, hoặc định dạng cột này là văn bản trước khi lưu.",
            f"A spreadsheet program has shortened the bank's reference to «{text}»; its digits are lost. Download the "
            "file from the bank again, or format this column as text before saving.",
        )

    def line(self, row: Row) -> StatementLine | None:
        """Read a movement; None for one of zero đồng, which changes nothing."""
        columns = self.header.columns
        booked_place = row.place(columns["booked_on"])
        booked_on, after_date = split_date(self.dated(row.cell(columns["booked_on"])), booked_place)
        movement = self.movement(row)
        if movement is None:
            self.notices.append(skipped(row))
            return None
        if booked_on is None:
            raise missing(booked_place, "ngày giao dịch", "the booking date")
        amount_vnd, direction = movement
        value_column, balance_column = columns.get("value_date"), columns.get("balance")
        for name in ("description", "bank_reference"):  # a payment is found by these texts
            refuse_formula(row.cell(columns.get(name)), row.place(columns.get(name)))
        return StatementLine(
            line_no=0,
            value_date=parse_date(self.dated(row.cell(value_column)), row.place(value_column)) or booked_on,
            booked_on=booked_on,
            amount_vnd=amount_vnd,
            direction=direction,
            bank_reference=self.reference(row) or after_date or None,
            description=text_of(row.cell(columns["description"])),
            raw="\t".join(text_of(cell) for cell in row.cells),
            place=row.place(),
            counterparty=text_of(row.cell(columns.get("counterparty"))) or None,
            balance_after_vnd=parse_amount(row.cell(balance_column), row.place(balance_column)),
        )

    def dated(self, value: Value) -> Value:
        """Return a cell that should be a day; a bare number counts from 1904 where the workbook does."""
        if self.sheet.epoch_1904 and isinstance(value, int | Decimal):
            return value + DAYS_TO_1904
        return value

    def movement(self, row: Row) -> tuple[int, Direction] | None:
        """Return amount and direction of a row; exactly one of debit and credit may state one."""
        columns = self.header.columns
        debit = parse_amount(row.cell(columns["debit"]), row.place(columns["debit"]))
        credit = parse_amount(row.cell(columns["credit"]), row.place(columns["credit"]))
        if debit is None and credit is None:
            raise missing(row.place(), "số tiền ghi nợ hoặc ghi có", "a debit or credit amount")
        if (debit or 0) < 0 or (credit or 0) < 0 or (debit and credit):
            raise StatementError(
                "bad_amount",
                row.place(),
                "Mỗi dòng chỉ được có một số tiền, ghi nợ hoặc ghi có, và không âm.",
                "A row must have one amount, debit or credit, and not a negative one.",
            )
        if credit:
            return credit, "credit"
        return (debit, "debit") if debit else None


def is_header_again(row: Row, sheet: Sheet, header: Header) -> bool:
    """Tell whether a row repeats the header, or numbers its columns."""
    if any(row.cells == head.cells for head in sheet.rows[header.first : header.body]):
        return True
    if row is not sheet.rows[header.body]:
        return False
    texts = [text_of(row.cell(column)) for column in header.columns.values()]
    return len(set(texts)) == len(texts) and all(map(_COLUMN_NUMBER.fullmatch, texts))


def has_day(row: Row, column: int) -> bool:
    """Tell whether a cell begins with a day."""
    try:
        return split_date(row.cell(column), "")[0] is not None
    except StatementError:
        return False


def missing(place: str, vi: str, en: str) -> StatementError:
    """Build the error for a row that lacks something it needs."""
    return StatementError("missing_value", place, f"Dòng này thiếu {vi}.", f"This row lacks {en}.")


def skipped(row: Row) -> Notice:
    """Note a row that holds no movement."""
    return Notice(
        "row_without_movement",
        row.place(),
        "Dòng này không có số tiền phát sinh nên được bỏ qua.",
        "This row states no movement and was passed over.",
    )


def unfinished(row: Row) -> StatementError:
    """Build the error for a last row without line end."""
    return StatementError(
        "bad_structure",
        row.place(),
        "Dòng cuối của tệp không có dấu xuống dòng nên có thể bị cắt giữa chừng. Hãy tải lại tệp; nếu tệp đủ, "
        "hãy thêm một dòng trống ở cuối.",
        "The last row has no line end, so it may be cut short. Download the file again; if it is whole, add an "
        "empty line at its end.",
    )
