"""``hocphi reconcile join|part|undo|decisions``: what a person says about facts, for commands."""

import json
from collections.abc import Callable, Sequence

import click
from sqlalchemy.orm import Session

from payments import clock
from payments.access.queries import staff_id_by_name
from payments.db import command_session
from payments.schools.queries import school_by_code
from reconciliation.decisions import queries, service

SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
BY = click.option("--by", "username", required=True, help="người quyết định, tên đăng nhập / who decides")
NOTE = click.option("--note", help="ghi chú / note")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
FACTS = click.argument("facts", nargs=-1, required=True, metavar="FACT…")
KINDS = {"join": "ghép tay", "part": "tách", "undo": "hoàn tác"}


@click.command("join")
@FACTS
@SCHOOL
@BY
@NOTE
@AS_JSON
def join(facts: tuple[str, ...], school_code: str, username: str, note: str | None, *, as_json: bool) -> None:
    """Ghép tay: các dòng này (bank:SỐ, evidence:SỐ, ledger:SỐ) là một khoản (these facts are one)."""
    _decide(lambda session, school, actor: service.join(session, school, facts, actor, note=note), as_json)(
        school_code, username
    )


@click.command("part")
@FACTS
@SCHOOL
@BY
@NOTE
@AS_JSON
def part(facts: tuple[str, ...], school_code: str, username: str, note: str | None, *, as_json: bool) -> None:
    """Tách: không có hai dòng nào trong số này là một khoản (no two of these facts are one)."""
    _decide(lambda session, school, actor: service.part(session, school, facts, actor, note=note), as_json)(
        school_code, username
    )


@click.command("undo")
@click.argument("decision_id", metavar="DECISION", type=int)
@SCHOOL
@BY
@NOTE
@AS_JSON
def undo(decision_id: int, school_code: str, username: str, note: str | None, *, as_json: bool) -> None:
    """Hoàn tác một quyết định ghép hoặc tách, bất cứ lúc nào (take a decision back, at any later time)."""
    _decide(lambda session, school, actor: service.undo(session, school, decision_id, actor, note=note), as_json)(
        school_code, username
    )


@click.command("decisions")
@SCHOOL
@AS_JSON
def decisions(school_code: str, *, as_json: bool) -> None:
    """Liệt kê các quyết định ghép, tách và hoàn tác của một trường (list decisions of a school)."""
    with command_session() as (session, _settings):
        found = queries.decisions(session, school_by_code(session, school_code).id)
    if as_json:
        told = [dict(row._mapping) for row in found]  # noqa: SLF001 - a row's public mapping
        click.echo(json.dumps({"decisions": told}, ensure_ascii=False, default=str))
        return
    if not found:
        click.echo("Chưa có quyết định nào (no decision yet).")
    for row in found:
        state = "" if row.stands or row.kind == "undo" else " (đã hoàn tác)"
        click.echo(f"#{row.id} {row.decided_at:%d/%m/%Y} {KINDS[row.kind]}{state}: {row.account}", nl=False)
        click.echo(f" {len(row.facts)} dòng {row.note or ''}".rstrip())


COMMANDS: Sequence[click.Command] = (join, part, undo, decisions)


def _decide(work: Callable[[Session, int, int], int], as_json: bool) -> Callable[[str, str], None]:
    """Decide, make the nights again that it touches, and say so."""

    def run(school_code: str, username: str) -> None:
        with command_session() as (session, _settings):
            school_id = school_by_code(session, school_code).id
            decision_id = work(session, school_id, staff_id_by_name(session, school_id, username, clock.today()))
            made = service.replay(session, school_id, decision_id)
            run_id = made.id if made else None
        if as_json:
            click.echo(json.dumps({"decision": decision_id, "run": run_id}))
            return
        click.echo(f"Quyết định số {decision_id} đã ghi; lần đối soát {run_id or '—'} (decided).")

    return run
