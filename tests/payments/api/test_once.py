"""A POST runs once: repeated, at the same time, after a refusal, after a crash, and what is kept of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import text

from payments import clock
from payments.api import once
from payments.api.rules import KEPT, lock_number
from payments.api.table import OPERATIONS
from payments.db import session_scope
from tests.payments.api.conftest import Software, software
from tests.payments.setting import make_school

ROUND = {
    "code": "T9",
    "name": "Tháng 9",
    "starts_on": "2025-09-01",
    "due_on": "2025-09-20",
    "fees": [{"fee_code": "AN", "quantity": 22}],
}


def count(api: Software, query: str) -> int:
    with session_scope(api.faces.engine) as session:
        return session.scalar(text(query))


def rounds(api: Software) -> int:
    return count(api, "SELECT count(*) FROM collection_round WHERE code LIKE 'T%'")


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(api: Software):
    first, again = api.send("/rounds", ROUND, "one"), api.send("/rounds", ROUND, "one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert [one.headers["Idempotency-Replayed"] for one in (first, again)] == ["false", "true"]
    assert rounds(api) == 1
    assert count(api, "SELECT count(*) FROM audit_event WHERE action = 'api.executed'") == 1


def test_the_stored_answer_is_told_even_when_the_world_has_changed(api: Software):
    first = api.send("/rounds", ROUND, "one")
    with session_scope(api.faces.engine) as session:
        session.execute(text("UPDATE collection_round SET name = 'Khác' WHERE code = 'T9'"))
    assert api.send("/rounds", ROUND, "one").data == first.data


@pytest.mark.parametrize("other", [{**ROUND, "name": "Tháng chín"}, {**ROUND, "code": "T10"}])
def test_another_request_under_the_same_key_is_refused(api: Software, other: dict):
    api.post("/rounds", ROUND, status=201, key="one")
    assert api.post("/rounds", other, status=422, key="one")["code"] == "idempotency_key_reused"
    assert rounds(api) == 1


def test_another_address_under_the_same_key_is_refused(api: Software):
    sector_id = api.get("/pupils")["items"][0]["sector_id"]
    body = {"quantities": [{"sector_id": sector_id, "fee_code": "AN", "quantity": 1}]}
    for code in ("T8", "T9"):
        api.post("/rounds", {**ROUND, "code": code}, status=201)
    api.post("/rounds/T8/quantities", body, key="one")
    assert api.post("/rounds/T9/quantities", body, status=422, key="one")["code"] == "idempotency_key_reused"


def test_two_keys_may_use_the_same_idempotency_key(api: Software):
    other = software(api.faces, api.school)
    api.post("/rounds", ROUND, status=201, key="one")
    other.post("/rounds", {**ROUND, "code": "T10"}, status=201, key="one")
    with session_scope(api.faces.engine) as session:
        school = make_school(session)
    software(api.faces, school).post("/rounds", ROUND, status=201, key="one")


def test_a_refused_request_leaves_its_key_free(api: Software):
    api.post("/rounds", {**ROUND, "due_on": "2025-08-01"}, status=422, key="one")
    api.post("/rounds", b"{", status=400, key="one")
    assert count(api, "SELECT count(*) FROM api_request") == 0
    api.post("/rounds", ROUND, status=201, key="one")


def test_an_error_of_ours_leaves_neither_half_a_deed_nor_a_poisoned_key(api: Software, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("the disk is full")

    api.faces.client.application.config["PROPAGATE_EXCEPTIONS"] = False
    with monkeypatch.context() as broken:
        broken.setattr(once, "_forget_old", fail)
        answer = api.send("/rounds", ROUND, "one")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal")
    assert rounds(api) == 0
    api.post("/rounds", ROUND, status=201, key="one")


def test_the_same_request_sent_many_times_at_once_runs_once(api: Software):
    together = Barrier(6)

    def send(_: int) -> tuple[int, bytes, str]:
        with api.faces.client.application.test_client() as client:
            together.wait()
            own = Software(_with(api, client), api.key, api.key_id, api.school)
            answer = own.send("/rounds", ROUND, "one")
            return answer.status_code, answer.data, answer.headers.get("Idempotency-Replayed", "")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    assert {answer[:2] for answer in answers} == {(201, answers[0][1])}
    assert sorted(answer[2] for answer in answers) == ["false"] + ["true"] * 5
    assert rounds(api) == 1


def test_different_requests_for_one_code_at_once_make_one_round(api: Software):
    together = Barrier(4)

    def send(number: int) -> int:
        with api.faces.client.application.test_client() as client:
            together.wait()
            own = Software(_with(api, client), api.key, api.key_id, api.school)
            return own.send("/rounds", ROUND, f"key-{number}").status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(send, range(4)))
    assert statuses == [201, 409, 409, 409]
    assert rounds(api) == 1


def _with(api: Software, client):
    return replace(api.faces, client=client)


def test_whoever_waits_too_long_is_asked_to_come_again(api: Software, monkeypatch):
    monkeypatch.setattr(once, "LOCK_TIMEOUT", "100ms")
    with session_scope(api.faces.engine) as session:
        session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": lock_number(api.key_id, "one")})
        answer = api.send("/rounds", ROUND, "one")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert rounds(api) == 0
    api.post("/rounds", ROUND, status=201, key="one")


@pytest.mark.parametrize("key", [None, "", "x" * 101, "two words", "khoá"])
def test_a_post_without_a_usable_key_is_refused(api: Software, key: str | None):
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = api.ask("POST", "/rounds", data=b"{}", **{"Content-Type": "application/json", **headers})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "idempotency_key_required")


def test_every_post_of_the_table_goes_through_the_one_execution(api: Software):
    for operation in OPERATIONS:
        if operation.method == "POST":
            path = operation.path.replace("{code}", "X")
            answer = api.ask("POST", path, data=b"{}", **{"Content-Type": "application/json"})
            assert answer.get_json()["code"] == "idempotency_key_required", operation.name


def test_answers_are_kept_for_days_and_then_forgotten(api: Software):
    api.post("/rounds", ROUND, status=201, key="one")
    with clock.turned_to(clock.now() + timedelta(hours=25)):
        assert api.send("/rounds", ROUND, "one").headers["Idempotency-Replayed"] == "true"
    with clock.turned_to(clock.now() + KEPT + timedelta(minutes=1)):
        api.post("/rounds", {**ROUND, "code": "T10"}, status=201, key="two")
    assert count(api, "SELECT count(*) FROM api_request") == 1
