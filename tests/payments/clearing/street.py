"""A school whose wallet pays later: facts go in as door and import leave them, workers settle and clear."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters.statements.model import StatementLine
from operations.invariants import check_invariants
from payments import outbox
from payments.banking.models import BorneBy, ChannelKind, ConnectionAccount, Settles
from payments.banking.service import add_channel
from payments.clearing.service import clear_school
from payments.inbox.models import Direction, Evidence, EvidenceStatus, Source
from payments.inbox.service import record_statement_evidence
from payments.invoices import reference
from payments.settlement.service import settle_school
from tests.payments.inbox.evidence import make_connection
from tests.payments.setting import OPENED, SchoolSetting, make_school
from tests.payments.settlement.setting import Issued, issue, ledger

MONDAY = date(2025, 9, 8)
RATE = 110
"""Hundredths of a percent that the wallet keeps."""
_serial = count(1)


def on(day: int) -> date:
    """Day 0 is a Monday."""
    return MONDAY + timedelta(days=day)


def fee(*amounts_vnd: int) -> int:
    return sum((vnd * RATE + 5000) // 10_000 for vnd in amounts_vnd)


class Street:
    """One school, one wallet that settles on the next business day, and the school's bank."""

    def __init__(
        self, session: Session, *, payout_days: int = 1, tariff: bool = True, school: SchoolSetting | None = None
    ) -> None:
        self.session = session
        self.school: SchoolSetting = school or make_school(session)
        self.wallet = self.intermediary(payout_days)
        self.watcher = make_connection(session, "watcher")
        if tariff:
            self.charge(RATE)

    def intermediary(self, payout_days: int = 1) -> int:
        """A connection of the school's first account that settles later."""
        made = make_connection(self.session, "wallet", settles=Settles.BATCH, payout_days=payout_days)
        self.session.add(
            ConnectionAccount(
                connection_id=made,
                school_id=self.school.id,
                account_id=self.school.account,
                kind="merchant",
                identifier=f"M{made}",
            )
        )
        self.session.flush()
        return made

    def charge(self, per_10000: int) -> None:
        add_channel(
            self.session,
            self.school.id,
            self.school.account,
            name=f"Ví {per_10000}",
            kind=ChannelKind.WALLET,
            cost_per_10000=per_10000,
            borne_by=BorneBy.SCHOOL,
            actor_id=self.school.accountant,
        )

    def issue(self, amount_vnd: int = 100_000) -> Issued:
        return issue(self.session, self.school, amount_vnd)

    def told(
        self,
        amount_vnd: int,
        memo: str = "",
        *,
        day: int = 0,
        key: str | None = None,
        status: EvidenceStatus = EvidenceStatus.SETTLED,
        by: int | None = None,
    ) -> str:
        """A callback of the wallet, once for each key; returns the key."""
        dedup_key = key or f"W{next(_serial):08d}"
        known = text("SELECT 1 FROM evidence WHERE connection_id = :by AND dedup_key = :key AND status = :status")
        connection = by or self.wallet
        if self.session.execute(known, {"by": connection, "key": dedup_key, "status": status.value}).first():
            return dedup_key
        evidence = Evidence(
            source=Source.CALLBACK,
            connection_id=connection,
            school_id=self.school.id,
            account_id=self.school.account,
            account_named="0001",
            dedup_key=dedup_key,
            direction=Direction.CREDIT,
            status=status,
            amount_vnd=amount_vnd,
            occurred_at=datetime.combine(on(day), time(2), UTC),
            value_date=on(day),
            provider_txn_id=dedup_key,
            bank_reference=None,
            description=memo,
            references=reference.find(memo),
            content_sha256=hashlib.sha256(memo.encode()).digest(),
            received_at=OPENED,
        )
        self.session.add(evidence)
        self.session.flush()
        outbox.put(self.session, "settlement", "evidence", school_id=self.school.id, subject_id=evidence.id)
        self.session.flush()
        return dedup_key

    def pays(self, issued: Issued, amount_vnd: int = 100_000, **more: Any) -> str:
        """A parent pays an invoice through the wallet."""
        return self.told(amount_vnd, f"TT {issued.reference}", **more)

    def takes_back(self, amount_vnd: int, key: str, *, day: int = 0, memo: str = "") -> None:
        """The wallet voids a payment."""
        self.told(amount_vnd, memo, day=day, key=key, status=EvidenceStatus.VOID)

    def line(
        self, amount_vnd: int, memo: str = "QUYET TOAN VI", *, day: int = 1, number: str | None = None, **more: Any
    ) -> None:
        """A line of the bank's statement."""
        values = {"direction": "credit", "reversal": False} | more
        made = StatementLine(
            line_no=1,
            value_date=on(day),
            booked_on=on(day),
            amount_vnd=amount_vnd,
            bank_reference=number or f"FT{next(_serial):08d}",
            description=memo,
            raw="",
            **values,
        )
        record_statement_evidence(self.session, self.school.id, self.school.account, [made])

    def work(self, *, prove: bool = True) -> None:
        """Let the workers do all that is due; every invariant holds afterwards."""
        while self._once():
            pass
        assert not prove or self.broken() == []

    def _once(self) -> bool:
        settled = settle_school(self.session, self.school.id)
        cleared = clear_school(self.session, self.school.id)
        assert not settled.failed
        assert not cleared.failed, self.rows("SELECT problem FROM outbox WHERE queue = 'clearing'")
        return bool(settled.taken or cleared.taken)

    def broken(self) -> Sequence[object]:
        return [check for check in check_invariants(self.session.connection()) if not check.ok]

    def books(self) -> dict[str, int]:
        return ledger(self.session, self.school)

    def states(self) -> list[str]:
        """States of the lines of the bank, oldest first."""
        return [
            state
            for (state,) in self.rows("""
                SELECT state FROM bank_transaction
                WHERE school_id = :school AND clearing_id IS NULL ORDER BY value_date, id
            """)
        ]

    def payouts(self) -> list[tuple[str, int, int, int]]:
        """(rule, gross, fee, items) of the payouts that stand."""
        return self.rows("""
            SELECT p.rule, p.gross_vnd, p.fee_vnd, count(i.id) FROM payout p
            JOIN payout_item i ON i.school_id = p.school_id AND i.payout_id = p.id
            WHERE p.school_id = :school AND p.dissolved_at IS NULL GROUP BY p.id, p.school_id ORDER BY p.id
        """)

    def ids(self, *, owed: bool = True) -> list[int]:
        """Bank transactions, oldest day first: what the wallet owes, or the lines of the bank."""
        kind = "IS NOT NULL" if owed else "IS NULL"
        return [
            key
            for (key,) in self.rows(f"""
                SELECT id FROM bank_transaction WHERE school_id = :school AND clearing_id {kind} ORDER BY value_date, id
            """)
        ]

    def rows(self, statement: str) -> list[Any]:
        values = {"school": self.school.id} if ":school" in statement else {}
        return [tuple(row) for row in self.session.execute(text(statement), values)]
