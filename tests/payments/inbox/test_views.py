"""The WSGI route: what is stored, and what the sender hears."""

from io import BytesIO

import pytest
from sqlalchemy import Engine

from bank_adapters.contract import Request
from payments.inbox.receiving import MAX_BODY_BYTES, unseal
from payments.inbox.views import WsgiDoor
from payments.settings import Settings
from tests.payments.inbox.callers import Sender, call_wsgi, dictionary, make_sender, rows, sepay_body, sepay_request

pytestmark = pytest.mark.db

RAW = "SELECT outcome, reason FROM raw_callback ORDER BY id"
EVIDENCE = "SELECT school_id, amount_vnd, conflicting FROM evidence ORDER BY id"
WORK = "SELECT queue, school_id, subject_id FROM outbox ORDER BY id"


def test_a_callback_is_stored_with_evidence_and_work_in_one_commit(
    wsgi_door: WsgiDoor, sender: Sender, engine: Engine
) -> None:
    answer = call_wsgi(wsgi_door, sender.url, sepay_request(sepay_body(sender.number)))
    assert (answer.status, answer.body) == (200, b'{"success":true}')
    assert rows(engine, RAW) == [("accepted", "ok")]
    assert rows(engine, EVIDENCE) == [(sender.school.id, 250_000, False)]
    (evidence_id,) = rows(engine, "SELECT id FROM evidence")[0]
    assert rows(engine, WORK) == [("settlement", sender.school.id, evidence_id)]


def test_the_same_callback_twice_is_evidence_once_and_gets_the_same_answer(
    wsgi_door: WsgiDoor, sender: Sender, engine: Engine
) -> None:
    request = sepay_request(sepay_body(sender.number))
    first, second = (call_wsgi(wsgi_door, sender.url, request) for _ in range(2))
    assert first == second
    assert [outcome for outcome, _ in rows(engine, RAW)] == ["accepted", "duplicate"]
    assert len(rows(engine, EVIDENCE)) == len(rows(engine, WORK)) == 1


def test_the_same_id_with_another_amount_is_kept_as_conflicting_and_never_as_work(
    wsgi_door: WsgiDoor, sender: Sender, engine: Engine
) -> None:
    for amount_vnd in (250_000, 260_000, 260_000, 250_000):
        call_wsgi(wsgi_door, sender.url, sepay_request(sepay_body(sender.number, amount_vnd=amount_vnd)))
    outcomes = [outcome for outcome, _ in rows(engine, RAW)]
    assert outcomes == ["accepted", "amount_diff", "amount_diff", "duplicate"]
    assert [row[1:] for row in rows(engine, EVIDENCE)] == [(250_000, False), (260_000, True)]
    assert len(rows(engine, WORK)) == 1


def test_a_message_of_one_school_that_names_an_account_of_another_credits_nobody(
    wsgi_door: WsgiDoor, sender: Sender, engine: Engine, settings: Settings
) -> None:
    other = make_sender(engine, settings)
    answer = call_wsgi(wsgi_door, sender.url, sepay_request(sepay_body(other.number)))
    assert answer.status == 200
    assert rows(engine, RAW) == [("foreign_account", "ok")]
    assert [row[0] for row in rows(engine, EVIDENCE)] == [None]
    assert rows(engine, WORK) == []


def test_an_unsigned_message_cannot_block_the_genuine_one(wsgi_door: WsgiDoor, sender: Sender, engine: Engine) -> None:
    body = sepay_body(sender.number)
    forged = call_wsgi(wsgi_door, sender.url, sepay_request(body, secret="another"))
    genuine = call_wsgi(wsgi_door, sender.url, sepay_request(body))
    assert (forged.status, genuine.status) == (401, 200)
    assert [outcome for outcome, _ in rows(engine, RAW)] == ["bad_signature", "accepted"]
    assert len(rows(engine, WORK)) == 1


def test_what_was_received_is_stored_sealed_without_the_token_and_can_be_opened_again(
    wsgi_door: WsgiDoor, sender: Sender, engine: Engine, settings: Settings
) -> None:
    request = sepay_request(sepay_body(sender.number))
    call_wsgi(wsgi_door, sender.url, request)
    (sealed,) = rows(engine, "SELECT sealed FROM raw_callback")[0]
    assert request.body not in bytes(sealed)
    opened = unseal(bytes(sealed), dictionary(settings))
    assert (opened.method, opened.body, opened.path) == ("POST", request.body, "")
    assert sender.token not in repr(opened)


def test_an_unknown_token_and_an_unknown_path_get_the_same_answer(
    wsgi_door: WsgiDoor, sender: Sender, engine: Engine
) -> None:
    request = sepay_request(sepay_body(sender.number))
    answers = [
        call_wsgi(wsgi_door, path, request)
        for path in ("/callbacks/" + "x" * 43, "/callbacks/short", f"{sender.url}/no/such", "/callbacks/")
    ]
    assert {(answer.status, answer.body) for answer in answers} == {(404, b'{"error":"not_found"}')}
    assert rows(engine, "SELECT DISTINCT outcome FROM raw_callback ORDER BY 1") == [
        ("malformed",),
        ("unknown_connection",),
    ]


def test_an_oversize_body_is_refused_before_it_is_read_whole(
    wsgi_door: WsgiDoor, sender: Sender, engine: Engine
) -> None:
    class Counting(BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            Counting.taken += len(found)
            return found

    body = b"x" * (4 * MAX_BODY_BYTES)
    request = Request("POST", "", "", {"content-type": "application/json"}, b"")
    answer = call_wsgi(
        wsgi_door, sender.url, request, **{"wsgi.input": Counting(body), "CONTENT_LENGTH": str(len(body))}
    )
    assert answer.status == 413
    assert Counting.taken == MAX_BODY_BYTES + 1
    assert rows(engine, RAW) == [("malformed", "too_large")]


def test_other_paths_reach_the_application_behind(wsgi_door: WsgiDoor) -> None:
    request = Request("GET", "", "", {}, b"")
    seen: list[object] = []
    app = WsgiDoor(lambda environ, start_response: [environ["PATH_INFO"].encode()], wsgi_door._settings)
    body = app({"PATH_INFO": "/healthz", "REQUEST_METHOD": request.method}, lambda *given: seen.append(given))
    assert (b"".join(body), seen) == (b"/healthz", [])
