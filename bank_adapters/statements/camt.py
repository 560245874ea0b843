"""ISO 20022 statements: camt.053 of a day, camt.052 within a day and camt.054 of single movements.

Streamed: an entry is reduced to lines as soon as it ends, and forgotten. Versions 02 to 13 differ only in where names
stand. Only camt.053 states balances that prove a day; what 052 calls a balance is an interim one.
"""

import re
from collections.abc import Callable

from lxml import etree

from bank_adapters.statements import camt_notices
from bank_adapters.statements.camt_entry import Detail, EntryReader, lines_of
from bank_adapters.statements.camt_head import Balance, opening_and_closing, read_balance, read_head
from bank_adapters.statements.camt_values import Names, bad_structure, names_in, number_of, text_at
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.model import Notice, Statement, StatementLine, days_covered
from bank_adapters.statements.pages import Page, joined
from bank_adapters.statements.rows import too_many
from bank_adapters.statements.xml_stream import Source, drop_before, elements
from bank_adapters.statements.zip_guard import too_large

MAX_BYTES = 128 * 2**20
MAX_RECORDS = 300_000  # of one kind in one statement
MAX_BALANCES = 1000
_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.05([234])\.001\.(?:0[2-9]|1[0-3])")
_HEAD = re.compile(rb"urn:iso:std:iso:20022:tech:xsd:camt\.05[234]\.")
STATEMENTS = frozenset({"Stmt", "Rpt", "Ntfctn"})
HEAD = ("Acct", "FrToDt", "ElctrncSeqNb", "LglSeqNb", "TxsSummry", "StmtPgntn", "RptPgntn", "NtfctnPgntn")
RECORDS = (*sorted(STATEMENTS), *HEAD, "Bal", "Ntry", "TxDtls", "Btch")
PROVING = "camt.053"


def looks_like(data: bytes) -> bool:
    """Tell whether a file begins as a camt message does."""
    head = data[:4096].replace(b"\x00", b"")  # in UTF-16 it is a camt message all the same, and refused as that
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<") and _HEAD.search(head) is not None


def read(data: bytes) -> list[Statement]:
    """Read every statement of a message; raises StatementError."""
    if len(data) > MAX_BYTES:
        raise too_large(len(data), MAX_BYTES)
    message = Message(Source(data, "camt"))
    message.read()
    if not message.pages:
        raise bad_structure("", "không có sao kê nào", "it holds no statement")
    return joined(message.pages)


