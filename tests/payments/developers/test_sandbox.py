"""The sandbox sends every kind of callback over HTTP, and nothing of it ever becomes money."""

import html
import json
import os
import subprocess
from dataclasses import replace

import pytest
from sqlalchemy import text

from payments.banking.models import Connection
from payments.db import session_scope
from payments.developers.rules import EXPECTED, Scenario
from payments.errors import DomainError
from payments.inbox.service import attach_evidence
from payments.settlement.settling import settle_transactions
from tests.payments.developers.desks import DeveloperDesk, body_of, play
from tests.payments.inbox.callers import make_sender, rows

MONEY = ("bank_transaction", "transaction_evidence", "allocation", "pupil_credit", "ledger_entry", "receipt")


def money(desk: DeveloperDesk) -> dict[str, list[tuple[object, ...]]]:
    counts = {table: rows(desk.engine, f"SELECT count(*) FROM {table}") for table in MONEY}
    return counts | {"paid": rows(desk.engine, "SELECT invoice_id, paid_vnd, state FROM invoice_balance ORDER BY 1")}


SETTLES = {"short": ["short"], "over": ["over"], "wrong_code": ["damaged"], "reordered": ["twice", "exact"]}


@pytest.mark.parametrize("scenario", list(Scenario))
def test_every_scenario_is_answered_as_documented_and_moves_no_money(desk: DeveloperDesk, scenario: Scenario) -> None:
    before = money(desk)
    report = play(desk, scenario)
    assert [one.outcome for one in report.played] == list(EXPECTED[scenario])
    assert report.as_expected
    keys = [one.settles_as for one in report.played if one.settles_as]
    accepted = "accepted" in EXPECTED[scenario]
    assert keys == SETTLES.get(scenario.value, ["exact"] if accepted else [])
    with session_scope(desk.engine) as session:
        told = list(session.scalars(text("SELECT id FROM evidence ORDER BY id")))
        attached = attach_evidence(session, desk.home.school.id, told)
        settle_transactions(session, desk.home.school.id, [one.transaction_id for one in attached])
    assert money(desk) == before
    assert rows(desk.engine, "SELECT count(*) FROM outbox") == [(0,)]


def test_without_the_mark_the_same_message_is_real_money(desk: DeveloperDesk) -> None:
    """The teeth: where the connection is not marked, work is left behind and the fact becomes a transaction."""
    desk.receive(desk.live, body_of(desk.live, memo=desk.home.invoice.reference))
    assert rows(desk.engine, "SELECT count(*) FROM outbox") == [(1,)]
    with session_scope(desk.engine) as session:
        (told,) = session.scalars(text("SELECT id FROM evidence"))
        assert attach_evidence(session, desk.home.school.id, [told])


def test_conflicting_test_messages_trouble_no_accountant(desk: DeveloperDesk) -> None:
    for amount_vnd in (50_000, 60_000):
        desk.receive(desk.trial, body_of(desk.trial, amount_vnd=amount_vnd))
    assert rows(desk.engine, "SELECT count(*) FROM evidence WHERE conflicting") == [(1,)]
    desk.home.log_in("accountant")
    today = desk.home.page(f"/console/{desk.home.school.code}/")
    assert "báo có lệch số tiền" in today.partition("Đã hết (0):")[2].partition("</p>")[0]


def test_a_real_connection_takes_no_simulated_message(desk: DeveloperDesk) -> None:
    with pytest.raises(DomainError) as refused:
        play(desk, Scenario.GOOD, desk.live.connection_id)
    assert refused.value.code == "not_a_sandbox"
    assert rows(desk.engine, "SELECT count(*) FROM raw_callback") == [(0,)]


def test_a_sender_that_nobody_wrote_is_said_politely(desk: DeveloperDesk) -> None:
    public = {"public": "whpk_MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="}
    sender = make_sender(
        desk.engine, desk.settings, school=desk.home.school, adapter="standard_webhooks", secret=public, sandbox=True
    )
    with pytest.raises(DomainError) as refused:
        play(desk, Scenario.GOOD, sender.connection_id)
    assert refused.value.code == "no_sender"


def test_a_closed_connection_and_a_door_that_is_away_are_said(desk: DeveloperDesk) -> None:
    away = replace(desk, base_url="http://127.0.0.1:9")
    with pytest.raises(DomainError) as unreachable:
        play(away, Scenario.GOOD)
    with session_scope(desk.engine) as session:
        session.get_one(Connection, desk.trial.connection_id).active = False
    with pytest.raises(DomainError) as closed:
        play(desk, Scenario.GOOD)
    assert (unreachable.value.code, closed.value.code) == ("door_unreachable", "connection_closed")


TOKEN = {"jwt_secret": "test-jwt-secret", "username": "school", "password": "test-password"}
SENDERS = [
    ("casso_v2", {"checksum_key": "test-checksum-key"}),
    ("casso_v1", {"secure_token": "test-secure-token"}),
    ("payos", {"checksum_key": "test-checksum-key"}),
    ("vietqr_vn", TOKEN),
    ("mb", {"secret": "test-secret"}),
    ("standard_webhooks", {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}),
    ("vnpay", {"hash_secret": "test-hash-secret"}),
    ("momo", {"access_key": "test-access", "secret_key": "test-secret-key"}),
    ("zalopay", {"key2": "test-key-two"}),
]


