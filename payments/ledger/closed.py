"""What a signed period means for the books: entries go to open days, and what was signed is not undone."""

from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.errors import DomainError

THROUGH = text("SELECT through FROM books_closed WHERE school_id = :school_id")


def closed_through(session: Session, school_id: int) -> date | None:
    """The last day that the school has signed; None: all days are open."""
    through: date | None = session.scalar(THROUGH, {"school_id": school_id})
    return through


def open_day(through: date | None, day: date) -> date:
    """The day on which something dated ``day`` is booked: today where that one is signed."""
    if through is None or day > through:
        return day
    return max(clock.today(), through + timedelta(days=1))


def closed_period(through: date) -> DomainError:
    """The refusal for whoever wants to change what was signed."""
    return DomainError(
        "closed_period",
        f"Kỳ đến ngày {through:%d/%m/%Y} đã khóa và ký; muốn sửa, hãy nhờ hiệu trưởng mở lại kỳ.",
        f"The period up to {through} is closed and signed; to change it, ask the principal to reopen it.",
    )
