"""Calling the banks' door of this very installation over HTTP, as a bank does; also far too much, and slowly."""

import http.client
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from bank_adapters.contract import Request
from payments.developers.rules import SLOW_PARTS
from payments.errors import DomainError

TIMEOUT_S: Final = 15.0
SLOW_PAUSE_S: Final = 0.8
SHOWN_BYTES: Final = 8 * 1024
"""Of an answer: ours are far smaller, a proxy's error page may not be."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The answer to one call; ``status`` None: none came."""

    status: int | None
    body: bytes
    took_ms: int
    problem: str = ""
    """The kind of fault when none came; no address, no text of the fault."""


def call(base_url: str, token: str, request: Request, *, pause_s: float = 0.0) -> Heard:
    """Send a request to the door of a connection; with ``pause_s`` in pieces, so long apart. Raises nothing."""
    began = time.monotonic()
    try:
        status, body = _exchange(base_url, token, request, pause_s)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Heard(None, b"", _ms_since(began), type(error).__name__)
    return Heard(status, body, _ms_since(began))


def unreachable(base_url: str) -> DomainError:
    """What to do when no call came through."""
    place = urlsplit(base_url)
    return DomainError(
        "door_unreachable",
        f"Không gọi được {place.scheme}://{place.netloc} từ máy chủ này; hãy kiểm tra HOCPHI_BASE_URL và máy chủ web.",
        f"{place.scheme}://{place.netloc} cannot be reached from here: check HOCPHI_BASE_URL and the web server.",
    )


def _exchange(base_url: str, token: str, request: Request, pause_s: float) -> tuple[int, bytes]:
    place = urlsplit(base_url)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connection = kind(place.hostname or "", place.port, timeout=TIMEOUT_S)
    target = f"{place.path.rstrip('/')}/callbacks/{token}" + (f"/{request.path}" if request.path else "")
    try:
        connection.putrequest(request.method, f"{target}?{request.query}" if request.query else target)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        if request.body or request.method == "POST":
            connection.putheader("Content-Length", str(len(request.body)))
        time.sleep(pause_s)
        connection.endheaders()
        for piece in _pieces(request.body, SLOW_PARTS if pause_s else 1):
            connection.send(piece)
            time.sleep(pause_s)
        answer = connection.getresponse()
        return answer.status, answer.read(SHOWN_BYTES)
    finally:
        connection.close()


def _pieces(body: bytes, parts: int) -> Sequence[bytes]:
    size = -(-len(body) // parts)
    return [body[start : start + size] for start in range(0, len(body), size)] if body else []


def _ms_since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
