"""Calls to payment services about our orders: opening them, asking what became of them, cancelling them.

Each call stands between two transactions: one that reads what to say, one that keeps the answer. Nothing is locked
while the other side thinks. A row of work that is done twice asks twice; money is told apart by its keys.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from celery import shared_task
from sqlalchemy.orm import Session

from bank_adapters.contract import (
    AdapterError,
    BankTransaction,
    CancellableOrders,
    Now,
    OpenedOrders,
    OutgoingRequest,
    OutgoingResponse,
)
from bank_adapters.contract import OrderState as Said
from payments import clock, outbox
from payments.banking.rules import Target
from payments.celery import settings, task_session
from payments.crypto import FieldCipher, SealError
from payments.errors import DomainError
from payments.inbox.polled import record_polled
from payments.orders import service
from payments.orders.models import LIVE, OrderState, PaymentOrder
from payments.orders.service import Dealing, Opener
from payments.outbox import Claimed
from payments.outgoing import Outgoing, OutgoingError

log = logging.getLogger(__name__)

DEADLINE_S: Final = 15.0
"""For one call: a parent waits for it."""
MOST_A_RUN: Final = 100
SWEEP_S: Final = 5.0

BEAT: Mapping[str, Mapping[str, Any]] = {
    "orders-sweep": {
        "task": "payments.inbox.asking.ask_due",
        "schedule": SWEEP_S,
        "options": {"queue": "orders", "expires": SWEEP_S},
    },
    "orders-retire": {
        "task": "payments.inbox.asking.retire_orders",
        "schedule": 30.0,
        "options": {"queue": "orders", "expires": 30.0},
    },
}


@dataclass(frozen=True, slots=True)
class _Call:
    """What is said to whom."""

    kind: str
    request: OutgoingRequest
    dealing: Dealing


@shared_task(name="payments.inbox.asking.retire_orders")
def retire_orders() -> int:
    """End orders that are over or ask for another amount than is open; returns how many. Safe to run twice."""
    with task_session() as session:
        return service.retire_stale(session)


@shared_task(name="payments.inbox.asking.ask_due")
def ask_due() -> int:
    """Make the calls that are due, one claim after the other, and return how many. Safe to run twice."""
    config = settings()
    opener = Opener(FieldCipher(config.field_keys), config.base_url)
    sender = Outgoing(config.outgoing_allow, deadline_s=DEADLINE_S)
    for done in range(MOST_A_RUN):
        with task_session() as session:
            claimed = outbox.claim(session, service.QUEUE, limit=1)
        if not claimed:
            return done
        work(opener, sender, claimed[0])
    return MOST_A_RUN


def work(opener: Opener, sender: Outgoing, row: Claimed) -> None:
    """Make the call of one row and keep its answer."""
    try:
        with task_session() as session:
            call = _prepared(session, opener, row)
        answer = sender.send(call.request) if call else None
    except (OutgoingError, DomainError, SealError) as error:
        _gave_up(row, getattr(error, "code", "sealed"))
        return
    try:
        with task_session() as session:
            if call and answer:
                _keep(session, opener, row, call, answer)
            _finish(session, row)
    except (AdapterError, UnicodeEncodeError) as error:
        # The code only: an answer may quote a payer.
        _gave_up(row, getattr(error, "code", "bad_text"))
    except _LostLeaseError:
        log.info("orders: row %s was done by somebody else meanwhile", row.id)


class _LostLeaseError(Exception):
    """Somebody else has the row: nothing of ours is kept."""


def _finish(session: Session, row: Claimed) -> None:
    if not outbox.finish(session, row):
        raise _LostLeaseError


def _prepared(session: Session, opener: Opener, row: Claimed) -> _Call | None:
    """The call to make; None when there is nothing to say any more."""
    order = _order(session, row)
    if order.state is OrderState.PAID or (row.kind == service.OPEN and order.state is not OrderState.OPENING):
        return None
    dealing = service.deal(session, opener, order)
    request = _request(row.kind, dealing, clock.now())
    return None if request is None else _Call(row.kind, request, dealing)


def _request(kind: str, dealing: Dealing, now: Now) -> OutgoingRequest | None:
    channel = dealing.channel
    if kind == service.ASK:
        return channel.ask_order(dealing.order, dealing.secret, now)
    if kind == service.OPEN and isinstance(channel, OpenedOrders):
        return channel.open_order(dealing.order, dealing.secret)
    if kind == service.CANCEL and isinstance(channel, CancellableOrders):
        return channel.cancel_order(dealing.order, dealing.secret, now)
    return None


def _keep(session: Session, opener: Opener, row: Claimed, call: _Call, answer: OutgoingResponse) -> None:
    """Raises AdapterError for an answer that says no, or cannot be believed."""
    order, dealing = _order(session, row, lock=True), call.dealing
    channel = dealing.channel
    if call.kind == service.OPEN and isinstance(channel, OpenedOrders):
        service.keep_checkout(order, channel.opened(dealing.order, answer, dealing.secret), opener.cipher)
        service.cancel_there(session, order)
        return
    if call.kind == service.CANCEL and isinstance(channel, CancellableOrders):
        status = channel.cancelled(dealing.order, answer, dealing.secret)
    else:
        status = channel.asked(dealing.order, answer, dealing.secret)
    _record(session, order, dealing, status.transactions)
    if status.state is Said.closed and order.state in LIVE:
        order.state, order.closed_at = OrderState.CANCELLED, clock.now()
    order.problem = None
    if call.kind == service.ASK and not status.transactions:
        service.ask_later(session, order)


def _record(session: Session, order: PaymentOrder, dealing: Dealing, transactions: tuple[BankTransaction, ...]) -> None:
    """Money that the service tells of is evidence; settlement alone calls the order paid."""
    record_polled(session, dealing.connection, transactions, meant=Target(order.school_id, order.account_id))


def _gave_up(row: Claimed, problem: str) -> None:
    """No answer, or none that helps: an order that could not be opened has failed, everything else is tried again."""
    with task_session() as session:
        order = _order(session, row, lock=True)
        log.warning("orders: order %s of school %s: %s: %s", order.id, order.school_id, row.kind, problem)
        if row.kind == service.OPEN:
            service.fail_order(order, problem)
            outbox.finish(session, row)
        else:
            order.problem = problem
            outbox.fail(session, row, problem)


def _order(session: Session, row: Claimed, *, lock: bool = False) -> PaymentOrder:
    key = (row.school_id, row.subject_id)
    return session.get_one(PaymentOrder, key, with_for_update=True if lock else None, populate_existing=True)
