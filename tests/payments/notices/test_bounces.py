"""Delivery reports of mail servers: believed when they prove that they are about a letter of ours."""

import pytest
from sqlalchemy import text

from payments.notices.bounces import Heard, hear
from tests.payments.notices.office import Kind

pytestmark = pytest.mark.db

REPORT = """\
From: MAILER-DAEMON@mx.example
To: tra-lai@hocphi.example
Subject: =?utf-8?q?Th=C6=B0_kh=C3=B4ng_=C4=91=E1=BA=BFn?=
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

Your message could not be delivered.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such user

--B
Content-Type: {returned}

{headers}
--B--
"""


def report(
    message_id: str,
    address: str = "a@example.org",
    action: str = "failed",
    status: str = "5.1.1",
    returned: str = "text/rfc822-headers",
) -> bytes:
    headers = f"From: tb@hocphi.example\nMessage-ID: {message_id}\nSubject: x\n"
    return REPORT.format(address=address, action=action, status=status, returned=returned, headers=headers).encode()


@pytest.fixture
def sent(school_office, box) -> str:
    """A letter has been taken by the first mail server; its Message-ID."""
    school_office.pupil("An", "a@example.org")
    school_office.start()
    school_office.work()
    return box.letters[0]["Message-ID"]


def heard(office, raw: bytes) -> Heard:
    return office.do(hear, office.outside, raw)


@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/rfc822"])
def test_a_letter_that_comes_back_marks_its_address(school_office, sent, returned):
    assert heard(school_office, report(sent, returned=returned)) is Heard.MARKED
    assert school_office.states() == {"bad_address": 1}
    marked = school_office.do(lambda s: s.execute(text("SELECT bounce_code FROM notice_contact")).all())
    assert marked == [("dsn_5.1.1",)]
    with pytest.raises(Exception, match="nobody"):
        school_office.start(Kind.REMINDER)
    assert heard(school_office, report(sent)) is Heard.MARKED  # a second report changes nothing


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ({"action": "delayed", "status": "4.4.1"}, Heard.NOT_FINAL),
        ({"action": "delivered", "status": "2.0.0"}, Heard.NOT_FINAL),
        ({"status": "5.2.2"}, Heard.NOT_FINAL),
        ({"status": "5.7.1"}, Heard.NOT_FINAL),
        ({"address": "b@example.org"}, Heard.NOT_OURS),
        ({"address": "a@example.org, b@example.org"}, Heard.NOT_A_REPORT),
    ],
)
def test_what_is_no_proof_marks_nothing(school_office, sent, said, result):
    assert heard(school_office, report(sent, **said)) is result
    assert school_office.states() == {"sent": 1}


def test_a_forged_report_silences_nobody(school_office, sent):
    name, _, domain = sent.strip("<>").partition("@")
    school, notice, mark = name.split(".")
    for forged in (
        f"<{school}.{notice}.{'0' * 24}@{domain}>",
        f"<{school}.{int(notice) + 1}.{mark}@{domain}>",
        f"<{int(school) + 1}.{notice}.{mark}@{domain}>",
        f"<{notice}@{domain}>",
        "<>",
    ):
        assert heard(school_office, report(forged)) is Heard.NOT_OURS
    assert school_office.states() == {"sent": 1}


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe\x00", b"Subject: xin chao\n\nhello", b"Content-Type: multipart/report\n\n"]
)
def test_any_other_letter_is_left_alone(school_office, raw):
    assert heard(school_office, raw) is Heard.NOT_A_REPORT


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(report("x", returned="message/rfc822").replace(b"Message-ID: x", b"Message-ID: <>"), id="no name"),
        pytest.param(b"Content-Type: message/rfc822\r\n\r\n" * 20_000 + b"x", id="letters within letters"),
        pytest.param(
            report("<1.1.aaaaaaaaaaaaaaaaaaaaaaaa@h.example>").replace(
                b"message/delivery-status\n", b"message/delivery-status\nContent-Transfer-Encoding: base64\n"
            ),
            id="a report in base64",
        ),
    ],
)
def test_a_letter_that_breaks_python_s_parser_stops_no_pipe(school_office, raw):
    assert heard(school_office, raw) in {Heard.NOT_A_REPORT, Heard.NOT_OURS}
