"""``hocphi user``: staff accounts from the operator's terminal."""

import json
from datetime import date

import click
from sqlalchemy import text

from payments.access.models import Role
from payments.access.service import create_user, grant_role
from payments.db import command_session
from payments.errors import NotFoundError


@click.group("user")
def user_group() -> None:
    """Người dùng (staff users)."""


@user_group.command("add")
@click.argument("username")
@click.option("--name", "full_name", required=True, help="họ và tên / full name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--organisation", "organisation", help="mã trường hoặc đơn vị / code of the school or office")
@click.option("--email")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@click.option("--from", "valid_from", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--json", "as_json", is_flag=True)
def add(
    username: str,
    full_name: str,
    role: str,
    organisation: str | None,
    email: str | None,
    password: str,
    valid_from: date | None,
    as_json: bool,
) -> None:
    """Add a user with one role."""
    with command_session() as (session, _settings):
        organisation_id = None
        if organisation is not None:
            organisation_id = session.scalar(
                text("SELECT id FROM organisation WHERE code = :code"), {"code": organisation}
            )
            if organisation_id is None:
                raise NotFoundError(f"Không có đơn vị mã {organisation}.", f"No organisation {organisation}.")
        user_id = create_user(session, username=username, full_name=full_name, password=password, email=email)
        grant_role(session, user_id, Role(role), organisation_id, valid_from)
    click.echo(json.dumps({"id": user_id}) if as_json else f"{username}: {role}")
