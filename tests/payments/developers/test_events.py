"""The event log: what is shown to whom, what a replay can and cannot do, and what may leave the house."""

import html
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from bank_adapters import conformance
from bank_adapters.cli import adapters_group
from bank_adapters.contract import Request
from payments import clock
from payments.banking.models import Connection, ConnectionAccount
from payments.db import session_scope
from payments.developers import queries, service
from payments.developers.desk import EVERYWHERE
from payments.developers.rules import Scenario
from payments.developers.vectors import vector_of
from payments.errors import DomainError
from payments.inbox.service import attach_evidence
from tests.payments.developers.desks import DeveloperDesk, body_of, play, share_live
from tests.payments.inbox.callers import SECRET, call_wsgi, dictionary, make_sender, rows, sepay_request, signed

PERSONAL = ("NGUYEN THI BINH", "0987654321")


def replay(desk: DeveloperDesk, event_id: int) -> service.Replayed:
    with session_scope(desk.engine) as session:
        return service.replay(session, dictionary(desk.settings), EVERYWHERE, event_id)


def delivery(desk: DeveloperDesk, event_id: int) -> service.Delivery:
    with session_scope(desk.engine) as session:
        return service.delivery(session, dictionary(desk.settings), EVERYWHERE, event_id)


def settle(desk: DeveloperDesk) -> None:
    with session_scope(desk.engine) as session:
        told = [row[0] for row in rows(desk.engine, "SELECT id FROM evidence WHERE school_id IS NOT NULL")]
        attach_evidence(session, desk.home.school.id, told)


def test_the_engineer_sees_the_facts_and_no_person(desk: DeveloperDesk) -> None:
    desk.receive(desk.live, body_of(desk.live))
    share_live(desk)
    desk.enter("ky.su")
    page = desk.home.page(f"/developers/events/{desk.newest_event()}/")
    assert "••• HP7K3M9Q2XAT •••" in html.unescape(page)
    assert "250000" in page
    assert "x-sepay-signature: •••" in page
    for personal in (*PERSONAL, desk.live.number, SECRET, desk.live.token):
        assert personal not in page, personal
    assert "Mở nội dung" not in page


def test_the_operator_opens_a_body_by_a_step_that_is_written_down_and_never_sees_keys(desk: DeveloperDesk) -> None:
    desk.receive(desk.live, body_of(desk.live))
    event_id = desk.newest_event()
    desk.enter("quan.tri")
    assert PERSONAL[0] not in desk.home.page(f"/developers/events/{event_id}/")
    assert rows(desk.engine, "SELECT 1 FROM audit_event WHERE action = 'callback.opened'") == []
    page = desk.post(f"/developers/events/{event_id}/open").get_data(as_text=True)
    assert all(personal in page for personal in PERSONAL)
    assert "x-sepay-signature: •••" in page
    assert SECRET not in page
    opened = "SELECT subject_id, detail FROM audit_event WHERE action = 'callback.opened'"
    assert rows(desk.engine, opened) == [(event_id, {})]
    assert PERSONAL[0] not in desk.home.page(f"/developers/events/{event_id}/")


def test_the_engineer_cannot_open_a_body(desk: DeveloperDesk) -> None:
    desk.receive(desk.live, body_of(desk.live))
    share_live(desk)
    desk.enter("ky.su")
    answer = desk.post(f"/developers/events/{desk.newest_event()}/open")
    assert answer.status_code == 403
    assert PERSONAL[0] not in answer.get_data(as_text=True)


def test_a_connection_that_is_not_shared_does_not_exist_for_the_engineer(desk: DeveloperDesk) -> None:
    desk.receive(desk.live, body_of(desk.live))
    event_id = desk.newest_event()
    desk.enter("ky.su")
    for path in (f"events/{event_id}/", f"connections/{desk.live.connection_id}/", f"events/{event_id}/vector"):
        desk.home.page(f"/developers/{path}", status=404)
    assert desk.client.get(f"/developers/events/?connection={desk.live.connection_id}").status_code == 404
    assert f"/events/{event_id}/" not in desk.home.page("/developers/events/")
    assert desk.post(f"/developers/events/{event_id}/replay").status_code == 404
    assert rows(desk.engine, "SELECT count(*) FROM raw_callback") == [(1,)]


