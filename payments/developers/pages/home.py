"""Where an engineer begins: their connections, and how each fares."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from payments import clock
from payments.access.guards import the_actor
from payments.developers import queries
from payments.developers.desk import reach_of
from payments.web.context import db_session


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/", "home", home)
    blueprint.add_url_rule("/connections/<int:connection_id>/", "connection", connection)


def home() -> ResponseReturnValue:
    """The connections within reach with their last day."""
    with db_session() as session:
        rows = queries.overview(session, reach_of(session, the_actor()))
    return render_template("developers/home.html", rows=rows, percent=queries.percent)


def connection(connection_id: int) -> ResponseReturnValue:
    """How one connection fares: last seen, refusals by reason, the age of its secrets."""
    with db_session() as session:
        row = queries.connection(session, reach_of(session, the_actor()), connection_id)
        return render_template(
            "developers/connection.html",
            row=row,
            health=queries.health(session, connection_id),
            secrets=queries.live_secrets(session, connection_id),
            accounts=queries.accounts(session, connection_id),
            now=clock.now(),
        )
