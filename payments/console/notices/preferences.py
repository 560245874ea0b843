"""Settings of notices: quiet hours and pace, thanks for payments, bots and class groups; addresses that fail."""

from datetime import time

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments.console import queries as console
from payments.console.desk import Desk, desk_of
from payments.console.notices import words
from payments.console.notices.campaigns import outside
from payments.errors import DomainError, NotFoundError
from payments.notices import bots, queries, service
from payments.notices.addresses import PLACE, addresses, forgive
from payments.notices.rules import PACE, Channel
from payments.notifications.channels.chat import SERVICES
from payments.web.context import db_session, row_id, say, services


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    at = "/<code>/notices/settings/"
    blueprint.add_url_rule(at, "notice_settings", page)
    blueprint.add_url_rule(f"{at}keep", "keep_notice_settings", keep, methods=["POST"])
    blueprint.add_url_rule(f"{at}bot", "set_notice_bot", set_bot, methods=["POST"])
    blueprint.add_url_rule(f"{at}bot/remove", "remove_notice_bot", remove_bot, methods=["POST"])
    blueprint.add_url_rule(f"{at}chat", "set_class_chat", set_chat, methods=["POST"])
    blueprint.add_url_rule("/<code>/notices/addresses/", "notice_addresses", failing)
    forgiving = "/<code>/notices/addresses/<int:contact_id>/forgive"
    blueprint.add_url_rule(forgiving, "forgive_address", forgiven, methods=["POST"])


def page(code: str) -> ResponseReturnValue:
    """What the school has chosen."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = service.settings_of(session, desk.school_id)
        known, chats = queries.bots(session, desk.school_id), queries.class_chats(session, desk.school_id)
    return render_template(
        "console/notices/settings.html",
        desk=desk,
        settings=found,
        bots=known,
        chats=chats,
        pace=PACE,
        services=SERVICES,
        mail=services().settings.smtp_url is not None,
    )


def keep(code: str) -> ResponseReturnValue:
    """Keep quiet hours, pace, telephone and thanks."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        service.change_settings(
            session,
            desk.school_id,
            desk.actor.user_id,
            quiet_from=_time("quiet_from"),
            quiet_to=_time("quiet_to"),
            per_minute=_pace(),
            contact_phone=request.form.get("contact_phone", "").strip() or None,
            thanks="thanks" in request.form,
        )
    return _kept(code)


def set_bot(code: str) -> ResponseReturnValue:
    """Keep a bot's token; it is never shown again."""
    with db_session() as session:
        desk = desk_of(session, code, "principal")
        given = {"service": request.form.get("service", ""), "token": request.form.get("token", "").strip()}
        bots.set_bot(session, outside(), desk.school_id, desk.actor.user_id, **given)
    return _kept(code)


def remove_bot(code: str) -> ResponseReturnValue:
    """Forget a bot and its groups."""
    with db_session() as session:
        desk = desk_of(session, code, "principal")
        bots.remove_bot(session, desk.school_id, desk.actor.user_id, request.form.get("service", ""))
    return _kept(code)


def set_chat(code: str) -> ResponseReturnValue:
    """Say which group is a class's."""
    with db_session() as session:
        desk = desk_of(session, code, "principal")
        bots.set_chat(
            session,
            outside(),
            desk.school_id,
            desk.actor.user_id,
            class_id=_class_id(),
            service=request.form.get("service", ""),
            chat_id=request.form.get("chat", "").strip(),
        )
    return _kept(code)


def failing(code: str) -> ResponseReturnValue:
    """Addresses that bounce or want no notices, with whose they are: the school corrects them in the pupils' list."""
    with db_session() as session:
        desk = desk_of(session, code)
        rows = _contacts(session, desk)
    return render_template("console/notices/addresses.html", desk=desk, rows=rows, words=words)


def forgiven(code: str, contact_id: int) -> ResponseReturnValue:
    """A person says that an address works again."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        forgive(session, desk.school_id, contact_id, desk.actor.user_id)
    flash(say("Sẽ gửi lại vào địa chỉ này.", "Notices go there again."), "ok")
    return redirect(url_for("console.notice_addresses", code=code), code=303)


def _contacts(session: Session, desk: Desk) -> list[dict[str, object]]:
    """Each with the pupils whose guardian has the address today; none: it was corrected or is gone."""
    cipher = services().cipher
    rows = list(queries.contacts(session, desk.school_id))
    marked = {(row["channel"], row["address_index"]) for row in rows}
    whose: dict[tuple[str, bytes], list[int]] = {}
    for channel in {Channel(row["channel"]) for row in rows}:
        for one in addresses(session, cipher, desk.school_id, channel):
            if (channel.value, one.index) in marked:
                whose.setdefault((channel.value, one.index), []).append(one.pupil_id)
    ids = sorted({pupil for pupils in whose.values() for pupil in pupils})
    names = {row["id"]: row for row in console.pupils(session, desk.school_id, ids)}
    return [
        {
            **row,
            "address": cipher.open(row["address_sealed"], PLACE).decode(),
            "pupils": [names[pupil] for pupil in whose.get((row["channel"], row["address_index"]), [])],
        }
        for row in rows
    ]


def _kept(code: str) -> ResponseReturnValue:
    flash(say("Đã lưu.", "Kept."), "ok")
    return redirect(url_for("console.notice_settings", code=code), code=303)


def _class_id() -> int:
    try:
        return row_id(request.form.get("class", ""))
    except ValueError:
        raise NotFoundError from None


def _time(name: str) -> time:
    """Hours and minutes of a form. Raises DomainError ``quiet_hours``."""
    try:
        return time.fromisoformat(request.form.get(name, ""))
    except ValueError:
        raise DomainError("quiet_hours", "Giờ viết như 21:00.", "Write a time as 21:00.") from None


def _pace() -> int:
    given = request.form.get("per_minute", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 6 else 0
