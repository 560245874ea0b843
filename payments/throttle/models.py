"""Buckets of tries."""

from datetime import datetime

from sqlalchemy import Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped

from payments.db import Base


class Throttle(Base):
    """One bucket of one limit; a row whose bucket is empty again is swept."""

    __tablename__ = "throttle"
    __table_args__ = (PrimaryKeyConstraint("key"), Index(None, "empty_at"))

    key: Mapped[bytes]
    """Keyed hash (HMAC) of the limit's name and of what is counted: neither an address nor a code can be read back."""
    empty_at: Mapped[datetime]
    """When nothing of the tries will weigh any more."""
