"""Pure decisions about what a sender names: whose account it is, and whether two messages say the same."""

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from bank_adapters.contract import BankTransaction
from payments.banking.rules import account_text
from payments.settings import IPNetwork


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
        one school could speak about another school's account. Of two that are, the virtual account is finer; two that
        lead to different schools contradict each other.
        """
        number = account_text(account_number or "")
        virtual = account_text(virtual_account or "")
        if not number and not virtual:
            return None
        by_number = self._find(number) if number else None
        if number and by_number is None:
            return None
        by_virtual = self._find(virtual) if virtual else None
        if by_number and by_virtual and by_number.school_id != by_virtual.school_id:
            return None
        return by_virtual or by_number

    def _find(self, name: str) -> Target | None:
        found = self.exact.get(name)
        if found is not None:
            return found
        return next((target for prefix, target in self.prefixes if name.startswith(prefix)), None)


def closed_list(entries: Iterable[tuple[str, str, Target]]) -> ClosedList:
    """Build the list from (kind, identifier, account); kinds: number, merchant, virtual_prefix."""
    exact: dict[str, Target] = {}
    prefixes: dict[str, Target] = {}
    for kind, identifier, target in entries:
        (prefixes if kind == "virtual_prefix" else exact)[account_text(identifier)] = target
    longest_first = sorted(prefixes.items(), key=lambda pair: (-len(pair[0]), pair[0]))
    return ClosedList(exact, tuple(longest_first))


def content_sha256(transaction: BankTransaction) -> bytes:
    """Digest of what a message says about the money: equal for a repeated delivery, other for another fact.

    The moment, the balance and the counterparty are left out: a retry may bring them anew. Raises
    UnicodeEncodeError for text that cannot be stored.
    """
    said = (
        transaction.amount_vnd,
        transaction.account_number,
        transaction.virtual_account,
        transaction.customer_code,
        transaction.bank_reference,
        transaction.order_ref,
        " ".join(transaction.description.split()),
    )
    return hashlib.sha256(msgspec.msgpack.encode(said)).digest()


def may_call(address: str | None, networks: Sequence[IPNetwork]) -> bool:
    """Whether the connection's list of networks allows the address; an empty list allows any."""
    return not networks or (address is not None and _within(address, networks))


def _within(address: str, networks: Sequence[IPNetwork]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)
