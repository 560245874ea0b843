"""``hocphi transfer``: transfers that wait for a person, and what a person decides about them."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from payments import clock
from payments.access.queries import staff_id_by_name
from payments.db import command_session
from payments.errors import DomainError
from payments.inbox.models import TransactionState
from payments.invoices.models import Invoice
from payments.money import format_number, parse_vnd
from payments.schools.models import Pupil
from payments.schools.queries import school_by_code
from payments.settlement import queries, service
from payments.settlement.models import ExcludeReason
from payments.settlement.queries import DECISION_WORDS, EXCLUDE_REASONS, REFUND_WORDS

AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
BY = click.option("--by", "username", required=True, help="người quyết định, tên đăng nhập / who decides")
NOTE = click.option("--note", help="ghi chú / note")
TRANSFER = click.argument("transfer", type=int)
REFUND = click.argument("refund", type=int)
STATES = [state.value for state in TransactionState]
REASONS = [reason.value for reason in ExcludeReason]


class _Desk(NamedTuple):
    """Where and who."""

    session: Session
    school_id: int
    actor_id: int


@click.group("transfer")
def transfer_group() -> None:
    """Giao dịch chờ người quyết định: gán, tách, loại, hoàn trả, ghi chú, hoàn tác (what a person decides)."""


@transfer_group.command("list")
@SCHOOL
@click.option("--state", type=click.Choice(STATES), default="unmatched", show_default=True)
@AS_JSON
def list_(school_code: str, state: str, *, as_json: bool) -> None:
    """Liệt kê giao dịch theo trạng thái, cũ nhất trước (transfers in a state, oldest first)."""
    with command_session() as (session, _settings):
        rows = queries.transfers_in(session, school_by_code(session, school_code).id, TransactionState(state))
    if as_json:
        click.echo(json.dumps({"transfers": [row._asdict() for row in rows]}, ensure_ascii=False, default=str))
        return
    for row in rows:
        click.echo(
            f"#{row.id}\t{row.value_date:%d/%m/%Y}\t{format_number(row.amount_vnd)}\t{row.fund}\t{row.outcome}"
            f"\t{row.description}"
        )


@transfer_group.command("show")
@TRANSFER
@SCHOOL
@AS_JSON
def show(transfer: int, school_code: str, *, as_json: bool) -> None:
    """Mọi quyết định và ghi chú về một giao dịch (all decisions and notes about a transfer)."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        told = queries.history(session, school_id, transfer)
        refunds = queries.refunds(session, school_id, transaction_id=transfer)
    if as_json:
        said = {"decisions": [row._asdict() for row in told], "refunds": [row._asdict() for row in refunds]}
        click.echo(json.dumps(said, ensure_ascii=False, default=str))
        return
    for row in told:
        reason = f" ({EXCLUDE_REASONS[row.reason][0]})" if row.reason else ""
        gone = " [đã hoàn tác]" if row.undone_by else ""
        click.echo(
            f"{row.decision_id}\t{row.decided_at:%d/%m/%Y %H:%M}\t{row.decided_by_name}"
            f"\t{DECISION_WORDS[row.kind][0]}{reason}{gone}\t{row.note or ''}"
        )
    for refund in refunds:
        click.echo(f"Hoàn trả {refund.refund_id}\t{format_number(refund.amount_vnd)}\t{REFUND_WORDS[refund.state][0]}")


@transfer_group.command("assign")
@TRANSFER
@click.argument("references", nargs=-1, required=True)
@SCHOOL
@BY
@NOTE
@AS_JSON
def assign(
    *, transfer: int, references: tuple[str, ...], school_code: str, username: str, note: str | None, as_json: bool
) -> None:
    """Gán giao dịch vào các thông báo thu theo mã, lần lượt (pay invoices in this order)."""
    with command_session() as (session, _settings):
        desk = _desk(session, school_code, username)
        ids = _invoice_ids(desk, references)
        decision = service.assign(session, desk.school_id, transfer, ids, desk.actor_id, note=note)
    _tell("decision_id", decision, as_json=as_json)


