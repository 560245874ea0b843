"""Reads of accounts and connections, among them the one statement that the banks' door needs."""

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from payments.banking import rules
from payments.banking.key_pairs import PublicPart, public_parts
from payments.banking.models import Bank, BorneBy, Channel, Connection, ConnectionSecret, ReceivingAccount, Settles
from payments.banking.rules import ClosedList, Target, account_text, closed_list
from payments.crypto import FieldCipher
from payments.errors import DomainError, NotFoundError
from payments.settings import IPNetwork
from payments.vietqr.bank_file import shipped

SECRET_PLACE = "connection_secret.sealed"  # noqa: S105 - the place that sealed values are bound to, no secret
TOKEN_PLACE = "connection.token_sealed"  # noqa: S105 - as above

_DOOR_COLUMNS = """
    SELECT connection.id, connection.adapter, connection.sandbox, connection.allowed_networks,
           ARRAY(SELECT id FROM connection_secret AS secret
                 WHERE secret.connection_id = connection.id AND secret.revoked_at IS NULL
                 ORDER BY secret.prepared, secret.created_at DESC, secret.id DESC) AS secret_ids,
           ARRAY(SELECT sealed FROM connection_secret AS secret
                 WHERE secret.connection_id = connection.id AND secret.revoked_at IS NULL
                 ORDER BY secret.prepared, secret.created_at DESC, secret.id DESC) AS secrets,
           ARRAY(SELECT ARRAY[account.kind, account.identifier, account.school_id::text, account.account_id::text]
                 FROM connection_account AS account
                 WHERE account.connection_id = connection.id ORDER BY account.id) AS accounts
    FROM connection
"""
DOOR_STATEMENT = f"{_DOOR_COLUMNS} WHERE connection.token_hash = :token_hash AND connection.active"
"""All that the door needs, in one statement; for drivers without names write ``$1`` for ``:token_hash``.

A prepared secret stands last: it opens the door, but answers are signed with the first one's key.
"""


@dataclass(frozen=True, slots=True)
class DoorConnection:
    """A connection as the banks' door sees it; secrets are open, in the order of DOOR_STATEMENT, and never printed."""

    id: int
    adapter: str
    sandbox: bool
    networks: tuple[IPNetwork, ...]
    """Addresses that may call; empty: any."""
    secrets: tuple[dict[str, str], ...] = field(repr=False)
    accounts: ClosedList = field(repr=False)
    secret_ids: tuple[int, ...] = ()
    """Of the secrets, in their order."""


def connection_by_token(session: Session, cipher: FieldCipher, token_hash: bytes) -> DoorConnection | None:
    """The active connection with this token hash (``rules.token_hash``), in one statement. Raises SealError."""
    row = session.execute(text(DOOR_STATEMENT), {"token_hash": token_hash}).first()
    return None if row is None else door_connection(cipher, row)


def connection_by_id(session: Session, cipher: FieldCipher, connection_id: int) -> DoorConnection | None:
    """The active connection of this id, as the door would see it. Raises SealError."""
    statement = f"{_DOOR_COLUMNS} WHERE connection.id = :connection_id AND connection.active"
    row = session.execute(text(statement), {"connection_id": connection_id}).first()
    return None if row is None else door_connection(cipher, row)


def connection_url(session: Session, cipher: FieldCipher, connection_id: int, base_url: str) -> str:
    """The address at the banks' door that a service is told to call. Raises SealError."""
    sealed = session.get_one(Connection, connection_id).token_sealed
    return f"{base_url}/callbacks/{cipher.open(sealed, TOKEN_PLACE).decode('ascii')}"


def door_connection(cipher: FieldCipher, row: Sequence[Any]) -> DoorConnection:
    """Build the door's view from a row of DOOR_STATEMENT. Raises SealError."""
    connection_id, adapter, sandbox, networks, secret_ids, secrets, accounts = row
    return DoorConnection(
        id=connection_id,
        adapter=adapter,
        sandbox=sandbox,
        networks=tuple(ipaddress.ip_network(network) for network in networks),
        secrets=tuple(json.loads(cipher.open(bytes(sealed), SECRET_PLACE)) for sealed in secrets),
        accounts=closed_list(
            (kind, identifier, Target(int(school_id), int(account_id)))
            for kind, identifier, school_id, account_id in accounts
        ),
        secret_ids=tuple(secret_ids),
    )


def accounts_of(session: Session, school_id: int) -> Sequence[ReceivingAccount]:
    """Every account of a school, closed ones too, in the order they were proposed."""
    return session.scalars(
        select(ReceivingAccount).where(ReceivingAccount.school_id == school_id).order_by(ReceivingAccount.id)
    ).all()


def channels_of(session: Session, school_id: int) -> Sequence[Channel]:
    """Every channel into the accounts of a school, in the order they were added."""
    return session.scalars(select(Channel).where(Channel.school_id == school_id).order_by(Channel.id)).all()


def tariffs_of(session: Session, school_id: int, account_id: int) -> list[rules.Tariff]:
    """What intermediaries keep of payments into an account: its channels whose cost the school bears."""
    rows = session.execute(
        select(Channel.cost_vnd, Channel.cost_per_10000)
        .where(
            Channel.school_id == school_id,
            Channel.receiving_account_id == account_id,
            Channel.borne_by == BorneBy.SCHOOL,
            (Channel.cost_vnd > 0) | (Channel.cost_per_10000 > 0),
        )
        .order_by(Channel.cost_vnd, Channel.cost_per_10000)
    )
    return [rules.Tariff(*row) for row in rows]


