"""One deed on many exceptions: a preview with count and sum that writes nothing, then all of it or nothing."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments.console.desk import DESK_ROLES, Desk, desk_of
from payments.errors import DomainError, NotFoundError
from payments.money import format_number
from payments.web.context import db_session, say
from reconciliation.exceptions import forms, queries, rules, service
from reconciliation.exceptions.acting import MOST_AT_ONCE, Bulk
from reconciliation.exceptions.filters import read
from reconciliation.exceptions.models import ReconcileException
from reconciliation.exceptions.rules import Resolution, State

LARGEST_SHOWN = 3


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/exceptions/bulk", "bulk", preview, methods=["POST"])
    blueprint.add_url_rule("/<code>/exceptions/bulk/apply", "apply", apply, methods=["POST"])


def preview(code: str) -> ResponseReturnValue:
    """Show what a deed on many would do: how many, how much money, the largest; nothing is written."""
    with db_session() as session:
        desk = desk_of(session, code, *DESK_ROLES)
        deed = _deed(request.form)
        cases = _chosen(session, desk)
        how = forms.resolution(request.form) if deed == "resolve" else None
        able = [case for case in cases if _is_able(case, how)]
        return render_template(
            "exceptions/bulk.html",
            desk=desk,
            deed=deed,
            able=able,
            refused=[case for case in cases if not _is_able(case, how)],
            amount_vnd=sum(case.amount_vnd for case in able),
            largest=sorted(able, key=lambda case: (-case.amount_vnd, case.id))[:LARGEST_SHOWN],
            classes=queries.by_class(able),
            form=request.form,
            assignee=_name_of(session, desk),
            resolution=how,
        )


def apply(code: str) -> ResponseReturnValue:
    """Do what the preview showed. Raises what the service raises, ``changed_meanwhile`` among it."""
    form = request.form
    with db_session() as session:
        desk = desk_of(session, code, *DESK_ROLES)
        expected = Bulk(forms.number(form, "count") or 0, forms.number(form, "amount_vnd") or 0)
        ids = forms.numbers(form.get("ids", ""))
        who = desk.actor.user_id
        if _deed(form) == "assign":
            assignee_id = forms.assignee(form, who)
            done = service.assign_many(session, desk.school_id, ids, who, assignee_id=assignee_id, expected=expected)
        else:
            how, said = forms.resolution(form), form.get("note", "")
            done = service.resolve_many(session, desk.school_id, ids, who, resolution=how, said=said, expected=expected)
    text = say("Đã xử lý {} ngoại lệ, tổng {} đồng.", "Done: {} exceptions, {} đồng in all.")
    flash(text.format(format_number(done.count), format_number(done.amount_vnd)), "ok")
    return redirect(url_for("exceptions.overview", code=code, lang=request.args.get("lang")), code=303)


def _is_able(case: ReconcileException, how: Resolution | None) -> bool:
    """Whether the deed can be done to a case: not finished, no proposal waiting, no second person needed."""
    if how is None or case.state is State.RESOLVED:
        return case.state is not State.RESOLVED
    fits = how in rules.HANDLING[case.primary_class].ends and case.state is not State.PROPOSED
    return fits and not rules.needs_second_person(case.primary_class, case.flags, how)


def _chosen(session: Session, desk: Desk) -> Sequence[ReconcileException]:
    """The ticked cases, or on request the whole list of the filter. Raises DomainError, NotFoundError."""
    if request.form.get("whole") == "1":
        wanted = read(request.args)
        ids = queries.ids_of(session, desk.school_id, wanted, desk.actor.user_id, limit=MOST_AT_ONCE)
    else:
        ids = forms.numbers(",".join(request.form.getlist("id")))
    if not ids:
        raise DomainError("nothing_chosen", "Hãy chọn ít nhất một ngoại lệ.", "Choose at least one exception.")
    cases = queries.chosen_rows(session, desk.school_id, ids)
    if len(cases) != len(set(ids)):
        raise NotFoundError("Không tìm thấy ngoại lệ đã chọn.", "The chosen exceptions cannot be found.")
    return cases


def _deed(form: Mapping[str, str]) -> str:
    deed = form.get("deed", "")
    if deed not in {"assign", "resolve"}:
        raise DomainError("no_such_deed", "Không có việc này.", "There is no such deed.")
    return deed


def _name_of(session: Session, desk: Desk) -> str | None:
    assignee_id = forms.assignee(request.form, desk.actor.user_id)
    return next((user.full_name for user in queries.staff(session, desk.school_id) if user.id == assignee_id), None)
