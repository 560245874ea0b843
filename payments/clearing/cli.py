"""``hocphi payout``: what intermediaries owe, their settlement reports, and a person's choice."""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from payments import clock
from payments.access.queries import staff_id_by_name
from payments.banking.queries import account_by_name
from payments.clearing import queries, reports, service
from payments.db import command_session
from payments.money import format_number
from payments.schools.queries import school_by_code

AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
BY = click.option("--by", "username", required=True, help="người quyết định, tên đăng nhập / who decides")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DIFFERENCES_SINCE = timedelta(days=90)


@click.group("payout")
def payout_group() -> None:
    """Quyết toán của ví và cổng trung gian (payouts of wallets and intermediaries)."""


@payout_group.command("list")
@SCHOOL
@AS_JSON
def list_(school_code: str, *, as_json: bool) -> None:
    """Liệt kê tiền trung gian còn giữ, dòng sao kê đang chờ và các lô (list what is owed, lines and payouts)."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        owing = queries.intermediaries(session, school_id)
        waiting = queries.waiting_lines(session, school_id)
        paid = queries.payouts(session, school_id)
        differing = queries.differences(session, school_id, clock.now() - DIFFERENCES_SINCE)
    if as_json:
        told = {
            "intermediaries": [_intermediary(one) for one in owing],
            "lines": [dict(row._mapping) for row in waiting],  # noqa: SLF001 - a row's public mapping
            "payouts": [dict(row._mapping) for row in paid],  # noqa: SLF001 - as above
            "differences": [asdict(one) for one in differing],
        }
        click.echo(json.dumps(told, ensure_ascii=False, default=str))
        return
    for one in owing:
        click.echo(
            f"{one.name} ({one.adapter}, T+{one.payout_days}) → {one.account}: {len(one.items)} khoản, "
            f"{format_number(one.open_vnd)} đồng, quá hạn {format_number(one.late_vnd)}"
        )
        for item in one.items:
            late = " QUÁ HẠN" if item.late else ""
            names = " ".join(item.references) or item.description
            click.echo(
                f"  #{item.transaction_id}\t{item.day:%d/%m/%Y}\t{format_number(item.amount_vnd)}\t{names}"
                f"\t{item.age_days} ngày{late}"
            )
    for row in waiting:
        click.echo(f"Dòng chờ #{row.id}\t{row.value_date:%d/%m/%Y}\t{format_number(row.amount_vnd)}\t{row.description}")
    for row in paid:
        state = " ĐÃ HỦY" if row.dissolved_at else ""
        click.echo(
            f"Lô {row.id}\t{row.value_date:%d/%m/%Y}\t{row.name}\t{row.item_count} khoản {format_number(row.gross_vnd)}"
            f" − phí {format_number(row.fee_vnd)} = {format_number(row.amount_vnd)}\t{row.rule}{state}"
        )
    for found in differing:
        click.echo(
            f"Chênh lệch: {found.name} {found.payout or found.file_name}, thực nhận {format_number(found.net_vnd)}; "
            f"thiếu báo có: {', '.join(found.missing) or '–'}; khác số tiền: {', '.join(found.other_amounts) or '–'}"
        )


@payout_group.command("report")
@click.argument("file", type=FILE)
@click.option(
    "--connection", "connection_id", type=int, required=True, help="số của kết nối, xem «hocphi connection list»"
)
@click.option("--account", "account_name", required=True, metavar="BIN:NUMBER", help="tài khoản nhận tiền quyết toán")
@click.option("--dry-run", is_flag=True, help="chỉ xem, không ghi gì / look only, write nothing")
@AS_JSON
def report(file: Path, connection_id: int, account_name: str, *, dry_run: bool, as_json: bool) -> None:
    """Nhập báo cáo đối soát CSV, XLSX của trung gian (import a settlement report, all of it or nothing)."""
    with command_session() as (session, _settings):
        account = account_by_name(session, account_name)
        result = reports.import_report(
            session,
            account.school_id,
            account.id,
            connection_id,
            data=file.read_bytes(),
            filename=file.name,
            actor_id=None,
            dry_run=dry_run,
        )
    if as_json:
        click.echo(json.dumps(result.as_dict()))
        return
    known = ", đã nhập trước đây" if result.already_imported else ""
    click.echo(
        f"{result.rows} giao dịch, {result.new_rows} mới, {result.payouts} lô: {format_number(result.gross_vnd)} − phí "
        f"{format_number(result.fee_vnd)} = {format_number(result.net_vnd)} đồng{known}."
    )
    if dry_run:
        click.echo("Chạy thử: chưa ghi gì (dry run: nothing was written).")


@payout_group.command("match")
@click.argument("line", type=int)
@click.argument("payments", type=int, nargs=-1, required=True)
@SCHOOL
@BY
@click.option("--note", help="lý do, bắt buộc khi phí không có trong biểu phí hay báo cáo / reason for an unknown fee")
def match(line: int, payments: tuple[int, ...], school_code: str, username: str, note: str | None) -> None:
    """Ghép dòng sao kê LINE với các khoản PAYMENTS; phần còn lại là phí (say what a line pays; the rest is the fee)."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        actor_id = staff_id_by_name(session, school_id, username, clock.today())
        payout_id = service.match_by_person(session, school_id, line, payments, actor_id, note=note)
    click.echo(f"Đã ghép, lô {payout_id} (matched).")


@payout_group.command("dissolve")
@click.argument("payout_id", metavar="PAYOUT", type=int)
@SCHOOL
@BY
def dissolve(payout_id: int, school_code: str, username: str) -> None:
    """Hủy một lô: dòng sao kê trở lại chờ xử lý (dissolve a payout)."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        service.dissolve_by_person(
            session, school_id, payout_id, staff_id_by_name(session, school_id, username, clock.today())
        )
    click.echo("Đã hủy lô (dissolved).")


def _intermediary(one: queries.Intermediary) -> dict[str, Any]:
    return {
        "connection": one.connection_id,
        "name": one.name,
        "adapter": one.adapter,
        "payout_days": one.payout_days,
        "account": one.account,
        "open_vnd": one.open_vnd,
        "late_vnd": one.late_vnd,
        "open": [item._asdict() | {"late": item.late} for item in one.items],
    }
