"""HTTP that leaves the house: to payment services, to banks' interfaces, to school software.

Whoever names an address must not reach what stands behind our own firewall (server-side request forgery): a name is
resolved once, only public addresses are connected to, and the connection is made to the very address that was judged,
so that a name cannot answer twice. No redirects, no proxies of the environment, bounds on time and size.
"""

import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError

from bank_adapters.contract import OutgoingRequest, OutgoingResponse
from payments.settings import IPNetwork

CONNECT_S: Final = 5.0
DEADLINE_S: Final = 20.0
"""For a whole call, from the first name look-up to the last byte."""
MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
_CHUNK: Final = 16 * 1024

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class OutgoingError(Exception):
    """A call that brought no answer. ``code`` says why; no text repeats the address, which may hold a secret."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Sends requests. ``allowed`` are networks that may be called though they are not public, and without TLS."""

    allowed: Sequence[IPNetwork] = ()
    deadline_s: float = DEADLINE_S
    max_answer_bytes: int = MAX_ANSWER_BYTES

    def send(self, request: OutgoingRequest) -> OutgoingResponse:
        """The answer, whatever its status; a redirect is an answer too.

        Raises OutgoingError: ``bad_url``, ``unresolvable``, ``forbidden_address``, ``refused``, ``tls``, ``timeout``,
        ``too_large`` or ``broken``.
        """
        check_url(request.url)
        with _Call(self.allowed, self.deadline_s) as call:
            return call.answer(request, self.max_answer_bytes)


def check_url(url: str) -> None:
    """Raise OutgoingError ``bad_url`` unless it is an absolute http(s) address without user, password or fragment."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OutgoingError("bad_url") from None
    fit = parts.scheme in {"http", "https"} and parts.hostname and port != 0
    if not fit or parts.username is not None or parts.fragment or not url.isascii() or any(c <= " " for c in url):
        raise OutgoingError("bad_url")


def may_be_called(address: IPAddress, *, encrypted: bool, allowed: Sequence[IPNetwork]) -> bool:
    """Public addresses over TLS, and what the operator allows; what an IPv6 address wraps is judged as well."""
    faces = [address]
    if isinstance(address, ipaddress.IPv6Address):
        faces += [inner for inner in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())) if inner]
        if address in _NAT64:
            faces.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if any(face in network for face in faces for network in allowed):
        return True
    return encrypted and all(face.is_global and not face.is_multicast for face in faces)


def check_host(host: str, allowed: Sequence[IPNetwork] = ()) -> None:
    """For a library that makes its own connections: raise OutgoingError unless a name leads to public addresses only.

    The library resolves the name again, so this is for names that we chose ourselves, never for those that users write.
    Raises ``unresolvable`` or ``forbidden_address``.
    """
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise OutgoingError("unresolvable") from None
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not all(may_be_called(one, encrypted=True, allowed=allowed) for one in addresses):
        raise OutgoingError("forbidden_address")


class _Call:
    """One request with its deadline: at its end the socket is shut, whatever the other side is doing."""

    def __init__(self, allowed: Sequence[IPNetwork], deadline_s: float) -> None:
        self._allowed = allowed
        self._late = threading.Event()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(deadline_s, self._shut)
        self._timer.daemon = True
        self._read_s = deadline_s
        self._session = requests.Session()
        # Neither proxies nor a .netrc of the machine: the address that was judged is the one that is called.
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Guarded(self))

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._session.close()
        for kept in self._sockets:
            kept.close()

    def answer(self, request: OutgoingRequest, most_bytes: int) -> OutgoingResponse:
        headers = {"Accept-Encoding": "identity", "User-Agent": "hocphi", **request.headers}
        with (
            self._told(),
            self._session.request(
                request.method,
                request.url,
                headers=headers,
                data=request.body,
                timeout=(CONNECT_S, self._read_s),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            body = bytearray()
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                body += chunk
                if len(body) > most_bytes:
                    raise OutgoingError("too_large")
            if self._late.is_set():
                raise OutgoingError("timeout")
            return OutgoingResponse(response.status_code, dict(response.headers), bytes(body))

    def connect(self, host: str, port: int, *, encrypted: bool) -> socket.socket:
        """A connection to the first address of the name that may be called and answers."""
        refused: OSError | None = None
        for address in self._addresses(host, port, encrypted=encrypted):
            try:
                made = socket.create_connection((str(address), port), timeout=CONNECT_S)
            except OSError as error:
                refused = error
                continue
            self._sockets.append(made.dup())
            return made
        raise OutgoingError("timeout" if isinstance(refused, TimeoutError) else "refused")

    def _addresses(self, host: str, port: int, *, encrypted: bool) -> list[IPAddress]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise OutgoingError("unresolvable") from None
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        fit = [one for one in addresses if may_be_called(one, encrypted=encrypted, allowed=self._allowed)]
        if not fit:
            raise OutgoingError("forbidden_address")
        return fit

    @contextmanager
    def _told(self) -> Any:
        """Every failure by its code; a broken line after the deadline is the deadline's."""
        try:
            yield
        except OutgoingError as error:
            raise OutgoingError("timeout" if self._late.is_set() else error.code) from None
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise OutgoingError("timeout" if self._late.is_set() else _code(error)) from None

    def _shut(self) -> None:
        self._late.set()
        for kept in list(self._sockets):
            try:
                kept.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is closed already


def _code(error: BaseException | None) -> str:
    """The code of a failure, looked for in what it wraps."""
    seen: list[BaseException] = []
    while isinstance(error, BaseException) and error not in seen:
        seen.append(error)
        if isinstance(error, OutgoingError):
            return error.code
        if isinstance(error, (SSLError, requests.exceptions.SSLError)):
            return "tls"
        if isinstance(error, (requests.Timeout, TimeoutError)):
            return "timeout"
        inner = [part for part in (getattr(error, "reason", None), *error.args) if isinstance(part, BaseException)]
        error = inner[0] if inner else error.__context__
    return "broken"


class _Guarded(HTTPAdapter):
    """The adapter of requests whose connections are made by the call."""

    def __init__(self, call: _Call) -> None:
        self._call = call
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        # A dict of its own: urllib3 shares one between all managers.
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pool(HTTPConnectionPool, HTTPConnection, self._call.connect, encrypted=False),
            "https": _pool(HTTPSConnectionPool, HTTPSConnection, self._call.connect, encrypted=True),
        }


def _pool(pool: type[Any], connection: type[Any], connect: Callable[..., socket.socket], *, encrypted: bool) -> type:
    class Connection(connection):  # type: ignore[misc] # urllib3 offers no other place to choose the socket
        def _new_conn(self) -> socket.socket:
            try:
                return connect(self._dns_host.strip("[]"), self.port, encrypted=encrypted)
            except OutgoingError as error:
                raise NewConnectionError(self, error.code) from error

    class Pool(pool):  # type: ignore[misc] # as above
        ConnectionCls = Connection

    return Pool