@transfer_group.command("split")
@TRANSFER
@click.option(
    "--part",
    "parts",
    multiple=True,
    required=True,
    metavar="MÃ=SỐ TIỀN",
    help="mã thanh toán, hoặc mã định danh học sinh để giữ làm tiền thừa / a reference, or a pupil's id for credit",
)
@SCHOOL
@BY
@NOTE
@AS_JSON
def split(
    *, transfer: int, parts: tuple[str, ...], school_code: str, username: str, note: str | None, as_json: bool
) -> None:
    """Tách giao dịch thành nhiều phần; tổng phải đúng đến từng đồng (split, to the đồng)."""
    with command_session() as (session, _settings):
        desk = _desk(session, school_code, username)
        said = [_part(desk, part) for part in parts]
        decision = service.split(session, desk.school_id, transfer, said, desk.actor_id, note=note)
    _tell("decision_id", decision, as_json=as_json)


@transfer_group.command("exclude")
@TRANSFER
@click.option("--reason", type=click.Choice(REASONS), required=True, help="đó là tiền gì / what money it is")
@SCHOOL
@BY
@NOTE
@AS_JSON
def exclude(*, transfer: int, reason: str, school_code: str, username: str, note: str | None, as_json: bool) -> None:
    """Loại giao dịch không phải khoản thu của học sinh (it is no fee money)."""
    with command_session() as (session, _settings):
        desk = _desk(session, school_code, username)
        decision = service.exclude(session, desk.school_id, transfer, ExcludeReason(reason), desk.actor_id, note=note)
    _tell("decision_id", decision, as_json=as_json)


@transfer_group.command("note")
@TRANSFER
@click.argument("words")
@SCHOOL
@BY
@AS_JSON
def note_(*, transfer: int, words: str, school_code: str, username: str, as_json: bool) -> None:
    """Ghi chú vào giao dịch; ghi chú không sửa, không xóa được (a note, kept for ever)."""
    with command_session() as (session, _settings):
        desk = _desk(session, school_code, username)
        decision = service.annotate(session, desk.school_id, transfer, desk.actor_id, words)
    _tell("decision_id", decision, as_json=as_json)


@transfer_group.command("undo")
@click.argument("decision", type=int)
@SCHOOL
@BY
@NOTE
@AS_JSON
def undo(*, decision: int, school_code: str, username: str, note: str | None, as_json: bool) -> None:
    """Hoàn tác một quyết định bất cứ lúc nào (take a decision back, at any time)."""
    with command_session() as (session, _settings):
        desk = _desk(session, school_code, username)
        undone = service.undo(session, desk.school_id, decision, desk.actor_id, note=note)
    _tell("decision_id", undone, as_json=as_json)


@transfer_group.group("refund")
def refund_group() -> None:
    """Hoàn trả tiền cho người nộp: đề nghị, duyệt, xác nhận (send money back; hocphi itself moves none)."""


@refund_group.command("list")
@SCHOOL
@AS_JSON
def refunds(school_code: str, *, as_json: bool) -> None:
    """Các đề nghị hoàn trả, mới nhất trước (refunds, newest first)."""
    with command_session() as (session, _settings):
        rows = queries.refunds(session, school_by_code(session, school_code).id)
    if as_json:
        click.echo(json.dumps({"refunds": [row._asdict() for row in rows]}, ensure_ascii=False, default=str))
        return
    for row in rows:
        click.echo(
            f"{row.refund_id}\t#{row.transaction_id}\t{format_number(row.amount_vnd)}\t{REFUND_WORDS[row.state][0]}"
            f"\t{row.proposed_by_name}\t{row.note or ''}"
        )


@refund_group.command("propose")
@TRANSFER
@SCHOOL
@BY
@NOTE
@click.option("--pupil", "sector_id", help="chỉ phần thừa của học sinh này / only what it left of this pupil's")
@AS_JSON
def propose(
    *, transfer: int, school_code: str, username: str, note: str | None, sector_id: str | None, as_json: bool
) -> None:
    """Đề nghị hoàn trả cả giao dịch, hoặc phần nộp thừa của một học sinh (propose)."""
    with command_session() as (session, _settings):
        desk = _desk(session, school_code, username)
        pupil_id = _pupil_id(desk, sector_id) if sector_id else None
        refund_id = service.propose_refund(
            session, desk.school_id, transfer, desk.actor_id, pupil_id=pupil_id, note=note
        )
    _tell("refund_id", refund_id, as_json=as_json)


