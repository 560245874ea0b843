"""Integer đồng: parsing what people and files write, and showing it the Vietnamese way.

Viet Nam's đồng has no minor unit (ISO 4217 gives two decimals, nobody uses them), so every amount is an ``int``
named ``…_vnd``; there is no float and no Decimal with fractions anywhere (invariant I9).
"""

import re

from payments.errors import DomainError

MAX_VND = 9_999_999_999_999
"""13 digits: the most that field 54 of a VietQR can carry."""

_LONGEST = 60
"""Characters of an amount with dots and currency; what is longer is not looked at: a pattern could take minutes."""

_PLAIN = re.compile(r"[0-9]{1,13}", re.ASCII)
_GROUPED = re.compile(r"[0-9]{1,3}(?:([.,])[0-9]{3})(?:\1[0-9]{3})*", re.ASCII)
_CURRENCY = re.compile(r"\s*(?:đ|₫|đồng|dong|vnd|vnđ)\.?$", re.IGNORECASE)


def format_vnd(amount_vnd: int) -> str:
    """``1234567`` -> ``1.234.567 ₫`` with a no-break space, as Vietnamese readers expect."""
    return f"{amount_vnd:,}".replace(",", ".") + "\u00a0₫"


def format_number(amount_vnd: int) -> str:
    """``1234567`` -> ``1.234.567``."""
    return f"{amount_vnd:,}".replace(",", ".")


def parse_vnd(text: str) -> int:
    """Read an amount in đồng as people type it: ``1234567``, ``1.234.567``, ``1,234,567 đ``.

    Raises DomainError ``bad_amount`` for anything else: signs, decimals, half-grouped digits are refused, not guessed.
    """
    short = text.strip().replace("\u00a0", " ")
    bare = _CURRENCY.sub("", short) if len(short) <= _LONGEST else ""
    if _GROUPED.fullmatch(bare):
        bare = bare.replace(".", "").replace(",", "")
    if not _PLAIN.fullmatch(bare):
        raise DomainError(
            "bad_amount",
            "Số tiền phải là số nguyên đồng, ví dụ 1.250.000.",
            "The amount must be whole đồng, for example 1.250.000.",
        )
    return int(bare)


def share_percent(amount_vnd: int, percent: int) -> int:
    """``percent`` of an amount, rounded half up to one đồng (once per line; facts: reductions of 50, 70, 100 %)."""
    return (amount_vnd * percent + 50) // 100
