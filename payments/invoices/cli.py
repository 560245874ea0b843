"""``hocphi round``: draft, approve and issue collection rounds from the terminal."""

import json
import sys
from contextlib import AbstractContextManager
from datetime import datetime

import click
from sqlalchemy import select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session
from tqdm import tqdm

from payments import clock
from payments.access.queries import staff_id_by_name
from payments.db import command_session, make_engine, session_scope
from payments.errors import NotFoundError
from payments.fees.models import FeeItem
from payments.invoices import queries, service
from payments.invoices.issuing import STATE_WORDS, Progress, issue_in_steps, request_issue
from payments.invoices.models import RoundState
from payments.invoices.service import FeeOfRound
from payments.money import format_vnd
from payments.schools.models import Pupil
from payments.schools.queries import school_by_code, year_on
from payments.settings import Settings

DAY = click.DateTime(["%Y-%m-%d"])
SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
CODE = click.option("--round", "code", required=True, help="mã đợt thu / code of the round")
BY = click.option("--by", "username", required=True, help="người thực hiện, tên đăng nhập / who does it")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")


@click.group("round")
def round_group() -> None:
    """Đợt thu (collection rounds)."""


@round_group.command("draft")
@SCHOOL
@CODE
@click.option("--name", required=True, help="tên đợt thu, ví dụ «Tháng 10/2025»")
@click.option(
    "--fee", "fees", multiple=True, required=True, help="MÃ hoặc MÃ=SỐ-LƯỢNG cho mọi học sinh; dùng nhiều lần"
)
@click.option("--starts", type=DAY, help="ngày bắt đầu (mặc định hôm nay); giá và đăng ký lấy theo ngày này")
@click.option("--due", type=DAY, required=True, help="hạn nộp")
@BY
@AS_JSON
def draft(
    *,
    school_code: str,
    code: str,
    name: str,
    fees: tuple[str, ...],
    starts: datetime | None,
    due: datetime,
    username: str,
    as_json: bool,
) -> None:
    """Lập một đợt thu; người thứ hai duyệt (draft a round)."""
    starts_on = starts.date() if starts else clock.today()
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        year = year_on(session, school_id, starts_on)
        if year is None:
            raise NotFoundError(f"Trường chưa có năm học ngày {starts_on}.", f"No school year holds on {starts_on}.")
        round_id = service.draft_round(
            session,
            school_id,
            code=code,
            name=name,
            year_id=year.id,
            starts_on=starts_on,
            due_on=due.date(),
            fees=[_fee(session, school_id, fee) for fee in fees],
            actor_id=_staff(session, school_id, username),
        )
        plan = service.preview_round(session, school_id, round_id)
    for refusal in plan.refusals:
        click.echo(refusal.text.vi, err=True)
    told = {"id": round_id, "invoices": len(plan.drafts), "amount_vnd": plan.amount_vnd}
    words = f"Đợt thu {code}: {len(plan.drafts)} thông báo, {format_vnd(plan.amount_vnd)} (drafted)."
    click.echo(json.dumps(told) if as_json else words)


@round_group.command("discard")
@SCHOOL
@CODE
@BY
def discard(*, school_code: str, code: str, username: str) -> None:
    """Bỏ một bản nháp chưa duyệt (throw a draft away)."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        found = queries.round_by_code(session, school_id, code)
        service.discard_round(session, school_id, found.id, _staff(session, school_id, username))
    click.echo(f"Đã bỏ bản nháp {code} (thrown away).")


@round_group.command("approve")
@SCHOOL
@CODE
@BY
@AS_JSON
def approve(*, school_code: str, code: str, username: str, as_json: bool) -> None:
    """Duyệt một đợt thu với tư cách người thứ hai (approve as the second person)."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        found = queries.round_by_code(session, school_id, code)
        plan = service.approve_round(session, school_id, found.id, _staff(session, school_id, username))
    told = {"id": found.id, "invoices": len(plan.drafts), "amount_vnd": plan.amount_vnd}
    words = f"Đã duyệt {code}: {len(plan.drafts)} thông báo, {format_vnd(plan.amount_vnd)} (approved)."
    click.echo(json.dumps(told) if as_json else words)


@round_group.command("issue")
@SCHOOL
@CODE
@click.option("--background", is_flag=True, help="giao cho worker, không chờ / leave it to a worker")
@AS_JSON
def issue(*, school_code: str, code: str, background: bool, as_json: bool) -> None:
    """Phát hành một đợt thu đã duyệt; bị ngắt thì chạy lại là tiếp tục (issue a round, or go on)."""
    settings = Settings.from_env()
    engine = make_engine(settings.database_url)
    try:
        progress = _issue(engine, school_code, code, background=background)
    finally:
        engine.dispose()
    told = {"issued": progress.issued, "planned": progress.planned, "finished": progress.finished}
    words = f"Đợt thu {code}: {progress.issued}/{progress.planned} thông báo (issued)."
    click.echo(json.dumps(told) if as_json else words)


