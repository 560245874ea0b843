"""The rows of one ledger sheet, split into the sections of its accounts."""

import re
from dataclasses import dataclass, field

from bank_adapters.statements.errors import Problems, StatementError
from bank_adapters.statements.headers import MAX_LABEL_CHARS, Header, folded
from bank_adapters.statements.layouts import Layout
from bank_adapters.statements.model import Notice
from bank_adapters.statements.old_codes import old_code_notice
from bank_adapters.statements.rows import Row, Sheet
from bank_adapters.statements.sheet_facts import amount_beside, is_zero, label_in, plain_amount
from bank_adapters.statements.spreadsheet import has_day, is_header_again, missing, skipped, unfinished
from bank_adapters.statements.values import is_blank, parse_amount, parse_date, refuse_formula, text_of
from reconciliation.school_ledgers.model import LedgerFile, LedgerRow, StatedTotal

_ACCOUNT = re.compile(r"\b[0-9]{3,4}(?:\.?[0-9A-Z]{1,6}){0,3}\b")


@dataclass
class Section:
    """The rows and balances of one account, as they are gathered."""

    account_code: str | None
    rows: list[LedgerRow] = field(default_factory=list)
    amounts: dict[str, int] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    totals: list[StatedTotal] = field(default_factory=list)

    def state(self, name: str, amount_vnd: int | None, row: Row) -> None:
        """Keep a balance or total; raises StatementError when the section states another one elsewhere."""
        if amount_vnd is not None and self.amounts.setdefault(name, amount_vnd) != amount_vnd:
            raise StatementError(
                "bad_structure",
                row.place(),
                "Sổ ghi hai số dư hoặc hai tổng khác nhau cho cùng một tài khoản.",
                "The ledger states two different balances or totals for one account.",
            )

    def ledger(self, mapping: Layout) -> LedgerFile:
        """Return the section as read."""
        return LedgerFile(
            rows=tuple(self.rows),
            account_code=self.account_code,
            opening_vnd=self.amounts.get("opening"),
            closing_vnd=self.amounts.get("closing"),
            total_debit_vnd=self.amounts.get("debit"),
            total_credit_vnd=self.amounts.get("credit"),
            mapping=f"{mapping.name}/{mapping.version}",
            notices=tuple(self.notices),
            totals=tuple(self.totals),
        )