def test_requests_without_a_connection_are_the_operator_s_alone(desk: DeveloperDesk) -> None:
    stranger = Request("POST", "", "", {}, b"{}", "203.0.113.9")
    call_wsgi(desk.client.application.wsgi_app, f"/callbacks/{'a' * 43}", stranger)
    event_id = desk.newest_event()
    desk.enter("ky.su")
    desk.home.page(f"/developers/events/{event_id}/", status=404)
    desk.enter("quan.tri")
    assert "unknown_connection" in desk.home.page(f"/developers/events/{event_id}/")
    assert f"/events/{event_id}/" in desk.home.page("/developers/events/")


ANSWERS = [
    (lambda desk: body_of(desk.live), {}, ("accepted", 200, '{"success":true}')),
    (lambda desk: body_of(desk.live), {"secret": "wrong"}, ("bad_signature", 401, '{"success":false}')),
    (lambda desk: body_of(desk.live, transferAmount="1e6"), {}, ("malformed", 400, '{"success":false}')),
    (lambda desk: body_of(desk.live, accountNumber="999"), {}, ("foreign_account", 200, '{"success":true}')),
    (lambda desk: body_of(desk.live) + b" " * 300_000, {}, ("malformed", 413, '{"error":"too_large"}')),
]


@pytest.mark.parametrize(("body", "how", "expected"), ANSWERS)
def test_the_answer_is_told_again_as_it_was_given(desk: DeveloperDesk, body, how, expected) -> None:
    given = desk.receive(desk.live, body(desk), **how)
    found = delivery(desk, desk.newest_event())
    told = found.answer()
    assert told is not None
    assert (told.status, told.body) == (given.status, given.body)
    assert (found.row["outcome"], told.status, told.body.decode()) == expected


def test_a_replay_of_what_was_accepted_is_a_duplicate_and_no_money(desk: DeveloperDesk) -> None:
    desk.receive(desk.live, body_of(desk.live))
    settle(desk)
    event_id = desk.newest_event()
    before = rows(desk.engine, "SELECT count(*) FROM evidence"), rows(desk.engine, "SELECT count(*) FROM outbox")
    for _ in range(3):
        done = replay(desk, event_id)
        assert done.results == ("duplicate",)
        assert done.answer.status == 200
    after = rows(desk.engine, "SELECT count(*) FROM evidence"), rows(desk.engine, "SELECT count(*) FROM outbox")
    assert before == after
    recorded = rows(
        desk.engine, "SELECT subject_id, detail->'results' FROM audit_event WHERE action = 'callback.replayed'"
    )
    assert recorded == [(event_id, ["duplicate"])] * 3


def test_a_quarantined_message_is_taken_once_its_account_is_listed(desk: DeveloperDesk) -> None:
    desk.receive(desk.live, body_of(desk.live, accountNumber="1900112233"))
    event_id = desk.newest_event()
    assert replay(desk, event_id).results == ("duplicate",)
    with session_scope(desk.engine) as session:
        school = desk.home.school
        session.add(
            ConnectionAccount(
                connection_id=desk.live.connection_id,
                school_id=school.id,
                account_id=school.account,
                kind="number",
                identifier="1900112233",
            )
        )
    done = replay(desk, event_id)
    assert done.results == ("accepted",)
    assert replay(desk, event_id).results == ("duplicate",)
    assert rows(desk.engine, "SELECT count(*) FROM outbox") == [(1,)]
    stored = "SELECT raw_callback_id FROM evidence WHERE school_id IS NOT NULL"
    assert rows(desk.engine, stored) == [(done.event_id,)]


def test_a_forged_or_stale_message_stays_so_however_often_it_is_replayed(desk: DeveloperDesk) -> None:
    desk.receive(desk.live, body_of(desk.live), secret="another-secret")
    forged = desk.newest_event()
    body = body_of(desk.live)
    old = Request("POST", "", "", signed(body, at=clock.now().timestamp() - 3600), body, "203.0.113.9")
    desk.call(desk.live, old)
    stale = desk.newest_event()
    assert replay(desk, forged).results == ("bad_signature",)
    assert replay(desk, stale).results == ("stale",)
    assert rows(desk.engine, "SELECT count(*) FROM evidence") == [(0,)]


