"""Notices to parents: campaigns in waves, each notice with its state and attempts, texts of a school with versions,

addresses that bounce or want none, bots and the chats of classes. Only new tables: older code does not see them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notice_bot",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__notice_bot__school_id__school")),
        sa.ForeignKeyConstraint(["set_by"], ["app_user.id"], name=op.f("fk__notice_bot__set_by__app_user")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__notice_bot")),
        sa.UniqueConstraint("school_id", "service", name=op.f("uq__notice_bot__school_id_service")),
    )
    op.create_table(
        "notice_contact",
        sa.Column(
            "channel",
            sa.Enum(
                "email", "chat", "zns", "sms", name="channel", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("address_index", sa.LargeBinary(), nullable=False),
        sa.Column("opted_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opted_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bounce_code", sa.Text(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__notice_contact__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__notice_contact")),
        sa.UniqueConstraint(
            "school_id", "channel", "address_index", name=op.f("uq__notice_contact__school_id_channel_address_index")
        ),
    )
    op.create_table(
        "notice_settings",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=False),
        sa.Column("quiet_to", sa.Time(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("contact_phone", sa.Text(), nullable=True),
        sa.Column("thanks_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("zns_price_vnd", sa.BigInteger(), nullable=True),
        sa.Column("sms_price_vnd", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "quiet_from BETWEEN '18:00' AND '22:00' AND quiet_to BETWEEN '06:00' AND '09:00'",
            name=op.f("ck__notice_settings__quiet_hours"),
        ),
        sa.CheckConstraint("per_minute BETWEEN 1 AND 600", name=op.f("ck__notice_settings__pace")),
        sa.CheckConstraint("zns_price_vnd >= 0 AND sms_price_vnd >= 0", name=op.f("ck__notice_settings__prices")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__notice_settings__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", name=op.f("pk__notice_settings")),
    )
    op.create_table(
        "notice_template",
        sa.Column(
            "kind",
            sa.Enum(
                "new_round",
                "reminder",
                "overdue",
                "received",
                "group",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["app_user.id"], name=op.f("fk__notice_template__created_by__app_user")
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__notice_template__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__notice_template")),
        sa.UniqueConstraint(
            "school_id",
            "kind",
            "language",
            "version",
            name=op.f("uq__notice_template__school_id_kind_language_version"),
        ),
    )
    op.create_table(
        "class_chat",
        sa.Column("class_id", sa.BigInteger(), nullable=False),
        sa.Column("bot_id", sa.BigInteger(), nullable=False),
        sa.Column("chat_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "bot_id"],
            ["notice_bot.school_id", "notice_bot.id"],
            name=op.f("fk__class_chat__school_id_bot_id__notice_bot"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "class_id"],
            ["class_room.school_id", "class_room.id"],
            name=op.f("fk__class_chat__school_id_class_id__class_room"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__class_chat__school_id__school")),
        sa.ForeignKeyConstraint(["set_by"], ["app_user.id"], name=op.f("fk__class_chat__set_by__app_user")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__class_chat")),
        sa.UniqueConstraint("school_id", "class_id", name=op.f("uq__class_chat__school_id_class_id")),
    )
    op.create_table(
        "notice_campaign",
        sa.Column(
            "kind",
            sa.Enum(
                "new_round",
                "reminder",
                "overdue",
                "received",
                "group",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "channel",
            sa.Enum(
                "email", "chat", "zns", "sms", name="channel", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("round_id", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("texts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("left_out", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("price_vnd", sa.BigInteger(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "running",
                "paused",
                "done",
                "cancelled",
                name="campaignstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("started_by", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("(kind = 'received') = (round_id IS NULL)", name=op.f("ck__notice_campaign__about_a_round")),
        sa.ForeignKeyConstraint(
            ["school_id", "round_id"],
            ["collection_round.school_id", "collection_round.id"],
            name=op.f("fk__notice_campaign__school_id_round_id__collection_round"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__notice_campaign__school_id__school")),
        sa.ForeignKeyConstraint(
            ["started_by"], ["app_user.id"], name=op.f("fk__notice_campaign__started_by__app_user")
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__notice_campaign")),
    )
    op.create_index(
        "uq__notice_campaign__live",
        "notice_campaign",
        ["school_id", "round_id", "kind", "channel"],
        unique=True,
        postgresql_where=sa.text("state IN ('running', 'paused') AND kind <> 'received'"),
    )
    op.create_index(
        "uq__notice_campaign__received",
        "notice_campaign",
        ["school_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'received'"),
    )
    op.create_table(
        "notice",
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("dedup_key", sa.Text(), nullable=False),
        sa.Column("pupil_id", sa.BigInteger(), nullable=True),
        sa.Column("class_id", sa.BigInteger(), nullable=True),
        sa.Column("transaction_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "sent",
                "failed",
                "bad_address",
                "paid",
                "skipped",
                name="noticestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address_index", sa.LargeBinary(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name=op.f("ck__notice__ended")),
        sa.CheckConstraint("(pupil_id IS NULL) <> (class_id IS NULL)", name=op.f("ck__notice__for_somebody")),
        sa.ForeignKeyConstraint(
            ["school_id", "campaign_id"],
            ["notice_campaign.school_id", "notice_campaign.id"],
            name=op.f("fk__notice__school_id_campaign_id__notice_campaign"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "class_id"],
            ["class_room.school_id", "class_room.id"],
            name=op.f("fk__notice__school_id_class_id__class_room"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__notice__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "transaction_id"],
            ["bank_transaction.school_id", "bank_transaction.id"],
            name=op.f("fk__notice__school_id_transaction_id__bank_transaction"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__notice__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__notice")),
        sa.UniqueConstraint("school_id", "dedup_key", name=op.f("uq__notice__school_id_dedup_key")),
    )
    op.create_index(
        op.f("ix__notice__school_id_campaign_id_state"), "notice", ["school_id", "campaign_id", "state"], unique=False
    )
    op.create_index(op.f("ix__notice__school_id_pupil_id"), "notice", ["school_id", "pupil_id"], unique=False)
    op.create_index(
        "ix__notice__taken", "notice", ["taken_at"], unique=False, postgresql_where=sa.text("taken_at IS NOT NULL")
    )
    op.create_table(
        "notice_attempt",
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "notice_id"],
            ["notice.school_id", "notice.id"],
            name=op.f("fk__notice_attempt__school_id_notice_id__notice"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__notice_attempt__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__notice_attempt")),
    )
    op.create_index(
        op.f("ix__notice_attempt__school_id_notice_id"), "notice_attempt", ["school_id", "notice_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("notice_attempt")
    op.drop_table("notice")
    op.drop_table("notice_campaign")
    op.drop_table("class_chat")
    op.drop_table("notice_template")
    op.drop_table("notice_settings")
    op.drop_table("notice_contact")
    op.drop_table("notice_bot")
