"""Pure decisions about accounts and senders: cooling-off, what a channel costs the payer, whose account is named."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from payments.i18n import Text

COOLING_OFF = timedelta(hours=24)
"""Between the second person's word and the first invoice on an account: time for the principal to object."""

LIVE_SECRETS = 2
PAYOUT_DAYS = 1
LONGEST_PAYOUT_DAYS = 10
"""Business days from a payment to the payout of an intermediary."""
SHORTEST_PREFIX = 3
LONGEST_CHANNEL_NAME = 60

_BIN = re.compile(r"[0-9]{6}", re.ASCII)
_NUMBER = re.compile(r"[0-9A-Z]{1,19}", re.ASCII)
_MEMO_PREFIX = re.compile(r"[0-9A-Z]{1,6}", re.ASCII)

IdentifierKind = Literal["number", "virtual_prefix", "merchant"]


class Target(NamedTuple):
    """A receiving account of a school."""

    school_id: int
    account_id: int


@dataclass(frozen=True, slots=True)
class ClosedList:
    """The accounts a connection may report on, under the names its sender uses; see ``closed_list``."""

    exact: Mapping[str, Target]
    prefixes: Sequence[tuple[str, Target]]

    def resolve(self, account_number: str | None, virtual_account: str | None) -> Target | None:
        """Whose account the message names; None when it names none, or one outside the list.

        A named account number must be on the list, whatever virtual account stands beside it: else a secret of
        one school could speak about another school's account; prefixes are for virtual accounts alone. Of two names
        the virtual account is finer; two that lead to different schools contradict each other.
        """
        number = account_text(account_number or "")
        virtual = account_text(virtual_account or "")
        if not number and not virtual:
            return None
        by_number = self.exact.get(number)
        if number and by_number is None:
            return None
        by_virtual = self._virtual(virtual) if virtual else None
        if by_number and by_virtual and by_number.school_id != by_virtual.school_id:
            return None
        return by_virtual or by_number

    @property
    def only(self) -> Target | None:
        """The account of a connection that reports on one alone: the one that a message without account means."""
        targets = {*self.exact.values(), *(target for _, target in self.prefixes)}
        return next(iter(targets)) if len(targets) == 1 else None

    def is_virtual(self, name: str, target: Target) -> bool:
        """Whether a name lies under a prefix that is listed for an account."""
        return self._virtual(account_text(name)) == target and account_text(name) not in self.exact

    def may_be_own(self, account_number: str, virtual_account: str | None) -> bool:
        """Whether the account that a message names may be a pupil's own: not listed, but under a listed prefix."""
        number = account_text(account_number)
        same = account_text(virtual_account or "") in {"", number}
        return same and number not in self.exact and any(number.startswith(prefix) for prefix, _ in self.prefixes)

    def _virtual(self, name: str) -> Target | None:
        listed = self.exact.get(name)
        return listed or next((target for prefix, target in self.prefixes if name.startswith(prefix)), None)


def closed_list(entries: Iterable[tuple[IdentifierKind, str, Target]]) -> ClosedList:
    """Build the list from (kind, identifier, account); kinds: number, merchant, virtual_prefix."""
    exact: dict[str, Target] = {}
    prefixes: dict[str, Target] = {}
    for kind, identifier, target in entries:
        (prefixes if kind == "virtual_prefix" else exact)[account_text(identifier)] = target
    longest_first = sorted(prefixes.items(), key=lambda pair: (-len(pair[0]), pair[0]))
    return ClosedList(exact, tuple(longest_first))


def usable_from(approved_at: datetime) -> datetime:
    """The moment from which an account approved now may be used on invoices."""
    return approved_at + COOLING_OFF


def is_usable(state: str, usable_at: datetime | None, moment: datetime) -> bool:
    """Whether invoices may name an account: approved by a second person, cooled, not closed."""
    return state in {"cooling", "active"} and usable_at is not None and usable_at <= moment


def free_for_payer(cost_vnd: int, cost_per_10000: int, borne_by: str) -> bool:
    """Whether paying through a channel costs the payer nothing."""
    return borne_by != "payer" or (cost_vnd == 0 and cost_per_10000 == 0)


@dataclass(frozen=True, slots=True)
class Tariff:
    """What an intermediary keeps of each payment, by a channel whose cost the school bears."""

    cost_vnd: int
    cost_per_10000: int

    def fee_vnd(self, amount_vnd: int) -> int:
        """The fee of one payment, rounded half up to whole đồng."""
        return self.cost_vnd + (amount_vnd * self.cost_per_10000 + 5000) // 10000


def account_text(value: str) -> str:
    """An account number as banks mean it: without blanks, dots and dashes, letters upper-case."""
    return "".join(character for character in value if character not in " .-\u00a0").upper()


def token_hash(token: str) -> bytes:
    """What is stored of a connection's URL token for look-up: SHA-256; the token itself has 256 bits of chance."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def missing_secret_fields(given: frozenset[str], choices: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Fields to add so that one of the adapter's choices is complete, of the nearest choice; empty when one is."""
    lacking = [tuple(field for field in choice if field not in given) for choice in choices]
    return min(lacking, key=len, default=())


def account_problem(bank_bin: str, number: str, holder_name: str, fund: str, memo_prefix: str | None) -> Text | None:
    """What is wrong with the particulars of an account; None when they are fine."""
    if _BIN.fullmatch(bank_bin) is None:
        return Text("Mã ngân hàng (BIN) gồm đúng 6 chữ số, ví dụ 970436.", "A bank's BIN is 6 digits, like 970436.")
    if _NUMBER.fullmatch(number) is None:
        return Text(
            "Số tài khoản gồm 1 đến 19 chữ số hoặc chữ cái không dấu.",
            "An account number is 1 to 19 digits or letters without marks.",
        )
    if not holder_name or not fund:
        return Text(
            "Hãy ghi tên chủ tài khoản và tài khoản dùng để thu gì.",
            "Give the holder's name and what the account is for.",
        )
    if memo_prefix and _MEMO_PREFIX.fullmatch(memo_prefix) is None:
        return Text(
            "Từ mở đầu nội dung gồm 1 đến 6 chữ in hoa hoặc chữ số, ví dụ SEVQR.",
            "The memo's first word is 1 to 6 capital letters or digits, like SEVQR.",
        )
    return None
