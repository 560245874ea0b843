"""Endpoints of school software with their secrets, what happened, and what became of each delivery."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from payments.db import Id, SchoolRow, str_enum


class EndpointState(enum.StrEnum):
    """``paused``: events wait. ``disabled``: it failed too long or said it is gone; events are kept, not queued."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"
    REMOVED = "removed"


class Endpoint(SchoolRow):
    """An address of school software that wants to be told."""

    __tablename__ = "webhook_endpoint"
    __table_args__ = (CheckConstraint("cardinality(kinds) > 0", name="wants_something"),)

    url: Mapped[str]
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    state: Mapped[EndpointState] = mapped_column(str_enum(EndpointState), default=EndpointState.ACTIVE)
    disabled_reason: Mapped[str | None]
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    """None: from the command line."""
    created_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)
    """Failed attempts since the last success."""
    failing_since: Mapped[datetime | None]
    rest_until: Mapped[datetime | None]
    """While it fails it is asked less often, whatever waits for it."""
    last_delivered_at: Mapped[datetime | None]
    last_problem: Mapped[str | None]
    """Code of the newest failure, until the next success."""


class EndpointSecret(SchoolRow):
    """A signing key; at most two are live, so that a receiver changes over without a refused event."""

    __tablename__ = "webhook_secret"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "endpoint_id"], ["webhook_endpoint.school_id", "webhook_endpoint.id"]),
        CheckConstraint("scheme IN ('v1', 'v1a')", name="scheme"),
        Index(None, "school_id", "endpoint_id"),
    )

    endpoint_id: Mapped[Id]
    scheme: Mapped[str]
    """``v1``: HMAC-SHA256, ``v1a``: ed25519."""
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class Event(SchoolRow):
    """Something that happened, as it was then. ``event_key`` is the webhook-id of every attempt."""

    __tablename__ = "webhook_event"
    __table_args__ = (UniqueConstraint("event_key"), Index(None, "school_id", "occurred_at"))

    event_key: Mapped[str]
    kind: Mapped[str]
    subject_id: Mapped[Id]
    occurred_at: Mapped[datetime]
    data: Mapped[dict[str, Any]]


class DeliveryState(enum.StrEnum):
    """``dead``: given up after the last attempt; a person may resend it."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


class Delivery(SchoolRow):
    """One event for one endpoint: the queue of record, claimed with fenced leases."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "endpoint_id"], ["webhook_endpoint.school_id", "webhook_endpoint.id"]),
        ForeignKeyConstraint(["school_id", "event_id"], ["webhook_event.school_id", "webhook_event.id"]),
        UniqueConstraint("school_id", "event_id", "endpoint_id"),
        Index("ix__webhook_delivery__due", "endpoint_id", "due_at", postgresql_where="state = 'waiting'"),
        Index(
            "ix__webhook_delivery__leased",
            "endpoint_id",
            postgresql_where="state = 'waiting' AND leased_until IS NOT NULL",
        ),
        Index(None, "school_id", "endpoint_id", "state"),
    )

    event_id: Mapped[Id]
    endpoint_id: Mapped[Id]
    state: Mapped[DeliveryState] = mapped_column(str_enum(DeliveryState), default=DeliveryState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    lease_token: Mapped[int] = mapped_column(BigInteger, default=0)
    leased_until: Mapped[datetime | None]
    problem: Mapped[str | None]
    """Code of the last failure."""


class Attempt(SchoolRow):
    """One try to hand an event over, and what the receiver answered."""

    __tablename__ = "webhook_attempt"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "delivery_id"], ["webhook_delivery.school_id", "webhook_delivery.id"]),
        Index(None, "school_id", "delivery_id"),
    )

    delivery_id: Mapped[Id]
    at: Mapped[datetime]
    duration_ms: Mapped[int]
    status: Mapped[int | None]
    problem: Mapped[str | None]
    """None: the receiver took it."""
    answer: Mapped[bytes]
    """The first KiB of what it said."""
