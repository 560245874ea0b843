"""What everybody sees of the school: contact, published rounds, and a look at a round before it is published."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.banking.public import public_accounts
from payments.banking.standing import last_change
from payments.console.desk import Desk, desk_of
from payments.errors import DomainError, NotFoundError
from payments.transparency import counting, files, queries, rules
from payments.transparency.queries import Published
from payments.transparency.service import set_contact, show_round
from payments.web.context import db_session, say

_ROUNDS = text("""
    SELECT r.id, y.code, r.code, r.name, r.starts_on, r.due_on, coalesce(p.shown, false)
    FROM collection_round r
    JOIN school_year y ON y.school_id = r.school_id AND y.id = r.year_id
    LEFT JOIN public_round p ON p.school_id = r.school_id AND p.round_id = r.id
    WHERE r.school_id = :school_id AND r.state IN ('issued', 'closed')
    ORDER BY r.starts_on DESC, r.id DESC
""")


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/public/", "public", page)
    blueprint.add_url_rule("/<code>/public/contact", "public_contact", contact, methods=["POST"])
    blueprint.add_url_rule("/<code>/public/<int:round_id>/", "public_round", preview)
    blueprint.add_url_rule("/<code>/public/<int:round_id>/switch", "switch_public", switch, methods=["POST"])


def page(code: str) -> ResponseReturnValue:
    """Contact, accounts as the public sees them, and the rounds with their switches."""
    with db_session() as session:
        return _page(session, desk_of(session, code))


def contact(code: str) -> ResponseReturnValue:
    """Say how parents reach the school."""
    form = request.form
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        try:
            set_contact(
                session,
                desk.school_id,
                phone=form.get("phone", ""),
                email=form.get("email", ""),
                hours=form.get("hours", ""),
                actor_id=desk.actor.user_id,
            )
        except DomainError as error:
            return _page(session, desk, error), error.status
    flash(say("Đã ghi thông tin liên hệ.", "The contact is kept."), "ok")
    return redirect(url_for("console.public", code=code), code=303)


def preview(code: str, round_id: int) -> ResponseReturnValue:
    """A round as the public would see it counted to last night, beside the exact sums."""
    with db_session() as session:
        desk = desk_of(session, code)
        round_, shown = _round(session, desk.school_id, round_id)
        until = counting.last_night()
        exact = {one.fee_item_id: one for one in counting.counted(session, desk.school_id, [round_id], until)}
        new = {(round_id, fee_item_id): (rules.figure(one), until) for fee_item_id, one in exact.items()}
        kept = queries.kept_figures(session, desk.school_id, [round_id])
        # What stands in public already stays until enough pupils have changed: so it does here.
        figures = {key: kept[key] if key in kept and not rules.may_replace(exact[key[1]]) else new[key] for key in new}
        [published] = queries.with_items(session, desk.school_id, [round_], figures)
    return render_template(
        "console/public_round.html",
        desk=desk,
        round=published,
        shown=shown,
        exact=exact,
        fewest=rules.FEWEST,
        **files.WORDS,
    )


def switch(code: str, round_id: int) -> ResponseReturnValue:
    """Publish a round or take it off the page: the principal's word alone."""
    shown = request.form.get("shown") == "1"
    with db_session() as session:
        desk = desk_of(session, code, "principal")
        show_round(session, desk.school_id, round_id, shown=shown, actor_id=desk.actor.user_id)
    flash(say("Đã công khai đợt thu.", "Published.") if shown else say("Đã gỡ đợt thu.", "Taken off."), "ok")
    return redirect(url_for("console.public", code=code), code=303)


def _page(session: Session, desk: Desk, refusal: DomainError | None = None) -> str:
    rows = session.execute(_ROUNDS, {"school_id": desk.school_id}).all()
    accounts = public_accounts(session, desk.school_id, clock.now())
    return render_template(
        "console/public.html",
        desk=desk,
        school=queries.school(session, desk.code),
        accounts=accounts,
        changed_at=last_change(accounts),
        rounds=[(Published(*row[:-1]), row[-1]) for row in rows],
        refusal=refusal,
    )


def _round(session: Session, school_id: int, round_id: int) -> tuple[Published, bool]:
    for row in session.execute(_ROUNDS, {"school_id": school_id}):
        if row[0] == round_id:
            return Published(*row[:-1]), row[-1]
    raise NotFoundError("Không tìm thấy đợt thu đã phát hành.", "There is no such issued round.")
