"""Use cases of the developers' desk: look into a delivery, open its body, feed it through the door once more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import psycopg
from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from bank_adapters import get_adapter
from bank_adapters.contract import AdapterError, Answer, BankTransaction, MalformedCallbackError, Request
from payments import clock
from payments.audit.service import record
from payments.banking.queries import DoorConnection, connection_by_token
from payments.crypto import FieldCipher
from payments.developers import queries
from payments.developers.answers import answer_to
from payments.developers.desk import Reach
from payments.errors import ConflictError
from payments.inbox.billing import OWED
from payments.inbox.models import DeliveryOutcome
from payments.inbox.receiving import Reception, receive
from payments.inbox.sealing import unseal
from payments.inbox.storing import STORE, Row, arguments

BELIEVED = frozenset(
    {
        DeliveryOutcome.ACCEPTED,
        DeliveryOutcome.NOT_A_PAYMENT,
        DeliveryOutcome.DUPLICATE,
        DeliveryOutcome.AMOUNT_DIFF,
        DeliveryOutcome.FOREIGN_ACCOUNT,
    }
)
"""Outcomes of requests that were authentic and readable, so that evidence stands behind them."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One stored delivery with its request, as it was received."""

    row: RowMapping
    request: Request
    connection: DoorConnection | None
    """None: no such connection, or it is closed now."""

    @property
    def complete(self) -> bool:
        """Whether the whole body was kept (of a refused request only the beginning is)."""
        return bool(len(self.request.body) == self.row["body_bytes"])

    @property
    def secrets(self) -> Sequence[dict[str, str]]:
        """The live secrets of its connection."""
        return () if self.connection is None else self.connection.secrets

    def answer(self) -> Answer | None:
        """What it was answered, told again; None where that is no longer known."""
        row = self.row
        return answer_to(self.connection, self.request, row["outcome"], row["reason"], row["received_at"])

    def transactions(self) -> list[BankTransaction]:
        """What it tells of money, as the adapter reads it today; empty where it was not believed or is not readable."""
        if self.connection is None or self.row["outcome"] not in BELIEVED:
            return []
        try:
            adapter = get_adapter(self.connection.adapter)
            return adapter.parse(self.request, self.secrets)
        except (AdapterError, MalformedCallbackError):
            return []


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay came to."""

    event_id: int
    """The delivery that the replay is recorded as."""
    results: tuple[str, ...]
    answer: Answer


def delivery(session: Session, cipher: FieldCipher, reach: Reach, event_id: int) -> Delivery:
    """A delivery within reach. Raises NotFoundError, SealError."""
    row = queries.event(session, reach, event_id)
    request = unseal(bytes(row["sealed"]), cipher, row["remote_addr"])
    # A sender that names no moment of its own means that of receipt.
    request = Request(
        request.method,
        request.path,
        request.query,
        request.headers,
        request.body,
        request.remote_addr,
        row["received_at"],
    )
    connection = None if row["token_hash"] is None else connection_by_token(session, cipher, bytes(row["token_hash"]))
    return Delivery(row, request, connection)


def opened(session: Session, cipher: FieldCipher, reach: Reach, event_id: int) -> Delivery:
    """A delivery whose body its viewer asks to see: written down first. Raises ForbiddenError, NotFoundError."""
    reach.must_open()
    found = delivery(session, cipher, reach, event_id)
    _record(session, reach, "callback.opened", event_id, {})
    return found


def replay(session: Session, cipher: FieldCipher, reach: Reach, event_id: int) -> Replayed:
    """Feed a stored request through the door's own judgement again, at its time of receipt, and store what comes.

    What was accepted is a duplicate now: no new money. What was refused may be accepted, when its account has been
    listed or its adapter mended since; a request that was forged or stale stays so. Raises NotFoundError, ConflictError
    ``connection_closed``, ``body_cut`` or ``nothing_to_store`` (a question or a request for a token moves no money).
    """
    found = delivery(session, cipher, reach, event_id)
    connection = found.connection
    if connection is None:
        raise ConflictError(
            "connection_closed",
            "Kết nối này đã ngắt hoặc không tồn tại nên không gửi lại được.",
            "The connection is closed or does not exist, so nothing can be replayed.",
        )
    if not found.complete:
        raise ConflictError(
            "body_cut",
            "Tin bị từ chối này quá dài nên chỉ phần đầu được giữ; bên gửi phải gửi lại.",
            "Of this refused request only the beginning was kept; its sender has to send it again.",
        )
    reception = _judged(session, cipher, connection, found)
    if not reception.rows:
        raise ConflictError(
            "nothing_to_store",
            "Đây là câu hỏi hoặc yêu cầu lấy mã truy cập: không có gì để ghi lại.",
            "This is a question or a request for a token: there is nothing to record.",
        )
    results, stored_id = _store(session, reception.rows, clock.now())
    _record(session, reach, "callback.replayed", event_id, {"as": stored_id, "results": list(results)})
    return Replayed(stored_id, results, reception.answer(results, clock.now()))


def _judged(session: Session, cipher: FieldCipher, connection: DoorConnection, found: Delivery) -> Reception:
    reception = receive(connection, found.request, found.row["received_at"], cipher)
    if reception.asks is not None:
        reception = reception.told(_run(session, OWED, [connection.id, reception.asks]))
    return reception


def _store(session: Session, rows: Sequence[Row], now: datetime) -> tuple[tuple[str, ...], int]:
    """Store the rows as received now, in this transaction; the results, and the number of the new delivery."""
    dated = [rows[0]._replace(received_at=now), *rows[1:]]
    results = tuple(str(result) for (result,) in _run(session, STORE, arguments([dated])))
    # Within this session: the number that the statement above has drawn.
    return results, int(session.execute(text("SELECT currval('raw_callback_id_seq')")).scalar_one())


def _run(session: Session, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """One of the door's statements, with its ``$1``, in this transaction."""
    driver = cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
    with psycopg.RawCursor(driver) as cursor:
        return cursor.execute(statement, values).fetchall()


def _record(session: Session, reach: Reach, action: str, event_id: int, detail: dict[str, object]) -> None:
    record(
        session,
        reach.actor_id,
        action,
        subject_kind="raw_callback",
        subject_id=event_id,
        school_id=None,
        detail=detail,
    )
