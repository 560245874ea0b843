"""Opening, cancelling and ending orders. Nothing here calls anybody: calls are work in the outbox (inbox.asking)."""

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bank_adapters import get_adapter
from bank_adapters.contract import (
    AdapterError,
    BrowserOrders,
    Checkout,
    Order,
    OrderChannel,
)
from payments import clock, outbox
from payments.audit.service import record
from payments.banking.models import Channel, ReceivingAccount
from payments.banking.queries import DoorConnection, connection_by_id, connection_url
from payments.crypto import FieldCipher
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.invoices.asking import ASKED_VND
from payments.invoices.models import Invoice, InvoiceBalance, InvoiceState
from payments.money import format_vnd
from payments.orders import rules
from payments.orders.models import LIVE, OrderState, PaymentOrder
from payments.orders.queries import CHECKOUT_PLACE
from payments.vietqr.memo import build_memo

QUEUE = "orders"
OPEN, ASK, CANCEL = "open", "ask", "cancel"
"""Kinds of work."""
NOT_THERE = ("Không tìm thấy lệnh thanh toán.", "There is no such order.")

# An order for another amount than what is open would make a payer pay too much or too little.
STALE = text(f"""
    SELECT o.school_id, o.id, o.expires_at <= :now AS late
    FROM payment_order o
    JOIN invoice_balance b ON b.school_id = o.school_id AND b.invoice_id = o.invoice_id
    JOIN invoice i ON i.school_id = o.school_id AND i.id = o.invoice_id
    WHERE o.state IN ('opening', 'open')
      AND (o.expires_at <= :now OR b.state IN ('replaced', 'cancelled')
        OR {ASKED_VND} <> o.amount_vnd)
    ORDER BY o.school_id, o.id
    LIMIT :most
    FOR UPDATE OF o SKIP LOCKED
""")  # noqa: S608 - our own text

ASKED = text(f"""
    SELECT {ASKED_VND} FROM invoice i
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
    WHERE i.school_id = :school_id AND i.id = :invoice_id
""")  # noqa: S608 - our own text

PAID = text("""
    UPDATE payment_order o SET state = 'paid', closed_at = coalesce(o.closed_at, :now), problem = NULL
    FROM evidence e
    WHERE e.id = ANY(CAST(:evidence_ids AS bigint[])) AND e.order_reference IS NOT NULL AND e.status = 'settled'
      AND NOT e.conflicting AND o.school_id = :school_id AND o.state <> 'paid'
      AND o.connection_id = e.connection_id AND o.order_ref = e.order_reference AND e.school_id = o.school_id
""")


@dataclass(frozen=True, slots=True)
class Opener:
    """What opening needs of the outside."""

    cipher: FieldCipher
    base_url: str
    """Our own address, without a slash at its end."""


@dataclass(frozen=True, slots=True)
class Dealing:
    """An order with all that its service is told about it."""

    order: Order
    channel: OrderChannel
    secret: Mapping[str, str]
    connection: DoorConnection


def open_order(
    session: Session, opener: Opener, school_id: int, invoice_id: int, channel_id: int, *, payer_address: str | None
) -> PaymentOrder:
    """The order for what is open of an invoice through a channel: a live one for the same is given again.

    Other live orders of the invoice are cancelled. Raises NotFoundError, ConflictError ``nothing_due``, and DomainError
    ``amount_out_of_range``, ``too_many_orders``, ``no_order_channel`` or ``orders_not_set_up``.
    """
    invoice, open_vnd = _asked_for(session, school_id, invoice_id)
    channel = session.get(Channel, (school_id, channel_id))
    if channel is None or not channel.active or channel.receiving_account_id != invoice.receiving_account_id:
        raise _no_channel()
    connection, service = serving(session, opener.cipher, channel)
    _require_fitting(service, open_vnd)
    now = clock.now()
    for live in _live(session, invoice):
        if (
            live.channel_id == channel_id
            and live.amount_vnd == open_vnd
            and live.expires_at > now + rules.WORTH_REUSING
        ):
            return live
        _retire(session, live, OrderState.CANCELLED)
    _require_patience(session, invoice, now)
    account = session.get_one(ReceivingAccount, (school_id, invoice.receiving_account_id))
    order = PaymentOrder(
        school_id=school_id,
        invoice_id=invoice_id,
        account_id=account.id,
        channel_id=channel_id,
        connection_id=connection.id,
        order_ref=service.order_ref(secrets.randbits(128), now),
        amount_vnd=open_vnd,
        fee_vnd=rules.payers_cost_vnd(open_vnd, channel.cost_vnd, channel.cost_per_10000, channel.borne_by),
        memo=build_memo(invoice.reference, prefix=account.memo_prefix or "").text,
        state=OrderState.OPENING,
        created_at=now,
        expires_at=rules.ends(now, service.LONGEST_MINUTES),
    )
    session.add(order)
    session.flush()
    if isinstance(service, BrowserOrders):
        dealing = deal(session, opener, order, payer_address or "127.0.0.1")
        keep_checkout(order, service.checkout(dealing.order, dealing.secret), opener.cipher)
    else:
        _work(session, order, OPEN, now)
    first = rules.next_question(now, order.expires_at, now)
    _work(session, order, ASK, first or now)
    session.flush()
    return order


