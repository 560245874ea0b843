"""School software on loopback: a real HTTP server that keeps what it gets and answers as it is told."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

Behaviour = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Received:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """The document, if PyPI's standardwebhooks finds the signature right; else its error."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """``behave`` may be changed while it runs."""

    behave: Behaviour
    port: int = 0
    got: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/su-kien"

    def ids(self) -> list[str]:
        return [one.id for one in self.got]


def answer(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """A plain answer; ``Retry_After`` becomes ``Retry-After``."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return behave


def after(seconds: float, then: Behaviour) -> Behaviour:
    """The same, late."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        then(request)

    return behave


def raw(data: bytes) -> Behaviour:
    """Bytes that need not be HTTP, and the end of the connection."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(data)
        request.close_connection = True

    return behave


GOOD = answer(204)


@contextmanager
def receiving(behave: Behaviour = GOOD) -> Iterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver(behave)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:
                self.close_connection = True
                return  # the sender died before the end: no server hands half a request on
            receiver.got.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            try:
                receiver.behave(self)
            except OSError:
                return  # the sender did not wait

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        receiver.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield receiver
        server.shutdown()
