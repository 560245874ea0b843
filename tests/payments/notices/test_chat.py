"""A bot posts the general text of a class into its group, through apprise over real HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from apprise import AppriseAsset
from apprise.plugins.telegram import NotifyTelegram
from apprise.plugins.zalo import NotifyZalo
from sqlalchemy import text

from payments.errors import DomainError
from payments.notices import bots
from payments.notices.rules import Channel, Kind
from payments.notifications.channels import chat
from payments.notifications.rules import Fate
from payments.outgoing import OutgoingError, check_host

TOKEN = "123456789:abcdefgh_IJKLMNOP-1"
GROUP = {"zalo": "nhom.1A-x", "telegram": "-1001234567890"}


@pytest.fixture
def service(monkeypatch):
    """Both services' interface on this machine: what was posted, and the answer that is given."""
    got, answers = [], []

    class Bot(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            status, headers = answers.pop(0) if answers else (200, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b'{"ok": true, "result": {}}')

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bot)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{server.server_port}/bot"
    monkeypatch.setattr(NotifyZalo, "notify_url", here + "{token}/sendMessage")
    monkeypatch.setattr(NotifyTelegram, "notify_url", here)
    monkeypatch.setattr(chat, "check_host", lambda *_: None)
    yield got, answers
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", chat.SERVICES)
def test_a_text_arrives_as_it_was_written(service, name):
    said = "Kính gửi <b>phụ huynh</b> & *lớp* 1A\nhttps://hocphi.example/tra-cuu"
    assert chat.post(name, TOKEN, GROUP[name], said).fate is Fate.TAKEN
    ((path, body),) = service[0]
    assert path == f"/bot{TOKEN}/sendMessage"
    assert str(body["chat_id"]) == GROUP[name]
    plain = body["text"].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("\r\n", "\n")
    assert plain == said


@pytest.mark.parametrize("name", chat.SERVICES)
def test_a_refusal_and_a_redirect_are_no_success(service, name):
    got, answers = service
    answers += [(403, {}), (302, {"Location": "http://127.0.0.1:9/"})]
    assert chat.post(name, TOKEN, GROUP[name], "x").fate is Fate.LATER
    assert chat.post(name, TOKEN, GROUP[name], "x").fate is Fate.LATER
    assert len(got) == 2


@pytest.mark.parametrize(
    ("token", "group"),
    [
        (TOKEN, "1/2"), (TOKEN, "1?verify=no"), (TOKEN, "1@evil.example"), (TOKEN, ""), (TOKEN, "1 2"),
        ("123456789:abc/../x", "1"), ("x", "1"), ("http://127.0.0.1/", "1"), ("1234:abcdefgh?to=x", "1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", chat.SERVICES)
def test_nothing_written_by_a_person_becomes_an_address(service, name, token, group):
    assert chat.post(name, token, group, "x").fate is Fate.BAD_ADDRESS
    assert service[0] == []


@pytest.mark.parametrize("name", chat.SERVICES)
def test_the_plugins_are_apprises_own_and_call_one_host_with_certificates_checked(name):
    made = chat.SERVICES[name].made(TOKEN, GROUP[name], AppriseAsset())
    assert type(made) is {"zalo": NotifyZalo, "telegram": NotifyTelegram}[name]
    assert made.redirects is False
    assert made.verify_certificate is True
    assert made.notify_url.startswith("https://")
    assert chat.SERVICES[name].host in {"bot-api.zaloplatforms.com", "api.telegram.org"}
    read = type(made).parse_url(made.url())
    assert (read.get("token") or read.get("bot_token"), read["targets"]) == (TOKEN, [GROUP[name]])


def test_a_name_that_leads_into_the_house_is_not_called(monkeypatch):
    with pytest.raises(OutgoingError, match="forbidden_address"):
        check_host("localhost")
    monkeypatch.setattr(chat, "check_host", lambda *_: check_host("localhost"))
    assert chat.post("zalo", TOKEN, "1", "x") == chat.Verdict(Fate.AWAY, "chat_forbidden_address")


@pytest.mark.db
def test_a_class_group_gets_the_general_text_once(service, school_office):
    school = school_office.school
    school_office.pupil("Bảo Châu", None)
    with pytest.raises(DomainError, match="nobody"):
        school_office.start(channel=Channel.CHAT)
    given = (school_office.outside, school.id, school.principal)
    school_office.do(bots.set_bot, *given, service="telegram", token=TOKEN)
    school_office.do(bots.set_chat, *given, class_id=school.class_room, service="telegram", chat_id=GROUP["telegram"])
    school_office.start(channel=Channel.CHAT)
    assert school_office.work() == 1
    assert school_office.work() == 0
    ((_, body),) = service[0]
    assert body["text"].startswith("Kính gửi phụ huynh lớp 1A")
    assert "/tra-cuu" in body["text"]
    for private in ("Châu", "Nguyễn", "100.000", "/p/"):
        assert private not in body["text"]
    with pytest.raises(DomainError, match="nobody"):
        school_office.start(channel=Channel.CHAT)


@pytest.mark.db
def test_token_and_group_lie_sealed_and_go_with_the_bot(school_office):
    school = school_office.school
    given = (school_office.outside, school.id, school.principal)
    with pytest.raises(DomainError, match="bad_token"):
        school_office.do(bots.set_bot, *given, service="telegram", token="http://x")
    school_office.do(bots.set_bot, *given, service="telegram", token=TOKEN)
    with pytest.raises(DomainError, match="bad_chat"):
        school_office.do(bots.set_chat, *given, class_id=school.class_room, service="telegram", chat_id="@x/1")
    school_office.do(bots.set_chat, *given, class_id=school.class_room, service="telegram", chat_id="-100")
    kept = school_office.do(lambda s: s.scalar(text("SELECT token_sealed FROM notice_bot")))
    assert TOKEN.encode() not in kept
    assert TOKEN not in str(school_office.do(lambda s: s.execute(text("SELECT detail FROM audit_event")).all()))
    school_office.do(bots.remove_bot, school.id, school.principal, "telegram")
    assert school_office.do(lambda s: s.scalar(text("SELECT count(*) FROM class_chat"))) == 0


@pytest.mark.db
def test_a_reminder_to_a_group_is_not_posted_when_everybody_has_paid(service, school_office):
    school = school_office.school
    given = (school_office.outside, school.id, school.principal)
    invoice = school_office.pupil("An", None)
    school_office.do(bots.set_bot, *given, service="zalo", token=TOKEN)
    school_office.do(bots.set_chat, *given, class_id=school.class_room, service="zalo", chat_id="nhom1")
    school_office.start(Kind.REMINDER, Channel.CHAT)
    school_office.pay(100_000, invoice)
    school_office.work()
    assert service[0] == []
    assert school_office.states() == {"paid": 1}
