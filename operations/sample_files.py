"""Statements and ledgers written in the formats we read: for the demo, the benchmarks and round-trip tests.

The shapes follow public descriptions of each format; names and amounts are whoever calls them's invention.
"""

import html
import io
import re
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import xlsxwriter

from bank_adapters.statements.keys import fold
from bank_adapters.statements.model import Statement, StatementLine
from reconciliation.school_ledgers.model import LedgerFile

CAMT_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_SWIFT = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_WRITTEN_AT = datetime(2025, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # a fixed day keeps a file the same
_MARKS = {"credit": "CRDT", "debit": "DBIT"}


def write_camt053(statements: Sequence[Statement]) -> bytes:
    """Write a camt.053 message with one Stmt per statement."""
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        f'<Document xmlns="{CAMT_NAMESPACE}"><BkToCstmrStmt><GrpHdr><MsgId>MAU</MsgId></GrpHdr>\n',
    ]
    for statement in statements:
        parts.extend(camt_statement(statement))
    parts.append("</BkToCstmrStmt></Document>\n")
    return "".join(parts).encode()


def camt_statement(statement: Statement) -> Iterator[str]:
    """Yield the pieces of one Stmt."""
    yield "<Stmt>" + tag("Id", f"MAU-{statement.sequence or 0}")
    if statement.sequence is not None:
        yield tag("ElctrncSeqNb", str(statement.sequence))
    if statement.period_from and statement.period_to:
        first, last = f"{statement.period_from}T00:00:00", f"{statement.period_to}T23:59:59"
        yield f"<FrToDt><FrDtTm>{first}</FrDtTm><ToDtTm>{last}</ToDtTm></FrToDt>"
    yield f"<Acct><Id><Othr>{tag('Id', statement.account_number or '')}</Othr></Id><Ccy>VND</Ccy></Acct>\n"
    for code, amount_vnd, day in (
        ("OPBD", statement.opening_vnd, statement.period_from),
        ("CLBD", statement.closing_vnd, statement.period_to),
    ):
        if amount_vnd is not None:
            mark = "CRDT" if amount_vnd >= 0 else "DBIT"
            yield (
                f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{camt_amount(abs(amount_vnd))}"
                f"<CdtDbtInd>{mark}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>\n"
            )
    yield from map(camt_entry, statement.lines)
    yield "</Stmt>\n"


def camt_entry(line: StatementLine) -> str:
    """Write one Ntry with one transaction."""
    party = "Dbtr" if line.direction == "credit" else "Cdtr"
    return "".join(
        (
            f"<Ntry>{camt_amount(line.amount_vnd)}<CdtDbtInd>{_MARKS[line.direction]}</CdtDbtInd>",
            "<RvslInd>true</RvslInd>" if line.reversal else "",
            f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{line.booked_on}</Dt></BookgDt>",
            f"<ValDt><Dt>{line.value_date}</Dt></ValDt>",
            tag("AcctSvcrRef", line.bank_reference) if line.bank_reference else "",
            "<NtryDtls><TxDtls><Refs>",
            tag("EndToEndId", line.payer_reference or "NOTPROVIDED"),
            f"</Refs>{camt_amount(line.amount_vnd)}",
            f"<RltdPties><{party}><Pty>{tag('Nm', line.counterparty)}</Pty></{party}></RltdPties>"
            if line.counterparty
            else "",
            f"<RmtInf>{tag('Ustrd', line.description)}</RmtInf>" if line.description else "",
            "</TxDtls></NtryDtls></Ntry>\n",
        )
    )


def camt_amount(amount_vnd: int) -> str:
    """Write an amount as camt does."""
    return f'<Amt Ccy="VND">{amount_vnd}</Amt>'


def tag(name: str, text: str) -> str:
    """Write an element with text that XML can hold."""
    return f"<{name}>{html.escape(_NOT_XML.sub(' ', text), quote=False)}</{name}>"


def write_mt940(statements: Sequence[Statement]) -> bytes:
    """Write MT940 messages; texts become ASCII without marks, in lines of 65, as SWIFT wants them."""
    return "".join(mt940_statement(statement) for statement in statements).encode("ascii")


