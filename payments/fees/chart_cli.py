"""``hocphi chart``: how fee items map to the school's chart of accounts, and the trial balance in its codes.

It stands in the room of fees because the mapping speaks of legal groups and fee codes, which the ledger does not know.
"""

import json
from collections import defaultdict
from datetime import datetime

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from payments import clock
from payments.access.queries import staff_id_by_name
from payments.db import command_session
from payments.errors import NotFoundError
from payments.fees.models import FeeItem
from payments.fees.terms import LegalGroup
from payments.ledger.chart_service import PRESETS, load_chart_preset, map_account
from payments.ledger.models import ExcludeReason, LedgerRole
from payments.ledger.queries import ChartCodes, TrialRow, chart_codes, trial_balance
from payments.money import format_number
from payments.schools.queries import school_by_code

SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
CHART = click.option("--chart", type=click.Choice(PRESETS), default="TT107", show_default=True)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")


@click.group("chart")
def chart_group() -> None:
    """Hệ thống tài khoản kế toán của trường (the school's chart of accounts)."""


@chart_group.command("load")
@SCHOOL
@CHART
def load(school_code: str, chart: str) -> None:
    """Điền những ánh xạ còn thiếu từ mẫu; dòng đã sửa giữ nguyên (fill gaps from the preset)."""
    with command_session() as (session, _settings):
        added = load_chart_preset(session, school_by_code(session, school_code).id, chart)
    click.echo(f"{chart}: thêm {added} dòng (rows added).")


@chart_group.command("set")
@SCHOOL
@CHART
@click.option("--role", type=click.Choice([role.value for role in LedgerRole]), required=True)
@click.option("--account", "account_code", required=True, help="số hiệu tài khoản, ví dụ 1121.02")
@click.option("--group", "legal_group", type=click.Choice([group.value for group in LegalGroup]), help="nhóm khoản thu")
@click.option("--fee", "fee_code", help="mã khoản thu / code of one fee item")
@click.option(
    "--reason",
    type=click.Choice([reason.value for reason in ExcludeReason]),
    help="với mục excluded: đó là tiền gì / of excluded money: what it is",
)
@click.option("--by", "username", required=True, help="người thực hiện, tên đăng nhập / who does it")
def set_(
    *,
    school_code: str,
    chart: str,
    role: str,
    account_code: str,
    legal_group: str | None,
    fee_code: str | None,
    reason: str | None,
    username: str,
) -> None:
    """Đặt tài khoản cho một mục, một nhóm hoặc một khoản thu (set the account of a role, group or item)."""
    if legal_group and fee_code:
        raise click.UsageError("Chỉ chọn --group hoặc --fee (either a group or an item).")
    if reason and (role != LedgerRole.EXCLUDED or legal_group or fee_code):
        raise click.UsageError("--reason chỉ dùng với --role excluded (of excluded money only).")
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        map_account(
            session,
            school_id,
            chart,
            LedgerRole(role),
            account_code,
            actor_id=staff_id_by_name(session, school_id, username, clock.today()),
            legal_group=legal_group or reason,
            fee_item_id=_fee_item_id(session, school_id, fee_code) if fee_code else None,
        )
    click.echo(f"{role}: {account_code} ({chart}).")


@chart_group.command("trial")
@SCHOOL
@CHART
@click.option("--to", "booked_to", type=click.DateTime(["%Y-%m-%d"]), help="tính đến hết ngày này (mặc định tất cả)")
@AS_JSON
def trial(*, school_code: str, chart: str, booked_to: datetime | None, as_json: bool) -> None:
    """In bảng cân đối phát sinh theo tài khoản của trường; lệch thì thoát với 1 (trial balance)."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        rows = trial_balance(session, school_id, booked_to=booked_to.date() if booked_to else None)
        codes = chart_codes(session, school_id, chart)
        groups = _legal_groups(session, school_id)
    by_code = _by_code(rows, codes, groups)
    difference_vnd = sum(debit - credit for debit, credit in by_code.values())
    if as_json:
        told = [
            {"account": code, "debit_vnd": debit, "credit_vnd": credit} for code, (debit, credit) in by_code.items()
        ]
        click.echo(json.dumps({"accounts": told, "difference_vnd": difference_vnd}))
    else:
        for code, (debit, credit) in by_code.items():
            click.echo(f"{code}\t{format_number(debit)}\t{format_number(credit)}\t{format_number(debit - credit)}")
        click.echo(f"Chênh lệch (difference): {format_number(difference_vnd)}")
    click.get_current_context().exit(0 if difference_vnd == 0 else 1)


def _by_code(rows: list[TrialRow], codes: ChartCodes, groups: dict[int, LegalGroup]) -> dict[str, tuple[int, int]]:
    """Debits and credits in đồng by account code, in the order of codes."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        group = groups[row.fee_item_id] if row.fee_item_id is not None else None
        code = codes.code(row.role, legal_group=group, fee_item_id=row.fee_item_id)
        sums[code][0] += row.debit_vnd
        sums[code][1] += row.credit_vnd
    return {code: (sums[code][0], sums[code][1]) for code in sorted(sums)}


def _legal_groups(session: Session, school_id: int) -> dict[int, LegalGroup]:
    rows = session.execute(select(FeeItem.id, FeeItem.legal_group).where(FeeItem.school_id == school_id))
    return {row.id: row.legal_group for row in rows}


def _fee_item_id(session: Session, school_id: int, code: str) -> int:
    found = session.scalar(select(FeeItem.id).where(FeeItem.school_id == school_id, FeeItem.code == code))
    if found is None:
        raise NotFoundError(f"Trường không có khoản thu mã {code}.", f"The school has no fee item {code}.")
    return found
