"""The parent's page: what is due and why, how to pay it, whether it arrived. No log-in, no script needed; a
cookie only guards the form that opens an order, where a school offers services that take one.

The address is a capability: every answer says ``no-store`` and ``no-referrer``; "unknown" and "expired" look the same.
"""

import hashlib
from datetime import timedelta

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.banking.virtual_accounts import numbers_of_pupil
from payments.errors import NotFoundError
from payments.orders import queries as orders
from payments.orders.rules import payers_cost_vnd
from payments.portal import families, queries
from payments.portal.family_page import family_page, family_version
from payments.portal.payable import Payable
from payments.portal.pictures import picture_of
from payments.portal.rules import TOKEN, shown_name
from payments.receipts import document, keys
from payments.receipts.queries import ReceiptRow, by_name, of_pupil
from payments.web.context import db_session, services
from payments.web.security import Open

blueprint = Blueprint("portal", __name__, template_folder="templates")
ACCESS = Open.PUBLIC

LOOK_BACK = timedelta(days=90)
"""How long a paid invoice stays on the page."""


@blueprint.get("/p/<token>")
def page(token: str) -> ResponseReturnValue:
    """All invoices of the pupil: open ones with QR and fields to copy, paid ones as done."""
    with db_session() as session:
        who = queries.holder(session, checked_token(token), clock.now())
        home = families.family_of(session, token, clock.now()) if who is None else None
        if home is not None:
            return family_page(session, token, home, recent=clock.now() - LOOK_BACK, is_new="new" in request.args)
        who = _holder_of(who)
        dues = queries.dues(session, who)
        costs = queries.costs(session, who)
        excess = queries.excess(session, who)
        version = _version(queries.states(session, who), excess)
        ways = orders.ways(session, who.school_id)
        live = orders.live_orders(session, who.school_id, who.pupil_id, clock.now())
        own_numbers = numbers_of_pupil(session, who.school_id, who.pupil_id)
        receipts = of_pupil(session, who.school_id, who.pupil_id)
    recent = clock.now() - LOOK_BACK
    return render_template(
        "portal/page.html",
        token=token,
        who=who,
        name=shown_name(who.full_name),
        open_dues=[due for due in dues if due.open_vnd > 0],
        paid_dues=[due for due in dues if due.open_vnd == 0 and due.changed_at > recent],
        costs=costs,
        excess=excess,
        ways=ways,
        live_orders=live,
        own_numbers=own_numbers,
        cost_of=_cost_of,
        receipts=receipts,
        payable_of=payable_of,
        today=clock.today(),
        now=clock.now().astimezone(clock.VIETNAM),
        version=version,
    )


@blueprint.get("/p/<token>/status")
def status(token: str) -> ResponseReturnValue:
    """What the waiting page polls: a version that changes with every state, as ETag and body (304 when unchanged)."""
    with db_session() as session:
        who = queries.holder(session, checked_token(token), clock.now())
        home = families.family_of(session, token, clock.now()) if who is None else None
        if home is not None:
            version = family_version(session, home)
        else:
            who = _holder_of(who)
            version = _version(queries.states(session, who), queries.excess(session, who))
    answer = Response(f'{{"version":"{version}"}}', mimetype="application/json")
    answer.set_etag(version)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request)


@blueprint.get("/p/<token>/qr/<reference>.<kind>")
def picture(token: str, reference: str, kind: str) -> ResponseReturnValue:
    """The QR of one open invoice, for what is still open of it."""
    with db_session() as session:
        who = known_holder(session, checked_token(token))
        dues = queries.dues(session, who)
    due = next((due for due in dues if due.reference == reference and due.open_vnd > 0), None)
    if due is None:
        raise NotFoundError
    return picture_of(payable_of(due), kind)


@blueprint.get("/p/<token>/receipt/<number>.pdf")
def receipt(token: str, number: str) -> ResponseReturnValue:
    """A receipt of the pupil as a signed PDF, A5 unless ``?paper=a4``."""
    with db_session() as session:
        who = known_holder(session, checked_token(token))
        kept = by_name(session, who.school_id, who.pupil_id, number)
        if kept is None:
            raise NotFoundError
        shares = queries.shares(session, who, kept.transaction_id)
        bank_reference = queries.bank_reference(session, who, kept.transaction_id)
        pdf = document.render(_contents(who, kept, shares, bank_reference), _paper())
        signed = keys.sign(session, services().cipher, who.school_id, kept.verify_code, pdf)
    answer = Response(signed, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{kept.name}.pdf"'
    return answer


def _contents(
    who: queries.Holder, kept: ReceiptRow, shares: list[queries.Share], bank_reference: str | None
) -> document.Contents:
    items = [document.Item(share.description or "Tiền thừa, giữ cho học sinh", share.amount_vnd) for share in shares]
    if sum(item.amount_vnd for item in items) != kept.amount_vnd:
        # What was recorded anew, or taken back, is no longer where the receipt once put it.
        items = [document.Item("Tiền chuyển vào tài khoản của trường", kept.amount_vnd)]
    return document.Contents(
        school_name=who.school_name,
        number=kept.name,
        pupil_name=who.full_name,
        class_name=who.class_name,
        amount_vnd=kept.amount_vnd,
        received_on=kept.received_on,
        issued_at=kept.issued_at,
        bank_reference=bank_reference,
        items=tuple(items),
        words=kept.words,
        revoked=kept.revoked_at is not None,
        verify_url=f"{services().settings.base_url}/verify/{kept.verify_code}",
    )


def _paper() -> document.Paper:
    return "a4" if request.args.get("paper") == "a4" else "a5"


def checked_token(token: str) -> str:
    """The token of an address, if it can be one. Raises NotFoundError."""
    if not TOKEN.fullmatch(token):
        raise unknown_link()
    return token


def known_holder(session: Session, token: str) -> queries.Holder:
    """Whom a token stands for, of a family's the child that ``?child=`` names. Raises NotFoundError for unknown and
    expired alike.
    """
    now = clock.now()
    who = queries.holder(session, token, now)
    return _holder_of(who or families.child_of(session, token, request.args.get("child"), now))


def _holder_of(who: queries.Holder | None) -> queries.Holder:
    if who is None:
        raise unknown_link()
    return who


def unknown_link() -> NotFoundError:
    """What every link that opens nothing is told."""
    return NotFoundError(
        "Không tìm thấy thông báo thu tiền. Đường dẫn có thể đã hết hạn; vui lòng hỏi nhà trường.",
        "There is no such notice. The link may have expired; please ask the school for a new one.",
    )


def _cost_of(way: orders.Way, due: queries.Due) -> int:
    """What paying an invoice this way costs the parent, in đồng."""
    return payers_cost_vnd(due.open_vnd, way.cost_vnd, way.cost_per_10000, way.borne_by)


def payable_of(due: queries.Due) -> Payable:
    """What the QR of an invoice asks for."""
    return Payable(
        reference=due.reference,
        amount_vnd=due.open_vnd,
        bin=due.bin,
        bank_name=due.bank_name,
        account_number=due.account_number,
        holder_name=due.holder_name,
        memo_prefix=due.memo_prefix or "",
    )


def _version(states: list[tuple[str, str, int]], excess: list[queries.Excess]) -> str:
    return hashlib.sha256(repr((states, excess)).encode()).hexdigest()[:16]