def test_freshness_is_judged_as_of_the_receipt(desk: DeveloperDesk) -> None:
    """A message that was fresh when it came is not stale because a person looks at it an hour later."""
    desk.receive(desk.live, body_of(desk.live, accountNumber="1900112233"))
    event_id = desk.newest_event()
    with clock.turned_to(clock.now().replace(year=clock.now().year + 1)):
        assert replay(desk, event_id).results == ("duplicate",)


def test_what_cannot_be_replayed_is_said(desk: DeveloperDesk) -> None:
    desk.receive(desk.live, body_of(desk.live) + b" " * 300_000)
    cut = desk.newest_event()
    with pytest.raises(DomainError) as refused:
        replay(desk, cut)
    assert refused.value.code == "body_cut"
    desk.receive(desk.live, body_of(desk.live))
    with session_scope(desk.engine) as session:
        session.get_one(Connection, desk.live.connection_id).active = False
    with pytest.raises(DomainError) as closed:
        replay(desk, desk.newest_event())
    assert closed.value.code == "connection_closed"


def test_a_replay_on_the_page_leads_to_what_it_is_recorded_as(desk: DeveloperDesk) -> None:
    desk.receive(desk.trial, body_of(desk.trial))
    event_id = desk.newest_event()
    desk.enter("ky.su")
    page = desk.post(f"/developers/events/{event_id}/replay").get_data(as_text=True)
    assert f"Đã phát lại tin {event_id}: duplicate." in page
    assert f"/developers/events/{event_id}/" in page  # among the attempts with the same body
    assert "Đã phát lại" in desk.home.page(f"/developers/events/{event_id}/")


def test_the_filters_stand_in_the_address_and_pages_follow_a_cursor(desk: DeveloperDesk) -> None:
    for number in range(queries.PAGE_ROWS + 5):
        desk.receive(desk.trial, body_of(desk.trial, txn_id=number + 1))
    desk.receive(desk.trial, body_of(desk.trial), secret="wrong")
    desk.receive(desk.live, body_of(desk.live))
    for who in ("ky.su", "quan.tri"):
        desk.enter(who)
        found: list[str] = []
        path = f"/developers/events/?connection={desk.trial.connection_id}&outcome=accepted"
        while path:
            page = desk.home.page(path)
            found += re.findall(r'/developers/events/(\d+)/"', page)
            older = re.search(r'href="([^"]+before=\d+)"', page)
            path = html.unescape(older[1]) if older else ""
        numbers = [int(one) for one in found]
        assert len(numbers) == queries.PAGE_ROWS + 5
        assert numbers == sorted(set(numbers), reverse=True)
    today, tomorrow = clock.today(), clock.today().replace(year=2099)
    assert "Không có tin nào" in desk.home.page(f"/developers/events/?since={tomorrow}")
    assert "Không có tin nào" not in desk.home.page(f"/developers/events/?since={today}&until={today}")
    desk.home.page("/developers/events/?since=abc&until=2026-99-99&before=x&connection=y&outcome=z")


def test_a_transaction_is_found_by_any_of_its_names(desk: DeveloperDesk) -> None:
    desk.receive(desk.live, body_of(desk.live, txn_id=4711, code="DH0001"))
    event_id = desk.newest_event()
    desk.receive(desk.live, body_of(desk.live, txn_id=1, memo="khac"))
    desk.enter("quan.tri")
    for words in ("4711", "FT000004711", "DH0001", "HP7K3M9Q2XAT", "hp7k3m9q2xat"):
        page = desk.home.page(f"/developers/events/?q={words}")
        assert re.findall(r'/developers/events/(\d+)/"', page) == [str(event_id)], words
    desk.enter("ky.su")
    assert "Không có tin nào" in desk.home.page("/developers/events/?q=4711")


def vector_file(desk: DeveloperDesk, folder: Path) -> Path:
    answer = desk.client.get(f"/developers/events/{desk.newest_event()}/vector")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert "attachment" in answer.headers["Content-Disposition"]
    path = folder / "vector.json"
    path.write_bytes(answer.data)
    return path


VECTORS = [
    ({}, {}, True, "ok"),
    ({"transferAmount": 1.5}, {}, True, "malformed"),
    ({}, {"secret": "not-the-secret"}, False, "bad_signature"),
]