@round_group.command("set-quantity")
@SCHOOL
@CODE
@click.option("--pupil", "sector_id", required=True, help="mã định danh của học sinh")
@click.option("--fee", "fee_code", required=True, help="mã khoản thu")
@click.option("--quantity", type=click.IntRange(0), required=True, help="số lượng của riêng học sinh này")
@BY
def set_quantity(*, school_code: str, code: str, sector_id: str, fee_code: str, quantity: int, username: str) -> None:
    """Đặt số lượng riêng của một học sinh, ví dụ 20 ngày ăn (set one pupil's own quantity)."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        pupil_id = session.scalar(select(Pupil.id).where(Pupil.school_id == school_id, Pupil.sector_id == sector_id))
        if pupil_id is None:
            raise NotFoundError("Không tìm thấy học sinh có mã định danh này.", "No pupil has this identifier.")
        service.set_quantity(
            session,
            school_id,
            queries.round_by_code(session, school_id, code).id,
            pupil_id=pupil_id,
            fee_item_id=_fee(session, school_id, fee_code).fee_item_id,
            quantity=quantity,
            actor_id=_staff(session, school_id, username),
        )
    click.echo(f"Đã đặt số lượng {quantity} (quantity set).")


@round_group.command("close")
@SCHOOL
@CODE
@BY
def close(*, school_code: str, code: str, username: str) -> None:
    """Đóng một đợt thu đã phát hành; tiền đến muộn vẫn được ghi nhận (close a round)."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        found = queries.round_by_code(session, school_id, code)
        service.close_round(session, school_id, found.id, _staff(session, school_id, username))
    click.echo(f"Đã đóng đợt thu {code} (closed).")


@round_group.command("list")
@SCHOOL
@AS_JSON
def list_(*, school_code: str, as_json: bool) -> None:
    """Liệt kê các đợt thu của một trường (list the rounds)."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        rows = [
            (row, queries.round_summary(session, school_id, row.id)) for row in queries.rounds_of(session, school_id)
        ]
    if as_json:
        told = [
            {
                "code": row.code,
                "name": row.name,
                "state": row.state.value,
                "due_on": row.due_on.isoformat(),
                "planned_invoices": row.planned_invoices,
                "issued_invoices": row.issued_invoices,
                **summary._asdict(),
            }
            for row, summary in rows
        ]
        click.echo(json.dumps({"rounds": told}, ensure_ascii=False))
        return
    for row, summary in rows:
        paid, asked = format_vnd(summary.paid_vnd), format_vnd(summary.invoiced_vnd)
        click.echo(f"{row.code}\t{STATE_WORDS[row.state].vi}\t{summary.invoices}\t{paid} / {asked}\t{row.name}")


def _issue(engine: Engine, school_code: str, code: str, *, background: bool) -> Progress:
    def new_session() -> AbstractContextManager[Session]:
        return session_scope(engine)

    with new_session() as session:
        school_id = school_by_code(session, school_code).id
        found = queries.round_by_code(session, school_id, code)
        progress = Progress(found.issued_invoices, found.planned_invoices, finished=found.state is RoundState.ISSUED)
        if not progress.finished:
            # Queued in any case: a worker goes on where a killed command stopped.
            request_issue(session, school_id, found.id, None)
    if background or progress.finished:
        return progress
    with tqdm(total=progress.planned, unit=" thông báo", disable=not sys.stderr.isatty()) as bar:
        for progress in issue_in_steps(new_session, school_id, found.id):
            bar.update(progress.issued - bar.n)
    return progress


def _fee(session: Session, school_id: int, text: str) -> FeeOfRound:
    code, _, quantity = text.partition("=")
    if quantity and not quantity.isdecimal():
        raise click.BadParameter(f"{text!r}: số lượng phải là số nguyên (the quantity is a whole number)")
    fee_item_id = session.scalar(select(FeeItem.id).where(FeeItem.school_id == school_id, FeeItem.code == code))
    if fee_item_id is None:
        raise NotFoundError(f"Trường không có khoản thu mã {code}.", f"The school has no fee item {code}.")
    return FeeOfRound(fee_item_id, int(quantity) if quantity else None)


def _staff(session: Session, school_id: int, username: str) -> int:
    return staff_id_by_name(session, school_id, username, clock.today())
