"""``hocphi statement``, ``hocphi ledger`` and ``hocphi reconcile``: files in, nights out."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from bank_adapters.statements.errors import StatementError
from payments import clock
from payments.banking.queries import account_by_name
from payments.db import command_session, make_engine, session_scope
from payments.money import format_number
from payments.schools.queries import list_schools, school_by_code
from payments.settings import Settings
from reconciliation import drafts, queries, service, words
from reconciliation.closing import cli as closing
from reconciliation.decisions.cli import COMMANDS as DECISIONS
from reconciliation.doubts import Answer, Doubt, SameLines
from reconciliation.imports.cli import layout_group
from reconciliation.imports.models import ImportKind
from reconciliation.imports.reading import File, all_of, give_back
from reconciliation.ledger_import import MAPPINGS
from reconciliation.reports import content, workbook
from reconciliation.statement_import import StatementResult

AS_JSON = click.option("--json", "as_json", is_flag=True)
DRY_RUN = click.option("--dry-run", is_flag=True, help="chỉ xem, không ghi gì / look only, write nothing")
ERRORS_TO = click.option(
    "--errors-to",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="ghi tệp có cột «Lý do lỗi», «Cách sửa» / the workbook with reasons",
)
PLACES_SHOWN = 50
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_ONE_DAY = timedelta(days=1)
DAY = click.DateTime(["%Y-%m-%d"])


@click.group("statement")
def statement_group() -> None:
    """Sao kê ngân hàng (bank statements)."""


@statement_group.command("import")
@click.argument("file", type=FILE)
@click.option("--account", "account_name", required=True, metavar="BIN:NUMBER", help="tài khoản của sao kê")
@click.option(
    "--same-lines",
    type=click.Choice(list(SameLines), case_sensitive=False),
    help="dòng có thể đã nhập là giao dịch đã có (known) hay giao dịch khác (new) / what lines in doubt are",
)
@click.option(
    "--except-line",
    "except_at",
    multiple=True,
    metavar="PLACE",
    help="dòng mà điều ngược lại mới đúng / a line of which the other is true",
)
@ERRORS_TO
@DRY_RUN
@AS_JSON
def import_statement(
    file: Path,
    account_name: str,
    same_lines: SameLines | None,
    except_at: tuple[str, ...],
    errors_to: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Nhập sao kê: camt, MT940/MT942, hoặc bảng tính của ngân hàng (import a statement, all of it or nothing)."""
    if except_at and same_lines is None:
        raise click.UsageError("--except-line đi cùng --same-lines (say first what the lines are)")
    answer = None if same_lines is None else Answer(same_lines, frozenset(except_at))
    with _readable(), command_session() as (session, _settings):
        account = account_by_name(session, account_name)
        sent = File(file.name, file.read_bytes())
        with _given_back(session, account.school_id, ImportKind.STATEMENT, sent, errors_to):
            report = service.import_statement(
                session,
                account.school_id,
                account.id,
                sent.data,
                sent.name,
                answer=answer,
                dry_run=dry_run,
            )
    if as_json:
        _print_json(report.as_dict() | {"doubts": [_without_texts(doubt) for doubt in report.doubts]})
        return
    for one in report.statements:
        state = _proof_words(one)
        known = ", đã nhập trước đây" if one.already_imported else ""
        click.echo(f"{one.period_from:%d/%m/%Y}–{one.period_to:%d/%m/%Y} ({one.format}): {one.lines} dòng, ", nl=False)
        click.echo(f"{one.new_lines} dòng mới, {state}{known}.")
    _tell_doubts(report.doubts, same_lines)
    for account_end in report.other_accounts:
        click.echo(f"Bỏ qua sao kê của tài khoản khác …{account_end}.", err=True)
    for notice in report.notices:
        click.echo(notice, err=True)
    _tell_dry_run(dry_run=dry_run)


def _without_texts(doubt: Doubt) -> dict[str, Any]:
    """What a log may keep: the texts of a bank hold names."""
    return {name: value for name, value in asdict(doubt).items() if not name.endswith("description")}


