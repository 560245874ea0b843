"""``hocphi holiday``: bank holidays as data."""

import json
from datetime import datetime
from pathlib import Path

import click

from payments.db import command_session
from reconciliation.holidays import service

DAY = click.DateTime(["%Y-%m-%d"])
AS_JSON = click.option("--json", "as_json", is_flag=True)


@click.group("holiday")
def holiday_group() -> None:
    """Ngày nghỉ của ngân hàng (bank holidays)."""


@holiday_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--vietnam", is_flag=True, help="tệp đi kèm: ngày cố định, Tết và Giỗ Tổ / the file with the wheel")
@AS_JSON
def import_holidays(file: Path | None, *, vietnam: bool, as_json: bool) -> None:
    """Nhập ngày nghỉ từ CSV «day,name» (import holidays, all of the file or nothing)."""
    if vietnam == (file is not None):
        raise click.UsageError("cần FILE hoặc --vietnam (give a file or --vietnam)")
    days = service.read(service.packaged() if file is None else file.read_bytes())
    with command_session() as (session, _settings):
        new = service.add(session, days)
    if as_json:
        click.echo(json.dumps({"days": len(days), "new": new}))
        return
    click.echo(f"{len(days)} ngày, {new} ngày mới ({len(days)} days, {new} new).")
    if vietnam:
        click.echo("Ngày theo âm lịch và «chờ thông báo» cần đối chiếu với thông báo nghỉ hằng năm.")


@holiday_group.command("list")
@click.option("--year", type=click.IntRange(2000, 2100))
@AS_JSON
def list_holidays(year: int | None, *, as_json: bool) -> None:
    """Các ngày nghỉ đã nhập (holidays that are entered)."""
    with command_session() as (session, _settings):
        found = [{"day": one.day.isoformat(), "name": one.name} for one in service.listed(session, year)]
    if as_json:
        click.echo(json.dumps({"holidays": found}, ensure_ascii=False))
        return
    for one in found:
        click.echo(f"{one['day']}  {one['name']}")


@holiday_group.command("add")
@click.option("--day", type=DAY, required=True)
@click.option("--name", required=True)
def add(day: datetime, name: str) -> None:
    """Thêm hoặc đổi tên một ngày nghỉ (add a day, or name it anew)."""
    with command_session() as (session, _settings):
        service.add(session, [service.Day(day.date(), name)])
    click.echo(f"Đã nhập {day:%d/%m/%Y} (entered).")


@holiday_group.command("remove")
@click.option("--day", type=DAY, required=True)
def remove(day: datetime) -> None:
    """Bỏ một ngày nghỉ (take a day out)."""
    with command_session() as (session, _settings):
        service.remove(session, day.date())
    click.echo(f"Đã bỏ {day:%d/%m/%Y} (removed).")
