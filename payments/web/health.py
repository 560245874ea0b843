"""Is the process alive, can it work, and its counters: for supervisors, load balancers and Prometheus."""

import time
from collections.abc import Callable
from importlib import resources

from celery import current_app as current_celery
from flask import Blueprint
from flask.typing import ResponseReturnValue
from kombu.exceptions import OperationalError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from payments.db import reason
from payments.web.context import services
from payments.web.security import Open

blueprint = Blueprint("health", __name__)
ACCESS = Open.PUBLIC
BROKER_TIMEOUT_S = 1
NO_BROKER = "no BROKER_URL: pages and callbacks work, worker and beat need one"


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers; asks nobody."""
    return {"ok": True}


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Whether everything that work needs is there, with a reason each; 503 when the database or its schema is not.

    A broker that is away is told but does not take the process out of service: work waits in the database.
    """
    checks = [_timed("database", _database), _timed("schema", _schema), _timed("broker", _broker)]
    ready = all(check["ok"] for check in checks if check["name"] != "broker")
    return {"ok": ready, "checks": checks}, 200 if ready else 503


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Counters and timings of this process in Prometheus' text format."""
    return generate_latest(), 200, {"Content-Type": CONTENT_TYPE_LATEST}


def code_head() -> str:
    """The serial of the newest migration that this code brings."""
    names = (entry.name for entry in resources.files("migrations.versions").iterdir())
    return max(name[:4] for name in names if name[:4].isdigit())


def _timed(name: str, check: Callable[[], str | None]) -> dict[str, object]:
    started = time.monotonic_ns()
    reason = check()
    return {"name": name, "ok": reason is None, "reason": reason, "ms": (time.monotonic_ns() - started) // 1_000_000}


def _database() -> str | None:
    try:
        with services().engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return reason(error)
    return None


def _schema() -> str | None:
    try:
        with services().engine.connect() as connection:
            head = connection.scalar(text("SELECT version_num FROM alembic_version"))
    except SQLAlchemyError as error:
        return reason(error)
    return None if head == code_head() else f"the database is at {head}, the code at {code_head()}: hocphi migrate"


def _broker() -> str | None:
    if not services().settings.broker_url:
        return NO_BROKER
    try:
        with current_celery.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=BROKER_TIMEOUT_S)
    except (OperationalError, OSError) as error:
        return f"does not answer ({type(error).__name__}): check BROKER_URL and the server"
    return None
