"""Where a log-in leads: the school's day, the officer's overview, the operator's list of senders."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from payments import clock, outbox
from payments.access.guards import the_actor
from payments.audit.service import record
from payments.console import queries, today
from payments.console.desk import DESK_ROLES, desk_of
from payments.console.notices.campaigns import card
from payments.errors import ForbiddenError, NotFoundError
from payments.notices.queries import failed
from payments.payer_claims.queries import count_waiting
from payments.schools.models import School
from payments.web.context import db_session, say


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/", "start", start)
    blueprint.add_url_rule("/overview", "overview", overview)
    blueprint.add_url_rule("/senders", "senders", senders)
    blueprint.add_url_rule("/senders/work/<int:row_id>/retry", "retry_work", retry_work, methods=["POST"])
    blueprint.add_url_rule("/<code>/", "home", home)


def start() -> ResponseReturnValue:
    """To the one school, or a choice of schools; officers and operators to their own page."""
    person = the_actor()
    with db_session() as session:
        ids = person.organisations(*DESK_ROLES)
        schools = session.scalars(select(School).where(School.id.in_(ids)).order_by(School.code)).all()
    if len(schools) == 1:
        return redirect(url_for("console.home", code=schools[0].code), code=303)
    if not schools and person.has("officer"):
        return redirect(url_for("console.overview"), code=303)
    if not schools and person.has("operator"):
        return redirect(url_for("console.senders"), code=303)
    return render_template("console/start.html", schools=schools)


def home(code: str) -> ResponseReturnValue:
    """«Việc hôm nay»: counts that equal the database, each a link to the work."""
    with db_session() as session:
        desk = desk_of(session, code)
        counts = today.counts(session, desk.school_id, desk.actor.user_id, clock.today())
        channels = today.channels(session, desk.school_id, clock.now())
        reported = count_waiting(session, desk.school_id)
        further = [card(failed(session, desk.school_id), code), *today.further_cards(session, desk)]
        messages = queries.messages(session, desk.school_id, desk.actor.user_id)
    return render_template(
        "console/home.html",
        desk=desk,
        counts=counts,
        reported=reported,
        channels=channels,
        further=further,
        messages=messages,
    )


def overview() -> ResponseReturnValue:
    """Aggregates of the schools under the officer's organisations; no pupil in reach."""
    person = the_actor()
    if not person.has("officer"):
        raise ForbiddenError
    with db_session() as session:
        rows = queries.schools_under(session, sorted(person.organisations("officer")), clock.today())
    return render_template("console/overview.html", rows=rows)


def senders() -> ResponseReturnValue:
    """What each connection sent, what was refused and why, and work that needs a person."""
    if not the_actor().has("operator"):
        raise ForbiddenError
    with db_session() as session:
        rows = queries.senders(session)
        refused = queries.refused(session)
        dead = queries.dead(session)
    return render_template("console/senders.html", rows=rows, refused=refused, dead=dead)


def retry_work(row_id: int) -> ResponseReturnValue:
    """Let work that failed for good be tried again; what was done and by whom stays on record."""
    person = the_actor()
    if not person.has("operator"):
        raise ForbiddenError
    with db_session() as session:
        row = outbox.revive(session, row_id)
        if row is None:
            raise NotFoundError
        detail = {"queue": row.queue, "kind": row.kind, "subject_id": row.subject_id}
        record(
            session,
            person.user_id,
            "work.retried",
            subject_kind="outbox",
            subject_id=row_id,
            school_id=row.school_id,
            detail=detail,
        )
    flash(say("Việc này sẽ được làm lại ngay.", "This work will be tried again now."), "ok")
    return redirect(url_for("console.senders"), code=303)
