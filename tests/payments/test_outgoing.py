"""Calls that leave the house reach public addresses only, end in time, and keep no more than they should."""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bank_adapters.contract import OutgoingRequest
from payments import outgoing
from payments.outgoing import Outgoing, OutgoingError, check_url, may_be_called

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
HELLO = b"HTTP/1.1 200 OK\r\nX-Kind: good\r\nContent-Length: 5\r\n\r\nhello"


@contextmanager
def server(behave: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[str]]]:
    """A server on loopback that treats each connection as told; gives its port and the heads that it received."""
    heads: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def serve() -> None:
            while True:
                try:
                    caller, _ = listening.accept()
                except OSError:
                    return
                with caller:
                    caller.settimeout(5)
                    try:
                        heads.append(caller.recv(65536).decode("latin-1"))
                        behave(caller)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1], heads
        listening.shutdown(socket.SHUT_RDWR)


def get(url: str, **headers: str) -> OutgoingRequest:
    return OutgoingRequest(method="GET", url=url, headers=headers)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(OutgoingError) as caught:
        call()
    return caught.value.code


def test_an_allowed_server_is_asked_and_its_answer_read() -> None:
    with server(lambda caller: caller.sendall(HELLO)) as (port, heads):
        url = f"http://127.0.0.1:{port}/a?b=c"
        request = OutgoingRequest(method="POST", url=url, headers={"X-Key": "k"}, body=b"{}")
        answer = Outgoing(LOOPBACK).send(request)
    assert (answer.status, answer.headers["x-kind"], answer.body) == (200, "good", b"hello")
    assert heads[0].startswith("POST /a?b=c HTTP/1.1\r\n")
    assert "X-Key: k" in heads[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1.2.3"])
def test_this_machine_is_not_called_unless_allowed(host: str) -> None:
    with server(lambda caller: caller.sendall(HELLO)) as (port, heads):
        assert code_of(lambda: Outgoing().send(get(f"http://{host}:{port}/"))) == "forbidden_address"
        assert code_of(lambda: Outgoing().send(get(f"https://{host}:{port}/"))) == "forbidden_address"
    assert heads == []


def test_without_the_judgement_of_addresses_this_machine_would_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Teeth: the test above notices when the safeguard is gone."""
    monkeypatch.setattr(outgoing, "may_be_called", lambda *_, **__: True)
    with server(lambda caller: caller.sendall(HELLO)) as (port, _):
        assert Outgoing().send(get(f"http://localhost:{port}/")).body == b"hello"


def test_a_name_is_resolved_once_so_that_it_cannot_answer_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    resolve = socket.getaddrinfo

    def changing(host: str, *rest: object, **more: object) -> object:
        if host != "rebinding.example":
            return resolve(host, *rest, **more)
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "127.9.9.9"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    only = (ipaddress.ip_network("127.0.0.1/32"),)
    with server(lambda caller: caller.sendall(HELLO)) as (port, _):
        assert Outgoing(only).send(get(f"http://rebinding.example:{port}/")).status == 200
    assert len(asked) == 1


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not may_be_called(ipaddress.ip_address(address), encrypted=True, allowed=())


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_called_over_tls_only(address: str) -> None:
    assert may_be_called(ipaddress.ip_address(address), encrypted=True, allowed=())
    assert not may_be_called(ipaddress.ip_address(address), encrypted=False, allowed=())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.vn/a",
        "ftp://example.vn/",
        "file:///etc/passwd",
        "http:///a",
        "https://user:word@example.vn/",
        "https://@example.vn/",
        "https://example.vn/#here",
        "https://example.vn:99999/",
        "https://example.vn:0/",
        "https://exa mple.vn/",
        "https://example.vn/\r\nX: y",
        "https://ví-dụ.vn/",
    ],
)
def test_addresses_that_can_be_read_in_two_ways_are_refused(url: str) -> None:
    assert code_of(lambda: check_url(url)) == "bad_url"


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with server(lambda caller: caller.sendall(head)) as (port, heads):
        assert Outgoing(LOOPBACK).send(get(f"http://127.0.0.1:{port}/")).status == 302
    assert len(heads) == 1


def drip(caller: socket.socket) -> None:
    """An answer that never ends, a byte at a time: no single read takes long."""
    caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(200):
        caller.sendall(b".")
        time.sleep(0.05)


def drip_head(caller: socket.socket) -> None:
    for _ in range(200):
        caller.sendall(b"H")
        time.sleep(0.05)


@pytest.mark.parametrize("behave", [drip, drip_head, lambda _: time.sleep(4)])
def test_a_call_ends_at_its_deadline_however_slowly_the_other_side_speaks(
    behave: Callable[[socket.socket], None],
) -> None:
    with server(behave) as (port, _):
        assert code_of(lambda: Outgoing(LOOPBACK, deadline_s=0.5).send(get(f"http://127.0.0.1:{port}/"))) == "timeout"


def test_an_answer_beyond_the_bound_is_not_kept() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n"
    with server(lambda caller: caller.sendall(head + bytes(4_000_000))) as (port, _):
        small = Outgoing(LOOPBACK, max_answer_bytes=1000)
        assert code_of(lambda: small.send(get(f"http://127.0.0.1:{port}/"))) == "too_large"


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"])
def test_a_broken_answer_is_told_from_a_good_one(said: bytes) -> None:
    with server(lambda caller: caller.sendall(said)) as (port, _):
        assert code_of(lambda: Outgoing(LOOPBACK).send(get(f"http://127.0.0.1:{port}/"))) == "broken"


def test_a_closed_port_and_a_name_that_nobody_has() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert code_of(lambda: Outgoing(LOOPBACK).send(get(f"http://127.0.0.1:{port}/"))) == "refused"
    long_label = "a" * 64
    assert code_of(lambda: Outgoing(LOOPBACK).send(get(f"http://{long_label}.localhost/"))) == "unresolvable"


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            with listening.accept()[0] as caller:
                caller.settimeout(5)
                try:
                    context.wrap_socket(caller, server_side=True)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        assert code_of(lambda: Outgoing(LOOPBACK).send(get(f"https://localhost:{port}/"))) == "tls"


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_a_failure_never_repeats_the_address() -> None:
    with pytest.raises(OutgoingError) as caught:
        Outgoing().send(get("https://127.0.0.1/pay?secret=s3cr3t"))
    assert "s3cr3t" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
