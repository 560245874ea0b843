"""``hocphi paper``: slips, class sheets and the poster as PDF, from the terminal."""

import json
import sys
from pathlib import Path

import click
from sqlalchemy.orm import Session
from tqdm import tqdm

from payments.db import command_session
from payments.invoices.queries import round_by_code
from payments.paper import queries, service
from payments.paper.document import Paper, join, pages_of
from payments.paper.rules import Kind
from payments.paper.service import Links, Order
from payments.schools.queries import school_by_code
from payments.settings import Settings

SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
ROUND = click.option("--round", "round_code", required=True, help="mã đợt thu / code of the round")
CLASS = click.option("--class", "class_name", help="chỉ một lớp / one class only")
OUT = click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="tệp PDF / the file")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")


@click.group("paper")
def paper_group() -> None:
    """Bản in giấy (printed paper)."""


@paper_group.command("slips")
@SCHOOL
@ROUND
@CLASS
@click.option("--pupil", "sector_id", help="chỉ một học sinh, theo mã định danh / one pupil only")
@OUT
@AS_JSON
def slips(
    *, school_code: str, round_code: str, class_name: str | None, sector_id: str | None, out: Path, as_json: bool
) -> None:
    """In thông báo thu tiền, bốn tờ một trang A4, theo lớp (slips, four to a page).

    They carry the parents' links: keep the file as you keep the pupils' list.
    """
    with command_session() as (session, settings):
        wanted = _order(session, school_code, round_code, Kind.SLIPS, class_name, sector_id)
        told = _print(session, settings, wanted, out)
    _tell(told, out, as_json=as_json)


@paper_group.command("sheets")
@SCHOOL
@ROUND
@CLASS
@OUT
@AS_JSON
def sheets(*, school_code: str, round_code: str, class_name: str | None, out: Path, as_json: bool) -> None:
    """In tờ của lớp cho giáo viên, mười sáu ô một trang A4 (class sheets, sixteen labels to a page)."""
    with command_session() as (session, settings):
        wanted = _order(session, school_code, round_code, Kind.SHEETS, class_name, None)
        told = _print(session, settings, wanted, out)
    _tell(told, out, as_json=as_json)


@paper_group.command("poster")
@SCHOOL
@click.option("--paper", type=click.Choice(["a4", "a3"]), default="a4", show_default=True)
@OUT
@AS_JSON
def poster(*, school_code: str, paper: Paper, out: Path, as_json: bool) -> None:
    """In áp phích «Chỉ chuyển vào tài khoản này» (the poster of the school's accounts)."""
    with command_session() as (session, settings):
        pdf = service.poster(session, school_by_code(session, school_code).id, settings.base_url, paper)
    out.write_bytes(pdf)
    _tell({"pages": pages_of(pdf)}, out, as_json=as_json)


def _order(
    session: Session, school_code: str, round_code: str, kind: Kind, class_name: str | None, sector_id: str | None
) -> Order:
    school_id = school_by_code(session, school_code).id
    round_id = round_by_code(session, school_id, round_code).id
    return service.order(
        session,
        school_id,
        round_id,
        kind,
        class_id=queries.class_id_of(session, school_id, round_id, class_name) if class_name else None,
        pupil_id=queries.pupil_id_of(session, school_id, sector_id) if sector_id else None,
    )


def _print(session: Session, settings: Settings, wanted: Order, out: Path) -> dict[str, int]:
    service.note_printing(session, wanted, None)
    pages: list[bytes] = []
    done = 0
    with tqdm(total=wanted.slips, unit=" tờ", disable=not sys.stderr.isatty()) as bar:
        for part in service.print_parts(session, Links(settings.link_keys, settings.base_url), wanted):
            pages.append(part.pdf)
            done += part.slips
            bar.update(part.slips)
    pdf = join(pages)
    out.write_bytes(pdf)
    return {"slips": done, "pages": pages_of(pdf), "classes": len(wanted.rooms)}


def _tell(told: dict[str, int], out: Path, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**told, "file": str(out)}, ensure_ascii=False))
        return
    slips_told = f"{told['slips']} tờ, " if "slips" in told else ""
    click.echo(f"{out}: {slips_told}{told['pages']} trang (written).")