@pytest.mark.parametrize(("adapter", "secret"), SENDERS)
def test_every_sender_can_be_rehearsed(desk: DeveloperDesk, adapter: str, secret: dict[str, str]) -> None:
    sender = make_sender(
        desk.engine, desk.settings, school=desk.home.school, adapter=adapter, secret=secret, sandbox=True
    )
    for scenario in (Scenario.GOOD, Scenario.WRONG_SIGNATURE, Scenario.STALE, Scenario.HUGE):
        report = play(desk, scenario, sender.connection_id)
        assert report.as_expected, [(scenario, one.outcome, one.reason, one.expected) for one in report.played]
        assert report.transactions == 0


def test_the_form_shows_request_answer_and_a_command_that_repeats_it(desk: DeveloperDesk) -> None:
    desk.enter("ky.su")
    page = desk.post(
        "/developers/sandbox/",
        connection=str(desk.trial.connection_id),
        scenario="good",
        amount="115.000",
        code="",
        memo='O\'Brien "$HOME" `id` học phí',
    ).get_data(as_text=True)
    assert "Môi trường thử: không ảnh hưởng tiền thật" in page
    assert "đúng như mong đợi" in page
    assert desk.trial.token not in page
    command = html.unescape(page.split("<summary>cURL</summary>")[1].split("<code>")[1].split("</code>")[0])
    environment = {**os.environ, "HOCPHI_URL": f"{desk.base_url}{desk.trial.url}"}
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout.startswith("HTTP/1.1 200")
    assert json.loads(done.stdout.splitlines()[-1]) == {"success": True}
    assert rows(desk.engine, "SELECT outcome FROM raw_callback ORDER BY id") == [("accepted",), ("duplicate",)]


def test_a_wrong_amount_code_or_connection_is_told_on_the_page(desk: DeveloperDesk) -> None:
    desk.enter("ky.su")
    for wrong, code in (
        ({"amount": "12,5"}, "bad_amount"),
        ({"amount": "5"}, "bad_amount"),
        ({"code": "HP123"}, "bad_code"),
        ({"scenario": "flood"}, "unknown_scenario"),
        ({"connection": "x"}, "no_connection"),
        ({"connection": str(desk.live.connection_id)}, "not_found"),
    ):
        form = {"connection": str(desk.trial.connection_id), "scenario": "good", "amount": "115000", "code": ""}
        answer = desk.post("/developers/sandbox/", **{**form, **wrong})
        assert answer.status_code in {404, 409, 422}
        assert f"({code})" in answer.get_data(as_text=True)
    assert rows(desk.engine, "SELECT count(*) FROM raw_callback") == [(0,)]


def test_a_program_plays_a_scenario_by_json(desk: DeveloperDesk) -> None:
    desk.enter("ky.su")
    token = desk.client.get("/developers/api/session").json["csrf_token"]
    asked = {"connection_id": desk.trial.connection_id, "scenario": "duplicate", "amount_vnd": 115_000}
    path = "/developers/api/simulations"
    assert desk.client.post(path, json=asked).status_code == 400
    played = desk.client.post(path, json=asked, headers={"X-CSRFToken": token}).json
    assert [one["outcome"] for one in played["messages"]] == ["accepted", "duplicate", "duplicate"]
    assert (played["as_expected"], played["bank_transactions"]) == (True, 0)
    for wrong in ([], {"connection_id": desk.live.connection_id, "scenario": "good"}, {**asked, "amount_vnd": 1.5}):
        refused = desk.client.post(path, json=wrong, headers={"X-CSRFToken": token})
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.status_code in {404, 422}


def test_what_was_played_is_in_the_audit_log(desk: DeveloperDesk) -> None:
    play(desk, Scenario.SHORT)
    found = rows(
        desk.engine, "SELECT subject_id, detail->>'scenario' FROM audit_event WHERE action = 'sandbox.simulated'"
    )
    assert found == [(desk.trial.connection_id, "short")]


@pytest.mark.parametrize("scenario", [Scenario.GOOD, Scenario.SHORT, Scenario.DUPLICATE, Scenario.WRONG_SIGNATURE])
def test_a_bank_that_pays_bills_pays_the_sample_pupil_s(desk: DeveloperDesk, scenario: Scenario) -> None:
    """BIDV refuses what does not fit before its customer is debited; so the sandbox shows it."""
    biller = make_sender(
        desk.engine, desk.settings, adapter="bidv_biller", secret={"secret": "rehearsal"}, sandbox=True
    )
    report = play(desk, scenario, connection_id=biller.connection_id)
    assert report.as_expected, [(one.outcome, one.expected, one.heard.body) for one in report.played]
    assert report.transactions == 0
