"""Endpoints of school software: who wants to be told what, and the keys that sign it.

A key is shown when it is made and never again. When it is changed both sign for a while, so that no event is refused.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from payments import clock, outbox
from payments.audit.service import record
from payments.crypto import FieldCipher
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.events.models import Delivery, DeliveryState, Endpoint, EndpointSecret, EndpointState
from payments.events.rules import KEY_BYTES, LIVE_SECRETS, EventKind, Key, Scheme, shown
from payments.events.service import QUEUE
from payments.outgoing import OutgoingError, check_url

SECRET_PLACE = "webhook_secret.sealed"  # noqa: S105 - the name of a column
OVERLAP = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class NewKey:
    """An endpoint and the key that its receiver checks with: ``whsec_…``, or the public ``whpk_…``."""

    endpoint_id: int
    shown: str


def add_endpoint(
    session: Session,
    cipher: FieldCipher,
    school_id: int,
    *,
    url: str,
    kinds: Iterable[str] = tuple(EventKind),
    scheme: Scheme = Scheme.HMAC,
    plain_http: bool = False,
    actor_id: int | None,
) -> NewKey:
    """Send events of these kinds to an address from now on.

    ``plain_http``: whether the operator allows calls without TLS anywhere. Raises DomainError ``bad_url`` or
    ``unknown_kind``; whether the address may be called is judged at each call.
    """
    _require_fit(url, plain_http=plain_http)
    wanted = sorted(set(kinds))
    if not wanted or set(wanted) - set(EventKind):
        raise DomainError(
            "unknown_kind",
            f"Loại sự kiện phải là một trong: {', '.join(EventKind)}.",
            f"Kinds of events are {', '.join(EventKind)}.",
        )
    endpoint = Endpoint(school_id=school_id, url=url, kinds=wanted, created_by=actor_id, created_at=clock.now())
    session.add(endpoint)
    session.flush()
    key = _add_key(session, cipher, endpoint, scheme)
    _record(session, actor_id, "webhook.added", endpoint)
    return NewKey(endpoint.id, shown(key))


def pause(session: Session, school_id: int, endpoint_id: int, *, actor_id: int | None) -> None:
    """Let events wait. Raises NotFoundError, and ConflictError ``endpoint_state`` unless it is active."""
    endpoint = locked(session, school_id, endpoint_id)
    if endpoint.state is not EndpointState.ACTIVE:
        raise _wrong_state(endpoint)
    endpoint.state = EndpointState.PAUSED
    _record(session, actor_id, "webhook.paused", endpoint)


def resume(session: Session, school_id: int, endpoint_id: int, *, actor_id: int | None) -> None:
    """Send again what waits; what happened while it was disabled is sent by ``resending.resend_since``.

    Raises NotFoundError, and ConflictError ``endpoint_state`` for an active endpoint.
    """
    endpoint = locked(session, school_id, endpoint_id)
    if endpoint.state is EndpointState.ACTIVE:
        raise _wrong_state(endpoint)
    endpoint.state, endpoint.disabled_reason = EndpointState.ACTIVE, None
    endpoint.failures, endpoint.failing_since, endpoint.rest_until = 0, None, None
    _record(session, actor_id, "webhook.resumed", endpoint)
    outbox.wake_after_commit(session, QUEUE)


def remove(session: Session, school_id: int, endpoint_id: int, *, actor_id: int | None) -> None:
    """Send nothing more; what waits is given up, the keys end, the log stays. Raises NotFoundError."""
    endpoint = locked(session, school_id, endpoint_id)
    endpoint.state = EndpointState.REMOVED
    for secret in _live_secrets(session, endpoint):
        secret.expires_at = clock.now()
    session.execute(
        update(Delivery)
        .where(
            Delivery.school_id == school_id,
            Delivery.endpoint_id == endpoint_id,
            Delivery.state == DeliveryState.WAITING,
        )
        .values(state=DeliveryState.DEAD, problem="removed", leased_until=None, lease_token=Delivery.lease_token + 1)
        .execution_options(synchronize_session=False)
    )
    _record(session, actor_id, "webhook.removed", endpoint)


def rotate_secret(
    session: Session,
    cipher: FieldCipher,
    school_id: int,
    endpoint_id: int,
    *,
    overlap: timedelta = OVERLAP,
    actor_id: int | None,
) -> str:
    """Make a new key and return what the receiver needs; the old one signs beside it until the overlap is over.

    Raises NotFoundError, and ConflictError ``two_secrets`` while an earlier change is going on (an overlap of zero, for
    a key that leaked, ends all older ones at once).
    """
    endpoint = locked(session, school_id, endpoint_id)
    live = _live_secrets(session, endpoint)
    if len(live) >= LIVE_SECRETS and overlap:
        raise ConflictError(
            "two_secrets",
            "Địa chỉ này đang đổi khóa; hãy đợi khóa cũ hết hạn, hoặc đặt thời gian chồng là 0 để bỏ khóa cũ ngay.",
            "A change of keys is going on; wait until the old one ends, or end it at once with an overlap of 0.",
        )
    for secret in live:
        secret.expires_at = clock.now() + overlap
    key = _add_key(session, cipher, endpoint, Scheme(live[-1].scheme))
    _record(session, actor_id, "webhook.secret_rotated", endpoint)
    return shown(key)


def live_keys(session: Session, cipher: FieldCipher, endpoint: Endpoint) -> list[Key]:
    """The keys that sign now, newest first. Raises SealError."""
    live = _live_secrets(session, endpoint)
    return [Key(Scheme(one.scheme), cipher.open(one.sealed, SECRET_PLACE)) for one in reversed(live)]


def locked(session: Session, school_id: int, endpoint_id: int) -> Endpoint:
    """The endpoint, locked against other changes but not against new events for it. Raises NotFoundError."""
    endpoint = session.get(
        Endpoint, (school_id, endpoint_id), with_for_update={"key_share": True}, populate_existing=True
    )
    if endpoint is None or endpoint.state is EndpointState.REMOVED:
        raise NotFoundError("Không tìm thấy địa chỉ nhận sự kiện.", "There is no such endpoint.")
    return endpoint


def _require_fit(url: str, *, plain_http: bool) -> None:
    try:
        check_url(url)
    except OutgoingError as error:
        raise _bad_url() from error
    if urlsplit(url).scheme != "https" and not plain_http:
        raise _bad_url()


def _bad_url() -> DomainError:
    return DomainError(
        "bad_url",
        "Địa chỉ nhận phải là https:// đầy đủ, không kèm tên đăng nhập, ví dụ https://phanmem.example/su-kien.",
        "An endpoint is a full https:// address without user or fragment, such as https://software.example/events.",
    )


def _wrong_state(endpoint: Endpoint) -> ConflictError:
    return ConflictError(
        "endpoint_state",
        f"Địa chỉ nhận đang ở trạng thái «{endpoint.state}», không làm được việc này.",
        f"The endpoint is {endpoint.state}; this cannot be done now.",
    )


def _add_key(session: Session, cipher: FieldCipher, endpoint: Endpoint, scheme: Scheme) -> Key:
    # Any 32 bytes are an ed25519 private key (RFC 8032), and a good shared secret.
    key = Key(scheme, os.urandom(KEY_BYTES))
    session.add(
        EndpointSecret(
            school_id=endpoint.school_id,
            endpoint_id=endpoint.id,
            scheme=scheme.value,
            sealed=cipher.seal(key.secret, SECRET_PLACE),
            created_at=clock.now(),
        )
    )
    session.flush()
    return key


def _live_secrets(session: Session, endpoint: Endpoint) -> Sequence[EndpointSecret]:
    """Oldest first."""
    now: datetime = clock.now()
    return session.scalars(
        select(EndpointSecret)
        .where(
            EndpointSecret.school_id == endpoint.school_id,
            EndpointSecret.endpoint_id == endpoint.id,
            or_(EndpointSecret.expires_at.is_(None), EndpointSecret.expires_at > now),
        )
        .order_by(EndpointSecret.created_at, EndpointSecret.id)
    ).all()


def _record(session: Session, actor_id: int | None, action: str, endpoint: Endpoint) -> None:
    record(
        session,
        actor_id,
        action,
        subject_kind="webhook_endpoint",
        subject_id=endpoint.id,
        school_id=endpoint.school_id,
    )