def mt940_statement(statement: Statement) -> str:
    """Write one statement block."""
    opened, closed = statement.period_from, statement.period_to
    if opened is None or closed is None or statement.opening_vnd is None or statement.closing_vnd is None:
        raise ValueError("MT940 states the days and both balances")
    lines = [
        f":20:MAU{opened:%y%m%d}",
        f":25:{statement.account_number or ''}",
        f":28C:{statement.sequence or 0}/1",
        f":60F:{mt940_balance(statement.opening_vnd, opened)}",
    ]
    for line in statement.lines:
        lines.extend(mt940_line(line))
    lines.append(f":62F:{mt940_balance(statement.closing_vnd, closed)}")
    return "\r\n".join([*lines, "-", ""])


def mt940_balance(amount_vnd: int, day: date) -> str:
    """Write a balance field."""
    return f"{'C' if amount_vnd >= 0 else 'D'}{day:%y%m%d}VND{abs(amount_vnd)},"


def mt940_line(line: StatementLine) -> list[str]:
    """Write one movement and its text."""
    mark = "C" if line.direction == "credit" else "D"
    if line.reversal:
        mark = "RD" if line.direction == "credit" else "RC"
    reference = f"//{line.bank_reference[:16]}" if line.bank_reference else ""
    payer = swift_text(line.payer_reference or "NONREF")[:16]
    head = f":61:{line.value_date:%y%m%d}{line.booked_on:%m%d}{mark}{line.amount_vnd},NTRF{payer}{reference}"
    if not line.description:
        return [head]
    wrapped = textwrap.wrap(swift_text(line.description), 64, break_on_hyphens=False) or ["."]
    # A line of text that begins as a field or an end would be taken for one.
    first, *others = (f" {part}" if part[0] in ":-" else part for part in wrapped)
    return [head, f":86:{first}", *others]


def swift_text(text: str) -> str:
    """Reduce a text to the SWIFT character set, Vietnamese letters to their bare forms."""
    bare = "".join(fold_letter(char) for char in text)
    return _NOT_SWIFT.sub(" ", bare)


def fold_letter(char: str) -> str:
    """Return a letter without marks, in its own case."""
    if char.isascii():
        return char
    bare = fold(char)
    return bare if char.isupper() else bare.lower()


def workbook(out: io.BytesIO) -> Any:
    """Open a workbook in which text is text and the same rows give the same bytes."""
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    book.set_properties({"created": _WRITTEN_AT})
    return book


def write_vietcombank(statement: Statement) -> bytes:
    """Write a spreadsheet in the shape of Vietcombank: grouped text amounts, day and number in one cell."""
    out = io.BytesIO()
    book = workbook(out)
    sheet = book.add_worksheet("Sheet1")
    for number, text in enumerate(head_texts(statement, "SAO KÊ TÀI KHOẢN / STATEMENT OF ACCOUNT")):
        sheet.write_string(number, 1, text)
    titles = (
        "STT\nNo.",
        "Ngày1/\nTNX Date/ Số CT/ Doc No",
        "Ngày hiệu lực2/\nEffective date",
        "Số tiền ghi nợ/\nDebit",
        "Số tiền ghi có/\nCredit",
        "Số dư/\nBalance",
        "Nội dung chi tiết/\nTransactions in detail",
    )
    sheet.write_row(7, 0, titles)
    for number, line in enumerate(statement.lines, start=1):
        texts = (
            str(number),
            f"{line.booked_on:%d/%m/%Y}\n{line.bank_reference or ''}".strip(),
            f"{line.value_date:%d/%m/%Y}",
            grouped(line, "debit"),
            grouped(line, "credit"),
            "" if line.balance_after_vnd is None else f"{line.balance_after_vnd:,}",
            line.description,
        )
        sheet.write_row(7 + number, 0, texts)
    totals = [sum(line.amount_vnd for line in statement.lines if line.direction == way) for way in ("debit", "credit")]
    sheet.write_row(8 + len(statement.lines), 1, ["Tổng số", "", *(f"{total:,}" for total in totals)])
    book.close()
    return out.getvalue()


