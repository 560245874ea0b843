"""``hocphi fee``: the catalogue from the terminal: items, prices, ceilings, registrations."""

import json
from datetime import date, datetime
from pathlib import Path

import click

from payments import clock
from payments.banking.queries import account_by_number
from payments.db import command_session
from payments.errors import NotFoundError
from payments.fees import queries, service
from payments.fees.terms import LegalGroup, Unit
from payments.money import format_number
from payments.schools.problems import place_words
from payments.schools.queries import school_by_code
from payments.schools.rules import SchoolLevel

DAY = click.DateTime(["%Y-%m-%d"])
SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
GROUPS = click.Choice([group.value for group in LegalGroup])
UNITS = click.Choice([unit.value for unit in Unit])


def day_of(given: datetime | None) -> date:
    """The day of an option, or today in Viet Nam."""
    return given.date() if given else clock.today()


@click.group("fee")
def fee_group() -> None:
    """Khoản thu, đơn giá, mức trần, đăng ký (fee items, prices, ceilings, registrations)."""


@fee_group.command("add")
@SCHOOL
@click.option("--code", required=True, help="mã khoản thu, ví dụ AN")
@click.option("--name", required=True, help="tên khoản thu")
@click.option("--group", "legal_group", type=GROUPS, required=True, help="nhóm pháp lý")
@click.option("--unit", type=UNITS, required=True, help="đơn vị tính")
@click.option("--mandatory/--voluntary", required=True, help="bắt buộc / tự nguyện")
@click.option("--registered/--everybody", default=True, show_default=True, help="theo đăng ký / mọi học sinh")
@click.option("--account", required=True, help="tài khoản nhận BIN:NUMBER")
@click.option("--basis", required=True, help="căn cứ thu / legal basis")
@click.option("--from", "valid_from", type=DAY, help="ngày có hiệu lực (mặc định hôm nay)")
def add(
    *,
    school_code: str,
    code: str,
    name: str,
    legal_group: str,
    unit: str,
    mandatory: bool,
    registered: bool,
    account: str,
    basis: str,
    valid_from: datetime | None,
) -> None:
    """Thêm một khoản thu (add a fee item)."""
    with command_session() as (session, _settings):
        school = school_by_code(session, school_code)
        bank_bin, _, number = account.partition(":")
        receiving = account_by_number(session, bank_bin, number)
        if receiving.school_id != school.id:
            raise NotFoundError("Tài khoản không thuộc trường này.", "The account is not one of this school.")
        service.add_fee_item(
            session,
            school.id,
            code=code,
            name=name,
            legal_group=LegalGroup(legal_group),
            unit=Unit(unit),
            mandatory=mandatory,
            by_registration=registered,
            receiving_account_id=receiving.id,
            legal_basis=basis,
            valid_from=day_of(valid_from),
        )
    click.echo(f"Đã thêm khoản thu {code} (fee item added).")


@fee_group.command("rate")
@SCHOOL
@click.option("--fee", "fee_code", required=True, help="mã khoản thu")
@click.option("--price", type=click.IntRange(min=0), required=True, help="đơn giá, đồng")
@click.option("--grade", type=click.IntRange(1, 12), help="khối (mặc định: mọi khối)")
@click.option("--from", "valid_from", type=DAY, help="ngày có hiệu lực (mặc định hôm nay)")
def rate(*, school_code: str, fee_code: str, price: int, grade: int | None, valid_from: datetime | None) -> None:
    """Đặt đơn giá của một khoản thu (set the price of an item)."""
    with command_session() as (session, _settings):
        school = school_by_code(session, school_code)
        item = queries.item_by_code(session, school.id, fee_code)
        service.set_rate(session, school.id, item.id, price, day_of(valid_from), grade=grade)
    click.echo(f"{fee_code}: {format_number(price)} đ (price set).")


@fee_group.command("ceiling")
@click.option("--fee", "fee_code", required=True, help="mã khoản thu")
@click.option("--unit", type=UNITS, required=True, help="đơn vị tính")
@click.option("--most", type=click.IntRange(min=0), required=True, help="mức trần, đồng")
@click.option("--document", required=True, help="văn bản quy định / resolution")
@click.option("--level", type=click.Choice([level.value for level in SchoolLevel]), help="cấp học (mặc định: mọi cấp)")
@click.option("--area", help="nhóm địa bàn (mặc định: mọi nhóm)")
@click.option("--from", "valid_from", type=DAY, required=True, help="ngày có hiệu lực")
@click.option("--to", "valid_to", type=DAY, help="ngày cuối cùng có hiệu lực")
def ceiling(
    *,
    fee_code: str,
    unit: str,
    most: int,
    document: str,
    level: str | None,
    area: str | None,
    valid_from: datetime,
    valid_to: datetime | None,
) -> None:
    """Thêm mức trần theo nghị quyết của tỉnh (add a ceiling of the province)."""
    with command_session() as (session, _settings):
        service.add_ceiling(
            session,
            fee_code=fee_code,
            unit=Unit(unit),
            ceiling_vnd=most,
            valid_from=valid_from.date(),
            valid_to=valid_to.date() if valid_to else None,
            document=document,
            level=SchoolLevel(level) if level else None,
            area_group=area,
        )
    click.echo(f"{fee_code}: tối đa {format_number(most)} đ (ceiling added).")


@fee_group.command("list")
@SCHOOL
@click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
def list_(*, school_code: str, as_json: bool) -> None:
    """Liệt kê các khoản thu của trường (list a school's fee items)."""
    with command_session() as (session, _settings):
        school = school_by_code(session, school_code)
        rows = [
            {
                "code": item.code,
                "name": item.name,
                "group": item.legal_group.value,
                "unit": item.unit.value,
                "mandatory": item.mandatory,
                "by_registration": item.by_registration,
                "legal_basis": item.legal_basis,
            }
            for item in queries.list_items(session, school.id)
        ]
    if as_json:
        click.echo(json.dumps({"fees": rows}, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['code']}\t{row['name']}\t{row['group']}\t{row['unit']}")


@fee_group.command("register")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@SCHOOL
@click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
def register(*, file: Path, school_code: str, as_json: bool) -> None:
    """Nhập đăng ký từ FILE (XLSX, CSV): mã định danh, mã khoản thu, từ ngày, đến ngày, số lượng.

    Exit 1 when no row could be accepted.
    """
    with command_session() as (session, _settings):
        school = school_by_code(session, school_code)
        report = service.import_registrations(session, school.id, file.read_bytes(), file.name)
    if as_json:
        click.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        click.echo(
            f"{report.rows} dòng: {report.new} mới, {report.changed} sửa, {report.unchanged} giữ nguyên,"
            f" {report.refused} bị từ chối."
        )
        for row in report.problems:
            click.echo(f"  {place_words(row)}: {row.kind.reason.vi} {row.kind.fix.vi}")
    click.get_current_context().exit(0 if report.importable else 1)
