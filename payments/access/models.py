"""Users, their dated roles, sessions, and decisions that need two people."""

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import GlobalRow, SchoolRow, str_enum


class Role(enum.StrEnum):
    """What a person may be in a school, in a part of the province, or on the server."""

    ACCOUNTANT = "accountant"
    PRINCIPAL = "principal"
    OFFICER = "officer"
    OPERATOR = "operator"
    ENGINEER = "engineer"
    """Of a bank or payment service: the developers' desk, for connections shared with them (no pupil, no school)."""


class User(GlobalRow):
    """A member of staff who logs in. Parents have no account."""

    __tablename__ = "app_user"
    __table_args__ = (UniqueConstraint("username"),)

    username: Mapped[str]
    full_name: Mapped[str]
    email: Mapped[str | None]
    password_hash: Mapped[str]
    """argon2id, by argon2-cffi."""
    active: Mapped[bool] = mapped_column(default=True)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Grant(GlobalRow):
    """A role of a user within an organisation (a school, a commune, the department); None: the whole server."""

    __tablename__ = "user_grant"
    __table_args__ = (
        Index(None, "user_id"),
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="dates"),
    )

    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    role: Mapped[Role] = mapped_column(str_enum(Role))
    organisation_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("organisation.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class UserSession(GlobalRow):
    """A log-in. The cookie carries the token, the row only its SHA-256."""

    __tablename__ = "user_session"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "user_id"))

    token_hash: Mapped[bytes]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class LoginAttempt(GlobalRow):
    """A log-in that was tried: for lock-out and for the eye of the operator."""

    __tablename__ = "login_attempt"
    __table_args__ = (Index(None, "remote_addr", "at"),)

    at: Mapped[datetime]
    username: Mapped[str]
    remote_addr: Mapped[str | None]
    succeeded: Mapped[bool]


class ApprovalState(enum.StrEnum):
    """Where a decision of two people stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class Approval(SchoolRow):
    """A change that one person proposes and another decides; the database refuses the same person twice."""

    __tablename__ = "approval"
    __table_args__ = (
        CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="two_people"),
        CheckConstraint("(state = 'proposed') = (decided_by IS NULL)", name="decided"),
        Index(None, "school_id", "subject_kind", "subject_id"),
    )

    subject_kind: Mapped[str]
    """What is decided on: ``receiving_account``, ``collection_round``."""
    subject_id: Mapped[int] = mapped_column(BigInteger)
    payload: Mapped[dict[str, Any]]
    state: Mapped[ApprovalState] = mapped_column(str_enum(ApprovalState), default=ApprovalState.PROPOSED)
    proposed_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
