"""Saved views of the queue and its exports, and the person's choice about single keys."""

import tempfile
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qsl

from flask import (
    Blueprint,
    Response,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue

from payments import clock
from payments.console.desk import desk_of
from payments.console.models import SavedView
from payments.console.pages.queue import address, vocabulary
from payments.console.queue import columns, files, reading, saved
from payments.console.queue.filters import Filters, read
from payments.console.queue.lines import Line, line
from payments.console.queue.preferences import shortcuts_on, switch_shortcuts
from payments.errors import DomainError, NotFoundError
from payments.web.context import db_session, language, say

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/unmatched/export.<kind>", "export_queue", export)
    blueprint.add_url_rule("/<code>/views/", "views", views)
    blueprint.add_url_rule("/<code>/views/", "keep_view", keep, methods=["POST"])
    blueprint.add_url_rule("/<code>/views/<int:view_id>/", "view", view)
    blueprint.add_url_rule("/<code>/views/<int:view_id>/", "change_view", change, methods=["POST"])
    blueprint.add_url_rule("/<code>/views/<int:view_id>/delete", "drop_view", drop, methods=["POST"])
    blueprint.add_url_rule("/<code>/profile/", "profile", profile)
    blueprint.add_url_rule("/<code>/profile/", "change_profile", change_profile, methods=["POST"])


def export(code: str, kind: str) -> ResponseReturnValue:
    """All rows of the tab and filters, with the columns of the view that is open; CSV is streamed."""
    filters = read(request.args)
    if kind not in ("csv", "xlsx") or filters.tab not in reading.LISTED:
        raise NotFoundError
    with db_session() as session:
        desk = desk_of(session, code)
        wanted: Sequence[columns.Chosen] = columns.USUAL
        if filters.view:
            stored = saved.view(session, desk.school_id, desk.actor.user_id, filters.view)
            wanted = columns.chosen(stored.columns) or columns.USUAL
    name = f"hang-doi-{code}-{clock.today():%Y%m%d}.{kind}"
    rows = _rows(desk.school_id, filters)
    if kind == "csv":
        pieces = stream_with_context(files.csv_lines(rows, wanted, language()))
        headers = {"Content-Disposition": f"attachment; filename={name}"}
        return Response(pieces, mimetype="text/csv", headers=headers)
    out = tempfile.TemporaryFile()  # noqa: SIM115 - send_file closes it when the answer is out
    files.workbook(out, rows, wanted, language())
    out.seek(0)
    return send_file(out, mimetype=XLSX, as_attachment=True, download_name=name)


def views(code: str) -> ResponseReturnValue:
    """The views that the person may use, and a form for one more with the filters of the page before."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = saved.views(session, desk.school_id, desk.actor.user_id)
    return render_template(
        "console/views.html", desk=desk, views=found, view=None, filters=_asked(), **_form(columns.USUAL)
    )


def view(code: str, view_id: int) -> ResponseReturnValue:
    """One's own view: its name, filters and columns."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = saved.own(session, desk.school_id, desk.actor.user_id, view_id)
    filters = read(dict(parse_qsl(found.query)))
    shown = _form(columns.chosen(found.columns))
    return render_template("console/views.html", desk=desk, views=None, view=found, filters=filters, **shown)


def keep(code: str) -> ResponseReturnValue:
    """Keep a new view and open it."""
    return _keep(code, None)


def change(code: str, view_id: int) -> ResponseReturnValue:
    """Change one's own view and open it."""
    return _keep(code, view_id)


def drop(code: str, view_id: int) -> ResponseReturnValue:
    """Delete one's own view; nothing else is touched."""
    with db_session() as session:
        desk = desk_of(session, code)
        saved.drop(session, desk.school_id, desk.actor.user_id, view_id)
    flash(say("Đã xóa chế độ xem.", "The view is deleted."), "ok")
    return redirect(url_for("console.views", code=code), code=303)


def profile(code: str) -> ResponseReturnValue:
    """What the person may choose for the desk."""
    with db_session() as session:
        desk = desk_of(session, code)
        on = shortcuts_on(session, desk.actor.user_id)
    return render_template("console/profile.html", desk=desk, shortcuts=on)


def change_profile(code: str) -> ResponseReturnValue:
    """Switch single keys on or off, for this person on every desk."""
    with db_session() as session:
        desk = desk_of(session, code)
        switch_shortcuts(session, desk.actor.user_id, on=request.form.get("shortcuts") == "on")
    flash(say("Đã lưu lựa chọn của bạn.", "Your choice is kept."), "ok")
    return redirect(url_for("console.profile", code=code), code=303)


def address_of(code: str, view: SavedView) -> str:
    """Where a view is open."""
    return address(code, view.query, view=view.id)


def _rows(school_id: int, filters: Filters) -> Iterator[Line]:
    with db_session() as session:
        for chunk, invoices in reading.every(session, school_id, filters):
            yield from (line(row, invoices) for row in chunk)


def _asked() -> Filters:
    """The filters of the page before, read anew: in the address of a link, or in the form."""
    return read(dict(parse_qsl(request.values.get("query", "")[:4_000])))


def _keep(code: str, view_id: int | None) -> ResponseReturnValue:
    form = request.form
    try:
        with db_session() as session:
            desk = desk_of(session, code)
            chosen = columns.read(form)
            wish = saved.Wish(form.get("name", ""), _asked(), form.get("shared") == "on", chosen)
            kept = saved.keep(session, desk.school_id, desk.actor.user_id, wish, view_id)
    except DomainError as error:
        if isinstance(error, NotFoundError):
            raise
        flash(say(error.vi, error.en), "danger")
        here = url_for("console.view", code=code, view_id=view_id) if view_id else None
        return redirect(here or url_for("console.views", code=code, query=_asked().query()), code=303)
    flash(say("Đã lưu chế độ xem.", "The view is kept."), "ok")
    return redirect(address_of(code, kept), code=303)


def _form(chosen: Sequence[columns.Chosen]) -> dict[str, object]:
    places = {one.key: number for number, one in enumerate(chosen, start=1)}
    headings = {one.key: one.heading for one in chosen}
    return {"columns": columns.COLUMNS, "places": places, "headings": headings, **vocabulary()}
