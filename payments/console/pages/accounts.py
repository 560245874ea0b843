"""Receiving accounts: proposed by one person, approved by another, usable after a day; and the channels into them."""

from collections.abc import Collection

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments.banking.models import BorneBy, ChannelKind
from payments.banking.queries import bank_name, channels_of
from payments.banking.service import add_channel, approve_account, close_account, propose_account, switch_channel
from payments.console import queries
from payments.console.desk import Desk, desk_of
from payments.errors import DomainError
from payments.money import MAX_VND, parse_vnd
from payments.schools.queries import bank_apps_on
from payments.web.context import db_session, say

KINDS = tuple(kind.value for kind in ChannelKind)
BEARERS = tuple(who.value for who in BorneBy)


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    one = "/<code>/accounts/<int:account_id>/"
    blueprint.add_url_rule("/<code>/accounts/", "accounts", accounts)
    blueprint.add_url_rule("/<code>/accounts/", "propose_account", propose, methods=["POST"])
    blueprint.add_url_rule(f"{one}approve", "approve_account", approve, methods=["POST"])
    blueprint.add_url_rule(f"{one}close", "close_account", close, methods=["POST"])
    blueprint.add_url_rule(f"{one}channels", "add_channel", new_channel, methods=["POST"])
    blueprint.add_url_rule(f"{one}channels/switch", "switch_channel", switch, methods=["POST"])


def accounts(code: str) -> ResponseReturnValue:
    """The school's accounts, where each stands, and what paying into it costs."""
    with db_session() as session:
        return _page(session, desk_of(session, code))


def propose(code: str) -> ResponseReturnValue:
    """Propose a new account; a second person must approve it, and a day must pass."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        try:
            propose_account(
                session,
                desk.school_id,
                bank_bin=request.form.get("bin", "").strip(),
                number=request.form.get("number", ""),
                holder_name=request.form.get("holder", ""),
                fund=request.form.get("fund", ""),
                actor_id=desk.actor.user_id,
            )
        except DomainError as error:
            return _page(session, desk, error), error.status
    flash(say("Đã đề nghị tài khoản, chờ người thứ hai duyệt.", "Proposed; a second person must approve it."), "ok")
    return redirect(url_for("console.accounts", code=code), code=303)


def approve(code: str, account_id: int) -> ResponseReturnValue:
    """Approve somebody else's proposal; the account is usable after the cooling-off day."""
    with db_session() as session:
        desk = desk_of(session, code, "principal")
        approve_account(session, desk.school_id, account_id, actor_id=desk.actor.user_id)
    flash(say("Đã duyệt. Tài khoản dùng được sau 24 giờ.", "Approved. Usable after 24 hours."), "ok")
    return redirect(url_for("console.accounts", code=code), code=303)


def close(code: str, account_id: int) -> ResponseReturnValue:
    """Close an account, or refuse a proposed one: one person is enough to stop, and it cannot be opened again."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        close_account(session, desk.school_id, account_id, desk.actor.user_id)
    text = say(
        "Đã đóng tài khoản. Tiền vẫn về đó thì vẫn được ghi nhận.", "Closed. Money that still arrives is recorded."
    )
    flash(text, "ok")
    return redirect(url_for("console.accounts", code=code), code=303)


def new_channel(code: str, account_id: int) -> ResponseReturnValue:
    """Add a way to pay into an account, with what it costs and who bears that."""
    form = request.form
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        try:
            add_channel(
                session,
                desk.school_id,
                account_id,
                name=form.get("name", ""),
                kind=ChannelKind(_chosen(KINDS, "kind")),
                cost_vnd=_cost(form.get("cost", "").strip()),
                borne_by=BorneBy(_chosen(BEARERS, "borne_by")),
                actor_id=desk.actor.user_id,
            )
        except DomainError as error:
            return _page(session, desk, error), error.status
    flash(say("Đã thêm kênh thu.", "The channel is added."), "ok")
    return redirect(url_for("console.accounts", code=code), code=303)


def switch(code: str, account_id: int) -> ResponseReturnValue:
    """Switch a channel on or off."""
    name, active = request.form.get("name", ""), request.form.get("active") == "1"
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        switch_channel(session, desk.school_id, account_id, name, active=active, actor_id=desk.actor.user_id)
    flash(say("Đã mở kênh thu.", "On.") if active else say("Đã tạm dừng kênh thu.", "Off."), "ok")
    return redirect(url_for("console.accounts", code=code), code=303)


def _page(session: Session, desk: Desk, refusal: DomainError | None = None) -> str:
    rows = queries.accounts(session, desk.school_id)
    return render_template(
        "console/accounts.html",
        desk=desk,
        rows=rows,
        banks={row["bin"]: bank_name(session, row["bin"]) for row in rows},
        channels=channels_of(session, desk.school_id),
        kinds=KINDS,
        bearers=BEARERS,
        refusal=refusal,
        apps_on=bank_apps_on(session, desk.school_id),
    )


def _chosen(choices: Collection[str], key: str) -> str:
    value = request.form.get(key, "")
    if value not in choices:
        raise DomainError("bad_choice", "Hãy chọn một giá trị trong danh sách.", "Choose a value of the list.")
    return value


def _cost(text: str) -> int:
    cost_vnd = parse_vnd(text) if text else 0
    if not 0 <= cost_vnd <= MAX_VND:
        raise DomainError("bad_cost", "Phí phải từ 0 đồng trở lên.", "The cost must not be below zero.")
    return cost_vnd
