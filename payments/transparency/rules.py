"""What may stand in public: pure.

A sum is shown only where at least ``FEWEST`` pupils stand behind it, and rounded down to a grain that outweighs the
bills of ``FEWEST`` pupils: whoever knows every other bill still cannot tell one pupil from five (docs/adr/0028).
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from payments.banking.rules import account_text
from payments.banking.standing import PublicAccount, Standing
from payments.errors import DomainError

FEWEST = 5
"""Pupils behind a figure, and behind each change of it."""
STEPS = (1, 2, 5)

_NUMBER = re.compile(r"[0-9A-Z]{4,19}", re.ASCII)
_PHONE = re.compile(r"[0-9+().\- ]{0,30}", re.ASCII)
_EMAIL = re.compile(r"[^@\s<>]{1,60}@[^@\s<>]{1,59}")
_LONGEST_HOURS = 160

Finding = Literal["ours", "coming", "ended", "own_number", "not_ours", "unreadable"]


@dataclass(frozen=True, slots=True)
class Counted:
    """One fee item of a round as the books have it, in đồng: exact, for the school's own eyes."""

    round_id: int
    fee_item_id: int
    billed_pupils: int
    billed_vnd: int
    paid_pupils: int
    collected_vnd: int
    largest_vnd: int
    """The most that one pupil was billed, or paid."""
    prices_vnd: tuple[int, ...]
    """Unit prices that at least FEWEST pupils were billed."""
    changed_pupils: int | None
    """Pupils whose bill or payment changed since the figure in public; None: there is none yet."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What of it may be shown; None: too few pupils stand behind it."""

    round_id: int
    fee_item_id: int
    grain_vnd: int
    billed_vnd: int | None
    collected_vnd: int | None
    prices_vnd: tuple[int, ...]


def grain(largest_vnd: int) -> int:
    """The least of 1, 2, 5, 10, 20, … that is at least FEWEST times the largest bill, in đồng."""
    wanted, power = FEWEST * max(largest_vnd, 1), 1
    while True:
        for step in STEPS:
            if step * power >= wanted:
                return step * power
        power *= 10


def figure(counted: Counted) -> Figure:
    """Round and suppress."""
    grain_vnd = grain(counted.largest_vnd)
    return Figure(
        round_id=counted.round_id,
        fee_item_id=counted.fee_item_id,
        grain_vnd=grain_vnd,
        billed_vnd=_shown(counted.billed_vnd, counted.billed_pupils, grain_vnd),
        collected_vnd=_shown(counted.collected_vnd, counted.paid_pupils, grain_vnd),
        prices_vnd=counted.prices_vnd,
    )


def may_replace(counted: Counted) -> bool:
    """Whether a figure in public may change: at least FEWEST pupils changed since, or there is none yet."""
    return counted.changed_pupils is None or counted.changed_pupils >= FEWEST


def _shown(sum_vnd: int, pupils: int, grain_vnd: int) -> int | None:
    if pupils < FEWEST or sum_vnd < grain_vnd:
        return None
    return sum_vnd - sum_vnd % grain_vnd


def typed_number(typed: str) -> str | None:
    """An account number as somebody pasted it, without blanks, dots and hyphens; None: that is no account number."""
    plain = account_text("".join(unicodedata.normalize("NFKC", typed[:100]).split()))
    return plain if _NUMBER.fullmatch(plain) and any(character.isdigit() for character in plain) else None


def find(number: str | None, accounts: Sequence[PublicAccount], *, own: bool) -> tuple[Finding, list[PublicAccount]]:
    """Judge a number that somebody asks about, with the accounts it names. Equal or not: nothing in between."""
    if number is None:
        return "unreadable", []
    named = [account for account in accounts if account.number.upper() == number]
    for standing, finding in _FINDINGS.items():
        found = [account for account in named if account.standing is standing]
        if found:
            return finding, found
    return ("own_number" if own else "not_ours"), []


_FINDINGS: dict[Standing, Finding] = {Standing.IN_USE: "ours", Standing.COMING: "coming", Standing.ENDED: "ended"}


def check_contact(phone: str, email: str, hours: str) -> None:
    """Raises DomainError ``bad_contact``."""
    if not _PHONE.fullmatch(phone) or (phone and sum(character.isdigit() for character in phone) < 3):
        raise DomainError(
            "bad_contact",
            "Số điện thoại chỉ gồm chữ số, dấu cách, +, dấu chấm, gạch nối và ngoặc, dài nhất 30 ký tự.",
            "A phone number has digits, blanks, +, dots, hyphens and brackets, at most 30 characters.",
        )
    if email and not _EMAIL.fullmatch(email):
        raise DomainError("bad_contact", "Địa chỉ thư điện tử không đúng dạng.", "That is no e-mail address.")
    if len(hours) > _LONGEST_HOURS:
        raise DomainError(
            "bad_contact",
            f"Nơi và giờ tiếp phụ huynh dài nhất {_LONGEST_HOURS} ký tự.",
            f"Place and hours have at most {_LONGEST_HOURS} characters.",
        )


def look_alike(host: str) -> str:
    """An address that begins with the installation's name and belongs to somebody else (RFC 2606: .example)."""
    return f"{host.partition(':')[0]}.xac-minh.example"
