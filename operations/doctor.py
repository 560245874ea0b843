"""``hocphi doctor``: is this system safe to run, and do its invariants hold? Each check says what it saw."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from importlib import resources

import click
from celery import current_app
from kombu.exceptions import OperationalError
from sqlalchemy import Connection, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bank_adapters import adapter_states, allow_only
from bank_adapters.contract import AdapterError
from operations.invariants import SHOWN, Check, check_invariants
from payments import clock
from payments.celery import make_celery
from payments.db import make_engine, reason
from payments.inbox.queries import UNCONFIGURED, gap_health
from payments.settings import Settings
from payments.web.health import NO_BROKER, code_head
from reconciliation.closing.checking import broken_closes
from reconciliation.holidays.service import missing_years

DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
"""Without these an acknowledged callback could be lost (invariant I4). Stricter values than ``on`` are fine."""
STRICTER = {"synchronous_commit": {"on", "remote_write", "remote_apply"}}
CLOCKS_APART = timedelta(seconds=2)


@click.command()
@click.option("--invariants", is_flag=True, help="Chứng minh các bất biến trên dữ liệu. (Prove the invariants too.)")
@click.option("--json", "as_json", is_flag=True, help="Một đối tượng JSON. (One JSON object.)")
@click.pass_context
def doctor(context: click.Context, invariants: bool, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Kiểm tra hệ thống và các bất biến. (Check the system and its invariants; exit status 1 if anything is wrong.)"""
    settings = Settings.from_env()
    engine = make_engine(settings.database_url)
    try:
        checks = [*examine(engine, settings), *(prove(engine) if invariants else ())]
    finally:
        engine.dispose()
    ok = all(check.ok for check in checks)
    if as_json:
        click.echo(json.dumps({"ok": ok, "checks": [asdict(check) for check in checks]}, ensure_ascii=False))
    else:
        for check in checks:
            click.echo(f"{'✓' if check.ok else '✗'} {check.name:<12} {check.detail}".rstrip())
    context.exit(0 if ok else 1)


def examine(engine: Engine, settings: Settings) -> Iterator[Check]:
    """The system's checks: database and its durability, schema, clock, failed work, gaps, adapters, broker, assets."""
    for name, look in (
        ("durability", _durability),
        ("schema", _schema),
        ("clock", _clock),
        ("queue", _queue),
        ("polling", _polling),
        ("holidays", _holidays),
    ):
        yield _look(engine, name, look)
    yield _look(engine, "adapters", partial(_adapters, settings))
    yield _broker(settings)
    yield _htmx()
    yield _swagger_ui()


def prove(engine: Engine) -> list[Check]:
    """The invariants in one snapshot, so that work that goes on beside it looks whole."""
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            connection.execute(text("SET TRANSACTION READ ONLY"))
            return [*check_invariants(connection), _signatures(connection)]
    except SQLAlchemyError as error:
        return [Check("invariants", ok=False, detail=reason(error))]


def _look(engine: Engine, name: str, look: Callable[[Connection], tuple[bool, str]]) -> Check:
    try:
        with engine.connect() as connection:
            ok, detail = look(connection)
    except SQLAlchemyError as error:
        return Check(name, ok=False, detail=reason(error))
    return Check(name, ok=ok, detail=detail)


def _durability(connection: Connection) -> tuple[bool, str]:
    found = {name: str(connection.scalar(text(f"SHOW {name}"))) for name in DURABLE}
    ok = all(value in STRICTER.get(name, {DURABLE[name]}) for name, value in found.items())
    return ok, ", ".join(f"{name} {value}" for name, value in found.items())


def _schema(connection: Connection) -> tuple[bool, str]:
    there = connection.scalar(text("SELECT to_regclass('alembic_version')"))
    head = connection.scalar(text("SELECT version_num FROM alembic_version")) if there else "no tables"
    advice = "" if head == code_head() else f", the code is at {code_head()}: run hocphi migrate"
    return head == code_head(), f"{head}{advice}"


