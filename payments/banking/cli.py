"""``hocphi account``: receiving accounts and their channels from the operator's terminal."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from sqlalchemy.orm import Session

from payments import clock
from payments.access.queries import user_id_by_name
from payments.banking import queries, service
from payments.banking.bank_registry import compare_bank_registry, load_bank_registry
from payments.banking.models import AccountState, BorneBy, Channel, ChannelKind, ReceivingAccount
from payments.db import command_session
from payments.schools.queries import school_by_code
from payments.vietqr.bank_file import read_registry, shipped

AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
BY = click.option("--by", "username", help="người thực hiện, tên đăng nhập (mặc định: quản trị máy chủ) / who does it")


@click.group("account")
def account_group() -> None:
    """Tài khoản nhận tiền của trường (receiving accounts)."""


@account_group.command("add")
@click.option("--school", "school_code", required=True, help="mã trường / code of the school")
@click.option("--bin", "bank_bin", required=True, help="mã BIN của ngân hàng, 6 chữ số")
@click.option("--number", required=True, help="số tài khoản")
@click.option("--holder", required=True, help="tên chủ tài khoản như ngân hàng ghi")
@click.option("--fund", required=True, help="dùng để thu gì, ví dụ «Dịch vụ và bán trú»")
@click.option("--memo-prefix", help="từ phải đứng đầu nội dung chuyển khoản, ví dụ SEVQR")
@BY
@click.option("--approved-by", help="người thứ hai duyệt ngay, tên đăng nhập / the second person")
@AS_JSON
def add(
    *,
    school_code: str,
    bank_bin: str,
    number: str,
    holder: str,
    fund: str,
    memo_prefix: str | None,
    username: str | None,
    approved_by: str | None,
    as_json: bool,
) -> None:
    """Đề nghị một tài khoản; người thứ hai duyệt, 24 giờ sau thì dùng được (propose an account)."""
    with command_session() as (session, _settings):
        account = service.propose_account(
            session,
            school_by_code(session, school_code).id,
            bank_bin=bank_bin,
            number=number,
            holder_name=holder,
            fund=fund,
            memo_prefix=memo_prefix,
            actor_id=_actor(session, username),
        )
        if approved_by:
            approver = user_id_by_name(session, approved_by)
            account = service.approve_account(session, account.school_id, account.id, approver)
        known = queries.bank_name(session, account.bin)
        _tell(account, as_json=as_json)
    if known is None:
        click.echo(f"Lưu ý: BIN {bank_bin} không có trong danh sách ngân hàng (unknown BIN).", err=True)


@account_group.command("approve")
@click.argument("name", metavar="BIN:NUMBER")
@click.option("--by", "username", required=True, help="người thứ hai, tên đăng nhập / the second person")
@AS_JSON
def approve(name: str, *, username: str, as_json: bool) -> None:
    """Duyệt một tài khoản với tư cách người thứ hai (approve as the second person)."""
    with command_session() as (session, _settings):
        account = queries.account_by_name(session, name)
        actor_id = user_id_by_name(session, username)
        _tell(service.approve_account(session, account.school_id, account.id, actor_id), as_json=as_json)


@account_group.command("close")
@click.argument("name", metavar="BIN:NUMBER")
@BY
def close(name: str, username: str | None) -> None:
    """Đóng một tài khoản; tiền vẫn về đó thì vẫn được ghi nhận (close an account)."""
    with command_session() as (session, _settings):
        account = queries.account_by_name(session, name)
        service.close_account(session, account.school_id, account.id, _actor(session, username))
    click.echo(f"Đã đóng {name} (closed).")


@account_group.command("channel")
@click.argument("name", metavar="BIN:NUMBER")
@click.option("--name", "channel", default="VietQR", show_default=True, help="tên kênh thu")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in ChannelKind]),
    default="bank_transfer",
    show_default=True,
    help="cách nộp / how one pays",
)
@click.option("--cost", "cost_vnd", type=click.IntRange(0), default=0, help="phí mỗi giao dịch, đồng")
@click.option("--rate", "cost_per_10000", type=click.IntRange(0, 10_000), default=0, help="phí, phần vạn của số tiền")
@click.option(
    "--borne-by",
    type=click.Choice([who.value for who in BorneBy]),
    default="payer",
    show_default=True,
    help="ai chịu phí / who bears the cost",
)
@click.option("--connection", "connection_id", type=int, help="kết nối mở lệnh thanh toán cho kênh / opens its orders")
@BY
def channel(
    name: str,
    *,
    channel: str,
    kind: str,
    cost_vnd: int,
    cost_per_10000: int,
    borne_by: str,
    connection_id: int | None,
    username: str | None,
) -> None:
    """Thêm kênh thu và phí của kênh cho một tài khoản (add a channel and what it costs)."""
    with command_session() as (session, _settings):
        account = queries.account_by_name(session, name)
        service.add_channel(
            session,
            account.school_id,
            account.id,
            name=channel,
            kind=ChannelKind(kind),
            cost_vnd=cost_vnd,
            cost_per_10000=cost_per_10000,
            borne_by=BorneBy(borne_by),
            connection_id=connection_id,
            actor_id=_actor(session, username),
        )
    click.echo(f"Đã thêm kênh «{channel}» cho {name} (channel added).")


@account_group.command("switch-channel")
@click.argument("name", metavar="BIN:NUMBER")
@click.argument("channel")
@click.option("--on/--off", "active", required=True, help="mở / tạm dừng")
@BY
def switch_channel(name: str, channel: str, *, active: bool, username: str | None) -> None:
    """Mở hoặc tạm dừng một kênh thu (switch a channel on or off)."""
    with command_session() as (session, _settings):
        account = queries.account_by_name(session, name)
        actor_id = _actor(session, username)
        service.switch_channel(session, account.school_id, account.id, channel, active=active, actor_id=actor_id)
    click.echo(f"Kênh «{channel}»: {'mở (on)' if active else 'tạm dừng (off)'}.")


@account_group.command("list")
@click.option("--school", "school_code", required=True, help="mã trường / code of the school")
@AS_JSON
def list_(*, school_code: str, as_json: bool) -> None:
    """Liệt kê tài khoản của một trường (list a school's accounts)."""
    with command_session() as (session, _settings):
        school_id = school_by_code(session, school_code).id
        channels = queries.channels_of(session, school_id)
        rows = [
            _described(account)
            | {"channels": [_channel(row) for row in channels if row.receiving_account_id == account.id]}
            for account in queries.accounts_of(session, school_id)
        ]
    if as_json:
        click.echo(json.dumps({"accounts": rows}, ensure_ascii=False))
        return
    for row in rows:
        click.echo(
            f"{row['account']}\t{row['holder']}\t{row['fund']}\t{service.STATE_WORDS[AccountState(str(row['state']))].vi}"
        )


@account_group.command("banks")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="danh sách mới, CSV")
@click.option(
    "--apply",
    "apply_",
    is_flag=True,
    help="ghi vào cơ sở dữ liệu; không có thì chỉ so sánh (write it, not only compare)",
)
@AS_JSON
def banks(*, file: Path | None, apply_: bool, as_json: bool) -> None:
    """So sánh hoặc cập nhật danh sách ngân hàng (compare or update the list of banks)."""
    registry = read_registry(file.read_bytes()) if file else shipped()
    with command_session() as (session, _settings):
        if apply_:
            changes = load_bank_registry(session, registry, actor_id=None)
        else:
            changes = compare_bank_registry(session, registry)
    if as_json:
        click.echo(json.dumps(asdict(changes)))
        return
    for word, bins in (("thêm", changes.added), ("sửa", changes.changed), ("không có trong tệp", changes.unlisted)):
        click.echo(f"{word}: {len(bins)}\t{' '.join(bins)}")
    for cell in changes.cells:
        click.echo(f"{cell.bin}\t{cell.column}: «{cell.before}» → «{cell.after}»")


