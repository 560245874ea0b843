"""One pupil: what is open and all that happened."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from payments.console.desk import desk_of
from payments.console.timeline import timeline
from payments.errors import NotFoundError
from payments.portal.siblings import confirm, siblings
from payments.web.context import db_session, row_id, services


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/pupils/<int:pupil_id>/", "pupil", pupil)
    blueprint.add_url_rule("/<code>/pupils/<int:pupil_id>/family", "make_family", make_family, methods=["POST"])


def pupil(code: str, pupil_id: int) -> ResponseReturnValue:
    """The pupil's timeline, for the accountant who has a parent on the telephone."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = timeline(session, desk.school_id, pupil_id)
        proposed = siblings(session, desk.school_id, pupil_id)
    if found is None:
        raise NotFoundError
    return render_template("console/pupil.html", desk=desk, found=found, siblings=proposed)


def make_family(code: str, pupil_id: int) -> ResponseReturnValue:
    """The accountant confirms who are siblings; the link of their page is shown to be handed on."""
    chosen = [row_id(one) for one in request.form.getlist("sibling") if one.isascii() and one.isdecimal()]
    with db_session() as session:
        desk = desk_of(session, code)
        desk.require("accountant")
        keys = services().settings.link_keys
        token = confirm(session, keys, desk.school_id, [pupil_id, *chosen], desk.actor.user_id)
        found = timeline(session, desk.school_id, pupil_id)
    link = f"{services().settings.base_url}{url_for('portal.page', token=token)}"
    return render_template("console/pupil.html", desk=desk, found=found, siblings=[], family_link=link)
