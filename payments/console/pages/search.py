"""The search box of the desk."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from payments.console import finding
from payments.console.desk import desk_of
from payments.web.context import db_session


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/search", "search", search)


def search(code: str) -> ResponseReturnValue:
    """Pupils, invoices, transfers and receipts by what was typed; without diacritics."""
    typed = request.args.get("q", "")
    with db_session() as session:
        desk = desk_of(session, code)
        found = finding.search(session, desk.school_id, typed)
    return render_template("console/search.html", desk=desk, typed=typed.strip(), found=found, most=finding.SHOWN)
