"""``hocphi virtual-account``: pupils' own account numbers from the operator's terminal."""

import csv
import json
import sys

import click
from sqlalchemy.orm import Session

from payments import clock
from payments.access.queries import user_id_by_name
from payments.banking import queries, virtual_accounts
from payments.banking.virtual_accounts import VirtualAccountRow
from payments.db import command_session
from payments.errors import NotFoundError
from payments.schools.queries import school_by_code

SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
BY = click.option("--by", "username", help="người thực hiện, tên đăng nhập (mặc định: quản trị máy chủ) / who does it")


@click.group("virtual-account")
def virtual_account_group() -> None:
    """Tài khoản ảo (tài khoản định danh) của học sinh (pupils' own account numbers)."""


@virtual_account_group.command("assign")
@SCHOOL
@click.option("--account", "account_name", required=True, metavar="BIN:NUMBER", help="tài khoản nhận tiền")
@click.option("--prefix", help="tiền tố ngân hàng cấp (mặc định: tiền tố ghi ở kết nối) / the bank's prefix")
@BY
@AS_JSON
def assign(*, school_code: str, account_name: str, prefix: str | None, username: str | None, as_json: bool) -> None:
    """Cấp số cho học sinh đang học chưa có số (give every pupil who has none a number)."""
    with command_session() as (session, _settings):
        account = queries.account_by_name(session, account_name)
        if account.school_id != school_by_code(session, school_code).id:
            raise NotFoundError("Trường không có tài khoản này.", "The school has no such account.")
        made = virtual_accounts.assign(session, account, prefix=prefix, actor_id=_actor(session, username))
    click.echo(json.dumps({"assigned": made}) if as_json else f"Đã cấp {made} số. (Assigned {made}.)")


@virtual_account_group.command("list")
@SCHOOL
@click.option("--all", "everything", is_flag=True, help="cả số đã thu hồi / revoked ones too")
@AS_JSON
def list_(*, school_code: str, everything: bool, as_json: bool) -> None:
    """In các số dạng CSV để đăng ký tại ngân hàng (the numbers as CSV, for the bank to register).

    Pupils' names are in it: keep the output as you keep the pupils' list.
    """
    with command_session() as (session, _settings):
        rows = virtual_accounts.listed(session, school_by_code(session, school_code).id, everything=everything)
    told = [_described(row) for row in rows]
    if as_json:
        click.echo(json.dumps({"virtual_accounts": told}, ensure_ascii=False))
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("number", "account", "holder", "sector_id", "full_name", "class", "assigned_on", "revoked_on"))
    writer.writerows([value or "" for value in one.values()] for one in told)


@virtual_account_group.command("revoke")
@SCHOOL
@click.argument("number")
@BY
@AS_JSON
def revoke(*, school_code: str, number: str, username: str | None, as_json: bool) -> None:
    """Ngừng dùng một số; tiền về muộn vẫn là của học sinh đó (take a number out of use)."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        virtual_accounts.revoke(session, school_id, number, actor_id=_actor(session, username))
    click.echo(json.dumps({"revoked": number}) if as_json else f"Đã thu hồi {number}. (Revoked.)")


def _actor(session: Session, username: str | None) -> int | None:
    return None if username is None else user_id_by_name(session, username)


def _described(row: VirtualAccountRow) -> dict[str, str | None]:
    return {
        "number": row.number,
        "account": f"{row.bin}:{row.account_number}",
        "holder": row.holder_name,
        "sector_id": row.sector_id,
        "full_name": row.full_name,
        "class": row.class_name,
        "assigned_on": clock.day_of(row.assigned_at).isoformat(),
        "revoked_on": clock.day_of(row.revoked_at).isoformat() if row.revoked_at else None,
    }
