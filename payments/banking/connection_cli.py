"""``hocphi connection``: who may call the banks' door."""

import json
from pathlib import Path

import click
from sqlalchemy.orm import Session

from bank_adapters import allow_only
from payments.banking import connections, queries
from payments.banking.connections import AccountName
from payments.crypto import FieldCipher
from payments.db import command_session
from payments.settings import Settings

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
SECRET_FILE = click.option(
    "--secret-file",
    type=EXISTING,
    required=True,
    help='tệp JSON của khóa, ví dụ {"secret": "…"}; hoặc chỉ một khóa trần / JSON, or one bare secret',
)


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
    as_json: bool,
) -> None:
    """Mở một kết nối và in địa chỉ nhận thông báo (open a connection and print its URL)."""
    with command_session() as (session, settings):
        allow_only(settings.adapters)
        connection_id, token = connections.create_connection(
            session,
            FieldCipher(settings.field_keys),
            adapter=adapter,
            accounts=[
                *(_account(session, account) for account in accounts),
                *(_account(session, prefix, "virtual_prefix") for prefix in prefixes),
                *(_account(session, merchant, "merchant") for merchant in merchants),
            ],
            secret=connections.read_secret(adapter, secret_file.read_bytes()),
            actor_id=None,
            name=name,
            networks=networks,
            sandbox=sandbox,
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
        allow_only(settings.adapters)
        secret = connections.read_secret(connections.adapter_of(session, connection_id), secret_file.read_bytes())
        connections.add_secret(session, FieldCipher(settings.field_keys), connection_id, secret, actor_id=None)
    click.echo("Đã thêm khóa mới; khi bên gửi đã đổi xong, hãy thu hồi khóa cũ (secret added).")


@connection_group.command("revoke")
@click.argument("connection_id", type=int)
@click.option("--old-secret", is_flag=True, help="chỉ thu hồi khóa cũ hơn trong hai khóa / only the older secret")
def revoke(connection_id: int, *, old_secret: bool) -> None:
    """Thu hồi một kết nối, hoặc chỉ khóa cũ của nó (revoke a connection or its older secret)."""
    with command_session() as (session, _settings):
        if old_secret:
            connections.revoke_secret(session, connection_id, actor_id=None)
        else:
            connections.revoke_connection(session, connection_id, actor_id=None)
    click.echo("Đã thu hồi, có hiệu lực trong vòng 5 giây (revoked, effective within 5 s).")


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
        click.echo(f"{row['id']}\t{row['adapter']}\t{row['name']}\t{state}\t{row['live_secrets']} khóa (secrets)")


def _account(session: Session, text: str, kind: connections.IdentifierKind = "number") -> AccountName:
    """``BIN:NUMBER``, followed by ``=IDENTIFIER`` where the sender uses another name than the number."""
    name, _, identifier = text.partition("=")
    account = queries.account_by_name(session, name)
    return AccountName(account.bin, account.number, kind, None if kind == "number" else identifier)


def _tell_url(settings: Settings, connection_id: int, token: str, *, as_json: bool) -> None:
    address = f"{settings.base_url}/callbacks/{token}"
    click.echo(json.dumps({"id": connection_id, "url": address}) if as_json else address)
