"""The copied command is quoted so that no body and no header can run, and its bytes arrive unchanged."""

import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bank_adapters.contract import Request
from payments.developers.curl import as_curl, variable

BODIES = [
    b'{"memo":"hoc phi"}',
    'O\'Brien "x" $HOME `id` $(id) \\ ! học phí\n\tđ'.encode(),
    b"@/etc/hostname",
    b"\xff\xfe\x00binary",
    b"a=1&b=%20",
    b"trailing newline\n",
    b"'" * 50,
]


@pytest.fixture
def echo() -> Iterator[tuple[str, list[Any]]]:
    seen: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append((self.command, self.path, dict(self.headers), body))
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET = _take  # noqa: N815 - the server's own names

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/callbacks/token", seen
    server.shutdown()
    thread.join()
    server.server_close()


def run(command: str, **variables: str) -> None:
    subprocess.run(
        ["bash", "-c", command], env={**os.environ, **variables}, check=True, capture_output=True, timeout=20
    )


@pytest.mark.parametrize("body", BODIES)
def test_every_body_arrives_as_it_was(echo: tuple[str, list[Any]], body: bytes) -> None:
    url, seen = echo
    headers = {"content-type": "application/json", "x-odd": "a'b\"c $HOME `id`", "x-signature": "masked"}
    request = Request("POST", "a b/$(id)", "x=1&y='$HOME'", headers, body)
    shown = [(name, None if name == "x-signature" else value) for name, value in request.headers.items()]
    command = as_curl(request, shown)
    assert "masked" not in command
    run(command, HOCPHI_URL=url, HOCPHI_X_SIGNATURE="the $real 'one'")
    method, _, got, arrived = seen[0]
    assert (method, arrived) == ("POST", body)
    assert got["x-odd"] == "a'b\"c $HOME `id`"
    assert got["x-signature"] == "the $real 'one'"


def test_a_get_keeps_its_query(echo: tuple[str, list[Any]]) -> None:
    url, seen = echo
    run(as_curl(Request("GET", "", "vnp_OrderInfo=a%20b*~!&x=(1)", {}, b""), []), HOCPHI_URL=url)
    assert seen[0][1].endswith("?vnp_OrderInfo=a%20b*~!&x=(1)")


def test_a_header_s_variable_is_a_name_of_the_shell() -> None:
    assert variable("x-sepay-signature") == "HOCPHI_X_SEPAY_SIGNATURE"
    assert variable('a"; rm -rf $x') == "HOCPHI_A___RM__RF__X"
