"""Pure decisions about a message: whether it says the same as another, and whether its sender may call."""

import hashlib
import ipaddress
from collections.abc import Sequence

import msgspec

from bank_adapters.contract import BankTransaction
from payments.settings import IPNetwork


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