def _tell_doubts(doubts: Sequence[Doubt], same_lines: SameLines | None) -> None:
    for doubt in doubts:
        known = f"{doubt.known_on:%d/%m/%Y} {doubt.known_reference or '—'}"
        amount = f"{'' if doubt.direction == 'credit' else '−'}{format_number(doubt.amount_vnd)}"
        ours = f"{doubt.place}: {doubt.booked_on:%d/%m/%Y} {amount} đ {doubt.bank_reference or '—'}"
        click.echo(f"  {ours} có thể là dòng đã nhập {known}", err=True)
    if doubts and same_lines is None:
        click.echo(
            "Hãy thêm --same-lines known nếu đó là những giao dịch đã có, --same-lines new nếu là giao dịch khác.",
            err=True,
        )


def _proof_words(one: StatementResult) -> str:
    if one.proved:
        return "khớp số dư"
    return f"LỆCH SỐ DƯ ({one.break_at})" if one.break_at else "chưa ghi đủ số dư, ngày này còn chờ sao kê"


@click.group("ledger")
def ledger_group() -> None:
    """Sổ kế toán của trường (the school's own books)."""


@ledger_group.command("import")
@click.argument("file", type=FILE)
@click.option("--school", "school_code", required=True, help="mã trường / code of the school")
@click.option("--mapping", help=f"{' | '.join(MAPPINGS)} | tệp JSON của trường (mặc định: tự nhận ra)")
@click.option("--from", "from_day", type=DAY, help="ngày đầu của sổ (mặc định: đầu tháng)")
@click.option("--to", "to_day", type=DAY, help="ngày cuối của sổ (mặc định: cuối tháng, không quá hôm nay)")
@click.option("--account-code", "codes", multiple=True, metavar="CODE=BIN:NUMBER", help="ví dụ 1121.02=970998:123")
@ERRORS_TO
@DRY_RUN
@AS_JSON
def import_ledger(
    *,
    file: Path,
    school_code: str,
    mapping: str | None,
    from_day: datetime | None,
    to_day: datetime | None,
    codes: tuple[str, ...],
    errors_to: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Nhập sổ chi tiết tài khoản 111, 112 (import the ledgers of the school's money accounts)."""
    if (from_day is None) != (to_day is None):
        raise click.UsageError("--from và --to phải đi cùng nhau (give both or none)")
    period = (from_day.date(), to_day.date()) if from_day and to_day else None
    with _readable(), command_session() as (session, _settings):
        school = school_by_code(session, school_code)
        for code, _, name in (text.partition("=") for text in codes):
            service.set_book_account(session, school.id, code, account_by_name(session, name).id)
        sent = File(file.name, file.read_bytes())
        with _given_back(session, school.id, ImportKind.LEDGER, sent, errors_to):
            report = service.import_ledger(
                session, school.id, sent.data, sent.name, _mapping(mapping), period=period, dry_run=dry_run
            )
    if as_json:
        _print_json(report.as_dict())
        return
    click.echo(f"{report.period_from:%d/%m/%Y}–{report.period_to:%d/%m/%Y}: {report.rows} dòng, ", nl=False)
    click.echo(f"{report.new_rows} dòng mới, {report.cash_rows} dòng tiền mặt.")
    for name, count in report.accounts.items():
        click.echo(f"  {name}: {count} dòng")
    for notice in report.notices:
        click.echo(notice, err=True)
    for code, count in report.unplaced.items():
        click.echo(
            f"Tài khoản sổ {code or '(trống)'} ({count} dòng) chưa rõ là tài khoản ngân hàng nào: ", err=True, nl=False
        )
        click.echo("thêm --account-code CODE=BIN:NUMBER.", err=True)
    _tell_dry_run(dry_run=dry_run)


@ledger_group.command("draft")
@click.argument("run_id", metavar="RUN", type=int)
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
def draft(run_id: int, file: Path) -> None:
    """Ghi bút toán đề nghị cho những khoản sổ kế toán còn thiếu ra FILE (write proposed postings of a run)."""
    with command_session() as (session, _settings):
        file.write_bytes(drafts.workbook(session, run_id))
    click.echo(f"Đã ghi bút toán đề nghị vào {file.name} (postings written).")


def _mapping(name: str | None) -> str | Mapping[str, object] | None:
    """A short name, or the school's own mapping from a JSON file."""
    if name is None or not name.endswith(".json"):
        return name
    try:
        found = json.loads(Path(name).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"không đọc được {name} (cannot read it)", param_hint="--mapping") from error
    if not isinstance(found, dict):
        raise click.BadParameter(f"{name} không phải một đối tượng JSON", param_hint="--mapping")
    return found


statement_group.add_command(layout_group(ImportKind.STATEMENT, "layouts", "Mẫu cột sao kê của trường (layouts)."))
ledger_group.add_command(layout_group(ImportKind.LEDGER, "mappings", "Ánh xạ cột sổ của trường (mappings)."))


@click.group("reconcile", invoke_without_command=True)
@click.option("--date", "day", type=DAY, help="ngày cần đối soát (mặc định: hôm qua) / the day")
@click.option("--school", "school_code", help="chỉ một trường / one school only")
@AS_JSON
@click.pass_context
def reconcile_group(context: click.Context, *, day: datetime | None, school_code: str | None, as_json: bool) -> None:
    """Đối soát sao kê, báo có và sổ kế toán của một ngày (reconcile a day three ways)."""
    if context.invoked_subcommand is None:
        _reconcile(day.date() if day else clock.today() - _ONE_DAY, school_code, as_json=as_json)


for command in DECISIONS:
    reconcile_group.add_command(command)


def _reconcile(day: date, school_code: str | None, *, as_json: bool) -> None:
    with _engine() as engine:
        sessions = partial(session_scope, engine)
        with sessions() as session:
            chosen = [school_by_code(session, school_code)] if school_code else list_schools(session)
            schools = [school.id for school in chosen]
        found = []
        for school_id in schools:
            runs = service.reconcile_school(sessions, school_id, day)
            with sessions() as session:
                found += [view.as_dict() for view in queries.views_of(session, runs)]
    if as_json:
        _print_json({"runs": found})
        return
    for run in found:
        exceptions = ", ".join(f"{words.CLASSES[key].vi} ({key}) {n}" for key, n in sorted(run["exceptions"].items()))
        closing = run["proof"]["closing_vnd"]
        balance = "—" if closing is None else format_number(closing)
        state = words.STATES[run["state"].lower()].vi
        click.echo(f"#{run['id']} {run['school']} {run['account']}: {state}; khớp {run['matched']}, ", nl=False)
        click.echo(f"ngoại lệ: {exceptions or 'không có'}; số dư cuối {balance}")


@reconcile_group.command("report")
@click.argument("run_id", metavar="RUN", type=int)
@click.option("--xlsx", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="ghi ra tệp Excel")
@AS_JSON
def report(run_id: int, xlsx: Path | None, *, as_json: bool) -> None:
    """In lại biên bản của một lần đối soát, giống hệt từng byte (print a run's report again, byte for byte)."""
    with command_session() as (session, _settings):
        found = content.build(session, run_id)
    if xlsx is not None:
        xlsx.write_bytes(workbook.write(found))
    if as_json:
        click.echo(content.as_json(found).decode(), nl=False)
    else:
        click.echo(workbook.short_text(found))


for command in closing.COMMANDS:
    reconcile_group.add_command(command)


@contextmanager
def _readable() -> Iterator[None]:
    """A file that cannot be read as a whole: every bad place in the user's words, and nothing was imported."""
    try:
        yield
    except StatementError as error:
        for one in (error, *error.others)[:PLACES_SHOWN]:
            place = f"{one.place}: " if one.place else ""
            click.echo(f"{place}{one.vi} ({one.code})", err=True)
        if len(error.others) >= PLACES_SHOWN:
            click.echo(f"… và {len(error.others) + 1 - PLACES_SHOWN} chỗ nữa; xem --errors-to (and more).", err=True)
        click.echo("Chưa nhập dòng nào. (Nothing was imported.)", err=True)
        raise click.exceptions.Exit(1) from error


@contextmanager
def _given_back(
    session: Session, school_id: int, kind: ImportKind, file: File, errors_to: Path | None
) -> Iterator[None]:
    """Write the workbook with reasons beside its bad rows where the file is refused and somebody asked for it."""
    try:
        yield
    except StatementError as error:
        if errors_to is not None:
            errors_to.write_bytes(give_back(session, school_id, kind, file, all_of(error)))
            click.echo(f"Đã ghi tệp cần sửa vào {errors_to.name} (the workbook to be corrected).", err=True)
        raise


@contextmanager
def _engine() -> Iterator[Engine]:
    """One engine for a command that commits more than once. Raises SettingsError."""
    engine = make_engine(Settings.from_env().database_url)
    try:
        yield engine
    finally:
        engine.dispose()


def _print_json(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def _tell_dry_run(*, dry_run: bool) -> None:
    if dry_run:
        click.echo("Chạy thử: chưa ghi gì (dry run: nothing was written).")
