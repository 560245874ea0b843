"""``hocphi api-key``: keys for the software of a school. Every change is a line of the audit log."""

import json
from datetime import datetime, timedelta
from typing import Any

import click

from payments import clock
from payments.access.queries import user_id_by_name
from payments.api import service
from payments.api.queries import Row, keys_of
from payments.api.rules import PER_MINUTE, Scope, state_of
from payments.db import command_session
from payments.schools.queries import school_by_code

SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")


@click.group("api-key")
def api_key_group() -> None:
    """Khóa cho phần mềm của trường (keys for school software)."""


@api_key_group.command("add")
@SCHOOL
@click.option("--name", required=True, help="phần mềm nào dùng / which software has it")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    required=True,
    help="quyền, ghi nhiều lần được / may be given several times",
)
@click.option("--by", "username", required=True, help="nhân danh ai: kế toán hoặc hiệu trưởng / in whose name it acts")
@click.option("--days", type=int, default=365, show_default=True, help="có hạn bao nhiêu ngày / how long it lives")
@click.option("--per-minute", type=int, default=PER_MINUTE, show_default=True, help="số yêu cầu mỗi phút / requests")
@AS_JSON
def add(
    school_code: str, *, name: str, scopes: tuple[str, ...], username: str, days: int, per_minute: int, as_json: bool
) -> None:
    """Tạo khóa và in ra một lần duy nhất. (Make a key and print it, once and never again.)"""
    with command_session() as (session, _settings):
        school = school_by_code(session, school_code)
        key_id, key = service.add_key(
            session,
            school.id,
            name=name,
            scopes=[Scope(scope) for scope in scopes],
            user_id=user_id_by_name(session, username),
            lives=timedelta(days=days),
            per_minute=per_minute,
        )
    if as_json:
        click.echo(json.dumps({"id": key_id, "key": key}))
        return
    click.echo(key)
    click.echo("Hãy lưu ngay; không xem lại được. (Keep it now; it cannot be shown again.)", err=True)


@api_key_group.command("list")
@SCHOOL
@AS_JSON
def list_(school_code: str, *, as_json: bool) -> None:
    """Các khóa của trường, không có bí mật. (The keys of a school, without their secrets.)"""
    with command_session() as (session, _settings):
        rows = [_shown(row) for row in keys_of(session, school_by_code(session, school_code).id)]
    if as_json:
        click.echo(json.dumps({"keys": rows}, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['id']:>6} {row['hint']}… {row['state']:<8} {row['name']}: {', '.join(row['scopes'])}")


@api_key_group.command("revoke")
@click.argument("key_id", type=int)
@SCHOOL
def revoke(key_id: int, school_code: str) -> None:
    """Thu hồi khóa; có hiệu lực ngay. (Revoke a key, at once.)"""
    with command_session() as (session, _settings):
        service.revoke_key(session, school_by_code(session, school_code).id, key_id, None)
    click.echo(f"{key_id}: đã thu hồi / revoked")


def _shown(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "hint": row["hint"],
        "scopes": row["scopes"],
        "by": row["username"],
        "per_minute": row["per_minute"],
        "expires_at": row["expires_at"].isoformat(),
        "used_at": _moment(row["used_at"]),
        "revoked_at": _moment(row["revoked_at"]),
        "state": state_of(row["revoked_at"], row["expires_at"], clock.now()),
    }


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
