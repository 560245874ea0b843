"""Evidence as the door and the statement import leave it, written straight into the tables."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from bank_adapters.statements.model import Direction as LineDirection
from bank_adapters.statements.model import StatementLine
from payments.banking.models import Connection
from payments.inbox.models import POLLED, Direction, Evidence, EvidenceStatus, Source
from payments.invoices import reference
from tests.payments.setting import OPENED, SchoolSetting

DAY = date(2026, 3, 2)
_serial = count(1)


def make_connection(session: Session, name: str = "sepay", **more: Any) -> int:
    """A connection that only stands behind evidence; nobody can call it."""
    token = f"{name}-{next(_serial)}".encode()
    connection = Connection(
        name=name,
        adapter="sepay",
        token_hash=hashlib.sha256(token).digest(),
        token_sealed=b"-",
        allowed_networks=[],
        created_at=OPENED,
        **more,
    )
    session.add(connection)
    session.flush()
    return connection.id


def tell(
    session: Session,
    school: SchoolSetting,
    connection_id: int,
    *,
    memo: str = "",
    amount_vnd: int = 250_000,
    day: date = DAY,
    key: str | None = None,
    bank_reference: str | None = None,
    direction: Direction = Direction.CREDIT,
    status: EvidenceStatus = EvidenceStatus.SETTLED,
    sandbox: bool = False,
    conflicting: bool = False,
    source: Source = Source.CALLBACK,
) -> int:
    """A callback as the door stores it, or what was told when we asked; returns the evidence id."""
    dedup_key = (POLLED if source is Source.POLL else "") + (key or f"T{next(_serial):06d}")
    row = Evidence(
        source=source,
        connection_id=connection_id,
        school_id=school.id,
        account_id=school.account,
        account_named="0001",
        dedup_key=dedup_key,
        direction=direction,
        status=status,
        amount_vnd=amount_vnd,
        occurred_at=datetime.combine(day, time(3), UTC),
        value_date=day,
        provider_txn_id=dedup_key,
        bank_reference=bank_reference,
        description=memo,
        references=reference.find(memo),
        content_sha256=hashlib.sha256(f"{memo}{amount_vnd}{conflicting}".encode()).digest(),
        sandbox=sandbox,
        conflicting=conflicting,
        received_at=datetime.combine(day, time(4), UTC),
    )
    session.add(row)
    session.flush()
    return row.id


def line(
    memo: str = "",
    *,
    amount_vnd: int = 250_000,
    day: date = DAY,
    bank_reference: str | None = None,
    direction: LineDirection = "credit",
    reversal: bool = False,
    line_no: int = 1,
) -> StatementLine:
    """A line as a statement reader gives it."""
    return StatementLine(
        line_no=line_no,
        value_date=day,
        booked_on=day,
        amount_vnd=amount_vnd,
        direction=direction,
        bank_reference=bank_reference,
        description=memo,
        raw="",
        reversal=reversal,
    )


def shuffled(pieces: Sequence[int], by: Sequence[int]) -> list[int]:
    """The pieces in the order that ``by`` gives."""
    return [pieces[index] for index in by]
