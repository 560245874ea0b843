"""``hocphi exemption``: grant, list and end reductions of pupils: by law, by the school, or paid by somebody else."""

import json
from datetime import datetime

import click

from payments import clock
from payments.access.queries import staff_id_by_name
from payments.db import command_session
from payments.fees import queries, service
from payments.fees.checks import NewExemption
from payments.fees.queries import ExemptionRow
from payments.fees.terms import RELIEF_WORDS, ReliefKind
from payments.money import format_vnd
from payments.schools.queries import pupil_id_by_sector_id, school_by_code

DAY = click.DateTime(["%Y-%m-%d"])
SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
BY = click.option("--by", "username", help="người thực hiện, tên đăng nhập (mặc định: quản trị máy chủ) / who does it")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
KINDS = click.Choice([kind.value for kind in ReliefKind])


@click.group("exemption")
def exemption_group() -> None:
    """Miễn, giảm, hỗ trợ cho học sinh (reductions: exemption, waiver, support)."""


@exemption_group.command("grant")
@SCHOOL
@click.option("--pupil", "sector_id", required=True, help="mã định danh của học sinh / sector identifier")
@click.option(
    "--kind", type=KINDS, required=True, help="exemption: miễn giảm theo luật; waiver: trường giảm; support: hỗ trợ"
)
@click.option("--category", required=True, help="diện, ví dụ «hộ nghèo»; phụ huynh khác không thấy")
@click.option("--percent", type=click.IntRange(1, 100), help="giảm bao nhiêu phần trăm mỗi khoản")
@click.option("--fixed", "fixed_vnd", type=click.IntRange(1), help="hoặc giảm bao nhiêu đồng mỗi khoản")
@click.option("--fee", "fee_codes", multiple=True, required=True, help="mã khoản thu được giảm; dùng nhiều lần")
@click.option("--document", required=True, help="số quyết định, giấy chứng nhận")
@click.option("--from", "valid_from", type=DAY, help="ngày đầu tiên (mặc định hôm nay)")
@click.option("--to", "valid_to", type=DAY, help="ngày cuối cùng (mặc định: chưa hết hạn)")
@BY
@AS_JSON
def grant(
    *,
    school_code: str,
    sector_id: str,
    kind: str,
    category: str,
    percent: int | None,
    fixed_vnd: int | None,
    fee_codes: tuple[str, ...],
    document: str,
    valid_from: datetime | None,
    valid_to: datetime | None,
    username: str | None,
    as_json: bool,
) -> None:
    """Ghi một quyết định miễn giảm; ghi lại lần nữa không thêm gì (grant a reduction; again changes nothing)."""
    if (percent is None) == (fixed_vnd is None):
        raise click.UsageError("Chọn một trong hai: --percent hoặc --fixed (give either of the two).")
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        exemption_id = service.grant_exemption(
            session,
            school_id,
            NewExemption(
                pupil_id=pupil_id_by_sector_id(session, school_id, sector_id),
                kind=ReliefKind(kind),
                category=category,
                percent=percent,
                fixed_vnd=fixed_vnd,
                fee_codes=fee_codes,
                valid_from=valid_from.date() if valid_from else clock.today(),
                valid_to=valid_to.date() if valid_to else None,
                document=document,
            ),
            actor_id=staff_id_by_name(session, school_id, username, clock.today()) if username else None,
        )
    words = f"Đã ghi quyết định miễn giảm số {exemption_id} (granted)."
    click.echo(json.dumps({"id": exemption_id}) if as_json else words)


@exemption_group.command("list")
@SCHOOL
@AS_JSON
def list_(*, school_code: str, as_json: bool) -> None:
    """Liệt kê các quyết định miễn giảm của trường, mới nhất trước (list the reductions, newest first)."""
    with command_session() as (session, _settings):
        rows = queries.exemptions_of(session, school_by_code(session, school_code).id)
    if as_json:
        click.echo(json.dumps({"exemptions": [_told(row) for row in rows]}, ensure_ascii=False))
        return
    for row in rows:
        off = f"{row.percent} %" if row.percent is not None else format_vnd(row.fixed_vnd or 0)
        until = f"{row.valid_to:%d/%m/%Y}" if row.valid_to else "…"
        words = (row.id, row.sector_id, RELIEF_WORDS[row.kind].vi, off, ",".join(row.fee_codes))
        click.echo("\t".join(map(str, (*words, f"{row.valid_from:%d/%m/%Y}–{until}", row.document))))


@exemption_group.command("end")
@SCHOOL
@click.argument("exemption_id", metavar="ID", type=int)
@click.option("--last-day", type=DAY, required=True, help="ngày cuối cùng còn được giảm")
@BY
def end(*, school_code: str, exemption_id: int, last_day: datetime, username: str | None) -> None:
    """Cho một quyết định miễn giảm hết hiệu lực sau một ngày (let a reduction end with a day)."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        actor_id = staff_id_by_name(session, school_id, username, clock.today()) if username else None
        service.end_exemption(session, school_id, exemption_id, last_day.date(), actor_id=actor_id)
    click.echo(f"Quyết định {exemption_id} hết hiệu lực sau ngày {last_day:%d/%m/%Y} (ended).")


def _told(row: ExemptionRow) -> dict[str, object]:
    return row._asdict() | {
        "kind": row.kind.value,
        "valid_from": row.valid_from.isoformat(),
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
    }
