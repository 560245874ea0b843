"""Two schools whose accounts, statements, lines, rows, runs, items, cases and events bear the same ids and keys.

What one of them finds about a fact or a case, the other one does not: whatever looks at the wrong school says so.
"""

from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from reconciliation.exceptions import service
from reconciliation.exceptions.rules import Resolution
from reconciliation.exceptions.syncing import Synced
from reconciliation.models import ReconcileBlock
from tests.payments.setting import make_school
from tests.reconciliation.exceptions.setting import DAY, MADE, Nights

DAYS = [DAY + timedelta(days=number) for number in range(3)]
BASE = 900_000_000
"""Where the ids of each school begin; far from those of other tests."""
COUNTED = (
    "receiving_account",
    "bank_statement",
    "bank_line",
    "ledger_import",
    "ledger_row",
    "reconcile_run",
    "reconcile_item",
    "reconcile_block",
    "reconcile_exception",
    "exception_event",
)


def count_anew(session: Session, first: int) -> None:
    """Let ids begin at a number; each school has a primary key of its own."""
    for table in COUNTED:
        session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {first}, false)"))


class Twin(Nights):
    """A school whose newer nights stand and wait to be followed."""

    def __init__(self, session: Session, amount_vnd: int, *, turned: bool = False) -> None:
        count_anew(session, BASE)
        super().__init__(session, make_school(session))
        self.amount_vnd = amount_vnd
        # Of two lines, and of two rows, the ids are exchanged between the schools.
        lines, rows = list(range(13)), list(range(4))
        if turned:
            lines[7:9], rows[:4:3] = [8, 7], [3, 0]
        self.lines = {number: self.line(amount_vnd, key=f"line {number}") for number in lines}
        self.booked_rows = {number: self.row(amount_vnd, key=f"row {number}") for number in rows}
        self.evidence = self.said(amount_vnd)
        self.foreign_line = self.elsewhere().line(amount_vnd, key="line elsewhere")

    def elsewhere(self) -> Nights:
        """The same school at its second account."""
        return Waiting(self.session, replace(self.school, account=self.school.other_account))

    def found(self, primary_class: str, *numbers: int, **more) -> dict:
        """An item about lines by their numbers."""
        lines = [self.lines[number] for number in numbers]
        return self.item(primary_class, lines=lines, **{"amount_vnd": self.amount_vnd} | more)

    def booked(self, primary_class: str, number: int) -> dict:
        return self.item(primary_class, rows=[self.booked_rows[number]], amount_vnd=self.amount_vnd)

    def broken(self) -> dict:
        return self.item("balance_break", note=f"balance_inside; statement={BASE}", amount_vnd=self.amount_vnd)

    def block(self, lines=(), said=(), rows=()) -> None:
        """What the newest run found to be matched in one block."""
        [run_id] = self.rows("SELECT max(id) FROM reconcile_run WHERE school_id = :school")
        arrays = {"days": [0], "rules": [0], "keys": [0], "amounts": [self.amount_vnd], "transaction_ids": [0]}
        arrays |= {"bank_line_ids": list(lines), "evidence_ids": list(said), "ledger_row_ids": list(rows)}
        self.session.add(ReconcileBlock(school_id=self.school.id, run_id=run_id, number=1, size=1, **arrays))
        self.session.flush()

    def first_nights(self) -> None:
        """Two nights that find the same at every school, followed; a person proposes how case 9 ends."""
        self.night(
            *(self.found("missing_gateway", number) for number in range(1, 12)),
            *(self.booked("only_ledger", number) for number in range(4)),
            self.item("missing_bank", said=[self.evidence], amount_vnd=self.amount_vnd),
            self.item("missing_gateway", lines=[self.foreign_line], amount_vnd=self.amount_vnd),
            self.broken(),
        )
        self.night(self.found("missing_gateway", 12), day=DAYS[1])
        [number] = self.rows(
            "SELECT exception_id FROM exception_fact WHERE school_id = :school AND right(key, 6) = 'line 9'"
        )
        service.propose(self.session, self.school.id, number, self.school.accountant, resolution=Resolution.REFUND)

    def again(self, day: date, *items: dict) -> None:
        """A newer night that stands and waits."""
        made = MADE + timedelta(days=1, hours=self.amount_vnd // 100_000)
        Waiting(self.session, self.school).night(*items, day=day, made=made)


class Waiting(Nights):
    """Nights that stand and wait to be followed."""

    def follow(self) -> Synced:
        return Synced()


def colliding(session: Session) -> list[Nights]:
    """Two schools and, at the second account's number, a third one."""
    one, two, three = Twin(session, 100_000), Twin(session, 200_000, turned=True), Twin(session, 300_000)
    for twin in (one, two):
        count_anew(session, BASE + 100)
        twin.first_nights()
    count_anew(session, BASE + 200)
    one.again(
        DAY,
        one.found("amount_diff", 3),
        one.found("matched", 4),
        one.found("matched", 7),
        one.booked("matched", 0),
        one.found("amount_diff", 9),
        one.found("duplicate", 10, 11),
        one.booked("only_ledger", 2),
        one.broken(),
        one.found("missing_bank", 0),
    )
    # Block and items are read apart: what lies in the wrong block would close what the other school still has.
    one.block([one.lines[1], one.foreign_line], [two.evidence], [one.booked_rows[1]])
    one.again(DAYS[2], one.found("matched", 0))
    count_anew(session, BASE + 200)
    # A run that no longer stood when it was to be followed says nothing; at the other school its id is one that does.
    two.again(DAY, two.found("matched", 4))
    two.block([two.lines[2]])
    two.again(DAYS[2], two.found("matched", 0), two.found("missing_bank", 0))
    two.again(
        DAY,
        two.found("matched", 3),
        two.found("amount_diff", 5),
        two.found("amount_diff", 9),
        two.found("missing_gateway", 11),
        two.found("ambiguous", 6),
    )
    two.block([two.lines[2], two.lines[5]], [one.evidence], [two.booked_rows[2]])
    two.again(DAYS[1], two.found("amount_diff", 12))
    count_anew(session, BASE + 300)
    other = three.elsewhere()
    other.night(other.item("matched", lines=[three.foreign_line]))
    three.block([three.foreign_line])
    return [one, two, other]
