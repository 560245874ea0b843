"""ISO 20022 statements: camt.053 of a day, and camt.052 and 054 where a bank sends nothing better.

Streamed: an entry is reduced to lines as soon as it ends. Versions 02 to 13 differ only in where names stand.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from bank_adapters.statements.camt_entry import Detail, Entry, amount_in, amount_of, bad_structure, day_of, lines_of
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.model import Notice, Statement, StatementLine, days_covered
from bank_adapters.statements.rows import too_many
from bank_adapters.statements.safe_xml import Record, RecordTarget, feed
from bank_adapters.statements.zip_guard import CHUNK_BYTES, too_large

MAX_BYTES = 128 * 2**20
MAX_RECORDS = 300_000  # of one kind in one statement
_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.05([234])\.001\.(?:0[2-9]|1[0-3])")
_HEAD = re.compile(rb"urn:iso:std:iso:20022:tech:xsd:camt\.05[234]\.")
STATEMENT_NAMES = frozenset({"Stmt", "Rpt", "Ntfctn"})
RECORDS = STATEMENT_NAMES | {"Bal", "Ntry", "TxDtls"}


def looks_like(data: bytes) -> bool:
    """Tell whether a file begins as a camt message does."""
    head = data[:4096].replace(b"\x00", b"")  # in UTF-16 it is a camt message all the same, and refused as that
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<") and _HEAD.search(head) is not None


def read(data: bytes) -> list[Statement]:
    """Read every statement of a message; raises StatementError."""
    if len(data) > MAX_BYTES:
        raise too_large(len(data), MAX_BYTES)
    message = Message()
    message.target = RecordTarget(RECORDS, message.take)
    feed(pieces(data), message.target, "camt")
    if not message.statements:
        raise bad_structure("", "không có sao kê nào", "it holds no statement")
    return message.statements


def pieces(data: bytes) -> Iterator[bytes]:
    """Cut a file into pieces for the parser."""
    for start in range(0, len(data), CHUNK_BYTES):
        yield data[start : start + CHUNK_BYTES]


class Message:
    """Collects details into entries, entries into lines, and lines into statements, as each ends."""

    target: RecordTarget

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.kind = ""
        self.details: list[Detail] = []
        self.balances: list[Record] = []
        self.lines: list[StatementLine] = []
        self.notices: list[Notice] = []
        self.entries = 0
        self.unbooked = 0

    def take(self, record: Record, parents: tuple[str, ...]) -> None:
        """Take a record as it ends; raises StatementError for one that stands where none may."""
        self.kind = self.kind or kind_of(self.target.namespace)
        parent = parents[-1] if parents else ""
        statement_place = f"Stmt[{len(self.statements) + 1}]"
        entry_place = f"{statement_place}/Ntry[{self.entries + 1}]"
        if max(len(self.details), len(self.balances), self.entries) >= MAX_RECORDS:
            raise too_many(statement_place)
        if record.name == "TxDtls" and "Ntry" in parents:
            self.details.append(Detail.read(record, entry_place))
        elif record.name == "Ntry" and parent in STATEMENT_NAMES:
            self.take_entry(record, entry_place)
        elif record.name == "Bal" and parent in STATEMENT_NAMES:
            self.balances.append(record)
        elif record.name in STATEMENT_NAMES and parent.startswith("BkToCstmr"):
            self.take_statement(record, statement_place)
        else:
            raise bad_structure(entry_place, f"{record.name} đứng sai chỗ", f"a {record.name} stands out of place")

    def take_entry(self, record: Record, place: str) -> None:
        """Turn an entry into one line, or one per transaction in it."""
        self.entries += 1
        details, self.details = self.details, []
        entry = Entry.read(record, place)
        if entry.status != "BOOK":
            self.unbooked += 1
            self.notices.append(not_booked(entry))
            return
        if entry.amount_vnd == 0:
            self.notices.append(of_zero(place))
            return
        lines, notice = lines_of(entry, details, len(self.lines) + 1)
        self.lines.extend(lines)
        if notice is not None:
            self.notices.append(notice)

    def take_statement(self, record: Record, place: str) -> None:
        """Close a statement: account, period, balances and totals around its lines."""
        account_currency = record.value("Acct/Ccy")
        if account_currency not in (None, "VND"):
            raise StatementError(
                "bad_currency",
                f"{place}/Acct/Ccy",
                "Tài khoản của sao kê không phải tài khoản đồng Việt Nam.",
                "The statement's account is not in Vietnamese đồng.",
            )
        balances = Balances(self.balances, place)
        first, last = period_of(record, place)
        if first is None or last is None:
            opened_on, closed_on = balances.days.get("opening"), balances.days.get("closing")
            first, last = days_covered(opened_on, closed_on, tuple(self.lines))
        page = record.value("StmtPgntn/PgNb", "NtfctnPgntn/PgNb", "RptPgntn/PgNb")
        self.statements.append(
            Statement(
                account_number=record.value("Acct/Id/Othr/Id", "Acct/Id/IBAN"),
                currency="VND",
                period_from=first,
                period_to=last,
                opening_vnd=balances.amounts.get("opening"),
                closing_vnd=balances.amounts.get("closing"),
                sequence=whole(record.value("ElctrncSeqNb", "LglSeqNb"), f"{place}/ElctrncSeqNb"),
                lines=tuple(self.lines),
                format=self.kind,
                credits_vnd=self.total(record, "TtlCdtNtries", place),
                debits_vnd=self.total(record, "TtlDbtNtries", place),
                page=whole(page, f"{place}/StmtPgntn"),
                notices=tuple(self.notices),
            )
        )
        self.balances, self.lines, self.notices = [], [], []
        self.entries = self.unbooked = 0

    def total(self, record: Record, name: str, place: str) -> int | None:
        """Return a stated total; it may count entries that are not booked, and then says nothing here."""
        text = record.value(f"TxsSummry/{name}/Sum")
        if text is None or self.unbooked:
            return None
        return amount_of(text, "VND", f"{place}/TxsSummry/{name}/Sum")


class Balances:
    """Opening and closing balance of a statement and their days."""

    NAMES = {"OPBD": "opening", "PRCD": "opening", "CLBD": "closing"}  # noqa: RUF012 - never changed

    def __init__(self, records: list[Record], place: str) -> None:
        self.amounts: dict[str, int] = {}
        self.days: dict[str, date] = {}
        codes = [record.value("Tp/CdOrPrtry/Cd") or "" for record in records]
        for code, record in zip(codes, records, strict=True):
            name = self.NAMES.get(code)
            if name is not None and not (code == "PRCD" and "OPBD" in codes):
                self.take(name, record, f"{place}/Bal[{code}]")

    def take(self, name: str, record: Record, place: str) -> None:
        """Keep one balance; raises StatementError when it is stated twice and differently."""
        amount_vnd = amount_in(record, place, "Amt")
        mark = record.value("CdtDbtInd")
        if amount_vnd is None or mark not in ("CRDT", "DBIT"):
            raise bad_structure(place, "số dư thiếu số tiền hoặc dấu", "a balance lacks its amount or sign")
        signed = amount_vnd if mark == "CRDT" else -amount_vnd
        if self.amounts.setdefault(name, signed) != signed:
            raise bad_structure(place, "hai số dư khác nhau", "two balances differ")
        day = day_of(record, place, "Dt/Dt", "Dt/DtTm")
        if day is not None:
            self.days[name] = day


def not_booked(entry: Entry) -> Notice:
    """Note an entry that has not moved the balance."""
    return Notice(
        "entry_not_booked",
        entry.place,
        f"Bút toán chưa ghi sổ ({entry.status}) nên được bỏ qua.",
        f"The entry is not booked ({entry.status}) and was passed over.",
    )


def of_zero(place: str) -> Notice:
    """Note an entry of zero đồng, as banks write for a fee that they waive."""
    return Notice(
        "row_without_movement",
        place,
        "Bút toán này có số tiền bằng 0 nên được bỏ qua.",
        "The entry's amount is zero, and it was passed over.",
    )


def kind_of(namespace: str) -> str:
    """Return camt.052, 053 or 054; raises StatementError for any other message."""
    match = _NAMESPACE.fullmatch(namespace)
    if match is None:
        raise StatementError(
            "unknown_format",
            namespace[:80],
            "Đây không phải thông điệp camt.052, 053 hoặc 054. Hãy tải sao kê dạng camt.053.",
            "This is no camt.052, 053 or 054 message. Download the statement as camt.053.",
        )
    return f"camt.05{match.group(1)}"


def period_of(record: Record, place: str) -> tuple[date | None, date | None]:
    """Return the days a statement covers; an end at midnight sharp belongs to the day before."""
    first = day_of(record, place, "FrToDt/FrDtTm", "FrToDt/FrDt")
    last = day_of(record, place, "FrToDt/ToDtTm", "FrToDt/ToDt")
    end = record.value("FrToDt/ToDtTm") or ""
    if first and last and first < last and end[10:19] == "T00:00:00":
        last -= timedelta(days=1)
    return first, last


def whole(text: str | None, place: str) -> int | None:
    """Return a small number."""
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,18}", text, re.ASCII):
        raise bad_structure(place, "số thứ tự sai", "a sequence number is wrong")
    return int(text)