def cancel_order(session: Session, school_id: int, order_id: int, *, actor_id: int | None = None) -> PaymentOrder:
    """Take a live order back; one that has ended stays as it is. Raises NotFoundError."""
    order = session.get(PaymentOrder, (school_id, order_id), with_for_update=True, populate_existing=True)
    if order is None:
        raise NotFoundError(*NOT_THERE)
    if order.state in LIVE:
        _retire(session, order, OrderState.CANCELLED)
        record(
            session, actor_id, "order.cancelled", subject_kind="payment_order", subject_id=order.id, school_id=school_id
        )
    return order


def retire_stale(session: Session, most: int = 200) -> int:
    """End orders whose time is over and those that ask for another amount than is open; returns how many."""
    rows = session.execute(STALE, {"now": clock.now(), "most": most}).all()
    for school_id, order_id, late in rows:
        order = session.get_one(PaymentOrder, (school_id, order_id))
        _retire(session, order, OrderState.EXPIRED if late else OrderState.CANCELLED)
    return len(rows)


def mark_paid(session: Session, school_id: int, evidence_ids: Collection[int]) -> None:
    """Orders that these pieces of evidence name are paid, whatever they were."""
    asked = {"school_id": school_id, "evidence_ids": sorted(evidence_ids), "now": clock.now()}
    session.execute(PAID, asked)


def fail_order(order: PaymentOrder, problem: str) -> None:
    """An order that its service did not open; the payer may try again or choose another way."""
    if order.state is OrderState.OPENING:
        order.state, order.closed_at = OrderState.FAILED, clock.now()
    order.problem = problem


def keep_checkout(order: PaymentOrder, checkout: Checkout, cipher: FieldCipher) -> None:
    """The order is open: keep where it is paid, sealed."""
    found = json.dumps(asdict(checkout), ensure_ascii=False)
    order.checkout_sealed = cipher.seal(found.encode(), CHECKOUT_PLACE)
    order.provider_order_id = checkout.provider_order_id or None
    if order.state is OrderState.OPENING:
        order.state = OrderState.OPEN
    order.problem = None


def cancel_there(session: Session, order: PaymentOrder) -> None:
    """Tell the service of an order that was cancelled while it was being opened."""
    if order.state is OrderState.CANCELLED:
        _work(session, order, CANCEL, clock.now())


def ask_later(session: Session, order: PaymentOrder) -> None:
    """Put the next question about an order into the outbox, if there is one left."""
    moment = rules.next_question(order.created_at, order.expires_at, clock.now())
    if moment is not None and order.state is not OrderState.PAID:
        _work(session, order, ASK, moment)


def deal(session: Session, opener: Opener, order: PaymentOrder, payer_address: str = "127.0.0.1") -> Dealing:
    """Put together what the service of an order is told. Raises DomainError ``orders_not_set_up``, SealError."""
    channel = session.get_one(Channel, (order.school_id, order.channel_id))
    connection, service = serving(session, opener.cipher, channel)
    secret = rules.opening_secret(connection.secrets, service.ORDER_FIELDS)
    if secret is None:
        raise _not_set_up(service)
    told = Order(
        order_ref=order.order_ref,
        amount_vnd=order.amount_vnd,
        memo=order.memo,
        return_url=f"{opener.base_url}/o/{order.connection_id}-{order.order_ref}",
        notify_url=connection_url(session, opener.cipher, order.connection_id, opener.base_url),
        created_at=order.created_at,
        expires_at=order.expires_at,
        payer_address=payer_address,
    )
    return Dealing(told, service, secret, connection)