@refund_group.command("approve")
@REFUND
@SCHOOL
@BY
@AS_JSON
def approve(*, refund: int, school_code: str, username: str, as_json: bool) -> None:
    """Hiệu trưởng duyệt; người đề nghị không tự duyệt được (the principal approves)."""
    with command_session() as (session, _settings):
        desk = _desk(session, school_code, username)
        service.decide_refund(session, desk.school_id, refund, desk.actor_id, approved=True)
    _tell("refund_id", refund, as_json=as_json)


@refund_group.command("reject")
@REFUND
@SCHOOL
@BY
@click.option("--reason", help="lý do / reason")
@AS_JSON
def reject(*, refund: int, school_code: str, username: str, reason: str | None, as_json: bool) -> None:
    """Từ chối; giao dịch trở lại hàng chờ (reject: it waits in the queue again)."""
    with command_session() as (session, _settings):
        desk = _desk(session, school_code, username)
        service.decide_refund(session, desk.school_id, refund, desk.actor_id, approved=False, reason=reason)
    _tell("refund_id", refund, as_json=as_json)


@refund_group.command("confirm")
@REFUND
@click.argument("debit", type=int)
@SCHOOL
@BY
@AS_JSON
def confirm(*, refund: int, debit: int, school_code: str, username: str, as_json: bool) -> None:
    """Nối với dòng tiền ra DEBIT mà ngân hàng đã chi (link the bank's debit that sent it back)."""
    with command_session() as (session, _settings):
        desk = _desk(session, school_code, username)
        service.confirm_refund(session, desk.school_id, refund, debit, desk.actor_id)
    _tell("refund_id", refund, as_json=as_json)


def _desk(session: Session, school_code: str, username: str) -> _Desk:
    school_id = school_by_code(session, school_code).id
    return _Desk(session, school_id, staff_id_by_name(session, school_id, username, clock.today()))


def _invoice_ids(desk: _Desk, references: Sequence[str]) -> list[int]:
    """Raises DomainError ``no_such_reference`` that names the one which is not of the school."""
    rows = desk.session.execute(
        select(Invoice.reference, Invoice.id).where(
            Invoice.school_id == desk.school_id, Invoice.reference.in_(references)
        )
    )
    known: dict[str, int] = {row[0]: row[1] for row in rows}
    for reference in references:
        if reference not in known:
            raise DomainError(
                "no_such_reference",
                f"Trường không có mã thanh toán {reference}.",
                f"The school has no payment reference {reference}.",
            )
    return [known[reference] for reference in references]


def _pupil_id(desk: _Desk, sector_id: str) -> int:
    """Raises DomainError ``no_such_pupil``."""
    found = desk.session.scalar(select(Pupil.id).where(Pupil.school_id == desk.school_id, Pupil.sector_id == sector_id))
    if found is None:
        raise DomainError("no_such_pupil", "Trường không có học sinh này.", "The school has no such pupil.")
    return found


def _part(desk: _Desk, said: str) -> service.Part:
    """``HP7K3M9Q2XAT=100.000`` pays an invoice, ``0912345678=20.000`` becomes credit of a pupil."""
    name, _, amount = said.rpartition("=")
    try:
        amount_vnd = parse_vnd(amount)
    except DomainError:
        raise click.BadParameter(f"{said}: cần dạng MÃ=SỐ TIỀN (NAME=AMOUNT)", param_hint="--part") from None
    if name.startswith("HP"):
        return service.Part(amount_vnd, invoice_id=_invoice_ids(desk, [name])[0])
    return service.Part(amount_vnd, pupil_id=_pupil_id(desk, name))


def _tell(name: str, value: Any, *, as_json: bool) -> None:
    said = {"decision_id": "Quyết định số", "refund_id": "Hoàn trả số"}[name]
    click.echo(json.dumps({name: value}) if as_json else f"{said} {value}.")
