"""``hocphi user``: staff accounts from the operator's terminal. Every change is a line of the audit log."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click
from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from payments import clock
from payments.access import service
from payments.access.models import Role
from payments.access.queries import all_users, any_user_id
from payments.audit.service import record
from payments.db import command_session
from payments.errors import NotFoundError

USERNAME = click.argument("username")
ROLE = click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
ORGANISATION = click.option("--organisation", help="mã trường hoặc đơn vị / code of the school or office")
PASSWORD = click.option(
    "--password", prompt=True, hide_input=True, confirmation_prompt=True, help="hỏi khi không ghi / asked when absent"
)
FROM = click.option("--from", "valid_from", type=click.DateTime(["%Y-%m-%d"]), help="từ ngày / from (default: today)")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")


@click.group("user")
def user_group() -> None:
    """Người dùng (staff users)."""


@user_group.command("add")
@USERNAME
@click.option("--name", "full_name", required=True, help="họ và tên / full name")
@ROLE
@ORGANISATION
@click.option("--email")
@PASSWORD
@FROM
@AS_JSON
def add(
    username: str,
    *,
    full_name: str,
    role: str,
    organisation: str | None,
    email: str | None,
    password: str,
    valid_from: datetime | None,
    as_json: bool,
) -> None:
    """Thêm người dùng với một vai trò. (Add a user with one role.)"""
    with command_session() as (session, _settings):
        organisation_id = _organisation_id(session, organisation)
        user_id = service.create_user(session, username=username, full_name=full_name, password=password, email=email)
        service.grant_role(session, user_id, Role(role), organisation_id, valid_from and valid_from.date())
        _note(session, "user.added", user_id, {"role": role, "organisation": organisation})
    click.echo(json.dumps({"id": user_id}) if as_json else f"{username}: {role}")


@user_group.command("list")
@AS_JSON
def list_(*, as_json: bool) -> None:
    """Người dùng và vai trò hôm nay. (Users and the roles that hold today.)"""
    with command_session() as (session, _settings):
        users = [_shown(row) for row in all_users(session, clock.today())]
    if as_json:
        click.echo(json.dumps({"users": users}, ensure_ascii=False))
        return
    for user in users:
        state = "" if user["active"] else "  (đã khóa / disabled)"
        click.echo(f"{user['username']:<24} {', '.join(user['roles']) or '–':<32} {user['name']}{state}")


@user_group.command("grant")
@USERNAME
@ROLE
@ORGANISATION
@FROM
def grant(username: str, *, role: str, organisation: str | None, valid_from: datetime | None) -> None:
    """Giao thêm một vai trò. (Give one more role.)"""
    with command_session() as (session, _settings):
        user_id, organisation_id = any_user_id(session, username), _organisation_id(session, organisation)
        service.grant_role(session, user_id, Role(role), organisation_id, valid_from and valid_from.date())
        _note(session, "user.role_granted", user_id, {"role": role, "organisation": organisation})
    click.echo(f"{username}: + {role}")


@user_group.command("revoke")
@USERNAME
@ROLE
@ORGANISATION
def revoke(username: str, *, role: str, organisation: str | None) -> None:
    """Thôi một vai trò từ hôm nay. (Take a role away from today on.)"""
    with command_session() as (session, _settings):
        user_id = any_user_id(session, username)
        service.end_role(session, user_id, Role(role), _organisation_id(session, organisation))
        _note(session, "user.role_ended", user_id, {"role": role, "organisation": organisation})
    click.echo(f"{username}: - {role}")


@user_group.command("password")
@USERNAME
@PASSWORD
def password_(username: str, *, password: str) -> None:
    """Đặt lại mật khẩu, mở khóa, kết thúc mọi phiên. (Set a password, unlock, end all sessions.)"""
    with command_session() as (session, _settings):
        user_id = any_user_id(session, username)
        service.set_password(session, user_id, password)
        _note(session, "user.password_set", user_id)
    click.echo(f"{username}: đã đặt mật khẩu mới / new password set")


@user_group.command("disable")
@USERNAME
def disable(username: str) -> None:
    """Không cho đăng nhập nữa; phiên đang mở kết thúc ngay. (No more log-ins; open sessions end at once.)"""
    _switch(username, active=False)


@user_group.command("enable")
@USERNAME
def enable(username: str) -> None:
    """Cho đăng nhập lại. (Let the user log in again.)"""
    _switch(username, active=True)


def _switch(username: str, *, active: bool) -> None:
    with command_session() as (session, _settings):
        user_id = any_user_id(session, username)
        service.set_active(session, user_id, active=active)
        _note(session, "user.enabled" if active else "user.disabled", user_id)
    click.echo(f"{username}: {'đang dùng / enabled' if active else 'đã khóa / disabled'}")


def _shown(row: RowMapping) -> dict[str, Any]:
    return {"username": row["username"], "name": row["full_name"], "active": row["active"], "roles": row["roles"]}


def _organisation_id(session: Session, code: str | None) -> int | None:
    """The organisation of a code; None for no code: the whole server."""
    if code is None:
        return None
    found: int | None = session.scalar(text("SELECT id FROM organisation WHERE code = :code"), {"code": code})
    if found is None:
        raise NotFoundError(f"Không có đơn vị mã {code}.", f"No organisation {code}.")
    return found


def _note(session: Session, action: str, user_id: int, detail: Mapping[str, object] | None = None) -> None:
    record(session, None, action, subject_kind="app_user", subject_id=user_id, school_id=None, detail=detail)
