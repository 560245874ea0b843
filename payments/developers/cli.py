"""``hocphi sandbox`` and ``hocphi callback``: the developers' desk from the operator's terminal."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from sqlalchemy.engine import Engine

from bank_adapters import allow_only
from payments.crypto import FieldCipher
from payments.db import make_engine, readable_faults, session_scope
from payments.developers import queries, redaction, sandbox, service
from payments.developers.desk import EVERYWHERE
from payments.developers.queries import Wanted
from payments.developers.report import as_document
from payments.developers.rules import Scenario
from payments.inbox.models import DeliveryOutcome
from payments.money import parse_vnd
from payments.settings import Settings

AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
EVENT = click.argument("event_id", type=int)
AMOUNT_VND = 115_000


@click.group("sandbox")
def sandbox_group() -> None:
    """Môi trường thử: không ảnh hưởng tiền thật (sandbox: never touches real money)."""


@sandbox_group.command("simulate")
@click.argument("connection_id", type=int)
@click.argument("scenario", type=click.Choice([one.value for one in Scenario]), default=Scenario.GOOD.value)
@click.option("--amount", default=str(AMOUNT_VND), show_default=True, help="số tiền của thông báo giả định (đồng)")
@click.option("--code", default="", help="mã thanh toán của thông báo đó / payment reference (default: a new one)")
@click.option("--memo", default="", help="chữ thêm trong nội dung chuyển khoản / further words of the memo")
@click.option("--base-url", help="gọi vào đâu / where to call (default: HOCPHI_BASE_URL)")
@AS_JSON
@click.pass_context
def simulate(
    context: click.Context,
    connection_id: int,
    scenario: str,
    *,
    amount: str,
    code: str,
    memo: str,
    base_url: str | None,
    as_json: bool,
) -> None:
    """Gửi tin báo có giả lập tới một kết nối thử (play a scenario at a test connection).

    Exit status 0 when the door answered as the scenario says, 1 when it did not or a rule refused.
    """
    with _tools() as (engine, settings):
        allow_only(settings.adapters, settings.adapter_files)
        asked = sandbox.Asked(
            connection_id=connection_id, scenario=Scenario(scenario), amount_vnd=parse_vnd(amount), code=code, memo=memo
        )
        report = sandbox.simulate(
            lambda: session_scope(engine),
            FieldCipher(settings.field_keys),
            EVERYWHERE,
            (base_url or settings.base_url).rstrip("/"),
            asked,
        )
    if as_json:
        click.echo(json.dumps(as_document(report), ensure_ascii=False))
    else:
        for one in report.played:
            mark = "đúng / as expected" if one.as_expected else f"KHÁC / expected {one.expected}"
            click.echo(f"{one.heard.status or '–'}\t{one.outcome or '–'}\t{one.heard.took_ms} ms\t{mark}")
    context.exit(0 if report.as_expected else 1)


@click.group("callback")
def callback_group() -> None:
    """Tin báo có đã nhận (callbacks that arrived)."""


@callback_group.command("list")
@click.option("--connection", "connection_id", type=int)
@click.option("--outcome", type=click.Choice([one.value for one in DeliveryOutcome]))
@click.option("--find", "words", default="", help="mã giao dịch, mã ngân hàng hoặc mã thanh toán / an id, whole")
@click.option("--before", type=int, help="số của tin cuối trang trước / cursor")
@AS_JSON
def list_(*, connection_id: int | None, outcome: str | None, words: str, before: int | None, as_json: bool) -> None:
    """Liệt kê, mới nhất trước (newest first)."""
    wanted = Wanted(connection_id=connection_id, outcome=outcome, words=words.strip(), before=before)
    with _tools() as (engine, _settings), session_scope(engine) as session:
        rows, cursor = queries.events(session, EVERYWHERE, wanted)
    if as_json:
        click.echo(json.dumps({"callbacks": [_event(row) for row in rows], "next_before": cursor}, ensure_ascii=False))
        return
    for row in rows:
        name = row["connection_name"] or "–"
        click.echo(f"{row['id']}\t{row['received_at']:%Y-%m-%d %H:%M:%S}Z\t{name}\t{row['outcome']}\t{row['reason']}")


@callback_group.command("show")
@EVENT
def show(event_id: int) -> None:
    """In một tin, phần riêng tư được che (one delivery as JSON, redacted)."""
    with _tools() as (engine, settings), session_scope(engine) as session:
        allow_only(settings.adapters, settings.adapter_files)
        found = service.delivery(session, FieldCipher(settings.field_keys), EVERYWHERE, event_id)
    secrets = redaction.secret_values(found.secrets)
    answer = found.answer()
    document = {
        **_event(found.row),
        "method": found.request.method,
        "path": redaction.shown_path(found.request, opened=False),
        "query": redaction.shown_query(found.request, secrets, opened=False),
        "headers": dict(redaction.shown_headers(found.request, secrets, opened=False)),
        "body": redaction.shown_body(found.request, secrets, opened=False),
        "answer": answer and {"status": answer.status, "body": answer.body.decode("utf-8", "replace")},
    }
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


@callback_group.command("replay")
@EVENT
@AS_JSON
def replay(event_id: int, *, as_json: bool) -> None:
    """Đưa một tin đã lưu qua cửa lần nữa; không bao giờ sinh thêm tiền (feed it through the door again)."""
    with _tools() as (engine, settings):
        allow_only(settings.adapters, settings.adapter_files)
        with session_scope(engine) as session:
            done = service.replay(session, FieldCipher(settings.field_keys), EVERYWHERE, event_id)
    if as_json:
        click.echo(json.dumps({"id": done.event_id, "results": list(done.results), "status": done.answer.status}))
        return
    click.echo(f"{event_id} -> {done.event_id}: {', '.join(done.results)} ({done.answer.status})")


def _event(row: Any) -> dict[str, Any]:
    names = ("id", "connection_id", "connection_name", "adapter", "sandbox", "outcome", "reason", "body_bytes")
    return {name: row[name] for name in names} | {"received_at": row["received_at"].isoformat()}


@contextmanager
def _tools() -> Iterator[tuple[Engine, Settings]]:
    """Settings and an engine; no transaction yet, for the door is called between two of them."""
    settings = Settings.from_env()
    engine = make_engine(settings.database_url)
    try:
        with readable_faults():
            yield engine, settings
    finally:
        engine.dispose()