class SheetReader:
    """Reads one sheet below its header: account labels, balances, totals, and rows."""

    def __init__(self, sheet: Sheet, filename: str, mapping: Layout, header: Header, bad: Problems) -> None:
        self.sheet = sheet
        self.filename = filename
        self.mapping = mapping
        self.header = header
        self.columns = header.columns
        self.sections = [Section(None)]
        self.bad = bad
        self.after_totals = False
        self.number = 0

    def ledgers(self) -> list[LedgerFile]:
        """Read the sheet; bad postings go to `bad`. Raises StatementError where the sheet contradicts itself."""
        for row in self.sheet.rows[: self.header.first]:
            self.sections[0].account_code = self.sections[0].account_code or self.account_label(row)
        for row in self.sheet.rows[self.header.body :]:
            self.read_row(row)
        used = [section for section in self.sections if section.rows or section.amounts or section.totals]
        return [section.ledger(self.mapping) for section in used or self.sections[:1]]

    def read_row(self, row: Row) -> None:
        """Sort one row; a posting that may hold money but cannot be read is kept as bad."""
        section = self.sections[-1]
        dated = has_day(row, self.columns["booked_on"])
        moved = any(not is_zero(row.cell(self.columns[name])) for name in ("debit", "credit"))
        if is_header_again(row, self.sheet, self.header):
            return
        if not (dated and moved) and self.read_label(row, section):
            return
        if not (dated or moved) and (account := self.account_label(row)):
            self.sections.append(Section(account))
            self.after_totals = False
        elif moved or (dated and not self.after_totals):
            try:
                line = self.line(row, section)
                if row.number == self.sheet.open_row:  # Half of 1500000 is 150, and half a text names another pupil.
                    raise unfinished(row)
            except StatementError as error:
                self.bad.add(error)
                return
            if line is not None:
                section.rows.append(line)
                self.after_totals = False  # What was stated before was the total of a class or a page.
                if (notice := old_code_notice(line.description, row.place())) is not None:
                    section.notices.append(notice)
        elif not self.after_totals:
            section.notices.append(skipped(row))

    def read_label(self, row: Row, section: Section) -> bool:
        """Take the balance or totals that a row states about its section; False when it states none."""
        kind, column = label_in(row, self.mapping)
        if kind == "totals" and "amount" in self.columns:
            if "side" not in self.columns:
                amount_vnd = plain_amount(row, self.columns["amount"])
                if amount_vnd is not None:
                    section.totals.append(StatedTotal(row.place(), len(section.rows), amount_vnd))
        elif kind == "totals":
            section.state("debit", plain_amount(row, self.columns["debit"]), row)
            section.state("credit", plain_amount(row, self.columns["credit"]), row)
        elif kind in ("opening", "closing"):
            section.state(kind, self.balance(row, column), row)
        if kind in ("totals", "closing"):
            self.after_totals = True
        return kind is not None

    def account_label(self, row: Row) -> str | None:
        """Return the account code of a row such as «Tài khoản: 1121.02»."""
        for column, cell in enumerate(row.cells):
            if isinstance(cell, str) and folded(cell).startswith(self.mapping.account):
                beside = next((other for other in row.cells[column + 1 :] if not is_blank(other)), None)
                match = _ACCOUNT.search(cell[:MAX_LABEL_CHARS]) or _ACCOUNT.search(text_of(beside)[:MAX_LABEL_CHARS])
                if match:
                    return match.group()
        return None

    def balance(self, row: Row, label_column: int) -> int | None:
        """Return a balance, debit minus credit, from its own columns or from beside its label."""
        pair = [plain_amount(row, self.columns.get(name)) for name in ("balance_debit", "balance_credit")]
        if pair != [None, None]:
            return (pair[0] or 0) - (pair[1] or 0)
        stated = plain_amount(row, self.columns.get("balance"))
        return amount_beside(row, label_column) if stated is None else stated

    def line(self, row: Row, section: Section) -> LedgerRow | None:
        """Read a posting; None for one of zero đồng, which says nothing about money."""
        booked_place = row.place(self.columns["booked_on"])
        booked_on = parse_date(row.cell(self.columns["booked_on"]), booked_place)
        debit, credit = (
            parse_amount(row.cell(self.columns[name]), row.place(self.columns[name])) for name in ("debit", "credit")
        )
        if booked_on is None:
            raise missing(booked_place, "ngày ghi sổ", "the booking date")
        if debit is None and credit is None:
            raise missing(row.place(), "số phát sinh nợ hoặc có", "a debit or credit amount")
        if debit and credit:
            raise StatementError(
                "bad_amount",
                row.place(),
                "Mỗi dòng chỉ được có phát sinh Nợ hoặc phát sinh Có.",
                "A row must have either a debit or a credit amount.",
            )
        if not debit and not credit:
            section.notices.append(skipped(row))
            return None
        self.number += 1
        account_code = self.text(row, "account") or section.account_code
        document_date = self.columns.get("document_date")
        return LedgerRow(
            line_no=self.number,
            booked_on=booked_on,
            document_no=self.text(row, "document_no"),
            document_date=parse_date(row.cell(document_date), row.place(document_date)),
            description=" · ".join(filter(None, (self.text(row, "description"), self.text(row, "payer")))),
            account_code=account_code,
            contra_account=self.text(row, "contra_account"),
            debit_vnd=debit or 0,
            credit_vnd=credit or 0,
            reference=self.text(row, "reference"),
            is_cash=self.is_cash(account_code, self.text(row, "method")),
            source=f"{self.filename} {row.place()}",
        )

    def text(self, row: Row, name: str) -> str | None:
        """Return the text of a named column; a formula is no stated fact."""
        column = self.columns.get(name)
        refuse_formula(row.cell(column), row.place(column))
        return text_of(row.cell(column)) or None

    def is_cash(self, account_code: str | None, method: str | None) -> bool:
        """Tell money in hand by its account (group 111) or by the word for it."""
        return (account_code or "").startswith(self.mapping.cash) or folded(method or "") in self.mapping.cash
