"""Messages to people and what became of each attempt to deliver them."""

import enum
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import SchoolRow, str_enum


class MessageState(enum.StrEnum):
    """``shown``: kept for the recipient's screen, no channel asked for."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    SHOWN = "shown"


class Message(SchoolRow):
    """A rendered message. ``dedup_key`` makes the same cause give one message, also after a crash."""

    __tablename__ = "message"
    __table_args__ = (UniqueConstraint("school_id", "dedup_key"), Index(None, "school_id", "recipient_user_id"))

    dedup_key: Mapped[str]
    kind: Mapped[str]
    recipient_user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    email: Mapped[str | None]
    subject: Mapped[str]
    body: Mapped[str]
    state: Mapped[MessageState] = mapped_column(str_enum(MessageState), default=MessageState.WAITING)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class DeliveryAttempt(SchoolRow):
    """One try to hand a message to its channel."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (ForeignKeyConstraint(["school_id", "message_id"], ["message.school_id", "message.id"]),)

    message_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    channel: Mapped[str]
    succeeded: Mapped[bool]
    reason: Mapped[str | None]
