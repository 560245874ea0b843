"""What a claim may hold, and how many one pupil may have: pure."""

import re
from datetime import date, timedelta

from bank_adapters.statements.keys import fold
from payments.errors import DomainError
from payments.invoices.reference import find
from payments.money import MAX_VND, parse_vnd

LIVES = timedelta(days=60)
"""So long a claim waits for its money, and is shown to whoever made it."""
MOST_A_DAY = 5
MOST_OPEN = 10
"""Counted over the claims alone: a limit that knew of money would tell whether a guessed number exists."""
DAY = timedelta(days=1)
FEWEST_DIGITS = 4
MAX_TYPED = 60
_SHAPE = re.compile("[0-9A-Z]{6,35}", re.ASCII)


class TooManyClaimsError(DomainError):
    """The holder of a link told of too many transfers."""

    status = 429

    def __init__(self) -> None:
        super().__init__(
            "too_many_claims",
            f"Mỗi học sinh báo được {MOST_A_DAY} mã một ngày và {MOST_OPEN} mã đang chờ. Vui lòng liên hệ nhà trường.",
            f"At most {MOST_A_DAY} numbers a day and {MOST_OPEN} that wait for one pupil. Please ask the school.",
        )


def read_reference(typed: str) -> str:
    """The bank's number of a transfer, folded as banks' references are. Raises DomainError ``bad_bank_reference``."""
    if find(typed):
        raise DomainError(
            "bad_bank_reference",
            "Đây là nội dung chuyển khoản của nhà trường. Hãy nhập mã giao dịch mà ngân hàng cấp sau khi chuyển.",
            "This is the school's memo code. Please type the number that your bank gave after the transfer.",
        )
    folded = fold(typed[:MAX_TYPED])
    if not _SHAPE.fullmatch(folded) or sum(map(str.isdigit, folded)) < FEWEST_DIGITS or not folded.strip("0"):
        raise DomainError(
            "bad_bank_reference",
            "Mã giao dịch gồm 6 đến 35 chữ và số, như FT25253123456789; xem ở biên nhận trong ứng dụng ngân hàng.",
            "The bank's number has 6 to 35 letters and digits, such as FT25253123456789; see your app's confirmation.",
        )
    return folded


def read_amount(typed: str) -> int | None:
    """The amount in đồng; empty: not said. Raises DomainError."""
    if not typed.strip():
        return None
    amount_vnd = parse_vnd(typed)
    if not 0 < amount_vnd <= MAX_VND:
        raise DomainError("bad_amount", "Số tiền phải lớn hơn 0.", "The amount must be above zero.")
    return amount_vnd


def read_day(typed: str, today: date) -> date | None:
    """The day of the transfer; empty: not said. Raises DomainError ``bad_day``."""
    if not typed.strip():
        return None
    try:
        day = date.fromisoformat(typed.strip())
    except ValueError:
        day = None
    if day is None or not today - LIVES <= day <= today:
        raise DomainError(
            "bad_day",
            f"Ngày chuyển phải trong {LIVES.days} ngày gần đây.",
            f"The day must be within the last {LIVES.days} days.",
        )
    return day
