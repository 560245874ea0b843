"""What a limit is, and whom an address stands for: pure."""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta

NETWORK_BITS = 64
"""Of an IPv6 address: a household or a phone gets at least so much to itself (RFC 6177), and could change the rest."""
SITE_BITS = 48
"""Anybody gets so much for nothing from a tunnel broker: 65,536 networks of one person (RFC 6177, 2)."""


@dataclass(frozen=True, slots=True, order=True)
class Limit:
    """So many tries at once; each comes back after its share of the time («leaky bucket»).

    10 in an hour: ten at once, then one every six minutes. Whoever is refused never waits longer than one share.
    """

    name: str
    times: int
    per: timedelta

    @property
    def share(self) -> timedelta:
        """How long one try weighs."""
        return self.per / self.times


def network_of(address: str | None) -> str:
    """Whom tries are counted for: an IPv4 address, or the /64 of an IPv6 one; everybody unknown is one."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(ip), NETWORK_BITS), strict=False))
        ip = ip.ipv4_mapped
    return str(ip)


def site_of(network: str) -> str:
    """The /48 that a network of ``network_of`` lies in, for limits that hold while somebody guesses from everywhere."""
    if ":" not in network:
        return network
    return str(ipaddress.IPv6Network(network).supernet(new_prefix=SITE_BITS))
