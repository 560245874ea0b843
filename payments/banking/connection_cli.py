"""``hocphi connection``: who may call the banks' door."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy.orm import Session

from bank_adapters import allow_only
from payments import clock
from payments.access.queries import user_id_by_name
from payments.banking import connections, queries, sharing
from payments.banking.connections import AccountName
from payments.banking.models import Settles
from payments.crypto import FieldCipher
from payments.db import command_session
from payments.settings import Settings

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
SETTLES = click.Choice([value.value for value in Settles])
PAYOUT_DAYS = click.option("--payout-days", type=int, help="trung gian quyết toán sau mấy ngày làm việc (mặc định 1)")
SECRET_FILE = click.option(
    "--secret-file",
    type=EXISTING,
    required=True,
    help='tệp JSON của khóa, ví dụ {"secret": "…"}; hoặc chỉ một khóa trần / JSON, or one bare secret',
)

READER = click.option("--with", "username", required=True, help="tên đăng nhập có vai trò engineer / of an engineer")


@click.group("connection")
def connection_group() -> None:
    """Kết nối với ngân hàng và đơn vị báo có (bank connections)."""


@connection_group.command("add")
@click.option("--adapter", required=True, help="xem «hocphi adapters list»")
@click.option("--account", "accounts", multiple=True, help="BIN:NUMBER được báo có; dùng nhiều lần / may be repeated")
@click.option("--virtual-prefix", "prefixes", multiple=True, help="BIN:NUMBER=TIỀN-TỐ của tài khoản ảo")
@click.option("--merchant", "merchants", multiple=True, help="BIN:NUMBER=MÃ đơn vị chấp nhận thanh toán")
@SECRET_FILE
@click.option("--network", "networks", multiple=True, help="CIDR được gọi vào; mặc định mọi nơi / allowed addresses")
@click.option("--name", default="", help="tên để nhận ra kết nối")
@click.option("--sandbox", is_flag=True, help="kết nối thử: không bao giờ đụng tới thông báo thật")
@click.option("--generate-key", is_flag=True, help="tạo khóa riêng của hệ thống nếu bộ kết nối ký câu trả lời")
@click.option("--settles", type=SETTLES, help="direct: tiền về ngay; batch: trung gian quyết toán sau, trừ phí")
@PAYOUT_DAYS
@AS_JSON
def add(
    *,
    adapter: str,
    accounts: tuple[str, ...],
    prefixes: tuple[str, ...],
    merchants: tuple[str, ...],
    secret_file: Path,
    networks: tuple[str, ...],
    name: str,
    sandbox: bool,
    generate_key: bool,
    settles: str | None,
    payout_days: int | None,
    as_json: bool,
) -> None:
    """Mở một kết nối và in địa chỉ nhận thông báo (open a connection and print its URL)."""
    with command_session() as (session, settings):
        allow_only(settings.adapters, settings.adapter_files)
        secret = connections.read_secret(adapter, secret_file.read_bytes())
        connection_id, token = connections.create_connection(
            session,
            FieldCipher(settings.field_keys),
            adapter=adapter,
            accounts=[
                *(_account(session, account) for account in accounts),
                *(_account(session, prefix, "virtual_prefix") for prefix in prefixes),
                *(_account(session, merchant, "merchant") for merchant in merchants),
            ],
            secret=connections.with_our_keys(adapter, secret) if generate_key else secret,
            actor_id=None,
            name=name,
            networks=networks,
            sandbox=sandbox,
            settles=Settles(settles) if settles else None,
            payout_days=payout_days,
        )
    _tell_url(settings, connection_id, token, as_json=as_json)


@connection_group.command("url")
@click.argument("connection_id", type=int)
@AS_JSON
def url(connection_id: int, *, as_json: bool) -> None:
    """In lại địa chỉ của một kết nối; việc này được ghi nhật ký (print its URL again)."""
    with command_session() as (session, settings):
        cipher = FieldCipher(settings.field_keys)
        token = connections.connection_token(session, cipher, connection_id, actor_id=None)
    _tell_url(settings, connection_id, token, as_json=as_json)


@connection_group.command("rotate")
@click.argument("connection_id", type=int)
@SECRET_FILE
def rotate(connection_id: int, secret_file: Path) -> None:
    """Thêm khóa mới; khóa cũ vẫn dùng được tới khi thu hồi (add a new secret beside the old one)."""
    with command_session() as (session, settings):
        allow_only(settings.adapters, settings.adapter_files)
        secret = connections.read_secret(connections.adapter_of(session, connection_id), secret_file.read_bytes())
        connections.add_secret(session, FieldCipher(settings.field_keys), connection_id, secret, actor_id=None)
    click.echo("Đã thêm khóa mới; khi bên gửi đã đổi xong, hãy thu hồi khóa cũ (secret added).")


@connection_group.command("revoke")
@click.argument("connection_id", type=int)
@click.option(
    "--old-secret", "part", flag_value="old", help="chỉ thu hồi khóa cũ hơn trong hai khóa / only the older secret"
)
@click.option("--new-secret", "part", flag_value="new", help="bỏ khóa mới thêm nhầm / only the newer secret")
@click.option("--at-once", is_flag=True, help="khóa cũ đã lộ: không chờ khóa mới được dùng / the old secret leaked")
def revoke(connection_id: int, *, part: str | None, at_once: bool) -> None:
    """Thu hồi một kết nối, hoặc một trong hai khóa của nó (revoke a connection or one of its two secrets)."""
    with command_session() as (session, _settings):
        if part == "old":
            connections.revoke_secret(session, connection_id, actor_id=None, at_once=at_once)
        elif part == "new":
            connections.drop_new_secret(session, connection_id, actor_id=None)
        else:
            connections.revoke_connection(session, connection_id, actor_id=None)
    click.echo("Đã thu hồi, có hiệu lực trong vòng 5 giây (revoked, effective within 5 s).")


@connection_group.command("secrets")
@click.argument("connection_id", type=int)
@AS_JSON
def secrets(connection_id: int, *, as_json: bool) -> None:
    """Xem các khóa: thêm lúc nào, dùng lần cuối lúc nào (when each secret was added and last used)."""
    rows = _secrets(connection_id)
    if as_json:
        told = [{**row._asdict(), "keys": [asdict(key) for key in row.keys]} for row in rows]
        click.echo(json.dumps({"secrets": told}, ensure_ascii=False, default=datetime.isoformat))
        return
    for row in rows:
        state = "đã thu hồi (revoked)" if row.revoked_at else "chờ (prepared)" if row.prepared else "đang dùng (live)"
        used = _minute(row.last_used_at) if row.last_used_at else "chưa dùng (never used)"
        click.echo(f"{row.id}\t{state}\t{_minute(row.created_at)}\t{used}")


@connection_group.group("key")
def key_group() -> None:
    """Khóa riêng của hệ thống, để ký câu trả lời (our own keys, which sign answers)."""


@key_group.command("new")
@click.argument("connection_id", type=int)
def key_new(connection_id: int) -> None:
    """Tạo khóa mới bên cạnh khóa đang dùng, rồi in phần công khai (make a new key, print its public part)."""
    with command_session() as (session, settings):
        allow_only(settings.adapters, settings.adapter_files)
        connections.add_key(session, FieldCipher(settings.field_keys), connection_id, actor_id=None)
    _show_keys(_secrets(connection_id)[:1])
    click.echo("Hãy gửi cho ngân hàng; khi họ xác nhận, chạy «hocphi connection key use».", err=True)


@key_group.command("use")
@click.argument("connection_id", type=int)
def key_use(connection_id: int) -> None:
    """Ký bằng khóa mới từ bây giờ: ngân hàng đã xác nhận (sign with the new key from now on)."""
    with command_session() as (session, _settings):
        connections.use_prepared(session, connection_id, actor_id=None)
    click.echo("Đã dùng khóa mới; khóa cũ vẫn còn tới khi thu hồi (the new key signs).")


@key_group.command("show")
@click.argument("connection_id", type=int)
def key_show(connection_id: int) -> None:
    """In phần công khai, dấu vân tay và chứng thư của các khóa (public parts, fingerprints, certificates)."""
    _show_keys([row for row in _secrets(connection_id) if not row.revoked_at])


@connection_group.command("share")
@click.argument("connection_id", type=int)
@READER
def share(connection_id: int, username: str) -> None:
    """Cho kỹ sư ngân hàng xem một kết nối ở /developers (let a bank's engineer look at a connection)."""
    with command_session() as (session, _settings):
        sharing.share(session, connection_id, user_id_by_name(session, username), actor_id=None)
    click.echo(f"{username}: + {connection_id}")


@connection_group.command("unshare")
@click.argument("connection_id", type=int)
@READER
def unshare(connection_id: int, username: str) -> None:
    """Thôi cho xem (no longer)."""
    with command_session() as (session, _settings):
        sharing.unshare(session, connection_id, user_id_by_name(session, username), actor_id=None)
    click.echo(f"{username}: - {connection_id}")


@connection_group.command("settles")
@click.argument("connection_id", type=int)
@click.argument("settles", type=SETTLES)
@PAYOUT_DAYS
def settles_(connection_id: int, settles: str, payout_days: int | None) -> None:
    """Đặt lại cách quyết toán, trước khi kết nối báo có lần đầu (say anew how a sender settles)."""
    with command_session() as (session, _settings):
        connections.change_settling(session, connection_id, Settles(settles), payout_days, actor_id=None)
    click.echo("Đã đặt cách quyết toán (settling changed).")


@connection_group.command("list")
@AS_JSON
def list_(*, as_json: bool) -> None:
    """Liệt kê các kết nối (list the connections)."""
    with command_session() as (session, _settings):
        rows = [row._asdict() | {"created_at": row.created_at.isoformat()} for row in queries.connections(session)]
    if as_json:
        click.echo(json.dumps({"connections": rows}, ensure_ascii=False))
        return
    for row in rows:
        state = "active" if row["active"] else "revoked"
        days = f" T+{row['payout_days']}" if row["payout_days"] else ""
        click.echo(
            f"{row['id']}\t{row['adapter']}\t{row['name']}\t{state}\t{row['live_secrets']} khóa (secrets)"
            f"\t{row['settles']}{days}"
        )


def _account(session: Session, text: str, kind: connections.IdentifierKind = "number") -> AccountName:
    """``BIN:NUMBER``, followed by ``=IDENTIFIER`` where the sender uses another name than the number."""
    name, _, identifier = text.partition("=")
    account = queries.account_by_name(session, name)
    return AccountName(account.bin, account.number, kind, None if kind == "number" else identifier)


def _secrets(connection_id: int) -> list[queries.SecretRow]:
    with command_session() as (session, settings):
        connections.adapter_of(session, connection_id)
        return queries.secrets_of(session, FieldCipher(settings.field_keys), connection_id)


def _show_keys(rows: Sequence[queries.SecretRow]) -> None:
    for row in rows:
        for key in row.keys:
            whose = "của hệ thống (ours)" if key.ours else "của bên gửi (theirs)"
            click.echo(f"# khóa {row.id}, {key.field}: {key.kind}, {whose}\n# SHA-256 {key.sha256}")
            click.echo("\n".join(part.strip() for part in (key.pem, key.whpk, key.certificate) if part))


def _minute(moment: datetime) -> str:
    return moment.astimezone(clock.VIETNAM).strftime("%d/%m/%Y %H:%M")


def _tell_url(settings: Settings, connection_id: int, token: str, *, as_json: bool) -> None:
    address = f"{settings.base_url}/callbacks/{token}"
    click.echo(json.dumps({"id": connection_id, "url": address}) if as_json else address)
