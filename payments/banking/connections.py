"""Connections: who may call the banks' door, for which accounts, with which secrets.

The URL token is 32 random bytes: stored as SHA-256 for look-up and sealed so that an operator can show the
URL again. Secrets are sealed; two may be live at a time, so that a key rotates without a refused callback.
"""

import ipaddress
import json
import secrets as chance
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bank_adapters.contract import Adapter, AdapterError
from bank_adapters.registry import get_adapter
from payments import clock
from payments.audit.service import record
from payments.banking import key_pairs, queries, rules
from payments.banking.models import Connection, ConnectionAccount, ConnectionSecret, Settles
from payments.crypto import FieldCipher
from payments.errors import ConflictError, DomainError, NotFoundError

TOKEN_BYTES = 32
_HAS_REPORTED = text("SELECT 1 FROM evidence WHERE connection_id = :id LIMIT 1")

IdentifierKind = rules.IdentifierKind


@dataclass(frozen=True, slots=True)
class AccountName:
    """An account by BIN and number, and the name under which the sender reports on it (its number by default)."""

    bank_bin: str
    number: str
    kind: IdentifierKind = "number"
    identifier: str | None = None


def create_connection(
    session: Session,
    cipher: FieldCipher,
    *,
    adapter: str,
    accounts: Sequence[AccountName],
    secret: Mapping[str, str],
    actor_id: int | None,
    name: str = "",
    networks: Sequence[str] = (),
    sandbox: bool = False,
    settles: Settles | None = None,
    payout_days: int | None = None,
) -> tuple[int, str]:
    """Open the door for a sender and return (connection id, URL token); accounts may be in any state.

    ``settles``: when its money arrives; None: as its adapter says. ``payout_days``: business days that an intermediary
    has agreed to. Raises DomainError ``bad_payout_days``, ``unknown_adapter``, ``bad_secret``, ``bad_network``,
    ``no_accounts`` or ``bad_identifier``, and NotFoundError for an account that nobody has declared.
    """
    sealed = _sealed_secret(cipher, adapter, secret)
    settling = settles or Settles(getattr(_adapter(adapter), "SETTLES", Settles.DIRECT))
    days = _payout_days(settling, payout_days)
    allowed = [_network(network) for network in networks]
    if not accounts:
        raise DomainError(
            "no_accounts",
            "Kết nối phải có ít nhất một tài khoản được phép báo có.",
            "A connection needs at least one account that it may report on.",
        )
    token = chance.token_urlsafe(TOKEN_BYTES)
    connection = Connection(
        name=name or adapter,
        adapter=adapter,
        token_hash=rules.token_hash(token),
        token_sealed=cipher.seal(token.encode("ascii"), queries.TOKEN_PLACE),
        allowed_networks=allowed,
        sandbox=sandbox,
        settles=settling,
        payout_days=days,
        created_at=clock.now(),
    )
    session.add(connection)
    session.flush()
    for account in accounts:
        session.add(_listed(session, connection.id, account))
    session.add(ConnectionSecret(connection_id=connection.id, sealed=sealed, created_at=clock.now()))
    session.flush()
    _record(session, actor_id, "connection.created", connection.id)
    return connection.id, token


def read_secret(adapter: str, data: bytes) -> dict[str, str]:
    """Read a secret from a file: a JSON object of the adapter's fields, or one bare secret where one field is enough.

    Raises DomainError ``unknown_adapter`` or ``bad_secret``.
    """
    try:
        content = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise _unreadable_secret() from error
    if content.startswith("["):
        raise _unreadable_secret()
    if not content.startswith("{"):
        single = [choice for choice in _adapter(adapter).SECRET_CHOICES if len(choice) == 1]
        if not content or not single:
            raise _unreadable_secret()
        return {single[0][0]: content}
    try:
        found = json.loads(content)
    except ValueError as error:
        raise _unreadable_secret() from error
    if not all(isinstance(value, str) for value in found.values()):
        raise _unreadable_secret()
    return dict(found)


