"""``hocphi school``: add and list schools and the offices above them."""

import enum
import json
from datetime import date, datetime

import click

from payments import clock
from payments.db import command_session
from payments.schools import queries, service
from payments.schools.bank_apps import switch_bank_apps
from payments.schools.models import InvoiceGrouping, NumberWords, OrganisationKind
from payments.schools.rules import Ownership, SchoolLevel

DAY = click.DateTime(["%Y-%m-%d"])
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")


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
@click.option(
    "--ownership", type=choice(Ownership), default=Ownership.PUBLIC.value, show_default=True, help="loại hình trường"
)
@click.option("--area", help="nhóm địa bàn theo nghị quyết của tỉnh / area group of the fee resolution")
@click.option(
    "--grouping",
    type=choice(InvoiceGrouping),
    default=InvoiceGrouping.PER_ACCOUNT.value,
    show_default=True,
    help="mỗi khoản thu một thông báo, hay gộp theo tài khoản nhận",
)
@click.option("--parent", help="mã đơn vị cấp trên / code of the office above")
@click.option("--from", "from_day", type=DAY, help="ngày bắt đầu trực thuộc (mặc định hôm nay)")
@AS_JSON
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
@AS_JSON
def list_(*, as_json: bool) -> None:
    """Liệt kê các trường (list the schools)."""
    with command_session() as (session, _settings):
        rows = [
            {
                "code": row.code,
                "name": row.name,
                "level": row.level,
                "ownership": row.ownership,
                "area": row.area_group,
                "grouping": row.invoice_grouping,
            }
            for row in queries.list_schools(session)
        ]
    if as_json:
        click.echo(json.dumps({"schools": rows}, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['code']}\t{row['name']}\t{row['level']}\t{row['ownership']}")


@school_group.command("set")
@click.option("--code", required=True, help="mã trường / code of the school")
@click.option("--name", help="tên mới / new name")
@click.option("--ownership", type=choice(Ownership), help="loại hình trường")
@click.option("--area", help="nhóm địa bàn theo nghị quyết của tỉnh / area group of the fee resolution")
@click.option(
    "--grouping", type=choice(InvoiceGrouping), help="mỗi khoản thu một thông báo, hay gộp theo tài khoản nhận"
)
@click.option("--words", type=choice(NumberWords), help="đọc số tiền: north «linh, nghìn», south «lẻ, ngàn»")
def set_(
    *, code: str, name: str | None, ownership: str | None, area: str | None, grouping: str | None, words: str | None
) -> None:
    """Sửa thông tin trường; đợt thu đã lập giữ cách gộp cũ (change a school; drafted rounds stay)."""
    if not (name or ownership or area or grouping or words):
        raise click.UsageError("Hãy nêu ít nhất một điều cần sửa (say what to change).")
    with command_session() as (session, _settings):
        service.change_school(
            session,
            queries.school_by_code(session, code).id,
            name=name,
            ownership=Ownership(ownership) if ownership else None,
            area_group=area,
            invoice_grouping=InvoiceGrouping(grouping) if grouping else None,
            number_words=NumberWords(words) if words else None,
        )
    click.echo(f"Đã sửa thông tin trường {code} (changed).")


@school_group.command("bank-apps")
@click.option("--code", required=True, help="mã trường / code of the school")
@click.argument("state", type=click.Choice(["on", "off"]))
def bank_apps(*, code: str, state: str) -> None:
    """Bật hoặc tắt nút mở ứng dụng ngân hàng trên trang của phụ huynh (links into banks' apps).

    Các nút đi qua dl.vietqr.io, một dịch vụ bên thứ ba; mặc định tắt. (They leave for a third party; off by default.)
    """
    with command_session() as (session, _settings):
        switch_bank_apps(session, queries.school_by_code(session, code).id, on=state == "on", actor_id=None)
    click.echo(f"Trường {code}: đã {'bật' if state == 'on' else 'tắt'} (switched {state}).")


@school_group.command("tree")
@click.option("--day", type=DAY, help="cây của ngày nào (mặc định hôm nay) / as it stood on a day")
@AS_JSON
def tree(*, day: datetime | None, as_json: bool) -> None:
    """In cây đơn vị quản lý và trường của một ngày (print the tree of offices and schools of a day)."""
    with command_session() as (session, _settings):
        rows = queries.tree_on(session, day_or_today(day))
    if as_json:
        click.echo(json.dumps({"tree": [row._asdict() for row in rows]}, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{'  ' * row.depth}{row.code}\t{row.name}\t{row.kind}")


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