def serving(session: Session, cipher: FieldCipher, channel: Channel) -> tuple[DoorConnection, OrderChannel]:
    """The connection behind an order channel and how it opens orders.

    Raises DomainError ``no_order_channel`` or ``orders_not_set_up``.
    """
    connection = connection_by_id(session, cipher, channel.connection_id) if channel.connection_id else None
    if connection is None or connection.sandbox:
        raise _no_channel()
    try:
        service: OrderChannel | None = getattr(get_adapter(connection.adapter), "ORDERS", None)
    except AdapterError as error:
        raise _no_channel() from error
    if service is None:
        raise _no_channel()
    if rules.opening_secret(connection.secrets, service.ORDER_FIELDS) is None:
        raise _not_set_up(service)
    return connection, service


def _asked_for(session: Session, school_id: int, invoice_id: int) -> tuple[Invoice, int]:
    """The invoice and what an order is for; its lock lets one order after the other be opened.

    That is what the parent's page asks for: what is owed, and what the family chose.
    """
    invoice = session.get(Invoice, (school_id, invoice_id))
    if invoice is None:
        raise NotFoundError
    balance = session.get_one(InvoiceBalance, (school_id, invoice_id), with_for_update=True, populate_existing=True)
    open_vnd = session.scalars(ASKED, {"school_id": school_id, "invoice_id": invoice_id}).one()
    if balance.state not in {InvoiceState.OPEN, InvoiceState.PARTIAL} or open_vnd <= 0:
        raise ConflictError(
            "nothing_due",
            "Khoản này không còn gì phải nộp; hãy tải lại trang.",
            "Nothing is due on this invoice any more; load the page again.",
        )
    return invoice, int(open_vnd)


def _live(session: Session, invoice: Invoice) -> list[PaymentOrder]:
    rows = session.scalars(
        select(PaymentOrder)
        .where(
            PaymentOrder.school_id == invoice.school_id,
            PaymentOrder.invoice_id == invoice.id,
            PaymentOrder.state.in_(LIVE),
        )
        .with_for_update()
    )
    return list(rows)


def _retire(session: Session, order: PaymentOrder, state: OrderState) -> None:
    """End a live order, and tell its service where it can be told."""
    order.state, order.closed_at = state, clock.now()
    session.flush()
    if state is OrderState.CANCELLED:
        _work(session, order, CANCEL, clock.now())


def _work(session: Session, order: PaymentOrder, kind: str, due_at: datetime) -> None:
    outbox.put(session, QUEUE, kind, school_id=order.school_id, subject_id=order.id, due_at=due_at)


def _require_fitting(service: OrderChannel, amount_vnd: int) -> None:
    if not service.LEAST_VND <= amount_vnd <= service.MOST_VND:
        least, most = format_vnd(service.LEAST_VND), format_vnd(service.MOST_VND)
        raise DomainError(
            "amount_out_of_range",
            f"Kênh này chỉ nhận từ {least} đến {most}; hãy dùng mã VietQR miễn phí.",
            f"This channel takes {least} to {most}; use the free VietQR code.",
        )


def _require_patience(session: Session, invoice: Invoice, now: datetime) -> None:
    recent = session.scalar(
        select(func.count())
        .select_from(PaymentOrder)
        .where(
            PaymentOrder.school_id == invoice.school_id,
            PaymentOrder.invoice_id == invoice.id,
            PaymentOrder.created_at > now - rules.HOUR,
        )
    )
    if (recent or 0) >= rules.MOST_AN_HOUR:
        raise DomainError(
            "too_many_orders",
            "Đã mở quá nhiều lệnh thanh toán cho khoản này; hãy dùng mã VietQR miễn phí hoặc thử lại sau một giờ.",
            "Too many orders were opened for this invoice; use the free VietQR code or try again in an hour.",
        )


def _no_channel() -> DomainError:
    return DomainError(
        "no_order_channel",
        "Kênh thanh toán này không dùng được cho khoản này; hãy chọn cách khác.",
        "This channel cannot be used for this invoice; choose another one.",
    )


def _not_set_up(service: OrderChannel) -> DomainError:
    needed = ", ".join(service.ORDER_FIELDS)
    return DomainError(
        "orders_not_set_up",
        f"Khóa của kết nối chưa đủ để mở lệnh thanh toán; cần: {needed}.",
        f"The connection's secret cannot open orders yet; it needs: {needed}.",
    )


def ask_now(session: Session, order: PaymentOrder) -> None:
    """Ask the service of an order what became of it, besides the questions that are due later."""
    _work(session, order, ASK, clock.now())
