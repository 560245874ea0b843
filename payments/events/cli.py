"""``hocphi webhook``: endpoints of school software, the log of what was sent, and sending it again."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from payments import clock
from payments.crypto import FieldCipher
from payments.db import command_session
from payments.errors import DomainError
from payments.events import endpoints, queries, resending
from payments.events.listening import receiver
from payments.events.models import DeliveryState
from payments.events.rules import EventKind, Scheme

KINDS = click.Choice([kind.value for kind in EventKind])
STATES = click.Choice([state.value for state in DeliveryState])
KEY_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SCHOOL = click.option("--school", "code", help="mã trường / code of the school")
ENDPOINT = click.argument("endpoint_id", type=int)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")


@click.group("webhook")
def webhook_group() -> None:
    """Gửi sự kiện cho phần mềm của trường (events for school software)."""


@webhook_group.group("endpoint")
def endpoint_group() -> None:
    """Địa chỉ nhận sự kiện (endpoints)."""


@endpoint_group.command("add")
@click.option("--school", "code", required=True, help="mã trường / code of the school")
@click.option("--url", required=True, help="https://…")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in EventKind]),
    help="mặc định mọi loại / default: all kinds",
)
@click.option("--ed25519", is_flag=True, help="ký bằng cặp khóa thay cho khóa chung / a key pair, not a shared secret")
@AS_JSON
def add(code: str, url: str, kinds: tuple[str, ...], *, ed25519: bool, as_json: bool) -> None:
    """Thêm một địa chỉ và in khóa một lần duy nhất (add an endpoint; its key is printed once)."""
    with command_session() as (session, settings):
        key = endpoints.add_endpoint(
            session,
            FieldCipher(settings.field_keys),
            queries.school_by_code(session, code),
            url=url,
            kinds=kinds or tuple(EventKind),
            scheme=Scheme.ED25519 if ed25519 else Scheme.HMAC,
            plain_http=bool(settings.outgoing_allow),
            actor_id=None,
        )
    _tell_key(key.endpoint_id, key.shown, as_json=as_json)


@endpoint_group.command("list")
@SCHOOL
@AS_JSON
def list_(code: str | None, *, as_json: bool) -> None:
    """Liệt kê các địa chỉ và tình trạng (endpoints and how they are)."""
    with command_session() as (session, _settings):
        schools = None if code is None else [queries.school_by_code(session, code)]
        rows = queries.endpoints(session, clock.now(), schools)
    if as_json:
        _print_json("endpoints", rows)
        return
    for row in rows:
        state = row.state if row.disabled_reason is None else f"{row.state} ({row.disabled_reason})"
        waits = f"{row.waiting} đang chờ (waiting), {row.dead} bỏ cuộc (dead)"
        click.echo(f"{row.id}\t{row.school}\t{row.url}\t{state}\t{waits}\t{row.last_problem or ''}".rstrip())


@endpoint_group.command("pause")
@ENDPOINT
def pause(endpoint_id: int) -> None:
    """Tạm dừng; sự kiện được giữ lại (pause; events wait)."""
    with command_session() as (session, _settings):
        endpoints.pause(session, queries.school_of_endpoint(session, endpoint_id), endpoint_id, actor_id=None)
    click.echo("Đã tạm dừng (paused).")


@endpoint_group.command("resume")
@ENDPOINT
def resume(endpoint_id: int) -> None:
    """Gửi tiếp (go on sending)."""
    with command_session() as (session, _settings):
        endpoints.resume(session, queries.school_of_endpoint(session, endpoint_id), endpoint_id, actor_id=None)
    click.echo("Đã bật lại; để gửi những gì đã lỡ: hocphi webhook resend --since … (resumed).")


@endpoint_group.command("remove")
@ENDPOINT
def remove(endpoint_id: int) -> None:
    """Gỡ bỏ; không gửi gì nữa (remove for good)."""
    with command_session() as (session, _settings):
        endpoints.remove(session, queries.school_of_endpoint(session, endpoint_id), endpoint_id, actor_id=None)
    click.echo("Đã gỡ bỏ (removed).")


@endpoint_group.command("rotate-secret")
@ENDPOINT
@click.option(
    "--overlap", type=click.IntRange(0, 24 * 30), default=24, show_default=True, help="giờ khóa cũ còn ký / hours"
)
@AS_JSON
def rotate_secret(endpoint_id: int, overlap: int, *, as_json: bool) -> None:
    """Đổi khóa; khóa cũ vẫn ký bên cạnh trong lúc chuyển (a new key, the old one signs beside it for a while)."""
    with command_session() as (session, settings):
        shown = endpoints.rotate_secret(
            session,
            FieldCipher(settings.field_keys),
            queries.school_of_endpoint(session, endpoint_id),
            endpoint_id,
            overlap=timedelta(hours=overlap),
            actor_id=None,
        )
    _tell_key(endpoint_id, shown, as_json=as_json)


@webhook_group.command("log")
@SCHOOL
@click.option("--endpoint", "endpoint_id", type=int)
@click.option("--state", type=STATES)
@click.option("--before", "before_id", type=int, help="trang sau: số cuối của trang trước / next page")
@click.option("--limit", "most", type=click.IntRange(1, 1000), default=queries.PAGE, show_default=True)
@AS_JSON
def log(
    code: str | None, endpoint_id: int | None, state: str | None, before_id: int | None, most: int, *, as_json: bool
) -> None:
    """Sự kiện nào đã gửi đi đâu, kết quả ra sao (what was sent, and what became of it)."""
    with command_session() as (session, _settings):
        schools = None if code is None else [queries.school_by_code(session, code)]
        rows = queries.deliveries(
            session, schools, endpoint_id=endpoint_id, state=state, before_id=before_id, most=most
        )
    if as_json:
        _print_json("deliveries", rows)
        return
    for row in rows:
        when = row.occurred_at.astimezone(clock.VIETNAM).strftime("%d/%m/%Y %H:%M:%S")
        tries = f"{row.attempts} lần (attempts)"
        line = f"{row.id}\t{when}\t{row.event_key}\t{row.kind}\t{row.endpoint_id}\t{row.state}\t{tries}"
        click.echo(f"{line}\t{row.problem or ''}".rstrip())


@webhook_group.command("resend")
@click.argument("event", required=False)
@SCHOOL
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="giờ Việt Nam / Viet Nam time")
@click.option("--endpoint", "endpoint_id", type=int)
@click.option("--all", "again", is_flag=True, help="cả những gì đã nhận / also what was received")
def resend(
    event: str | None, code: str | None, since: datetime | None, endpoint_id: int | None, *, again: bool
) -> None:
    """Gửi lại một sự kiện (evt_…), hoặc mọi sự kiện chưa nhận của một trường từ một lúc (send again)."""
    if (event is None) == (since is None) or (since is not None and code is None):
        raise click.UsageError("hocphi webhook resend evt_…  |  hocphi webhook resend --school MÃ --since 2025-10-01")
    with command_session() as (session, _settings):
        if event is not None:
            school_id = queries.school_of_event(session, event)
            count = resending.resend(session, school_id, event, endpoint_id=endpoint_id, actor_id=None)
            if not count:
                raise _nobody_listens()
        else:
            school_id = queries.school_by_code(session, str(code))
            moment = since.replace(tzinfo=clock.VIETNAM) if since else clock.now()
            count = resending.resend_since(
                session, school_id, moment, endpoint_id=endpoint_id, again=again, actor_id=None
            )
    click.echo(f"Sẽ gửi lại {count} lần (queued again: {count}).")


@webhook_group.command("listen")
@click.option("--key-file", type=KEY_FILE, required=True, help="whsec_… / whpk_…")
@click.option("--port", default=9000, show_default=True)
def listen(key_file: Path, port: int) -> None:
    """Nhận, kiểm tra chữ ký và in sự kiện trên máy này (receive on this machine, verify and print)."""
    with receiver(port, key_file.read_text(encoding="ascii").strip(), click.echo) as server:
        click.echo(f"http://127.0.0.1:{server.server_address[1]}/", err=True)
        server.serve_forever()


def _nobody_listens() -> DomainError:
    return DomainError(
        "nobody_listens",
        "Không có địa chỉ nào đang nhận loại sự kiện này, hoặc nó đang được gửi.",
        "No endpoint takes events of this kind now, or it is being sent at this moment.",
    )


def _tell_key(endpoint_id: int, shown: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"id": endpoint_id, "key": shown}))
        return
    click.echo(f"{endpoint_id}\t{shown}")
    click.echo("Hãy cất khóa ngay: nó không được in lại (keep the key now: it is not shown again).", err=True)


def _print_json(name: str, rows: Sequence[Any]) -> None:
    found = [row._asdict() for row in rows]
    click.echo(json.dumps({name: found}, ensure_ascii=False, default=datetime.isoformat))
