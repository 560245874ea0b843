"""Which bank's engineer may look at which connection on the developers' desk."""

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.banking.models import Connection, ConnectionReader
from payments.errors import NotFoundError


def share(session: Session, connection_id: int, user_id: int, *, actor_id: int | None) -> None:
    """Let a user look at a connection; a second time changes nothing. Raises NotFoundError for no such connection."""
    if session.get(Connection, connection_id) is None:
        raise NotFoundError("Không tìm thấy kết nối.", "There is no such connection.")
    if connection_id in _shared(session, user_id):
        return
    session.add(ConnectionReader(connection_id=connection_id, user_id=user_id, since=clock.now()))
    _record(session, actor_id, "connection.shared", connection_id, user_id)


def unshare(session: Session, connection_id: int, user_id: int, *, actor_id: int | None) -> None:
    """Take that away at once. Raises NotFoundError when it was not shared with the user."""
    if connection_id not in _shared(session, user_id):
        raise NotFoundError(
            "Kết nối này chưa được chia sẻ với người đó.", "This connection is not shared with that user."
        )
    session.execute(
        delete(ConnectionReader).where(
            ConnectionReader.connection_id == connection_id, ConnectionReader.user_id == user_id
        )
    )
    _record(session, actor_id, "connection.unshared", connection_id, user_id)


def readable_ids(session: Session, user_id: int) -> frozenset[int]:
    """Connections an engineer may look at: those shared with them, and every test connection."""
    found = select(Connection.id).where(or_(Connection.sandbox, Connection.id.in_(_shared(session, user_id))))
    return frozenset(session.scalars(found))


def _shared(session: Session, user_id: int) -> frozenset[int]:
    return frozenset(session.scalars(select(ConnectionReader.connection_id).where(ConnectionReader.user_id == user_id)))


def _record(session: Session, actor_id: int | None, action: str, connection_id: int, user_id: int) -> None:
    record(
        session,
        actor_id,
        action,
        subject_kind="connection",
        subject_id=connection_id,
        school_id=None,
        detail={"user_id": user_id},
    )