def add_secret(
    session: Session, cipher: FieldCipher, connection_id: int, secret: Mapping[str, str], *, actor_id: int | None
) -> int:
    """Add a second live secret, the first step of a rotation, and return its id; both open the door for now.

    Raises NotFoundError, ConflictError ``two_secrets`` when two are live already, and DomainError ``bad_secret``.
    """
    connection = _locked(session, connection_id)
    if len(_live_secrets(session, connection_id)) >= rules.LIVE_SECRETS:
        raise ConflictError(
            "two_secrets",
            "Kết nối đã có hai khóa đang dùng; hãy thu hồi khóa cũ trước.",
            "This connection has two live secrets; revoke the old one first.",
        )
    row = ConnectionSecret(
        connection_id=connection_id,
        sealed=_sealed_secret(cipher, connection.adapter, secret),
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    _record(session, actor_id, "connection.secret_added", connection_id)
    return row.id


def with_our_keys(adapter: str, secret: Mapping[str, str]) -> dict[str, str]:
    """The secret with new private keys of ours where the adapter signs and none is given. Raises DomainError."""
    kinds: Mapping[str, key_pairs.Kind] = getattr(_adapter(adapter), "KEY_PAIRS", {})
    return {field: key_pairs.generate(kind) for field, kind in kinds.items() if not secret.get(field)} | dict(secret)


def add_key(session: Session, cipher: FieldCipher, connection_id: int, *, actor_id: int | None) -> int:
    """Prepare a new key of ours beside the one in use, and return the id of its secret.

    Answers keep the old signature until ``use_prepared``: first the bank must learn the new public part. Raises
    NotFoundError, ConflictError ``two_secrets``, and DomainError ``no_key_of_ours`` for an adapter that signs nothing.
    """
    connection = _locked(session, connection_id)
    kinds: Mapping[str, key_pairs.Kind] = getattr(_adapter(connection.adapter), "KEY_PAIRS", {})
    if not kinds:
        raise DomainError(
            "no_key_of_ours",
            f"Bộ kết nối «{connection.adapter}» không dùng khóa riêng của hệ thống; chỉ bên gửi có khóa.",
            f"The adapter {connection.adapter!r} uses no private key of ours.",
        )
    held = json.loads(cipher.open(_live_secrets(session, connection_id)[-1].sealed, queries.SECRET_PLACE))
    made = held | {field: key_pairs.generate(kind) for field, kind in kinds.items()}
    secret_id = add_secret(session, cipher, connection_id, made, actor_id=actor_id)
    session.get_one(ConnectionSecret, secret_id).prepared = True
    session.flush()
    return secret_id


def use_prepared(session: Session, connection_id: int, *, actor_id: int | None) -> int:
    """Sign with the prepared key from now on, and return its secret's id; the bank has confirmed it.

    Raises NotFoundError, and ConflictError ``nothing_prepared``.
    """
    _locked(session, connection_id)
    waiting = [secret for secret in _live_secrets(session, connection_id) if secret.prepared]
    if not waiting:
        raise ConflictError(
            "nothing_prepared",
            "Không có khóa mới nào đang chờ; hãy tạo bằng «hocphi connection key new».",
            "No new key is waiting; make one with `hocphi connection key new`.",
        )
    waiting[0].prepared = False
    session.flush()
    _record(session, actor_id, "connection.key_in_use", connection_id)
    return waiting[0].id


def drop_new_secret(session: Session, connection_id: int, *, actor_id: int | None) -> int:
    """Take back the newer of two live secrets, added by mistake, and return its id. Raises as ``revoke_secret``."""
    live = _both_secrets(session, connection_id)
    return _revoke(session, live[-1], actor_id)


def revoke_secret(session: Session, connection_id: int, *, actor_id: int | None, at_once: bool = False) -> int:
    """Revoke the older of two live secrets, the last step of a rotation, and return its id.

    Raises NotFoundError, ConflictError ``last_secret`` when only one is live (revoke the connection instead), and
    ConflictError ``new_one_unused`` while no message proved the new one; ``at_once`` is for a secret that leaked.
    """
    live = _both_secrets(session, connection_id)
    if not at_once and (live[-1].last_used_at is None or live[-1].prepared):
        raise ConflictError(
            "new_one_unused",
            "Chưa có thông báo nào dùng khóa mới; thu hồi khóa cũ lúc này có thể làm mất thông báo. Hãy chờ bên gửi đổi"
            " khóa, hoặc thêm «--at-once» nếu khóa cũ đã lộ.",
            "No message has used the new secret yet, so revoking the old one may refuse callbacks. Wait until the"
            " sender has changed over, or add --at-once if the old secret leaked.",
        )
    live[-1].prepared = False
    return _revoke(session, live[0], actor_id)


def _both_secrets(session: Session, connection_id: int) -> Sequence[ConnectionSecret]:
    _locked(session, connection_id)
    live = _live_secrets(session, connection_id)
    if len(live) < rules.LIVE_SECRETS:
        raise ConflictError(
            "last_secret",
            "Đây là khóa duy nhất; hãy thêm khóa mới trước, hoặc thu hồi cả kết nối.",
            "This is the only live secret; add a new one first, or revoke the connection.",
        )
    return live


def _revoke(session: Session, secret: ConnectionSecret, actor_id: int | None) -> int:
    secret.revoked_at = clock.now()
    session.flush()
    _record(session, actor_id, "connection.secret_revoked", secret.connection_id)
    return secret.id


def revoke_connection(session: Session, connection_id: int, *, actor_id: int | None) -> None:
    """Close the door for a sender at once; what it reported stays. Raises NotFoundError."""
    _locked(session, connection_id).active = False
    session.flush()
    _record(session, actor_id, "connection.revoked", connection_id)


def change_settling(
    session: Session, connection_id: int, settles: Settles, payout_days: int | None, *, actor_id: int | None
) -> None:
    """Say anew how a sender settles: before its first message; the days that an intermediary takes, at any time.

    Raises NotFoundError, DomainError ``bad_payout_days`` and ConflictError ``has_reported``.
    """
    connection = _locked(session, connection_id)
    if connection.settles is not settles and session.execute(_HAS_REPORTED, {"id": connection_id}).first():
        raise ConflictError(
            "has_reported",
            "Kết nối đã báo có nên không đổi được cách quyết toán; hãy mở một kết nối mới.",
            "This connection has reported money, so how it settles stays; open a new connection.",
        )
    connection.settles = settles
    connection.payout_days = _payout_days(settles, payout_days)
    session.flush()
    _record(session, actor_id, "connection.settling_changed", connection_id)


def adapter_of(session: Session, connection_id: int) -> str:
    """The adapter's name of a connection. Raises NotFoundError."""
    return _locked(session, connection_id).adapter


def connection_token(session: Session, cipher: FieldCipher, connection_id: int, *, actor_id: int | None) -> str:
    """Open the URL token to show the sender's URL again; that is written down. Raises NotFoundError, SealError."""
    connection = _locked(session, connection_id)
    _record(session, actor_id, "connection.url_shown", connection_id)
    return cipher.open(connection.token_sealed, queries.TOKEN_PLACE).decode("ascii")


def _adapter(name: str) -> Adapter:
    try:
        return get_adapter(name)
    except AdapterError as error:
        raise DomainError(
            "unknown_adapter",
            f"Không dùng được bộ kết nối «{name}»; xem «hocphi adapters list».",
            f"The adapter {name!r} cannot be used: {error}",
        ) from error


def _payout_days(settles: Settles, given: int | None) -> int | None:
    """The days of an intermediary (one by default); a direct sender has none."""
    days = given if given is not None or settles is Settles.DIRECT else rules.PAYOUT_DAYS
    allowed = range(1, rules.LONGEST_PAYOUT_DAYS + 1)
    if days is not None if settles is Settles.DIRECT else days not in allowed:
        raise DomainError(
            "bad_payout_days",
            f"Đơn vị trung gian quyết toán sau 1 đến {rules.LONGEST_PAYOUT_DAYS} ngày làm việc; kết nối nhận tiền ngay "
            "thì không có số ngày.",
            f"An intermediary pays out after 1 to {rules.LONGEST_PAYOUT_DAYS} business days; a direct sender has none.",
        )
    return days


def _unreadable_secret() -> DomainError:
    return DomainError(
        "bad_secret",
        "Tệp khóa phải là một đối tượng JSON gồm các chuỗi, hoặc chỉ một khóa bằng chữ UTF-8.",
        "A secret file is one JSON object of strings, or one bare secret in UTF-8.",
    )


def _sealed_secret(cipher: FieldCipher, adapter: str, secret: Mapping[str, str]) -> bytes:
    module = _adapter(adapter)
    filled = {field: value for field, value in secret.items() if value.strip()}
    unknown = sorted(secret.keys() - set(module.SECRET_FIELDS))
    missing = rules.missing_secret_fields(frozenset(filled), module.SECRET_CHOICES)
    if unknown or missing:
        choices = " | ".join("+".join(choice) for choice in module.SECRET_CHOICES)
        raise DomainError(
            "bad_secret",
            f"Khóa của «{adapter}» phải gồm: {choices} (thừa: {', '.join(unknown) or '–'};"
            f" thiếu: {', '.join(missing) or '–'}).",
            f"A secret of {adapter!r} holds {choices} (unknown: {', '.join(unknown) or 'none'};"
            f" missing: {', '.join(missing) or 'none'}).",
        )
    return cipher.seal(json.dumps(filled, sort_keys=True).encode(), queries.SECRET_PLACE)


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip()))
    except ValueError as error:
        raise DomainError(
            "bad_network",
            f"Địa chỉ được phép phải là CIDR, ví dụ 203.0.113.0/24: {text!r} không đúng.",
            f"Allowed addresses are CIDR, for example 203.0.113.0/24: {text!r} is not.",
        ) from error


