"""``hocphi sandbox`` and ``hocphi callback`` from the operator's terminal."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from operations.cli import hocphi
from tests.payments.developers.desks import DeveloperDesk, body_of
from tests.payments.inbox.callers import SECRET, rows

Run = Callable[..., Result]


@pytest.fixture
def run(desk: DeveloperDesk, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in the environment of the desk's server."""
    settings = desk.settings
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("HOCPHI_BASE_URL", settings.base_url)
    monkeypatch.setenv("HOCPHI_SECRET_KEY", settings.secret_key)
    monkeypatch.setenv("HOCPHI_FIELD_KEYS", desk.keys["HOCPHI_FIELD_KEYS"])
    monkeypatch.setenv("HOCPHI_LINK_KEYS", desk.keys["HOCPHI_LINK_KEYS"])
    return lambda *words: CliRunner().invoke(hocphi, [str(word) for word in words])


def printed(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_a_scenario_is_played_and_told_as_json(desk: DeveloperDesk, run: Run) -> None:
    told = printed(run("sandbox", "simulate", desk.trial.connection_id, "duplicate", "--json"))
    assert [one["outcome"] for one in told["messages"]] == ["accepted", "duplicate", "duplicate"]
    assert (told["as_expected"], told["bank_transactions"], told["amount_vnd"]) == (True, 0, 115_000)
    plain = run("sandbox", "simulate", desk.trial.connection_id, "wrong_signature", "--amount", "1.250.000")
    assert "401\tbad_signature" in plain.output
    for secret in (desk.trial.token, SECRET):
        assert secret not in json.dumps(told) + plain.output


def test_exit_codes_tell_a_refusal_from_wrong_use(desk: DeveloperDesk, run: Run) -> None:
    refused = run("sandbox", "simulate", desk.live.connection_id, "good")
    assert (refused.exit_code, "not_a_sandbox" in refused.output) == (1, True)
    assert run("sandbox", "simulate", desk.trial.connection_id, "flood").exit_code == 2
    assert run("sandbox", "simulate", desk.trial.connection_id, "--amount", "1,5").exit_code == 1
    away = run("sandbox", "simulate", desk.trial.connection_id, "--base-url", "http://127.0.0.1:9")
    assert (away.exit_code, "door_unreachable" in away.output) == (1, True)


def test_callbacks_are_listed_shown_and_replayed(desk: DeveloperDesk, run: Run) -> None:
    desk.receive(desk.live, body_of(desk.live))
    event_id = desk.newest_event()
    listed = printed(run("callback", "list", "--find", "FT000000001", "--json"))
    assert [one["id"] for one in listed["callbacks"]] == [event_id]
    shown = run("callback", "show", event_id).output
    assert json.loads(shown)["answer"]["status"] == 200
    assert "NGUYEN THI BINH" not in shown
    assert printed(run("callback", "replay", event_id, "--json"))["results"] == ["duplicate"]
    assert f"{event_id}\t" in run("callback", "list", "--connection", desk.live.connection_id).output
    assert run("callback", "show", 999).exit_code == 1
    found = rows(desk.engine, "SELECT actor_id FROM audit_event WHERE action = 'callback.replayed'")
    assert found == [(None,)]


def test_a_connection_is_shared_with_an_engineer_and_taken_back(desk: DeveloperDesk, run: Run) -> None:
    share = ("connection", "share", desk.live.connection_id, "--with", "ky.su")
    assert run(*share).exit_code == 0
    assert run(*share).exit_code == 0
    desk.enter("ky.su")
    assert "Ngân hàng thật" in desk.home.page("/developers/")
    unshare = ("connection", "unshare", desk.live.connection_id, "--with", "ky.su")
    assert run(*unshare).exit_code == 0
    assert run(*unshare).exit_code == 1
    assert "Ngân hàng thật" not in desk.home.page("/developers/")
    assert run("connection", "share", 999, "--with", "ky.su").exit_code == 1
    assert run("connection", "share", desk.live.connection_id, "--with", "nobody").exit_code == 1
    actions = rows(desk.engine, "SELECT action FROM audit_event WHERE action LIKE 'connection.%shared' ORDER BY id")
    assert actions == [("connection.shared",), ("connection.unshared",)]
