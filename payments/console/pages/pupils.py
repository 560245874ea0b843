"""One pupil: what is open and all that happened."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from payments.console.desk import desk_of
from payments.console.timeline import timeline
from payments.errors import NotFoundError
from payments.web.context import db_session


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/pupils/<int:pupil_id>/", "pupil", pupil)


def pupil(code: str, pupil_id: int) -> ResponseReturnValue:
    """The pupil's timeline, for the accountant who has a parent on the telephone."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = timeline(session, desk.school_id, pupil_id)
    if found is None:
        raise NotFoundError
    return render_template("console/pupil.html", desk=desk, found=found)