def account_by_number(session: Session, bank_bin: str, number: str) -> ReceivingAccount:
    """The account of the province with this BIN and number. Raises NotFoundError."""
    account = session.scalar(
        select(ReceivingAccount).where(ReceivingAccount.bin == bank_bin, ReceivingAccount.number == number)
    )
    if account is None:
        raise NotFoundError(
            f"Không có tài khoản nhận tiền {bank_bin}:{number}; hãy thêm bằng «hocphi account add».",
            f"There is no receiving account {bank_bin}:{number}; add it with `hocphi account add`.",
        )
    return account


def account_by_name(session: Session, name: str) -> ReceivingAccount:
    """The account that a person writes as ``BIN:NUMBER``. Raises NotFoundError and DomainError ``bad_account_name``."""
    bank_bin, separator, number = name.partition(":")
    if not separator or not bank_bin.strip() or not number.strip():
        raise DomainError(
            "bad_account_name",
            f"Hãy viết tài khoản dạng BIN:SỐ, ví dụ 970436:0011002233, thay vì «{name}».",
            f"Write an account as BIN:NUMBER, for example 970436:0011002233, not {name!r}.",
        )
    return account_by_number(session, bank_bin.strip(), account_text(number))


def bank_name(session: Session, bank_bin: str) -> str | None:
    """The short name of a bank, from the imported list, else from the shipped one; None: a BIN that nobody knows."""
    imported = session.scalar(select(Bank.short_name).where(Bank.bin == bank_bin))
    listed = shipped().by_bin(bank_bin)
    return imported or (listed.short_name if listed else None)


class AccountReadiness(NamedTuple):
    """Whether a round may be issued on an account, as of a moment."""

    account_id: int
    label: str
    usable: bool
    has_free_channel: bool


def readiness(session: Session, school_id: int, account_ids: Sequence[int], moment: datetime) -> list[AccountReadiness]:
    """For each account: is it approved and cooled, and has it an active channel that is free for the payer."""
    rows = session.execute(
        select(
            ReceivingAccount.id,
            ReceivingAccount.bin,
            ReceivingAccount.number,
            ReceivingAccount.state,
            ReceivingAccount.usable_at,
            Channel.cost_vnd,
            Channel.cost_per_10000,
            Channel.borne_by,
        )
        .outerjoin(
            Channel,
            (Channel.school_id == ReceivingAccount.school_id)
            & (Channel.receiving_account_id == ReceivingAccount.id)
            & Channel.active,
        )
        .where(ReceivingAccount.school_id == school_id, ReceivingAccount.id.in_(account_ids))
        .order_by(ReceivingAccount.id)
    )
    found: dict[int, AccountReadiness] = {}
    for account_id, bank_bin, number, state, usable_at, cost_vnd, cost_per_10000, borne_by in rows:
        free = borne_by is not None and rules.free_for_payer(cost_vnd, cost_per_10000, borne_by)
        earlier = found.get(account_id)
        found[account_id] = AccountReadiness(
            account_id,
            f"{bank_bin}:{number}",
            usable=rules.is_usable(state, usable_at, moment),
            has_free_channel=free or (earlier is not None and earlier.has_free_channel),
        )
    return list(found.values())


class SecretRow(NamedTuple):
    """A secret in a list: when it was made and used, and the public parts of its keys; nothing that opens a door."""

    id: int
    created_at: datetime
    last_used_at: datetime | None
    """To the minute; None: no message has proved it yet."""
    prepared: bool
    revoked_at: datetime | None
    keys: tuple[PublicPart, ...]


def secrets_of(session: Session, cipher: FieldCipher, connection_id: int) -> list[SecretRow]:
    """Every secret of a connection, newest first. Raises SealError."""
    name = session.scalar(select(Connection.name).where(Connection.id == connection_id)) or ""
    found = session.scalars(
        select(ConnectionSecret)
        .where(ConnectionSecret.connection_id == connection_id)
        .order_by(ConnectionSecret.created_at.desc(), ConnectionSecret.id.desc())
    )
    return [
        SecretRow(
            row.id,
            row.created_at,
            row.last_used_at,
            row.prepared,
            row.revoked_at,
            tuple(public_parts(json.loads(cipher.open(row.sealed, SECRET_PLACE)), name, row.created_at)),
        )
        for row in found
    ]


class ConnectionRow(NamedTuple):
    """A connection in a list: no secrets, no token."""

    id: int
    name: str
    adapter: str
    active: bool
    sandbox: bool
    settles: Settles
    payout_days: int | None
    live_secrets: int
    created_at: datetime


def connections(session: Session) -> list[ConnectionRow]:
    """Every connection of the province, oldest first."""
    live = (
        select(func.count())
        .select_from(ConnectionSecret)
        .where(ConnectionSecret.connection_id == Connection.id, ConnectionSecret.revoked_at.is_(None))
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Connection.id,
            Connection.name,
            Connection.adapter,
            Connection.active,
            Connection.sandbox,
            Connection.settles,
            Connection.payout_days,
            live,
            Connection.created_at,
        ).order_by(Connection.id)
    )
    return [ConnectionRow(*row) for row in rows]
