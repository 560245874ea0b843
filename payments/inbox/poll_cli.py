"""``hocphi poll``: ask senders now, see how gaps are closed, import a bank's nightly file."""

import json
import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from bank_adapters import allow_only
from payments import clock
from payments.crypto import FieldCipher
from payments.db import command_session, make_engine, readable_faults, session_scope
from payments.errors import NotFoundError
from payments.inbox import nightly_file, polling, queries
from payments.outgoing import Outgoing
from payments.settings import Settings

AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
CONNECTION = click.option("--connection", "connection_id", type=int, help="chỉ kết nối này / only this connection")
DAY = click.DateTime(formats=["%Y-%m-%d"])
FAILED = 1


@click.group("poll")
def poll_group() -> None:
    """Hỏi lại bên gửi những báo có bị lỡ (fetch what callbacks missed)."""


@poll_group.command("run")
@CONNECTION
@click.option("--since", type=DAY, help="hỏi lại từ ngày này (giờ Việt Nam) / from this day on")
@AS_JSON
@click.pass_context
def run(context: click.Context, connection_id: int | None, since: datetime | None, *, as_json: bool) -> None:
    """Hỏi ngay, không chờ tới lượt (ask now); mã thoát 1 nếu một bên gửi không trả lời được."""
    settings = Settings.from_env()
    allow_only(settings.adapters, settings.adapter_files)
    engine = make_engine(settings.database_url)
    try:
        with readable_faults():
            tools = polling.Tools(
                lambda: session_scope(engine), Outgoing(settings.outgoing_allow).send, FieldCipher(settings.field_keys)
            )
            asked = _asked(tools, connection_id, since)
    finally:
        engine.dispose()
    if as_json:
        click.echo(json.dumps({"asked": [asdict(one) for one in asked]}))
    for one in () if as_json else asked:
        told = one.problem or "xong (done)"
        click.echo(f"{one.connection_id}\t{one.pages} trang\t{one.transactions} giao dịch\t{one.new} mới (new)\t{told}")
    context.exit(FAILED if any(one.problem not in (None, queries.UNCONFIGURED) for one in asked) else 0)


@poll_group.command("status")
@CONNECTION
@AS_JSON
def status(connection_id: int | None, *, as_json: bool) -> None:
    """Xem mỗi kết nối đã hỏi tới đâu (how far each connection has been asked)."""
    with command_session() as (session, _settings):
        found = queries.gap_health(session, None if connection_id is None else [connection_id])
    if as_json:
        click.echo(json.dumps({"connections": [one._asdict() for one in found]}, default=datetime.isoformat))
        return
    for one in found:
        click.echo(
            f"{one.connection_id}\tđã hỏi tới (until) {_minute(one.covered_to)}\t"
            f"{one.found_by_poll} chỉ nhờ hỏi lại (by polling only)\t{one.problem or 'ổn (ok)'}"
        )


@poll_group.command("file")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--connection", "connection_id", type=int, required=True, help="kết nối VietinBank")
@click.option(
    "--answers",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="thư mục ghi tệp trả lời _OUT.txt / where our answers go",
)
@AS_JSON
def file(files: tuple[Path, ...], connection_id: int, answers: Path | None, *, as_json: bool) -> None:
    """Nhập tệp đối soát đêm của VietinBank (import nightly files); mỗi tệp trọn vẹn hoặc không gì cả."""
    reports = []
    for path in sorted(files, key=lambda one: one.name):
        with command_session() as (session, settings):
            report = _imported(session, settings, connection_id, path)
        # After the commit: an answer that is lost is written by the same command again.
        if answers is not None:
            _write_whole(answers / report.answer_name, report.answer)
        told = {key: value for key, value in asdict(report).items() if key != "answer"}
        reports.append(told | {"file": path.name, "day": report.day.isoformat()})
    if as_json:
        click.echo(json.dumps({"files": reports}, ensure_ascii=False))
        return
    for one in reports:
        click.echo(_sentence(one))


def _asked(tools: polling.Tools, connection_id: int | None, since: datetime | None) -> list[polling.Asked]:
    moment = None if since is None else clock.day_starts(since.date())
    with tools.sessions() as session:
        due = polling.ask_now(session, connection_id, moment)
    if connection_id is not None and not due:
        raise NotFoundError(
            f"Kết nối {connection_id} không có hoặc bên gửi không cho hỏi lại.",
            f"There is no connection {connection_id}, or its sender cannot be asked.",
        )
    asked = (polling.ask_next(tools, one) for one in due)
    return [one for one in asked if one is not None]


def _imported(session: Session, settings: Settings, connection_id: int, path: Path) -> nightly_file.FileReport:
    allow_only(settings.adapters, settings.adapter_files)
    cipher = FieldCipher(settings.field_keys)
    return nightly_file.import_file(session, cipher, connection_id, path.name, path.read_bytes())


def _write_whole(path: Path, content: bytes) -> None:
    """The file is there whole or not at all: the bank may fetch it at any moment."""
    beside = path.with_name(f".{path.name}.part")
    with beside.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    beside.replace(path)


def _sentence(one: dict[str, Any]) -> str:
    return (
        f"{one['file']}: {one['lines']} dòng, {one['new']} mới (new); khớp {one['matched']}, chỉ ngân hàng có"
        f" {one['bank_only']}, chỉ hệ thống có {one['ours_only']}, lệch {one['differing']}"
    )


def _minute(moment: datetime | None) -> str:
    return "–" if moment is None else moment.astimezone(clock.VIETNAM).strftime("%d/%m/%Y %H:%M")