def _listed(session: Session, connection_id: int, name: AccountName) -> ConnectionAccount:
    account = queries.account_by_number(session, name.bank_bin, rules.account_text(name.number))
    identifier = account.number if name.identifier is None else rules.account_text(name.identifier)
    if not identifier or (name.kind == "virtual_prefix" and len(identifier) < rules.SHORTEST_PREFIX):
        raise DomainError(
            "bad_identifier",
            f"Tiền tố tài khoản ảo cần ít nhất {rules.SHORTEST_PREFIX} ký tự; mã không được để trống.",
            f"A virtual account prefix needs {rules.SHORTEST_PREFIX} characters at least; no identifier is empty.",
        )
    return ConnectionAccount(
        connection_id=connection_id,
        school_id=account.school_id,
        account_id=account.id,
        kind=name.kind,
        identifier=identifier,
    )


def _locked(session: Session, connection_id: int) -> Connection:
    connection = session.get(Connection, connection_id, with_for_update=True, populate_existing=True)
    if connection is None:
        raise NotFoundError("Không tìm thấy kết nối.", "There is no such connection.")
    return connection


def _live_secrets(session: Session, connection_id: int) -> Sequence[ConnectionSecret]:
    """Oldest first."""
    return session.scalars(
        select(ConnectionSecret)
        .where(ConnectionSecret.connection_id == connection_id, ConnectionSecret.revoked_at.is_(None))
        .order_by(ConnectionSecret.created_at, ConnectionSecret.id)
    ).all()


def _record(session: Session, actor_id: int | None, action: str, connection_id: int) -> None:
    record(session, actor_id, action, subject_kind="connection", subject_id=connection_id, school_id=None)
