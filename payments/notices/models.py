"""Campaigns, notices and what became of them, texts of a school, addresses that must not be used, class chats."""

from datetime import datetime, time
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import Base, Id, SchoolRow, str_enum
from payments.notices.rules import CampaignState, Channel, Kind, NoticeState


class NoticeSettings(Base):
    """What a school has chosen; no row: the usual choices."""

    __tablename__ = "notice_settings"
    __table_args__ = (
        CheckConstraint("per_minute BETWEEN 1 AND 600", name="pace"),
        CheckConstraint(
            "quiet_from BETWEEN '18:00' AND '22:00' AND quiet_to BETWEEN '06:00' AND '09:00'", name="quiet_hours"
        ),
        CheckConstraint("zns_price_vnd >= 0 AND sms_price_vnd >= 0", name="prices"),
    )

    school_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("school.id"), primary_key=True)
    quiet_from: Mapped[time]
    quiet_to: Mapped[time]
    per_minute: Mapped[int]
    contact_phone: Mapped[str | None]
    """The school's own telephone, shown in notices."""
    thanks_since: Mapped[datetime | None]
    """Payments received from then on are confirmed by a notice; None: off."""
    zns_price_vnd: Mapped[int | None] = mapped_column(BigInteger)
    sms_price_vnd: Mapped[int | None] = mapped_column(BigInteger)
    """Đồng a message, as the operator has agreed with the provider."""


class NoticeTemplate(SchoolRow):
    """A version of a text; the newest one is used. ``body`` None: the text that hocphi brings."""

    __tablename__ = "notice_template"
    __table_args__ = (UniqueConstraint("school_id", "kind", "language", "version"),)

    kind: Mapped[Kind] = mapped_column(str_enum(Kind))
    language: Mapped[str]
    version: Mapped[int]
    subject: Mapped[str | None]
    body: Mapped[str | None]
    created_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    created_at: Mapped[datetime]


class Campaign(SchoolRow):
    """Notices of one kind about one round by one channel, started by a person; its texts are frozen at the start.

    Payments are confirmed by one standing campaign of a school, without a round.
    """

    __tablename__ = "notice_campaign"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "round_id"], ["collection_round.school_id", "collection_round.id"]),
        CheckConstraint("(kind = 'received') = (round_id IS NULL)", name="about_a_round"),
        # Two people who press «Bắt đầu» at the same moment start one campaign.
        Index(
            "uq__notice_campaign__live",
            "school_id",
            "round_id",
            "kind",
            "channel",
            unique=True,
            postgresql_where="state IN ('running', 'paused') AND kind <> 'received'",
        ),
        Index("uq__notice_campaign__received", "school_id", unique=True, postgresql_where="kind = 'received'"),
    )

    kind: Mapped[Kind] = mapped_column(str_enum(Kind))
    channel: Mapped[Channel] = mapped_column(str_enum(Channel))
    round_id: Mapped[int | None] = mapped_column(BigInteger)
    language: Mapped[str]
    """``vi``, ``en`` or ``both``."""
    texts: Mapped[dict[str, Any]]
    """``{language: {"subject", "body"}}`` with placeholders."""
    left_out: Mapped[dict[str, Any]]
    """How many of the audience get none, by reason."""
    price_vnd: Mapped[int] = mapped_column(BigInteger)
    """Đồng a message; 0 for the free channels."""
    per_minute: Mapped[int]
    state: Mapped[CampaignState] = mapped_column(str_enum(CampaignState))
    problem: Mapped[str | None]
    """Why nothing leaves at the moment (the mail server is away); None: all is well."""
    started_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Notice(SchoolRow):
    """One notice to one pupil's parent, or into one class's group. It is written when it is sent, never before.

    ``dedup_key`` names the cause: the same cause never gives a second notice.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("school_id", "dedup_key"),
        ForeignKeyConstraint(["school_id", "campaign_id"], ["notice_campaign.school_id", "notice_campaign.id"]),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        ForeignKeyConstraint(["school_id", "class_id"], ["class_room.school_id", "class_room.id"]),
        ForeignKeyConstraint(["school_id", "transaction_id"], ["bank_transaction.school_id", "bank_transaction.id"]),
        CheckConstraint("(pupil_id IS NULL) <> (class_id IS NULL)", name="for_somebody"),
        CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="ended"),
        Index(None, "school_id", "campaign_id", "state"),
        Index(None, "school_id", "pupil_id"),
        Index("ix__notice__taken", "taken_at", postgresql_where="taken_at IS NOT NULL"),
    )

    campaign_id: Mapped[Id]
    dedup_key: Mapped[str]
    pupil_id: Mapped[int | None] = mapped_column(BigInteger)
    class_id: Mapped[int | None] = mapped_column(BigInteger)
    transaction_id: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[NoticeState] = mapped_column(str_enum(NoticeState))
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default="0")
    taken_at: Mapped[datetime | None]
    """When a worker last took it: what the pace counts."""
    lease_token: Mapped[int] = mapped_column(BigInteger, server_default="0")
    leased_until: Mapped[datetime | None]
    problem: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    address_index: Mapped[bytes | None]
    """Blind index of the address it was last sent to: a bounce is believed for that address only."""


class NoticeAttempt(SchoolRow):
    """One try to hand over a notice. ``problem`` None: it was taken."""

    __tablename__ = "notice_attempt"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "notice_id"], ["notice.school_id", "notice.id"]),
        Index(None, "school_id", "notice_id"),
    )

    notice_id: Mapped[Id]
    at: Mapped[datetime]
    problem: Mapped[str | None]


class NoticeContact(SchoolRow):
    """What is known of an address: that it bounces, or that its owner wants no notices. No row: nothing is."""

    __tablename__ = "notice_contact"
    __table_args__ = (UniqueConstraint("school_id", "channel", "address_index"),)

    channel: Mapped[Channel] = mapped_column(str_enum(Channel))
    address_sealed: Mapped[bytes]
    address_index: Mapped[bytes]
    opted_out_at: Mapped[datetime | None]
    opted_in_at: Mapped[datetime | None]
    """When the owner asked for notices again."""
    bounced_at: Mapped[datetime | None]
    bounce_code: Mapped[str | None]


class NoticeBot(SchoolRow):
    """A bot of the school on a chat service; its token is sealed."""

    __tablename__ = "notice_bot"
    __table_args__ = (UniqueConstraint("school_id", "service"),)

    service: Mapped[str]
    """``zalo`` or ``telegram``."""
    token_sealed: Mapped[bytes]
    set_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    set_at: Mapped[datetime]


class ClassChat(SchoolRow):
    """The group of a class on a chat service, where the bot may write."""

    __tablename__ = "class_chat"
    __table_args__ = (
        UniqueConstraint("school_id", "class_id"),
        ForeignKeyConstraint(["school_id", "class_id"], ["class_room.school_id", "class_room.id"]),
        ForeignKeyConstraint(["school_id", "bot_id"], ["notice_bot.school_id", "notice_bot.id"]),
    )

    class_id: Mapped[Id]
    bot_id: Mapped[Id]
    chat_sealed: Mapped[bytes]
    set_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    set_at: Mapped[datetime]
