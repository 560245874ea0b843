"""Settlement reports of intermediaries («báo cáo đối soát»), as imported. Only ever added."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import Id, SchoolRow, Vnd


class PayoutReport(SchoolRow):
    """One imported report about one receiving account."""

    __tablename__ = "payout_report"
    __table_args__ = (
        UniqueConstraint(
            "school_id", "connection_id", "account_id", "content_sha256", name="uq__payout_report__same_content"
        ),
        ForeignKeyConstraint(["school_id", "account_id"], ["receiving_account.school_id", "receiving_account.id"]),
    )

    connection_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("connection.id"))
    account_id: Mapped[Id]
    file_name: Mapped[str]
    content_sha256: Mapped[bytes]
    """Of the rows in canonical order: equal when saved anew or sorted otherwise."""
    imported_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    imported_at: Mapped[datetime]


class PayoutReportRow(SchoolRow):
    """One payment, or (negative) refund, that a report counts into a payout; known once, whatever report tells it."""

    __tablename__ = "payout_report_row"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "report_id"], ["payout_report.school_id", "payout_report.id"]),
        ForeignKeyConstraint(["school_id", "account_id"], ["receiving_account.school_id", "receiving_account.id"]),
        UniqueConstraint(
            *("school_id", "connection_id", "account_id", "payout_key", "txn_id", "is_refund"),
            name="uq__payout_report_row__known_once",
        ),
        CheckConstraint("gross_vnd <> 0 AND (gross_vnd < 0) = is_refund", name="sign"),
        CheckConstraint("net_vnd = gross_vnd - fee_vnd", name="net"),
        Index(None, "school_id", "report_id"),
    )

    report_id: Mapped[Id]
    connection_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("connection.id"))
    account_id: Mapped[Id]
    row_no: Mapped[int]
    payout_key: Mapped[str]
    """What joins the rows of one payout: its reference, else its day, else the whole file."""
    payout_reference: Mapped[str | None]
    payout_on: Mapped[date | None]
    txn_id: Mapped[str]
    """The intermediary's number of the payment."""
    order_reference: Mapped[str | None]
    is_refund: Mapped[bool]
    gross_vnd: Mapped[Vnd]
    fee_vnd: Mapped[Vnd]
    net_vnd: Mapped[Vnd]