def _actor(session: Session, username: str | None) -> int | None:
    return user_id_by_name(session, username) if username else None


def _described(account: ReceivingAccount) -> dict[str, object]:
    usable = account.usable_at.astimezone(clock.VIETNAM).isoformat() if account.usable_at else None
    return {
        "id": account.id,
        "account": f"{account.bin}:{account.number}",
        "holder": account.holder_name,
        "fund": account.fund,
        "state": account.state.value,
        "usable_at": usable,
    }


def _channel(row: Channel) -> dict[str, object]:
    return {
        "name": row.name,
        "kind": row.kind.value,
        "cost_vnd": row.cost_vnd,
        "cost_per_10000": row.cost_per_10000,
        "borne_by": row.borne_by.value,
        "active": row.active,
        "connection": row.connection_id,
    }


def _tell(account: ReceivingAccount, *, as_json: bool) -> None:
    told = _described(account)
    usable = (
        f"{account.usable_at.astimezone(clock.VIETNAM):%H:%M %d/%m/%Y}" if account.usable_at else "24 giờ sau khi duyệt"
    )
    words = f"{told['account']}: {service.STATE_WORDS[account.state].vi}, dùng được từ (usable from) {usable}."
    click.echo(json.dumps(told, ensure_ascii=False) if as_json else words)
