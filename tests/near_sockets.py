"""Tests talk to this machine only: a connection to anywhere else is an error, not a silent dependency."""

import ipaddress
import sys

NEAR_NAMES = {"localhost", "", None}


class FarConnectionError(RuntimeError):
    """A test tried to reach another machine."""


def is_near(host: str | bytes | None) -> bool:
    """Whether a host is this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in NEAR_NAMES:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_far(event: str, arguments: tuple) -> None:
    """An audit hook: Python calls it before each connection and each look-up of a name."""
    if event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not is_near(host):
        raise FarConnectionError(f"{event} to {host!r}: tests use loopback and unix sockets only")


def pytest_configure() -> None:
    """For the whole run; an audit hook cannot be taken away again."""
    sys.addaudithook(refuse_far)
