"""``hocphi exception``: what waits for people, and the same deeds as on the desk."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from payments import clock
from payments.access.queries import staff_id_by_name
from payments.db import command_session
from payments.money import format_number
from payments.schools.queries import list_schools, school_by_code
from reconciliation.exceptions import dossier, queries, service, words, workbook
from reconciliation.exceptions.filters import STATES, Filter, read
from reconciliation.exceptions.rules import AGES, HANDLING, Kind, Owner, Resolution, action_of, age_of

AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
BY = click.option("--by", "username", required=True, help="người làm, tên đăng nhập / who does it")
NUMBER = click.argument("exception_id", metavar="EXCEPTION", type=int)
NOTE = click.option("--note", "said", default="", help="lý do, chứng từ / reason, document")
END = click.option(
    "--as", "resolution", required=True, type=click.Choice([end.value for end in Resolution]), help="cách xử lý / end"
)
NOBODY_ID = 0
"""No user has it: «me» is nobody on the command line."""


@click.group("exception")
def exception_group() -> None:
    """Ngoại lệ đối soát: danh sách và xử lý (exceptions of reconciliation: list them, finish them)."""


@exception_group.command("list")
@click.option("--school", "school_code", help="mã trường; bỏ trống: mọi trường / code of the school; none: all schools")
@click.option("--class", "primary_class", type=click.Choice(tuple(HANDLING)), help="loại / class")
@click.option("--state", default="live", type=click.Choice(STATES), help="trạng thái / state")
@click.option("--owner", type=click.Choice([owner.value for owner in Owner]), help="vai trò / owner")
@click.option("--age", type=click.Choice([key for key, _, _ in AGES]), help="tuổi, ngày / age in days")
@click.option("--overdue", is_flag=True, help="chỉ những việc quá hạn / only what is overdue")
@click.option("--find", "text", default="", help="từ trong mã, nội dung, không cần dấu / words, no diacritics needed")
@click.option("--xlsx", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="ghi ra tệp Excel")
@AS_JSON
def list_(
    school_code: str | None, xlsx: Path | None, *, overdue: bool, text: str, as_json: bool, **limits: Any
) -> None:
    """Liệt kê ngoại lệ chưa xong (list what waits)."""
    given = {name: value for name, value in limits.items() if value} | {"q": text, "due": "overdue" if overdue else ""}
    given["class"] = given.pop("primary_class", "")
    chosen = read(given)
    if xlsx is not None and school_code is None:
        raise click.UsageError("--xlsx cần --school (a workbook is of one school)")
    with command_session() as (session, _settings):
        schools = [school_by_code(session, school_code)] if school_code else list_schools(session)
        found = [_as_dict(school.code, row) for school in schools for row in _rows(session, school.id, chosen)]
        sums = {school.code: dict(queries.counts(session, school.id)) for school in schools}
        if xlsx is not None:
            _write(session, schools[0].id, schools[0].name, chosen, xlsx)
    if as_json:
        _print_json({"exceptions": found, "counts": sums})
        return
    for one in found:
        click.echo(
            f"#{one['id']}\t{one['school']}\t{words.class_text(one['class']).vi}\t{_day(one['day'])}\t"
            f"{format_number(one['amount_vnd'])}\t"
            f"{words.STATES[one['state']].vi}\t{one['assignee'] or '–'}\thạn {_day(one['due_on'])}"
        )
    for code, count in sums.items():
        click.echo(
            f"{code}: {count['open']} chưa xong, {count['overdue']} quá hạn, {count['second_person']} chờ người thứ hai"
        )


@exception_group.command("show")
@NUMBER
@SCHOOL
@AS_JSON
def show(exception_id: int, school_code: str, *, as_json: bool) -> None:
    """Xem một ngoại lệ: ba nguồn và diễn biến (one exception: the three sources and its history)."""
    with command_session() as (session, _settings):
        found = dossier.detail(session, school_by_code(session, school_code).id, exception_id)
        told = _detail(school_code, found)
    if as_json:
        _print_json(told)
        return
    case = found.case
    click.echo(
        f"#{case.id} {words.class_text(case.primary_class).vi}: {format_number(case.amount_vnd)} đồng, "
        f"{case.day:%d/%m/%Y}, {words.STATES[case.state].vi}, hạn {case.due_on:%d/%m/%Y}"
    )
    click.echo(words.ACTIONS[action_of(case.primary_class, case.flags)].vi)
    for name, said in (("bank", "Ngân hàng"), ("gateway", "Báo có"), ("ledger", "Sổ kế toán")):
        click.echo(f"  {said}: {', '.join(format_number(row['amount_vnd']) for row in told[name]) or '—'}")
    for event in told["history"]:
        extra = " ".join(part for part in (event["resolution"], event["note"]) if part)
        at = datetime.fromisoformat(str(event["at"])).astimezone(clock.VIETNAM)
        said = words.KINDS[Kind(event["kind"])].vi
        click.echo(f"  {at:%H:%M %d/%m/%Y} {said}, {event['actor'] or 'hệ thống'} {extra}".rstrip())


@exception_group.command("assign")
@NUMBER
@SCHOOL
@BY
@click.option("--to", "assignee", help="giao cho ai; bỏ trống: không ai / to whom; none: nobody")
def assign(exception_id: int, school_code: str, username: str, assignee: str | None) -> None:
    """Giao việc (give the work to somebody)."""
    with _doing(school_code, username) as (session, school_id, actor_id):
        to_id = staff_id_by_name(session, school_id, assignee, clock.today()) if assignee else None
        service.assign(session, school_id, exception_id, actor_id, to_id)


@exception_group.command("propose")
@NUMBER
@SCHOOL
@BY
@END
@NOTE
def propose(exception_id: int, school_code: str, username: str, resolution: str, said: str) -> None:
    """Đề nghị cách xử lý để hiệu trưởng duyệt (propose an end; a principal decides)."""
    with _doing(school_code, username) as (session, school_id, actor_id):
        end = Resolution(resolution)
        service.propose(session, school_id, exception_id, actor_id, resolution=end, said=said)


@exception_group.command("approve")
@NUMBER
@SCHOOL
@BY
@NOTE
def approve(exception_id: int, school_code: str, username: str, said: str) -> None:
    """Duyệt đề nghị của người khác (approve what somebody else proposed)."""
    with _doing(school_code, username) as (session, school_id, actor_id):
        service.approve(session, school_id, exception_id, actor_id, said=said)


@exception_group.command("reject")
@NUMBER
@SCHOOL
@BY
@NOTE
def reject(exception_id: int, school_code: str, username: str, said: str) -> None:
    """Từ chối đề nghị, hoặc rút đề nghị của chính mình (refuse a proposal, or withdraw one's own)."""
    with _doing(school_code, username) as (session, school_id, actor_id):
        service.reject(session, school_id, exception_id, actor_id, said=said)


@exception_group.command("resolve")
@NUMBER
@SCHOOL
@BY
@END
@NOTE
def resolve(exception_id: int, school_code: str, username: str, resolution: str, said: str) -> None:
    """Xử lý xong một ngoại lệ không cần hai người (end what needs no second person)."""
    with _doing(school_code, username) as (session, school_id, actor_id):
        end = Resolution(resolution)
        service.resolve(session, school_id, exception_id, actor_id, resolution=end, said=said)


@exception_group.command("reopen")
@NUMBER
@SCHOOL
@BY
@NOTE
def reopen(exception_id: int, school_code: str, username: str, said: str) -> None:
    """Mở lại, có lý do (open it again, with a reason)."""
    with _doing(school_code, username) as (session, school_id, actor_id):
        service.reopen(session, school_id, exception_id, actor_id, said)


@exception_group.command("note")
@NUMBER
@SCHOOL
@BY
@click.argument("said", metavar="TEXT")
def note(exception_id: int, school_code: str, username: str, said: str) -> None:
    """Ghi chú (add a note)."""
    with _doing(school_code, username) as (session, school_id, actor_id):
        service.note(session, school_id, exception_id, actor_id, said)


@contextmanager
def _doing(school_code: str, username: str) -> Iterator[tuple[Session, int, int]]:
    """A deed of a person in one transaction."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        yield session, school_id, staff_id_by_name(session, school_id, username, clock.today())
    click.echo("Đã ghi nhận (recorded).")


def _rows(session: Session, school_id: int, chosen: Filter) -> list[Any]:
    return list(queries.rows(session, school_id, chosen, NOBODY_ID))


def _write(session: Session, school_id: int, name: str, chosen: Filter, path: Path) -> None:
    rows = _rows(session, school_id, chosen)
    sources = dossier.sources(session, school_id, [row.id for row in rows])
    path.write_bytes(workbook.write(workbook.Heading(name, words.filter_vi(chosen)), rows, sources))


def _as_dict(school_code: str, row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "school": school_code,
        "account": f"{row.bin}:{row.number}",
        "class": row.primary_class,
        "flags": list(row.flags),
        "day": row.day.isoformat(),
        "age": age_of((clock.today() - row.day).days),
        "amount_vnd": row.amount_vnd,
        "owner": row.owner.value,
        "action": action_of(row.primary_class, row.flags).value,
        "due_on": row.due_on.isoformat(),
        "state": row.state.value,
        "assignee": row.assignee_name,
        "resolution": row.resolution.value if row.resolution else None,
        "first_seen_at": row.first_seen_at.isoformat(),
        "run": row.last_run_id,
    }


def _detail(school_code: str, found: dossier.Detail) -> dict[str, Any]:
    case = found.case
    return {
        "id": case.id,
        "school": school_code,
        "account": f"{found.account.bin}:{found.account.number}",
        "class": case.primary_class,
        "flags": list(case.flags),
        "day": case.day.isoformat(),
        "amount_vnd": case.amount_vnd,
        "owner": case.owner.value,
        "action": action_of(case.primary_class, case.flags).value,
        "due_on": case.due_on.isoformat(),
        "state": case.state.value,
        "assignee": found.assignee,
        "resolution": case.resolution.value if case.resolution else None,
        "merged_into": case.merged_into_id,
        "split_from": case.split_from_id,
        "run": case.last_run_id,
        "rule": found.item.rule,
        "note": found.item.note,
        "references": list(found.item.references),
        "bank": [_plain(row) for row in found.lines],
        "gateway": [_plain(row) for row in found.said],
        "ledger": [_plain(row) for row in found.booked],
        "history": [_plain(row) for row in found.history],
    }


def _plain(row: Any) -> dict[str, Any]:
    """A row for JSON: moments and days as ISO 8601."""
    named: Mapping[str, Any] = row._mapping  # noqa: SLF001 - a row's public mapping
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in named.items()}


def _print_json(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def _day(text: str) -> str:
    """An ISO day as people write it."""
    return f"{date.fromisoformat(text):%d/%m/%Y}"
