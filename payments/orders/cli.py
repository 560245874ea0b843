"""``hocphi order``: orders at payment services from the operator's terminal."""

import json

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from bank_adapters import allow_only
from payments import clock
from payments.banking.models import Channel
from payments.crypto import FieldCipher
from payments.db import command_session
from payments.errors import NotFoundError
from payments.invoices.models import Invoice
from payments.orders import queries, service
from payments.orders.models import PaymentOrder
from payments.orders.queries import OrderRow
from payments.orders.service import Opener
from payments.schools.queries import school_by_code

AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
NAMED = click.argument("name", metavar="CONNECTION-ORDER")


@click.group("order")
def order_group() -> None:
    """Lệnh thanh toán mở tại payOS, VNPAY, MoMo, ZaloPay, SePay (orders that we open)."""


@order_group.command("open")
@SCHOOL
@click.option("--reference", required=True, help="mã thanh toán của thông báo thu / the invoice's reference")
@click.option("--channel", required=True, help="tên kênh thu / name of the channel")
@AS_JSON
def open_(*, school_code: str, reference: str, channel: str, as_json: bool) -> None:
    """Mở lệnh cho số tiền còn phải nộp (open an order for what is due)."""
    with command_session() as (session, settings):
        allow_only(settings.adapters)
        school_id = school_by_code(session, school_code).id
        invoice = session.scalar(select(Invoice).where(Invoice.school_id == school_id, Invoice.reference == reference))
        if invoice is None:
            raise NotFoundError
        opener = Opener(FieldCipher(settings.field_keys), settings.base_url)
        channel_id = _channel_id(session, invoice, channel)
        order = service.open_order(session, opener, school_id, invoice.id, channel_id, payer_address=None)
        _tell(_found(session, f"{order.connection_id}-{order.order_ref}"), as_json=as_json)


@order_group.command("list")
@SCHOOL
@click.option("--most", type=click.IntRange(1, 1000), default=50, show_default=True, help="số lệnh mới nhất / how many")
@AS_JSON
def list_(*, school_code: str, most: int, as_json: bool) -> None:
    """Các lệnh mới nhất của một trường (the newest orders of a school)."""
    with command_session() as (session, _settings):
        rows = queries.orders_of(session, school_by_code(session, school_code).id, most)
    if as_json:
        click.echo(json.dumps({"orders": [_described(row) for row in rows]}, ensure_ascii=False))
        return
    for row in rows:
        _tell(row, as_json=False)


@order_group.command("status")
@NAMED
@click.option("--ask", is_flag=True, help="hỏi lại bên nhận thanh toán ngay / ask the service now")
@AS_JSON
def status(name: str, *, ask: bool, as_json: bool) -> None:
    """Trạng thái một lệnh, ví dụ 3-7K3M9Q (the state of an order)."""
    with command_session() as (session, _settings):
        if ask:
            service.ask_now(session, _order(session, name))
        _tell(_found(session, name), as_json=as_json)


@order_group.command("cancel")
@NAMED
@AS_JSON
def cancel(name: str, *, as_json: bool) -> None:
    """Hủy một lệnh đang chờ; tiền về muộn vẫn được ghi nhận (cancel an order; late money still counts)."""
    with command_session() as (session, _settings):
        order = _order(session, name)
        service.cancel_order(session, order.school_id, order.id)
        session.flush()
        _tell(_found(session, name), as_json=as_json)


def _channel_id(session: Session, invoice: Invoice, name: str) -> int:
    known = select(Channel.id).where(
        Channel.school_id == invoice.school_id,
        Channel.receiving_account_id == invoice.receiving_account_id,
        Channel.name == name,
    )
    found = session.scalar(known)
    if found is None:
        raise NotFoundError(
            f"Tài khoản của thông báo thu không có kênh «{name}».", f"The invoice's account has no channel {name!r}."
        )
    return found


def _order(session: Session, name: str) -> PaymentOrder:
    connection_id, _, order_ref = name.partition("-")
    found = None
    if connection_id.isascii() and connection_id.isdecimal():
        wanted = (PaymentOrder.connection_id == int(connection_id), PaymentOrder.order_ref == order_ref)
        found = session.scalar(select(PaymentOrder).where(*wanted))
    if found is None:
        raise NotFoundError(*service.NOT_THERE)
    return found


def _found(session: Session, name: str) -> OrderRow:
    order = _order(session, name)
    row = queries.order_by_name(session, order.connection_id, order.order_ref)
    if row is None:
        raise NotFoundError(*service.NOT_THERE)
    return row


def _described(row: OrderRow) -> dict[str, object]:
    return {
        "order": f"{row.connection_id}-{row.order_ref}",
        "channel": row.channel,
        "reference": row.reference,
        "amount_vnd": row.amount_vnd,
        "fee_vnd": row.fee_vnd,
        "state": row.state.value,
        "problem": row.problem,
        "created_at": row.created_at.astimezone(clock.VIETNAM).isoformat(),
        "expires_at": row.expires_at.astimezone(clock.VIETNAM).isoformat(),
    }


def _tell(row: OrderRow, *, as_json: bool) -> None:
    told = _described(row)
    words = "\t".join(str(told[name]) for name in ("order", "channel", "reference", "amount_vnd", "state"))
    click.echo(json.dumps(told, ensure_ascii=False) if as_json else words)