class Message:
    """Collects details into entries, entries into lines, and lines into statements, as each ends."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.pages: list[Page] = []
        self.names: Names = {}
        self.reader = EntryReader({})
        self.kind = ""
        self.home: etree._Element | None = None  # the statement that is open
        self.enter()

    def enter(self) -> None:
        """Begin a statement with nothing in it."""
        self.head: dict[str, etree._Element] = {}
        self.balances: list[Balance] = []
        self.lines: list[StatementLine] = []
        self.notices: list[Notice] = []
        self.entries = 0
        self.seen_balances = 0
        self.unbooked = 0
        self.place = f"Stmt[{len(self.pages) + 1}]"
        self.leave_entry()

    def leave_entry(self) -> None:
        """Begin an entry with nothing in it."""
        self.entry_place = f"{self.place}/Ntry[{self.entries + 1}]"
        self.details: list[Detail] = []
        self.first_detail: etree._Element | None = None
        self.group: etree._Element | None = None  # the NtryDtls that is open
        self.stated_details = 0

    def read(self) -> None:
        """Take the records of the file one by one; raises StatementError."""
        take: dict[str | None, Callable[[etree._Element], None]] = dict.fromkeys(HEAD, self.take_head)
        take |= dict.fromkeys(STATEMENTS, self.take_statement)
        take |= {"Ntry": self.take_entry, "TxDtls": self.take_detail, "Bal": self.take_balance, "Btch": self.take_batch}
        for element in elements(self.source, RECORDS):
            if not self.kind:
                self.begin(element)
            name = self.names.get(element.tag)
            if name is not None:  # else of a foreign namespace, and none of ours
                take[name](element)

    def begin(self, element: etree._Element) -> None:
        """Learn the kind and the names of the message from its root; raises StatementError for any other message."""
        namespace = etree.QName(element.getroottree().getroot()).namespace or ""
        match = _NAMESPACE.fullmatch(namespace)
        if match is None:
            raise StatementError(
                "unknown_format",
                namespace[:80],
                "Đây không phải thông điệp camt.052, 053 hoặc 054. Hãy tải sao kê dạng camt.053.",
                "This is no camt.052, 053 or 054 message. Download the statement as camt.053.",
            )
        self.kind = f"camt.05{match.group(1)}"
        self.names = names_in(namespace)
        self.reader = EntryReader(self.names)

    def is_home(self, parent: etree._Element | None) -> bool:
        """Tell whether an element is the statement that is read; its first record opens one."""
        if parent is None:
            return False
        if self.home is None and self.names.get(parent.tag) in STATEMENTS:
            around = parent.getparent()
            if around is not None and is_message(around):
                self.home = parent
        return parent is self.home

    def done_with(self, element: etree._Element, parent: etree._Element) -> None:
        """Forget what stands before a record that was read."""
        drop_before(element, parent)
        self.source.unread = 0

    def take_head(self, element: etree._Element) -> None:
        """Keep a fact of the statement; the same names stand elsewhere too, where they are none."""
        parent = element.getparent()
        if parent is None or not self.is_home(parent):
            return
        name = self.names[element.tag]
        if name in self.head:
            raise bad_structure(f"{self.place}/{name}", f"{name} đứng hai lần", f"{name} stands twice")
        self.done_with(element, parent)
        self.head[name] = element

    def take_balance(self, element: etree._Element) -> None:
        """Keep a balance of the statement."""
        parent = element.getparent()
        if parent is None or not self.is_home(parent):
            raise self.misplaced("Bal")
        self.bound(self.seen_balances, MAX_BALANCES)
        self.seen_balances += 1
        balance = read_balance(element, self.names, self.place)
        if balance is not None:
            self.balances.append(balance)
        self.done_with(element, parent)

    def take_batch(self, element: etree._Element) -> None:
        """Add up how many transactions the batches of an entry say they have."""
        parent = element.getparent()
        if parent is not None and self.names.get(parent.tag) == "NtryDtls":
            place = f"{self.entry_place}/NtryDtls/Btch/NbOfTxs"
            self.stated_details += number_of(text_at(element, self.names, "NbOfTxs"), place) or 0

    def take_detail(self, element: etree._Element) -> None:
        """Keep a transaction of the entry that is open; raises StatementError outside one."""
        group = element.getparent()
        if group is None or (group is not self.group and not self.is_next_group(group)):
            raise self.misplaced("TxDtls")
        self.group = group
        self.bound(len(self.details), MAX_RECORDS)
        if self.first_detail is None:
            self.first_detail = element  # the only one as a rule, and then read with its entry
            self.source.unread = 0
            return
        if not self.details:
            self.details.append(self.reader.detail(self.first_detail, self.entry_place))
        self.details.append(self.reader.detail(element, self.entry_place))
        self.done_with(element, group)

    def is_next_group(self, group: etree._Element) -> bool:
        """Tell whether an NtryDtls is the entry's first, or follows the one before; those before are forgotten."""
        entry = group.getparent()
        if self.names.get(group.tag) != "NtryDtls" or entry is None or self.names.get(entry.tag) != "Ntry":
            return False
        before = group.getprevious()
        while self.group is not None and before is not None and self.names.get(before.tag) == "NtryDtls":
            entry.remove(before)
            if before is self.group:
                return True
            before = group.getprevious()
        return self.group is None

    def take_entry(self, element: etree._Element) -> None:
        """Turn an entry into one line, or one per transaction in it."""
        parent = element.getparent()
        if parent is None or not self.is_home(parent):
            raise self.misplaced("Ntry")
        self.bound(self.entries, MAX_RECORDS)
        if self.details and self.group is not None:
            element.remove(self.group)  # its transactions were read, each with its own source
        entry, detail = self.reader.entry(element, self.entry_place)
        if self.first_detail is not None and not self.details:
            self.details.append(detail)
        self.entries += 1
        if entry.status != "BOOK":
            self.unbooked += 1
            self.notices.append(camt_notices.not_booked(entry))
        elif entry.amount_vnd == 0:
            self.notices.append(camt_notices.of_zero(entry.place))
        else:
            lines, notice = lines_of(entry, self.details, len(self.lines) + 1)
            self.lines += lines
            if notice is None and self.stated_details and self.stated_details != len(self.details):
                notice = camt_notices.not_all_details(entry.place, self.stated_details, len(self.details))
            if notice is not None:
                self.notices.append(notice)
        self.leave_entry()
        self.done_with(element, parent)

    def take_statement(self, element: etree._Element) -> None:
        """Close a statement: account, period, balances and totals around its lines."""
        parent = element.getparent()
        if parent is None or self.first_detail is not None or not (self.home is element or is_message(parent)):
            raise self.misplaced(self.names[element.tag])
        head = read_head(self.head, self.names, self.place)
        is_first = head.page in (None, 1)
        opening, closing = opening_and_closing(self.balances, self.place, is_first=is_first, is_last=head.is_last_page)
        first, last = head.period
        lines = tuple(self.lines)
        if first is None or last is None:
            first, last = days_covered(opening.day if opening else None, closing.day if closing else None, lines)
        proves = self.kind == PROVING
        counted = not self.unbooked  # a total may count entries that are not booked, and then says nothing here
        statement = Statement(
            account_number=head.account_number,
            currency="VND",
            period_from=first,
            period_to=last,
            opening_vnd=opening.amount_vnd if opening and proves else None,
            closing_vnd=closing.amount_vnd if closing and proves else None,
            sequence=head.sequence,
            lines=lines,
            format=self.kind,
            credits_vnd=head.credits_vnd if counted else None,
            debits_vnd=head.debits_vnd if counted else None,
            page=head.page,
            notices=tuple(self.notices) if proves else (*self.notices, camt_notices.proves_no_day(self.place)),
        )
        self.pages.append(Page(statement, self.place, is_first, head.is_last_page))
        self.home = None
        self.enter()
        self.done_with(element, parent)

    def bound(self, count: int, limit: int) -> None:
        """Refuse a statement that holds more than any honest one."""
        if count >= limit:
            raise too_many(self.place)

    def misplaced(self, name: str) -> StatementError:
        """Build the error for a record that stands where none may."""
        return bad_structure(self.entry_place, f"{name} đứng sai chỗ", f"a {name} stands out of place")


def is_message(element: etree._Element) -> bool:
    """Tell whether an element is the one that statements stand in."""
    return etree.QName(element).localname.startswith("BkToCstmr")