@pytest.mark.parametrize(("changed", "how", "valid", "reason"), VECTORS)
def test_a_delivery_becomes_a_vector_with_the_same_fault_and_nobody_s_data(
    desk: DeveloperDesk, tmp_path: Path, changed, how, valid, reason
) -> None:
    desk.receive(desk.trial, body_of(desk.trial, **changed), **how)
    desk.enter("ky.su")
    path = vector_file(desk, tmp_path)
    text = path.read_text()
    for private in (*PERSONAL, "BINH", desk.trial.number, SECRET, "HP7K3M9Q2XAT", "FT000000001"):
        assert private not in text, private
    (vector,) = json.loads(text)
    assert vector["expect"]["valid"] is valid
    if reason == "malformed":
        assert vector["request"]["body"].count("1.5") == 1
        assert vector["expected_ack"]["status"] == 400
    done = CliRunner().invoke(adapters_group, ["check", "sepay", "--vectors", str(path), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["passed"] == 1
    broken = [{**vector, "key": {"secret": "yet-another"}}]
    assert conformance.check_vectors(broken)[0].passed is (not valid)


VECTOR_SENDERS = [
    ("casso_v2", {"checksum_key": "test-checksum-key"}),
    ("casso_v1", {"secure_token": "test-secure-token"}),
    ("payos", {"checksum_key": "test-checksum-key"}),
    ("vietqr_vn", {"secret": "test-secret"}),
    ("mb", {"jwt_secret": "test-jwt-secret", "username": "school", "password": "test-password"}),
    ("standard_webhooks", {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}),
    ("vnpay", {"hash_secret": "test-hash-secret"}),
    ("momo", {"access_key": "test-access", "secret_key": "test-secret-key"}),
    ("sepay_pg", {"secret_key": "test-secret-key"}),
    ("mb_mms", {"access_key": "test-access-key"}),
]


@pytest.mark.parametrize(("adapter", "secret"), VECTOR_SENDERS)
def test_every_scheme_can_be_signed_anew(desk: DeveloperDesk, adapter: str, secret: dict[str, str]) -> None:
    sender = make_sender(
        desk.engine, desk.settings, school=desk.home.school, adapter=adapter, secret=secret, sandbox=True
    )
    play(desk, Scenario.GOOD, sender.connection_id)
    vector = vector_of(delivery(desk, desk.newest_event()))
    assert vector["expect"]["valid"] is True
    assert conformance.check_vector(vector).passed, conformance.check_vector(vector)
    told = json.dumps(vector)
    assert not [value for value in secret.values() if value in told]
    assert sender.number not in told
    assert desk.home.invoice.reference not in told


def test_the_copied_command_gives_the_same_answer_in_a_shell(desk: DeveloperDesk) -> None:
    body = body_of(desk.live, memo='O\'Brien $(touch /tmp/x) `id` "học phí" \\ !')
    desk.receive(desk.live, body)
    event_id = desk.newest_event()
    desk.enter("quan.tri")
    page = desk.post(f"/developers/events/{event_id}/open").get_data(as_text=True)
    command = html.unescape(page.split("<h2>cURL</h2>")[1].split("<code>")[1].split("</code>")[0])
    headers = sepay_request(body).headers
    environment = {
        **os.environ,
        "HOCPHI_URL": f"{desk.base_url}{desk.live.url}",
        "HOCPHI_X_SEPAY_SIGNATURE": delivery(desk, event_id).request.headers["x-sepay-signature"],
    }
    assert headers["x-sepay-signature"] not in page
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout.startswith("HTTP/1.1 200")
    assert rows(desk.engine, "SELECT outcome FROM raw_callback ORDER BY id") == [("accepted",), ("duplicate",)]


def test_health_counts_by_reason_and_never_rounds_a_refusal_away(desk: DeveloperDesk) -> None:
    for number in range(3):
        desk.receive(desk.trial, body_of(desk.trial, txn_id=number + 1))
    desk.receive(desk.trial, body_of(desk.trial), secret="wrong")
    with session_scope(desk.engine) as session:
        health = queries.health(session, desk.trial.connection_id)
    assert (health.received("hour"), health.refused("day"), health.refused_percent("week")) == (4, 1, 25)
    assert health.seen_at is not None
    assert health.accepted_at is not None
    assert health.gap_closed_at is None
    desk.enter("ky.su")
    page = desk.home.page(f"/developers/connections/{desk.trial.connection_id}/")
    assert "bad_signature" in page
    assert "25%" in page
    assert desk.trial.number not in page
