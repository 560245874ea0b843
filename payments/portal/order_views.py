"""Paying through a service: a parent opens an order, pays it there, and waits for the bank's word here.

What the browser brings back is never believed: an order is paid when evidence says so. The address that a service
sends a parent back to (``/o/…``) is not the parent's link, which is nobody else's business; it shows no name.
"""

from urllib.parse import urlsplit

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from bank_adapters.contract import Checkout
from payments import clock
from payments.errors import DomainError, NotFoundError
from payments.orders import queries as orders
from payments.orders import service
from payments.orders.models import OrderState
from payments.orders.queries import OrderRow
from payments.orders.service import Opener
from payments.portal import queries
from payments.portal.views import checked_token, known_holder
from payments.vietqr import VietQRError, decode
from payments.vietqr.render import render_svg
from payments.web.context import db_session, language, services
from payments.web.security import CSP, Open

blueprint = Blueprint("paying", __name__, template_folder="templates")
ACCESS = Open.PUBLIC

LOOK_AGAIN_S = {OrderState.OPENING: 2, OrderState.OPEN: 10}
"""How soon a page without a script looks again."""
LONGEST_NAME = 160


@blueprint.post("/p/<token>/pay/<reference>/<int:channel_id>")
def start(token: str, reference: str, channel_id: int) -> ResponseReturnValue:
    """Open the order for what is due of one invoice, or take the one that is open."""
    with db_session() as session:
        who = known_holder(session, checked_token(token))
        due = next((due for due in queries.dues(session, who) if due.reference == reference), None)
        if due is None:
            raise NotFoundError
        opener = Opener(services().cipher, services().settings.base_url)
        order = service.open_order(
            session, opener, who.school_id, due.invoice_id, channel_id, payer_address=request.remote_addr
        )
        name = f"{order.connection_id}-{order.order_ref}"
    return _to_order(token, name)


@blueprint.get("/p/<token>/order/<name>")
def show(token: str, name: str) -> ResponseReturnValue:
    """Where to pay the order, until when, and whether the money has arrived."""
    with db_session() as session:
        order = _own(session, token, name)
        paid_elsewhere = order.is_live and order.expires_at <= clock.now()
    checkout = orders.checkout_of(order, services().cipher) if order.state is OrderState.OPEN else None
    answer = make_response(
        render_template(
            "portal/order.html",
            token=token,
            name=name,
            order=order,
            checkout=None if paid_elsewhere else checkout,
            has_qr=checkout is not None and _shown_qr(order, checkout) is not None,
            look_again_s=LOOK_AGAIN_S.get(order.state),
        )
    )
    return _allowing_form(answer, checkout)


@blueprint.get("/p/<token>/order/<name>/qr.svg")
def picture(token: str, name: str) -> ResponseReturnValue:
    """The QR of an open order."""
    with db_session() as session:
        order = _own(session, token, name)
    checkout = orders.checkout_of(order, services().cipher) if order.state is OrderState.OPEN else None
    qr = _shown_qr(order, checkout) if checkout else None
    if qr is None:
        raise NotFoundError
    return Response(render_svg(qr), mimetype="image/svg+xml")


@blueprint.post("/p/<token>/order/<name>/cancel")
def cancel(token: str, name: str) -> ResponseReturnValue:
    """Take the order back; another way to pay may be chosen."""
    with db_session() as session:
        who = known_holder(session, checked_token(token))
        order = _own(session, token, name)
        service.cancel_order(session, who.school_id, order.id)
    return redirect(_in_language(url_for("portal.page", token=token)), 303)


@blueprint.get("/o/<name>")
def back(name: str) -> ResponseReturnValue:
    """Where a service sends the payer back to: whatever the address says about success is not read."""
    connection_id, order_ref = _parts(name)
    with db_session() as session:
        order = orders.order_by_name(session, connection_id, order_ref)
    if order is None:
        raise NotFoundError(*service.NOT_THERE)
    return render_template("portal/order_back.html", order=order, look_again_s=LOOK_AGAIN_S.get(order.state))


def _own(session: Session, token: str, name: str) -> OrderRow:
    who = known_holder(session, checked_token(token))
    order = orders.order_of_pupil(session, who.school_id, who.pupil_id, *_parts(name))
    if order is None:
        raise NotFoundError(*service.NOT_THERE)
    return order


def _parts(name: str) -> tuple[int, str]:
    connection_id, _, order_ref = name.partition("-")
    if not connection_id.isascii() or not connection_id.isdecimal() or not order_ref or len(name) > LONGEST_NAME:
        raise NotFoundError(*service.NOT_THERE)
    if len(connection_id) > 18:
        raise NotFoundError(*service.NOT_THERE)
    return int(connection_id), order_ref


def _shown_qr(order: OrderRow, checkout: Checkout) -> str | None:
    """The QR's text, if a bank can read it and it asks for the order's amount."""
    try:
        qr = decode(checkout.qr)
    except (VietQRError, DomainError):
        return None
    return checkout.qr if qr.amount_vnd == order.amount_vnd else None


def _allowing_form(answer: Response, checkout: Checkout | None) -> Response:
    """The form of a service may be sent to that service's own server, from this page alone."""
    if checkout is not None and checkout.fields:
        target = urlsplit(checkout.url)
        own = f"{target.scheme}://{target.netloc}"
        answer.headers["Content-Security-Policy"] = CSP.replace("form-action 'self'", f"form-action 'self' {own}")
    return answer


def _to_order(token: str, name: str) -> ResponseReturnValue:
    return redirect(_in_language(url_for("paying.show", token=token, name=name)), 303)


def _in_language(address: str) -> str:
    return f"{address}?lang=en" if language() == "en" else address
