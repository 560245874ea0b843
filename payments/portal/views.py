"""The parent's page: what is due and why, how to pay it, whether it arrived. No log-in, no script needed; a
cookie only guards the form that opens an order, where a school offers services that take one.

The address is a capability: every answer says ``no-store`` and ``no-referrer``; "unknown" and "expired" look the same.
"""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, has_request_context, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.banking.virtual_accounts import numbers_of_pupil
from payments.errors import NotFoundError
from payments.orders import queries as orders
from payments.orders.rules import payers_cost_vnd
from payments.portal import families, queries, sentences, showing
from payments.portal import status as portal_status
from payments.portal.bank_apps import offers
from payments.portal.choosing import Word
from payments.portal.claims import seen_claims
from payments.portal.family_page import family_page
from payments.portal.paid import contents_of
from payments.portal.pictures import picture_of
from payments.portal.rules import TOKEN, UnknownLinkError, is_in_app, shown_name
from payments.portal.service import choose
from payments.portal.trust import school_trust
from payments.receipts import document, keys
from payments.receipts.queries import by_name, of_pupil
from payments.schools.queries import bank_apps_on
from payments.throttle.rules import Limit
from payments.throttle.service import limit
from payments.web.context import db_session, language, services
from payments.web.security import Open

blueprint = Blueprint("portal", __name__, template_folder="templates")
ACCESS = Open.PUBLIC

ANSWERS = Limit("voluntary.answers", 30, timedelta(hours=1))
"""About voluntary items of one pupil: each answer takes the lease of the whole school, and is on record."""
OF_ONE_CHILD = {
    *("portal.page", "portal.picture", "portal.answer_voluntary", "portal.receipt", "receipt_page.show"),
    *("claims.form", "claims.claim", "paying.start", "paying.show", "paying.picture", "paying.cancel"),
}
"""Endpoints below a token that are about one pupil; of a family's token ``?child=`` says which."""


@blueprint.get("/p/<token>")
def page(token: str) -> ResponseReturnValue:
    """All notices of the pupil that are open or were of late, each with its state and what can be done about it."""
    with db_session() as session:
        who = queries.holder(session, checked_token(token), clock.now())
        home = families.family_of(session, token, clock.now()) if who is None else None
        if home is not None and "child" not in request.args:
            return family_page(session, token, home, is_new="new" in request.args)
        who = known_holder(session, token) if home is not None else _holder_of(who)
        claims = seen_claims(session, who)
        shown = showing.build(session, who, token, claims)
        if shown is None:
            raise UnknownLinkError
        costs = queries.costs(session, who)
        excess = queries.excess(session, who)
        ways = orders.ways(session, who.school_id)
        live = orders.live_orders(session, who.school_id, who.pupil_id, clock.now())
        own_numbers = numbers_of_pupil(session, who.school_id, who.pupil_id)
        receipts = of_pupil(session, who.school_id, who.pupil_id)
        apps_on = bank_apps_on(session, who.school_id)
        trust = school_trust(session, who.school_id, clock.now())
    return render_template(
        "portal/page.html",
        token=token,
        who=who,
        name=shown_name(who.full_name),
        of_family=home is not None,
        page=shown,
        costs=costs,
        excess=excess,
        ways=ways,
        live_orders=live,
        own_numbers=own_numbers,
        cost_of=_cost_of,
        receipts=receipts,
        claims=claims,
        offers=offers,
        apps_on=apps_on,
        trust=trust,
        words=sentences,
        here=lambda **changed: _here(token, **changed),
        in_app=is_in_app(request.user_agent.string),
        now=clock.now().astimezone(clock.VIETNAM),
    )


@blueprint.get("/p/<token>/status")
def status(token: str) -> ResponseReturnValue:
    """What the waiting page polls: a version that changes with every state, as ETag and body (304 when unchanged)."""
    with db_session() as session:
        looked = portal_status.look(session, checked_token(token), clock.now(), clock.today())
    if looked is None:
        raise UnknownLinkError
    answer = Response(f'{{"version":"{looked.version}"}}', mimetype="application/json")
    answer.set_etag(looked.version)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request)


@blueprint.get("/p/<token>/qr/<reference>.<kind>")
def picture(token: str, reference: str, kind: str) -> ResponseReturnValue:
    """The QR of one notice, for what can be paid on it now and what the family chose."""
    with db_session() as session:
        who = known_holder(session, checked_token(token))
        due = next((due for due in queries.dues(session, who) if due.reference == reference), None)
    payable = None if due is None else showing.asked_of(due)
    if payable is None:
        raise NotFoundError
    return picture_of(payable, kind)


@blueprint.post("/p/<token>/voluntary/<int:line_id>")
def answer_voluntary(token: str, line_id: int) -> ResponseReturnValue:
    """«Nộp thêm» or «Không tham gia», or that again taken back."""
    with db_session() as session:
        who = known_holder(session, checked_token(token))
        limit(session, services().cipher, ANSWERS, f"{who.school_id}.{who.pupil_id}")
        choose(session, who, line_id, _word())
    return redirect(_here(token, _anchor=f"line-{line_id}"), 303)


@blueprint.get("/p/<token>/receipt/<number>.pdf")
def receipt(token: str, number: str) -> ResponseReturnValue:
    """A receipt of the pupil as a signed PDF, A5 unless ``?paper=a4``."""
    with db_session() as session:
        who = known_holder(session, checked_token(token))
        kept = by_name(session, who.school_id, who.pupil_id, number)
        if kept is None:
            raise NotFoundError
        pdf = document.render(contents_of(session, who, kept, services().settings.base_url), _paper())
        signed = keys.sign(session, services().cipher, who.school_id, kept.verify_code, pdf)
    answer = Response(signed, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{kept.name}.pdf"'
    return answer


def _paper() -> document.Paper:
    return "a4" if request.args.get("paper") == "a4" else "a5"


def checked_token(token: str) -> str:
    """The token of an address, if it can be one. Raises NotFoundError."""
    if not TOKEN.fullmatch(token):
        raise UnknownLinkError
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
        raise UnknownLinkError
    return who


@blueprint.app_url_defaults
def _same_child(endpoint: str, values: dict[str, Any]) -> None:
    """On a page about one child of a family, links of the same token stay with that child."""
    if not has_request_context() or endpoint not in OF_ONE_CHILD or "child" not in request.args:
        return
    if values.get("token") == (request.view_args or {}).get("token"):
        values.setdefault("child", request.args["child"])


def _cost_of(way: orders.Way, amount_vnd: int) -> int:
    """What paying an amount this way costs the parent, in đồng."""
    return payers_cost_vnd(amount_vnd, way.cost_vnd, way.cost_per_10000, way.borne_by)


def _word() -> Word:
    """What a form says about a voluntary item: the button that was pressed."""
    if request.form.get("chosen") == "yes":
        return Word.CHOSEN
    return Word.DECLINED if request.form.get("declined") == "yes" else Word.UNDECIDED


def _here(token: str, **changed: Any) -> str:
    """This page in its language, or with something changed."""
    values: dict[str, Any] = {"lang": "en" if language() == "en" else None, **changed}
    return url_for("portal.page", token=token, **values)
