"""The sandbox by form and by JSON."""

from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf
from sqlalchemy.orm import Session

from bank_adapters.contract import Request
from payments.access.guards import the_actor
from payments.developers import queries, redaction
from payments.developers.curl import as_curl
from payments.developers.desk import Reach, reach_of
from payments.developers.report import as_document
from payments.developers.rules import Scenario
from payments.developers.sandbox import Asked, Played, Report, simulate
from payments.errors import DomainError
from payments.invoices import reference
from payments.money import parse_vnd
from payments.web.context import db_session, row_id, services

AMOUNT_VND: Final = 115_000
SCENARIOS: Final = tuple(one.value for one in Scenario)
LONGEST_COMMAND: Final = 16 * 1024
"""A longer body fits no command line."""


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/sandbox/", "sandbox", form)
    blueprint.add_url_rule("/sandbox/", "play", play, methods=["POST"])
    blueprint.add_url_rule("/api/session", "api_session", api_session)
    blueprint.add_url_rule("/api/simulations", "api_simulate", api_simulate, methods=["POST"])


def form() -> ResponseReturnValue:
    """Choose a test connection and a scenario."""
    with db_session() as session:
        return _page(session, reach_of(session, the_actor()))


def play() -> ResponseReturnValue:
    """Send the messages and show request, answer and what became of each."""
    given = request.form
    with db_session() as session:
        reach = reach_of(session, the_actor())
    try:
        report = _simulate(reach, given.get("connection", ""), given.get("scenario", ""), given)
    except DomainError as error:
        with db_session() as session:
            return _page(session, reach, refusal=error), error.status
    with db_session() as session:
        return _page(session, reach, report=report)


def api_session() -> ResponseReturnValue:
    """The token that a program sends along as ``X-CSRFToken``."""
    return {"csrf_token": generate_csrf()}


def api_simulate() -> ResponseReturnValue:
    """The same by JSON: ``{"connection_id", "scenario", "amount_vnd"?, "code"?, "memo"?}``."""
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise DomainError("bad_json", "Thân yêu cầu phải là một đối tượng JSON.", "The body must be a JSON object.")
    with db_session() as session:
        reach = reach_of(session, the_actor())
    words = {
        "amount": str(given.get("amount_vnd", AMOUNT_VND)),
        "code": str(given.get("code", "")),
        "memo": str(given.get("memo", "")),
    }
    report = _simulate(reach, str(given.get("connection_id", "")), str(given.get("scenario", "")), words)
    return as_document(report)


def _simulate(reach: Reach, connection: str, scenario: str, given: Any) -> Report:
    if scenario not in SCENARIOS:
        raise DomainError(
            "unknown_scenario", f"Chọn một trong: {', '.join(SCENARIOS)}.", f"Choose one of {', '.join(SCENARIOS)}."
        )
    try:
        connection_id = row_id(connection)
    except ValueError as error:
        raise DomainError("no_connection", "Hãy chọn một kết nối thử.", "Choose a test connection.") from error
    asked = Asked(
        connection_id=connection_id,
        scenario=Scenario(scenario),
        amount_vnd=parse_vnd(given.get("amount") or str(AMOUNT_VND)),
        code=given.get("code", ""),
        memo=given.get("memo", ""),
    )
    return simulate(db_session, services().cipher, reach, services().settings.base_url, asked)


def _page(session: Session, reach: Reach, report: Report | None = None, refusal: DomainError | None = None) -> str:
    connections = [row for row in queries.connections(session, reach) if row["sandbox"] and row["active"]]
    return render_template(
        "developers/sandbox.html",
        connections=connections,
        scenarios=SCENARIOS,
        code=request.form.get("code") or reference.generate(),
        amount_vnd=AMOUNT_VND,
        report=report,
        refusal=refusal,
        shown=[_shown(one, report.keys) for one in report.played] if report else [],
    )


def _shown(one: Played, keys: Sequence[str]) -> dict[str, Any]:
    """A message that we made ourselves: nobody's data, yet its keys stay masked."""
    sent = one.request
    return {
        "headers": redaction.shown_headers(sent, keys, opened=True),
        "query": redaction.shown_query(sent, keys, opened=True),
        "body": redaction.shown_body(sent, keys, opened=True),
        "curl": _command(sent, keys),
        "answer": one.heard.body.decode("utf-8", "replace"),
    }


def _command(sent: Request, keys: Sequence[str]) -> str | None:
    """The command that repeats it, its signature with it; none where a key stands in the body or it is too long."""
    told = f"{sent.query}{sent.body.decode('utf-8', 'replace')}"
    if len(sent.body) > LONGEST_COMMAND or any(key in told for key in keys):
        return None
    hidden = {
        name
        for name, value in sent.headers.items()
        if any(key in value for key in keys) or (redaction.is_secret(name) and "signature" not in name)
    }
    return as_curl(sent, [(name, None if name in hidden else value) for name, value in sent.headers.items()])