def write_techcombank(statement: Statement) -> bytes:
    """Write a spreadsheet in the shape of Techcombank: an opening row first, amounts as numbers."""
    out = io.BytesIO()
    book = workbook(out)
    sheet = book.add_worksheet("AccountStatement_A4_Landscape")
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    for number, text in enumerate(head_texts(statement, "SAO KÊ TÀI KHOẢN/ACCOUNT STATEMENT", balances=False)):
        sheet.write_string(number, 0, text)
    titles = (
        "Ngày giao dịch/Transaction Date",
        "Đối tác/Remitter",
        "NH Đối tác/Remitter Bank",
        "Diễn giải/Details",
        "Số bút toán/Transaction No",
        "Nợ TKTT/Debit",
        "Có TKTT/Credit",
        "Số dư/Balance",
    )
    sheet.write_row(7, 0, titles)
    sheet.write_row(8, 3, ["Số dư đầu kỳ/Opening balance", "", "", "", statement.opening_vnd])
    for number, line in enumerate(statement.lines, start=9):
        sheet.write_datetime(number, 0, line.booked_on, day)
        sheet.write_row(number, 1, [line.counterparty or "", "", line.description, line.bank_reference or ""])
        sheet.write_number(number, 5 if line.direction == "debit" else 6, line.amount_vnd)
        if line.balance_after_vnd is not None:
            sheet.write_number(number, 7, line.balance_after_vnd)
    sheet.write_row(9 + len(statement.lines), 3, ["Số dư cuối kỳ/Closing balance", "", "", "", statement.closing_vnd])
    book.close()
    return out.getvalue()


def head_texts(statement: Statement, title: str, *, balances: bool = True) -> list[str]:
    """Return the texts above a statement's table."""
    texts = [title, f"Số tài khoản/Account number: {statement.account_number}", "Loại tiền/Currency: VND"]
    if statement.period_from and statement.period_to:
        texts.append(f"Từ ngày {statement.period_from:%d/%m/%Y} đến ngày {statement.period_to:%d/%m/%Y}")
    if balances:
        texts.append(f"Số dư đầu kỳ/Opening balance: {statement.opening_vnd:,}")
        texts.append(f"Số dư cuối kỳ/Closing balance: {statement.closing_vnd:,}")
    return texts


def grouped(line: StatementLine, direction: str) -> str:
    """Write an amount with separators in its own column, nothing in the other."""
    return f"{line.amount_vnd:,}" if line.direction == direction else ""


def write_misa_ledger(ledgers: Sequence[LedgerFile]) -> bytes:
    """Write a detailed ledger in the shape of accounting software: two header rows, a section per account."""
    out = io.BytesIO()
    book = workbook(out)
    sheet = book.add_worksheet("So chi tiet")
    formats = {"day": book.add_format({"num_format": "dd/mm/yyyy"}), "money": book.add_format({"num_format": "#,##0"})}
    sheet.write_string(0, 0, "SỔ CHI TIẾT CÁC TÀI KHOẢN")
    sheet.merge_range(2, 1, 2, 2, "Chứng từ")
    sheet.merge_range(2, 5, 2, 6, "Số phát sinh")
    sheet.merge_range(2, 7, 2, 8, "Số dư")
    for column, title in ((0, "Ngày hạch toán"), (3, "Diễn giải"), (4, "TK đối ứng")):
        sheet.merge_range(2, column, 3, column, title)
    for column, title in ((1, "Số"), (2, "Ngày"), (5, "Nợ"), (6, "Có"), (7, "Nợ"), (8, "Có")):
        sheet.write_string(3, column, title)
    number = 4
    for ledger in ledgers:
        number = misa_section(sheet, number, ledger, formats)
    book.close()
    return out.getvalue()


def misa_section(sheet: Any, start: int, ledger: LedgerFile, formats: dict[str, Any]) -> int:
    """Write one account and return the number of the row after it."""
    sheet.write_string(start, 0, f"Tài khoản: {ledger.account_code}")
    opening = ledger.opening_vnd or 0
    sheet.write_string(start + 1, 3, "Số dư đầu kỳ")
    sheet.write_number(start + 1, 7 if opening >= 0 else 8, abs(opening), formats["money"])
    number = start + 2
    for row in ledger.rows:
        sheet.write_datetime(number, 0, row.booked_on, formats["day"])
        sheet.write_string(number, 1, row.document_no or "")
        if row.document_date:
            sheet.write_datetime(number, 2, row.document_date, formats["day"])
        sheet.write_string(number, 3, row.description)
        sheet.write_string(number, 4, row.contra_account or "")
        sheet.write_number(number, 5, row.debit_vnd, formats["money"])
        sheet.write_number(number, 6, row.credit_vnd, formats["money"])
        number += 1
    debit, credit = sum(row.debit_vnd for row in ledger.rows), sum(row.credit_vnd for row in ledger.rows)
    sheet.write_row(number, 3, ["Cộng phát sinh", "", debit, credit])
    closing = opening + debit - credit
    sheet.write_string(number + 1, 3, "Số dư cuối kỳ")
    sheet.write_number(number + 1, 7 if closing >= 0 else 8, abs(closing), formats["money"])
    return number + 2
