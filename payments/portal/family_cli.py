"""``hocphi family``: siblings of a school on one page, confirmed by a member of its staff."""

import json
from collections.abc import Sequence

import click
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.access.queries import staff_id_by_name
from payments.db import command_session
from payments.errors import NotFoundError
from payments.portal.families import pages_of, renew
from payments.portal.siblings import confirm, siblings
from payments.schools.queries import school_by_code

LARGEST_ID = 2**63 - 1
SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
_PUPILS = text("SELECT sector_id, id FROM pupil WHERE school_id = :school_id AND sector_id = ANY(:ids)")


@click.group("family")
def family_group() -> None:
    """Trang gia đình: anh chị em trên một trang (siblings on one page)."""


@family_group.command("suggest")
@SCHOOL
@AS_JSON
def suggest(school_code: str, *, as_json: bool) -> None:
    """Liệt kê học sinh có chung số điện thoại người giám hộ. (List pupils who share a guardian's telephone.)

    Names and numbers are not printed: pupils are told by their identifiers.
    """
    with command_session() as (session, _):
        school = school_by_code(session, school_code)
        found = siblings(session, school.id)
        known = {one.pupil_id: one.sector_id for one in found}
    pairs = [
        {"pupil": known[one.of_pupil_id], "sibling": one.sector_id} for one in found if one.of_pupil_id < one.pupil_id
    ]
    if as_json:
        click.echo(json.dumps({"siblings": pairs}))
        return
    for pair in pairs:
        click.echo(f"{pair['pupil']}\t{pair['sibling']}")


@family_group.command("make")
@SCHOOL
@click.option("--pupil", "sector_ids", required=True, multiple=True, help="mã định danh / sector identifier, each one")
@click.option("--by", "username", required=True, help="người xác nhận / who confirms")
@AS_JSON
def make(school_code: str, sector_ids: tuple[str, ...], username: str, *, as_json: bool) -> None:
    """Gộp anh chị em vào một trang và in đường dẫn. (Put siblings on one page and print its link.)"""
    with command_session() as (session, settings):
        school = school_by_code(session, school_code)
        ids = _pupil_ids(session, school.id, sector_ids)
        actor_id = staff_id_by_name(session, school.id, username, clock.today())
        token = confirm(session, settings.link_keys, school.id, ids, actor_id)
        url = f"{settings.base_url}/p/{token}"
    click.echo(json.dumps({"url": url}) if as_json else url)


@family_group.command("list")
@SCHOOL
@click.option("--pupil", "sector_id", required=True, help="mã định danh / sector identifier")
@AS_JSON
def list_(school_code: str, sector_id: str, *, as_json: bool) -> None:
    """Liệt kê trang gia đình có một học sinh. (List the family pages that show a pupil.)

    Children of other schools are not told of, and no link is printed.
    """
    with command_session() as (session, _):
        school = school_by_code(session, school_code)
        found = pages_of(session, school.id, _pupil_ids(session, school.id, [sector_id])[0])
    rows = [{"family": one.family_id, "made_at": one.made_at.isoformat(), "pupils": one.sector_ids} for one in found]
    if as_json:
        click.echo(json.dumps({"families": rows}))
        return
    for one in found:
        click.echo(f"{one.family_id}\t{one.made_at:%Y-%m-%d}\t{' '.join(one.sector_ids)}")


@family_group.command("renew")
@click.argument("family_id", type=click.IntRange(1, LARGEST_ID))
@SCHOOL
@click.option("--by", "username", required=True, help="người đổi / who renews")
@AS_JSON
def renew_(family_id: int, school_code: str, username: str, *, as_json: bool) -> None:
    """Thu hồi đường dẫn cũ của một trang gia đình. (Revoke a family page's link.)

    The new link is printed when all children on the page are the school's; else the parents put the children's own
    links together once more and have it.
    """
    with command_session() as (session, settings):
        school = school_by_code(session, school_code)
        actor_id = staff_id_by_name(session, school.id, username, clock.today())
        token = renew(session, settings.link_keys, school.id, family_id, actor_id)
        url = f"{settings.base_url}/p/{token}" if token else None
    if as_json:
        click.echo(json.dumps({"url": url}))
        return
    click.echo(url or "Đã đổi; phụ huynh gộp lại bằng đường dẫn riêng của các con. / Renewed; the parents join again.")


def _pupil_ids(session: Session, school_id: int, sector_ids: Sequence[str]) -> list[int]:
    """Raises NotFoundError."""
    rows = session.execute(_PUPILS, {"school_id": school_id, "ids": list(sector_ids)})
    ids: dict[str, int] = {row[0]: row[1] for row in rows}
    if set(sector_ids) - ids.keys():
        raise NotFoundError("Trường không có học sinh mang mã này.", "The school has no pupil of this identifier.")
    return list(ids.values())
