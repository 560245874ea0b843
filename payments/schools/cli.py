"""``hocphi school``: add and list schools and the offices above them."""

import enum
import json
from datetime import date, datetime

import click

from payments import clock
from payments.db import command_session
from payments.schools import queries, service
from payments.schools.models import InvoiceGrouping, OrganisationKind
from payments.schools.rules import Ownership, SchoolLevel

DAY = click.DateTime(["%Y-%m-%d"])


def choice(kind: type[enum.StrEnum]) -> click.Choice[str]:
    """An option that takes the values of an enumeration."""
    return click.Choice([member.value for member in kind])


def day_or_today(given: datetime | None) -> date:
    """The day of an option, or today in Viet Nam."""
    return given.date() if given else clock.today()


@click.group("school")
def school_group() -> None:
    """Trường và đơn vị quản lý (schools and the offices above them)."""


@school_group.command("add")
@click.option("--code", required=True, help="mã trường / code of the school")
@click.option("--name", required=True, help="tên trường / name of the school")
@click.option("--level", type=choice(SchoolLevel), required=True, help="cấp học")
@click.option("--ownership", type=choice(Ownership), default=Ownership.PUBLIC.value, show_default=True)
@click.option("--area", help="nhóm địa bàn theo nghị quyết của tỉnh / area group of the fee resolution")
@click.option("--grouping", type=choice(InvoiceGrouping), default=InvoiceGrouping.PER_ACCOUNT.value, show_default=True)
@click.option("--parent", help="mã đơn vị cấp trên / code of the office above")
@click.option("--from", "from_day", type=DAY, help="ngày bắt đầu trực thuộc (mặc định hôm nay)")
@click.option("--json", "as_json", is_flag=True)
def add(
    code: str,
    name: str,
    *,
    level: str,
    ownership: str,
    area: str | None,
    grouping: str,
    parent: str | None,
    from_day: datetime | None,
    as_json: bool,
) -> None:
    """Thêm một trường (add a school)."""
    with command_session() as (session, _settings):
        parent_id = queries.organisation_by_code(session, parent).id if parent else None
        school_id = service.create_school(
            session,
            code=code,
            name=name,
            level=SchoolLevel(level),
            ownership=Ownership(ownership),
            area_group=area,
            invoice_grouping=InvoiceGrouping(grouping),
            parent_id=parent_id,
            from_day=day_or_today(from_day),
        )
    click.echo(json.dumps({"id": school_id, "code": code}) if as_json else f"Đã thêm trường {code} (school added).")


@school_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(*, as_json: bool) -> None:
    """Liệt kê các trường (list the schools)."""
    with command_session() as (session, _settings):
        rows = [
            {"code": row.code, "name": row.name, "level": row.level, "ownership": row.ownership, "area": row.area_group}
            for row in queries.list_schools(session)
        ]
    if as_json:
        click.echo(json.dumps({"schools": rows}, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['code']}\t{row['name']}\t{row['level']}\t{row['ownership']}")


@school_group.command("office")
@click.option("--code", required=True, help="mã đơn vị / code of the office")
@click.option("--name", required=True, help="tên đơn vị / name of the office")
@click.option("--kind", type=click.Choice(["department", "middle"]), required=True, help="Sở, hoặc cấp ở giữa")
@click.option("--parent", help="mã đơn vị cấp trên / code of the office above")
@click.option("--from", "from_day", type=DAY, help="ngày bắt đầu trực thuộc (mặc định hôm nay)")
def office(*, code: str, name: str, kind: str, parent: str | None, from_day: datetime | None) -> None:
    """Thêm đơn vị quản lý: Sở, xã, phường (add a department or a commune)."""
    with command_session() as (session, _settings):
        parent_id = queries.organisation_by_code(session, parent).id if parent else None
        service.create_organisation(
            session,
            code=code,
            name=name,
            kind=OrganisationKind(kind),
            parent_id=parent_id,
            from_day=day_or_today(from_day),
        )
    click.echo(f"Đã thêm đơn vị {code} (office added).")


@school_group.command("move")
@click.option("--code", required=True, help="mã trường hoặc đơn vị / code of the school or office")
@click.option("--parent", required=True, help="mã đơn vị cấp trên mới / code of the new office above")
@click.option("--from", "from_day", type=DAY, help="ngày chuyển (mặc định hôm nay)")
def move(*, code: str, parent: str, from_day: datetime | None) -> None:
    """Chuyển trường hoặc đơn vị sang cấp trên khác, giữ lịch sử (move below another office, keeping history)."""
    with command_session() as (session, _settings):
        child = queries.organisation_by_code(session, code)
        above = queries.organisation_by_code(session, parent)
        service.move_organisation(session, child.id, above.id, day_or_today(from_day))
    click.echo(f"Đã chuyển {code} (moved).")
