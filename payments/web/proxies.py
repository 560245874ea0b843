"""The address of the real client: forwarded headers count only as far as they come from proxies that we trust."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from payments.settings import IPNetwork

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def client_address(peer: str | None, forwarded_for: str, trusted: Sequence[IPNetwork]) -> str | None:
    """The right-most address of the chain that is not a trusted proxy; the peer itself when it is not one."""
    chain = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    address = peer
    while address is not None and chain and _is_trusted(address, trusted):
        address = chain.pop()
    return address


def _is_trusted(address: str, trusted: Sequence[IPNetwork]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped  # how a socket that listens for both kinds names a caller of the old kind
    return any(ip in network for network in trusted)


class TrustedProxies:
    """WSGI middleware: sets REMOTE_ADDR and the scheme from a trusted proxy, and drops what others claim."""

    def __init__(self, application: "WSGIApplication", trusted: Sequence[IPNetwork]) -> None:
        self._application = application
        self._trusted = trusted

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Serve one request."""
        peer = environ.get("REMOTE_ADDR")
        forwarded = environ.pop("HTTP_X_FORWARDED_FOR", "")
        scheme = environ.pop("HTTP_X_FORWARDED_PROTO", "")
        if peer is not None and _is_trusted(peer, self._trusted):
            environ["REMOTE_ADDR"] = client_address(peer, forwarded, self._trusted)
            if scheme in {"http", "https"}:
                environ["wsgi.url_scheme"] = scheme
        return self._application(environ, start_response)
