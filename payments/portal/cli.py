"""``hocphi link``: parents' links, for a school that writes its notices with a program of its own."""

import json

import click
from sqlalchemy import text

from payments.audit.service import record
from payments.db import command_session
from payments.errors import NotFoundError
from payments.portal.service import ensure_links, good_until, link_of, revoke_link, tokens
from payments.schools.queries import school_by_code

SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
_PUPILS = text(
    "SELECT p.id, p.sector_id, (SELECT c.name FROM enrollment e"
    "   JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id"
    "   WHERE e.school_id = p.school_id AND e.pupil_id = p.id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1)"
    ' FROM pupil p WHERE p.school_id = :school_id ORDER BY 3, p.sort_key COLLATE "C", p.id'
)
_PUPIL = text("SELECT id FROM pupil WHERE school_id = :school_id AND sector_id = :sector_id")


@click.group("link")
def link_group() -> None:
    """Đường dẫn của phụ huynh (parents' links)."""


@link_group.command("list")
@SCHOOL
@click.option("--class", "class_name", help="chỉ một lớp / one class only")
@AS_JSON
def list_(school_code: str, class_name: str | None, *, as_json: bool) -> None:
    """In đường dẫn của từng học sinh, tạo cho em nào chưa có. (Print every pupil's link, making what is missing.)

    The links are keys to what a pupil owes: keep the output as you keep the pupils' list.
    """
    with command_session() as (session, settings):
        school = school_by_code(session, school_code)
        made = ensure_links(session, settings.link_keys, school.id, good_until(session, school.id))
        if made:
            record(
                session,
                None,
                "links.made",
                subject_kind="school",
                subject_id=school.id,
                school_id=school.id,
                detail={"links": made},
            )
        links = dict(tokens(session, settings.link_keys, school.id))
        rows = [
            {"class": room, "sector_id": sector_id, "url": f"{settings.base_url}/p/{links[pupil_id]}"}
            for pupil_id, sector_id, room in session.execute(_PUPILS, {"school_id": school.id})
            if pupil_id in links and class_name in {None, room}
        ]
    if as_json:
        click.echo(json.dumps({"links": rows}, ensure_ascii=False))
        return
    for row in rows:
        click.echo("\t".join(row[name] or "" for name in ("class", "sector_id", "url")))


@link_group.command("renew")
@SCHOOL
@click.option("--pupil", "sector_id", required=True, help="mã định danh của học sinh / sector identifier")
@AS_JSON
def renew(school_code: str, sector_id: str, *, as_json: bool) -> None:
    """Thu hồi đường dẫn cũ và in đường dẫn mới. (Revoke a pupil's link and print the new one.)"""
    with command_session() as (session, settings):
        school = school_by_code(session, school_code)
        pupil_id = session.scalar(_PUPIL, {"school_id": school.id, "sector_id": sector_id})
        if pupil_id is None:
            raise NotFoundError("Trường không có học sinh mang mã này.", "The school has no pupil of this identifier.")
        revoke_link(session, settings.link_keys, school.id, pupil_id)
        record(session, None, "link.renewed", subject_kind="pupil", subject_id=pupil_id, school_id=school.id)
        url = f"{settings.base_url}/p/{link_of(session, settings.link_keys, school.id, pupil_id)}"
    click.echo(json.dumps({"url": url}) if as_json else url)
