"""Campaigns: the list, a new one with its preview and price, progress that is safe to leave, pause and retry."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from payments import clock
from payments.console.desk import desk_of
from payments.console.notices import words
from payments.console.today import Card
from payments.errors import DomainError, NotFoundError
from payments.i18n import Text
from payments.notices import queries, service
from payments.notices.outside import Outside
from payments.notices.previews import preview
from payments.notices.rules import CAMPAIGN_KINDS, Channel, Kind
from payments.notices.service import Choice
from payments.notices.wording import LANGUAGES
from payments.web.context import db_session, row_id, say, services

DEEDS = {"pause": service.pause, "resume": service.resume, "cancel": service.cancel}


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    one = "/<code>/notices/<int:campaign_id>/"
    blueprint.add_url_rule("/<code>/notices/", "notices", overview)
    blueprint.add_url_rule("/<code>/notices/new", "new_notices", new)
    blueprint.add_url_rule("/<code>/notices/start", "start_notices", start, methods=["POST"])
    blueprint.add_url_rule(one, "notice_campaign", campaign)
    blueprint.add_url_rule(f"{one}<any(pause, resume, cancel):deed>", "notice_deed", deed, methods=["POST"])
    blueprint.add_url_rule(f"{one}retry", "retry_notices", retry, methods=["POST"])


def outside() -> Outside:
    """Settings and cipher of the running application."""
    return Outside(services().settings, services().cipher)


def card(count: int, code: str) -> Card:
    """«Việc hôm nay»: notices that did not arrive."""
    label = Text("thông báo không đến được phụ huynh", "notices that did not arrive")
    return Card(count, label, url_for("console.notices", code=code))


def overview(code: str) -> ResponseReturnValue:
    """Campaigns with counts that equal the database."""
    with db_session() as session:
        desk = desk_of(session, code)
        rows = queries.campaigns(session, desk.school_id)
    return render_template("console/notices/campaigns.html", desk=desk, rows=rows, words=words)


def new(code: str) -> ResponseReturnValue:
    """Choose round, kind, channel and language; what it would be is shown before anything is sent."""
    with db_session() as session:
        desk = desk_of(session, code)
        rounds = queries.rounds(session, desk.school_id)
        known = {row["id"] for row in rounds}
        choice = _choice(request.args.to_dict(), rounds[0]["id"]) if rounds else None
        if choice and choice.round_id not in known:
            raise NotFoundError
        seen = preview(session, outside(), desk.school_id, choice) if choice else None
    return render_template(
        "console/notices/new.html",
        desk=desk,
        rounds=rounds,
        choice=choice,
        seen=seen,
        kinds=CAMPAIGN_KINDS,
        channels=tuple(Channel),
        words=words,
    )


def start(code: str) -> ResponseReturnValue:
    """Begin; the first wave leaves at once, or after the quiet hours."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        choice = _choice(request.form.to_dict(), 0)
        made = service.start(session, outside(), desk.school_id, desk.actor.user_id, choice)
    flash(say("Đã bắt đầu gửi. Đóng trang cũng không sao.", "Sending has begun. You may close the page."), "ok")
    return redirect(url_for("console.notice_campaign", code=code, campaign_id=made.id), code=303)


def _choice(given: dict[str, str], round_id: int) -> Choice:
    """What a form or an address says. Raises NotFoundError for what no form offers."""
    try:
        choice = Choice(
            round_id=row_id(given.get("round") or str(round_id)),
            kind=Kind(given.get("kind") or Kind.NEW_ROUND),
            channel=Channel(given.get("channel") or Channel.EMAIL),
            language=given.get("language") or "vi",
        )
    except ValueError:
        raise NotFoundError from None
    if choice.kind not in CAMPAIGN_KINDS or choice.language not in LANGUAGES:
        raise NotFoundError
    return choice


def campaign(code: str, campaign_id: int) -> ResponseReturnValue:
    """How far it is, and each notice with what became of it."""
    state = request.args.get("state", "")
    with db_session() as session:
        desk = desk_of(session, code)
        found = queries.campaign(session, desk.school_id, campaign_id)
        if found is None or (state and state not in queries.STATES):
            raise NotFoundError
        rows = queries.notices(session, desk.school_id, campaign_id, state)
        opens = service.send_from(session, desk.school_id, clock.now())
    return render_template(
        "console/notices/campaign.html",
        desk=desk,
        campaign=found,
        rows=rows,
        state=state,
        states=queries.STATES,
        most=queries.SHOWN,
        opens=opens if opens > clock.now() else None,
        words=words,
    )


def deed(code: str, campaign_id: int, deed: str) -> ResponseReturnValue:
    """Pause, go on, cancel."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        DEEDS[deed](session, desk.school_id, campaign_id, desk.actor.user_id)
    said = {
        "pause": say("Đã tạm dừng.", "Paused."),
        "resume": say("Gửi tiếp.", "Going on."),
        "cancel": say("Đã hủy; những tin chưa gửi sẽ không gửi nữa.", "Cancelled; what waits is not sent any more."),
    }
    flash(said[deed], "ok")
    return redirect(url_for("console.notice_campaign", code=code, campaign_id=campaign_id), code=303)


def retry(code: str, campaign_id: int) -> ResponseReturnValue:
    """Try again what failed."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        again = service.retry(session, desk.school_id, campaign_id, desk.actor.user_id)
    if not again:
        raise DomainError("nothing_failed", "Không có tin nào cần gửi lại.", "Nothing has to be sent again.")
    flash(f"{say('Sẽ gửi lại', 'To be sent again')}: {again}", "ok")
    return redirect(url_for("console.notice_campaign", code=code, campaign_id=campaign_id), code=303)
