"""Letters over real SMTP dialogues: STARTTLS, slow servers, addresses that would write headers."""

import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from payments.notifications.channels import email
from payments.notifications.channels.email import Letter, MailServer
from payments.notifications.rules import Fate
from tests.payments.notices.mailbox import mail_server, text_of

AT = datetime(2025, 9, 10, 5, tzinfo=UTC)


def letter(recipient: str = "a@example.org", **said: str) -> Letter:
    return Letter(
        **{
            "recipient": recipient,
            "subject": "Thông báo",
            "text": "Kính gửi\n",
            "message_id": "1.2.ab@x",
            "written_at": AT,
            **said,
        }
    )


def test_one_line_carries_many_letters():
    with mail_server() as box, MailServer(box.url, "tb@hocphi.example", "tra-lai@hocphi.example") as server:
        for number in range(3):
            assert server.deliver(letter(f"a{number}@example.org")).fate is Fate.TAKEN
        assert len(box.letters) == 3
        assert set(box.senders) == {"tra-lai@hocphi.example"}


def test_a_server_that_asks_for_tls_gets_it_and_its_certificate_is_checked(tmp_path, monkeypatch):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "cert.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with mail_server(tls=context) as box:
        url = box.url.replace("127.0.0.1", "localhost")
        with MailServer(url, "tb@hocphi.example") as server:
            stranger = server.deliver(letter())
        assert stranger.fate is Fate.AWAY
        assert "SSL" in (stranger.problem or "")
        assert box.letters == []
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        with MailServer(url, "tb@hocphi.example") as server:
            assert server.deliver(letter()).fate is Fate.TAKEN
        assert len(box.letters) == 1


def test_a_slow_server_is_left_after_the_time_out(monkeypatch):
    monkeypatch.setattr(email, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = MailServer(f"smtp://127.0.0.1:{silent.getsockname()[1]}", "tb@hocphi.example")
        assert server.deliver(letter()).fate is Fate.AWAY


def test_a_server_that_goes_away_within_a_letter_costs_that_dialogue_only():
    with mail_server() as box, MailServer(box.url, "tb@hocphi.example") as server:
        box.data = ["421 going down", None]
        assert server.deliver(letter()).fate is Fate.AWAY
        assert server.deliver(letter()).fate is Fate.TAKEN


@pytest.mark.parametrize(
    "address",
    ["a@example.org, b@example.org", "a@example.org\r\nBcc: b@example.org", "A <a@example.org>", "a@", "", "a b@x.vn"],
)
def test_an_address_is_one_address(address):
    with mail_server() as box, MailServer(box.url, "tb@hocphi.example") as server:
        assert server.deliver(letter(address)).fate is Fate.BAD_ADDRESS
        assert box.letters == []


def test_no_value_can_add_a_header_or_a_recipient():
    nasty = "Thu phí\r\nBcc: khac@example.org\r\n\r\nNội dung giả"
    with mail_server() as box, MailServer(box.url, "tb@hocphi.example") as server:
        assert server.deliver(letter(subject=nasty, sender_name=nasty)).fate is Fate.TAKEN
        (taken,) = box.letters
    assert taken["Bcc"] is None
    assert taken["Subject"] == "Thu phí Bcc: khac@example.org Nội dung giả"
    assert text_of(taken).strip() == "Kính gửi"


def test_a_line_that_begins_with_a_dot_arrives_whole():
    with mail_server() as box, MailServer(box.url, "tb@hocphi.example") as server:
        server.deliver(letter(text=".\n.hai\n..ba\n"))
        assert text_of(box.letters[0]).replace("\r\n", "\n") == ".\n.hai\n..ba\n"


def test_the_recipient_limit_of_a_server_does_not_stop_a_wave():
    """Some servers end a line after some letters; the next letter opens a new one."""
    with mail_server() as box, MailServer(box.url, "tb@hocphi.example") as server:
        for number in range(email.LETTERS_A_LINE + 2):
            assert server.deliver(letter(f"a{number}@example.org")).fate is Fate.TAKEN
        assert len(box.raw) == email.LETTERS_A_LINE + 2
