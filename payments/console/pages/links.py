"""A pupil's link for the parents: show it, print it, renew it; a page of its own, for it is a key."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.console.desk import Desk, desk_of
from payments.errors import NotFoundError
from payments.portal import families
from payments.portal.queries import link_row
from payments.portal.service import ensure_links, good_until, link_of, revoke_link
from payments.vietqr.render import address_svg
from payments.web.context import db_session, say, services

_NAME = text("SELECT full_name FROM pupil WHERE school_id = :school_id AND id = :pupil_id")


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    pupil = "/<code>/pupils/<int:pupil_id>/link/"
    blueprint.add_url_rule(pupil, "pupil_link", show)
    blueprint.add_url_rule(f"{pupil}make", "make_pupil_link", make, methods=["POST"])
    blueprint.add_url_rule(f"{pupil}renew", "renew_pupil_link", renew, methods=["POST"])
    family = f"{pupil}family/<int:family_id>/renew"
    blueprint.add_url_rule(family, "renew_family_link", renew_family, methods=["POST"])


def show(code: str, pupil_id: int) -> ResponseReturnValue:
    """The link with its square; ``?renew`` warns of what renewing does and asks once more."""
    with db_session() as session:
        desk = desk_of(session, code)
        name = _name(session, desk, pupil_id)
        token = link_of(session, services().settings.link_keys, desk.school_id, pupil_id)
        row = link_row(session, desk.school_id, pupil_id)
        pages = families.pages_of(session, desk.school_id, pupil_id)
    address = f"{services().settings.base_url}/p/{token}" if token else None
    return render_template(
        "console/pupil_link.html",
        desk=desk,
        pupil_id=pupil_id,
        name=name,
        address=address,
        # Drawn by us from an address of ours: no value in it needs escaping.
        square=Markup(address_svg(address)) if address else None,  # noqa: S704 - see above
        row=row,
        expired=row is not None and row.expires_at <= clock.now(),
        may_change=desk.actor.may_in(desk.school_id, "accountant"),
        asks="renew" in request.args and row is not None,
        pages=pages,
        asks_family=request.args.get("family", type=int),
    )


def make(code: str, pupil_id: int) -> ResponseReturnValue:
    """Give whoever of the school has no live link one, as issuing a round does."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        _name(session, desk, pupil_id)
        keys = services().settings.link_keys
        made = ensure_links(session, keys, desk.school_id, good_until(session, desk.school_id))
        record(
            session,
            desk.actor.user_id,
            "links.made",
            subject_kind="school",
            subject_id=desk.school_id,
            school_id=desk.school_id,
            detail={"links": made},
        )
    flash(say("Đường dẫn đã sẵn sàng.", "The link is ready."), "ok")
    return redirect(url_for("console.pupil_link", code=code, pupil_id=pupil_id), 303)


def renew(code: str, pupil_id: int) -> ResponseReturnValue:
    """Revoke the link, on paper and in messages too, and make a new one; who did it is on record."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        _name(session, desk, pupil_id)
        revoke_link(session, services().settings.link_keys, desk.school_id, pupil_id)
        record(
            session,
            desk.actor.user_id,
            "link.renewed",
            subject_kind="pupil",
            subject_id=pupil_id,
            school_id=desk.school_id,
        )
    flash(say("Đã đổi: đường dẫn cũ không mở được nữa.", "Renewed: the old link opens nothing any more."), "ok")
    return redirect(url_for("console.pupil_link", code=code, pupil_id=pupil_id), 303)


def renew_family(code: str, pupil_id: int, family_id: int) -> ResponseReturnValue:
    """Revoke the link of a page that shows the pupil beside others. The new one is shown once, and only when nobody of
    another school is on the page.
    """
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        name = _name(session, desk, pupil_id)
        if all(one.family_id != family_id for one in families.pages_of(session, desk.school_id, pupil_id)):
            raise NotFoundError
        keys = services().settings.link_keys
        token = families.renew(session, keys, desk.school_id, family_id, desk.actor.user_id)
    address = f"{services().settings.base_url}/p/{token}" if token else None
    return render_template("console/family_renewed.html", desk=desk, pupil_id=pupil_id, name=name, address=address)


def _name(session: Session, desk: Desk, pupil_id: int) -> str:
    name: str | None = session.scalar(_NAME, {"school_id": desk.school_id, "pupil_id": pupil_id})
    if name is None:
        raise NotFoundError
    return name
