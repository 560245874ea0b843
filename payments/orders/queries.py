"""Reads of orders: what a payer may choose, what became of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters.contract import Checkout
from payments.crypto import FieldCipher
from payments.orders.models import OrderState, PaymentOrder

CHECKOUT_PLACE = "payment_order.checkout_sealed"


@dataclass(frozen=True, slots=True)
class Way:
    """An order channel of an account, with what it costs whom."""

    channel_id: int
    account_id: int
    name: str
    cost_vnd: int
    cost_per_10000: int
    borne_by: str


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as people see it; ``amount_vnd`` without the channel's fee."""

    id: int
    order_ref: str
    connection_id: int
    channel: str
    reference: str
    amount_vnd: int
    fee_vnd: int
    state: OrderState
    problem: str | None
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    sealed: bytes | None = field(repr=False)

    @property
    def is_live(self) -> bool:
        """Whether it waits for the payer."""
        return self.state in {OrderState.OPENING, OrderState.OPEN}


_WAYS = text("""
    SELECT c.id, c.receiving_account_id, c.name, c.cost_vnd, c.cost_per_10000, c.borne_by
    FROM channel c JOIN connection n ON n.id = c.connection_id
    WHERE c.school_id = :school_id AND c.active AND n.active AND NOT n.sandbox
    ORDER BY c.receiving_account_id, c.borne_by = 'payer', c.cost_vnd, c.cost_per_10000, c.name
""")

_ORDERS = """
    SELECT o.id, o.order_ref, o.connection_id, c.name AS channel, i.reference, o.amount_vnd, o.fee_vnd, o.state,
        o.problem, o.created_at, o.expires_at, o.closed_at, o.checkout_sealed AS sealed
    FROM payment_order o
    JOIN channel c ON c.school_id = o.school_id AND c.id = o.channel_id
    JOIN invoice i ON i.school_id = o.school_id AND i.id = o.invoice_id
    WHERE {0}
    ORDER BY o.id DESC
    LIMIT :most
"""
_OF_PUPIL = text(
    _ORDERS.format(
        "o.school_id = :school_id AND i.pupil_id = :pupil_id AND o.connection_id = :connection_id"
        " AND o.order_ref = :order_ref"
    )
)
_OF_SCHOOL = text(_ORDERS.format("o.school_id = :school_id"))
_LIVE_OF_PUPIL = text(
    _ORDERS.format(
        "o.school_id = :school_id AND i.pupil_id = :pupil_id AND o.state IN ('opening', 'open') AND o.expires_at > :now"
    )
)
_BY_NAME = text(_ORDERS.format("o.connection_id = :connection_id AND o.order_ref = :order_ref"))


def ways(session: Session, school_id: int) -> list[Way]:
    """The order channels that payers of a school may choose, by account, the cheapest first."""
    return [Way(*row) for row in session.execute(_WAYS, {"school_id": school_id})]


def order_of_pupil(
    session: Session, school_id: int, pupil_id: int, connection_id: int, order_ref: str
) -> OrderRow | None:
    """An order for an invoice of this pupil; None for any other."""
    asked = {"school_id": school_id, "pupil_id": pupil_id, "connection_id": connection_id, "order_ref": order_ref}
    return _first(session.execute(_OF_PUPIL, {**asked, "most": 1}).all())


def live_orders(session: Session, school_id: int, pupil_id: int, now: datetime) -> list[OrderRow]:
    """Orders for invoices of a pupil that wait for the payer."""
    asked = {"school_id": school_id, "pupil_id": pupil_id, "now": now, "most": 100}
    return [_row(row) for row in session.execute(_LIVE_OF_PUPIL, asked)]


def orders_of(session: Session, school_id: int, most: int) -> list[OrderRow]:
    """The newest orders of a school."""
    return [_row(row) for row in session.execute(_OF_SCHOOL, {"school_id": school_id, "most": most})]


def order_by_name(session: Session, connection_id: int, order_ref: str) -> OrderRow | None:
    """The order that a service calls so, whatever the school; tells nothing of its payer."""
    asked = {"connection_id": connection_id, "order_ref": order_ref, "most": 1}
    return _first(session.execute(_BY_NAME, asked).all())


def checkout_of(order: OrderRow | PaymentOrder, cipher: FieldCipher) -> Checkout | None:
    """Where an order is paid; None until its service has said so. Raises SealError."""
    sealed = order.sealed if isinstance(order, OrderRow) else order.checkout_sealed
    return None if sealed is None else Checkout(**json.loads(cipher.open(bytes(sealed), CHECKOUT_PLACE)))


def _first(rows: Sequence[Any]) -> OrderRow | None:
    return _row(rows[0]) if rows else None


def _row(row: Any) -> OrderRow:
    values = row._asdict()
    return OrderRow(**values | {"state": OrderState(values["state"])})
