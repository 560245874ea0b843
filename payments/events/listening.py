"""A receiver for trying things out: verifies what comes in and prints it. It stands on loopback only."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bank_adapters import standard_webhooks
from bank_adapters.contract import Request
from payments import clock

MAX_BYTES = 256 * 1024


def receiver(port: int, key: str, say: Callable[[str], object]) -> ThreadingHTTPServer:
    """A server that tells ``say`` of each event, one line each; 204 when the signature is right, else 401."""
    secrets = [{"public" if key.startswith("whpk_") else "secret": key}]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not length.isdecimal() or int(length) > MAX_BYTES:
                self.send_error(413)
                return
            body = self.rfile.read(int(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            verdict = standard_webhooks.authenticate(
                Request("POST", self.path, "", headers, body), secrets, clock.now()
            )
            mark = "✓" if verdict.valid else f"✗ {verdict.reason}"
            say(f"{mark} {headers.get('webhook-id', '–')!r} {body.decode('utf-8', 'replace')!r}")
            self.send_response(204 if verdict.valid else 401)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Each event is one line of ours already."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