def _clock(connection: Connection) -> tuple[bool, str]:
    apart = abs(clock.now() - connection.execute(text("SELECT statement_timestamp()")).scalar_one())
    return apart <= CLOCKS_APART, f"{apart // timedelta(milliseconds=1)} ms from the database"


def _queue(connection: Connection) -> tuple[bool, str]:
    """Dead letters are work, often money, that waits for a person."""
    waiting, dead = connection.execute(
        text("SELECT count(*) FILTER (WHERE NOT dead), count(*) FILTER (WHERE dead) FROM outbox")
    ).one()
    return dead == 0, f"{waiting} waiting, {dead} dead letters"


def _adapters(settings: Settings, connection: Connection) -> tuple[bool, str]:
    """An adapter that cannot be used answers «try again» at the door: its bank's money waits for a person."""
    try:
        allow_only(settings.adapters, settings.adapter_files)
        states = adapter_states()
    except AdapterError as error:
        return False, str(error)
    usable = {state.name for state in states if state.error is None}
    there = connection.scalar(text("SELECT to_regclass('connection')"))
    needed = connection.execute(text("SELECT id, adapter FROM connection WHERE active ORDER BY id")) if there else ()
    faults = [state.error for state in states if state.error]
    faults += [f"connection {one} needs {name!r}: see HOCPHI_ADAPTERS" for one, name in needed if name not in usable]
    return not faults, "; ".join(faults) or f"{len(usable)} usable"


def _polling(connection: Connection) -> tuple[bool, str]:
    """Connections whose sender has not told us for too long what callbacks missed, or told what we cannot read."""
    with Session(connection) as session:
        asked = [one for one in gap_health(session) if one.problem != UNCONFIGURED]
    late = [one.connection_id for one in asked if one.is_late(clock.now())]
    odd = [one.connection_id for one in asked if one.unreadable]
    told = [f"{len(asked)} asked", *(f"connection {number} is late" for number in late)]
    return not late and not odd, ", ".join(
        [*told, *(f"connection {number} has rows nobody can read" for number in odd)]
    )


def _holidays(connection: Connection) -> tuple[bool, str]:
    """A warning only: without them a night asks too early for what banks book after Tết."""
    there = connection.scalar(text("SELECT to_regclass('holiday')"))
    with Session(connection) as session:
        missing = missing_years(session) if there else []
    told = ", ".join(map(str, missing))
    return True, f"WARNING: none entered for {told}: hocphi holiday import --vietnam" if missing else "entered"


def _signatures(connection: Connection) -> Check:
    """Every close of every school: its signature, its place in the chain, and the reports that it names."""
    with Session(connection) as session:
        broken = broken_closes(session)
    return Check("signatures", ok=not broken, detail="; ".join(broken[:SHOWN]))


def _broker(settings: Settings) -> Check:
    """A broker that is away costs seconds, never money; one that is configured should answer."""
    if not settings.broker_url:
        return Check("broker", ok=True, detail=NO_BROKER)
    make_celery(settings, {})
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=1)
    except (OperationalError, OSError) as error:
        return Check(
            "broker", ok=False, detail=f"does not answer ({type(error).__name__}): check BROKER_URL and the server"
        )
    return Check("broker", ok=True, detail="answers")


def _swagger_ui() -> Check:
    """For information: the API page is plain HTML without it."""
    there = resources.files("payments.web").joinpath("static", "vendor", "swagger-ui-bundle.js").is_file()
    return Check("swagger_ui", ok=True, detail="present" if there else "absent: the API page is plain HTML")


def _htmx() -> Check:
    """For information: every screen works without it."""
    there = resources.files("payments.web").joinpath("static", "vendor", "htmx.min.js").is_file()
    return Check("htmx", ok=True, detail="present" if there else "absent: screens reload whole pages")
