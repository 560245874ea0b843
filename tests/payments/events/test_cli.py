"""``hocphi webhook`` from the terminal: endpoints, keys, the log, sending again."""

import base64
import json

import pytest
from click.testing import CliRunner

from operations.cli import hocphi
from payments.events.tasks import deliver_due
from tests.payments.events.receiver import answer, receiving

pytestmark = pytest.mark.db


@pytest.fixture
def run(desk, database_url):
    """The output of a command, JSON where it is JSON."""

    def keys(given):
        return ",".join(f"{number}:{base64.b64encode(key).decode()}" for number, key in given.items())

    environment = {
        "DATABASE_URL": database_url,
        "HOCPHI_OUTGOING_ALLOW": "127.0.0.0/8",
        "HOCPHI_SECRET_KEY": desk.settings.secret_key,
        "HOCPHI_FIELD_KEYS": keys(desk.settings.field_keys),
        "HOCPHI_LINK_KEYS": keys(desk.settings.link_keys),
    }

    def run(*arguments, status=0):
        done = CliRunner().invoke(hocphi, ["webhook", *map(str, arguments)], env=environment)
        assert done.exit_code == status, done.output
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.output

    return run


def test_an_endpoint_lives_through_all_its_commands(desk, run):
    with receiving() as receiver:
        added = run("endpoint", "add", "--school", desk.school.code, "--url", receiver.url, "--json")
        desk.emit(1)
        deliver_due()
        assert receiver.got[0].verified(added["key"])
        new = run("endpoint", "rotate-secret", added["id"], "--json")
        run("endpoint", "rotate-secret", added["id"], status=1)
        run("endpoint", "pause", added["id"])
        (shown,) = run("endpoint", "list", "--json")["endpoints"]
        assert (shown["state"], shown["live_secrets"]) == ("paused", 2)
        run("endpoint", "resume", added["id"])
        desk.emit(2)
        deliver_due()
        assert receiver.got[1].verified(added["key"]) == receiver.got[1].verified(new["key"])
        leaked = run("endpoint", "rotate-secret", added["id"], "--overlap", 0, "--json")
        desk.emit(3)
        deliver_due()
        assert receiver.got[2].verified(leaked["key"])
        assert len(receiver.got[2].headers["webhook-signature"].split()) == 1
        run("endpoint", "remove", added["id"])
        run("endpoint", "resume", added["id"], status=1)
    assert run("endpoint", "list", "--json") == {"endpoints": []}


def test_a_key_is_printed_once_and_never_again(desk, run):
    added = run("endpoint", "add", "--school", desk.school.code, "--url", "https://software.example/", "--json")
    assert added["key"] not in run("endpoint", "list") + run("log")
    assert added["key"] not in str(desk.rows("SELECT detail FROM audit_event"))


def test_the_log_and_sending_again(desk, run):
    with receiving(answer(410)) as receiver:
        kinds = ("--kind", "invoice.issued", "--kind", "payment.settled")
        added = run("endpoint", "add", "--school", desk.school.code, "--url", receiver.url, *kinds, "--json")
        desk.emit(1)
        deliver_due()
        (row,) = run("log", "--school", desk.school.code, "--state", "dead", "--json")["deliveries"]
        assert (row["problem"], row["attempts"], row["kind"]) == ("gone", 1, "invoice.issued")
        assert row["event_key"] in run("log")
        assert "gone" in run("endpoint", "list", "--school", desk.school.code)
        assert "nobody_listens" in run("resend", row["event_key"], status=1)
        receiver.behave = answer(200)
        run("endpoint", "resume", added["id"])
        run("resend", row["event_key"])
        assert deliver_due() == 1
        run("resend", "--school", desk.school.code, "--since", "2020-01-01", "--all")
        assert deliver_due() == 1
    assert len(set(receiver.ids())) == 1


def test_wrong_use_is_told(desk, run):
    run("resend", status=2)
    run("resend", "--since", "2020-01-01", status=2)
    run("resend", "evt_unknown", status=1)
    run("endpoint", "add", "--school", "NOWHERE", "--url", "https://software.example/", status=1)
    run("endpoint", "add", "--school", desk.school.code, "--url", "ftp://software.example/", status=1)
    run("endpoint", "pause", 999, status=1)
    assert "whpk_" in run("endpoint", "add", "--school", desk.school.code, "--url", "https://a.example/", "--ed25519")
