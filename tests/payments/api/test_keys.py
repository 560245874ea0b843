"""Who is let in: one answer for every bad key, scopes, one school, ends of keys, and measures against too many."""

import logging
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from payments import clock
from payments.access.models import Role
from payments.access.service import end_role, set_active
from payments.api import throttle, views
from payments.api.models import ApiKey
from payments.api.rules import PREFIX, Scope, key_hash
from payments.api.service import add_key, revoke_key
from payments.api.table import OPERATIONS, VERSION
from payments.db import session_scope
from payments.errors import DomainError, ForbiddenError
from tests.payments.api.conftest import Software, software
from tests.payments.setting import make_pupils, make_school
from tests.payments.settlement.setting import issue


@pytest.fixture(autouse=True)
def fresh_throttle(monkeypatch):
    monkeypatch.setattr(views, "_bad_keys", throttle.BadKeys())


def refusal(api: Software, key: str | None, path: str = "/school") -> tuple:
    headers = {} if key is None else {"Authorization": key}
    answer = api.faces.client.get(f"{VERSION}{path}", headers=headers)
    return answer.status_code, answer.get_data(), answer.headers["WWW-Authenticate"], answer.headers["Content-Type"]


def address(operation) -> str:
    return operation.path.replace("{code}", "X").replace("{reference}", "X").replace("{id}", "1")


def test_every_bad_key_gets_one_and_the_same_answer_on_every_address(api: Software):
    revoked = software(api.faces, api.school)
    with session_scope(api.faces.engine) as session:
        revoke_key(session, api.school.id, revoked.key_id, None)
    bad = [None, "", "Bearer", "Bearer x", f"Bearer {PREFIX}{'A' * 43}", f"Bearer {revoked.key}", f"Basic {api.key}"]
    answers = {refusal(api, key, path) for key in bad for path in ("/school", "/rounds/X", "/payments/1", "/no/such")}
    assert len(answers) == 1
    (answer,) = answers
    assert answer[0] == 401
    assert answer[3] == "application/problem+json"
    assert b'"code":"invalid_key"' in answer[1]


def test_no_operation_answers_without_a_key(api: Software):
    for operation in OPERATIONS:
        answer = api.faces.client.open(f"{VERSION}{address(operation)}", method=operation.method)
        assert answer.status_code == 401, operation.name


def test_a_session_of_the_desk_opens_no_address_and_sets_no_cookie(api: Software):
    api.faces.log_in("accountant")
    assert api.faces.client.get(f"{VERSION}/school").status_code == 401
    answer = api.ask("GET", "/school")
    assert "Set-Cookie" not in answer.headers
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_every_operation_needs_its_scope(api: Software):
    for operation in OPERATIONS:
        if operation.scope is None:
            continue
        others = software(api.faces, api.school, set(Scope) - {operation.scope})
        answer = others.ask(operation.method, address(operation), data=b"{}")
        assert (answer.status_code, answer.get_json()["code"]) == (403, "scope_missing"), operation.name


def test_a_key_sees_nothing_of_another_school(api: Software):
    api.faces.pay(200_000, api.faces.invoice.reference)
    with session_scope(api.faces.engine) as session:
        school = make_school(session)
        stranger_invoice = issue(session, school, 50_000)
    stranger = software(api.faces, school)
    ours = {path: api.get(path)["items"] for path in ("/pupils", "/rounds", "/invoices", "/payments", "/receipts")}
    ours["/credits"] = api.get("/credits")["items"]
    assert all(ours.values())
    for path, rows in ours.items():
        theirs = stranger.get(path)["items"]
        assert not [row for row in theirs if row in rows], path
    reference, code = ours["/invoices"][0]["reference"], ours["/rounds"][0]["code"]
    number, sector_id = ours["/payments"][0]["id"], ours["/pupils"][0]["sector_id"]
    for path, unknown in (
        (f"/invoices/{reference}", "/invoices/HP0000000000"),
        (f"/payments/{number}", "/payments/999999999"),
    ):
        assert stranger.ask("GET", path).data == stranger.ask("GET", unknown).data
        assert stranger.ask("GET", path).status_code == 404
    assert stranger.get(f"/rounds/{code}", status=404)["code"] == "not_found"
    assert stranger.get(f"/pupils?sector_id={sector_id}")["items"] == []
    assert [row["reference"] for row in stranger.get("/invoices")["items"]] == [stranger_invoice.reference]
    row = {"sector_id": sector_id, "fee_code": "KNS", "valid_from": "2025-09-01"}
    assert stranger.post("/registrations", {"registrations": [row]})["refused"] == 1


def test_a_cursor_of_another_school_shows_nothing_of_it(api: Software):
    with session_scope(api.faces.engine) as session:
        make_pupils(session, api.school, 3)
        school = make_school(session)
    stranger = software(api.faces, school)
    cursor = api.get("/pupils?limit=1")["next_cursor"]
    known = {row["sector_id"] for row in api.get("/pupils")["items"]}
    assert not known & {row["sector_id"] for row in stranger.get(f"/pupils?cursor={cursor}")["items"]}


def test_only_the_hash_of_a_key_is_kept(api: Software):
    with session_scope(api.faces.engine) as session:
        row = session.scalar(select(ApiKey).where(ApiKey.id == api.key_id))
        dump = session.scalar(text("SELECT string_agg(k::text, ' ') FROM api_key k"))
        audit = session.scalar(text("SELECT string_agg(a::text, ' ') FROM audit_event a"))
    assert row.key_hash == key_hash(api.key)
    assert api.key.startswith(row.hint)
    assert api.key not in dump + audit
    assert "api_key.added" in audit


def test_a_key_is_in_no_log_line(api: Software, caplog):
    caplog.set_level(logging.DEBUG)
    api.get("/school")
    api.post("/roster", b"{", status=400)
    software(api.faces, api.school, [Scope.FEES_READ]).get("/pupils", status=403)
    assert api.key not in caplog.text


def test_a_key_ends_on_its_day(api: Software):
    with clock.turned_to(clock.now() + timedelta(days=29)):
        api.get("/school")
    with clock.turned_to(clock.now() + timedelta(days=31)):
        api.get("/school", status=401)


def test_a_revoked_key_ends_at_once_and_twice_is_no_matter(api: Software):
    api.get("/school")
    for _ in range(2):
        with session_scope(api.faces.engine) as session:
            revoke_key(session, api.school.id, api.key_id, api.school.principal)
    api.get("/school", status=401)
    with session_scope(api.faces.engine) as session:
        done = session.scalars(text("SELECT actor_id FROM audit_event WHERE action = 'api_key.revoked'")).all()
    assert done == [api.school.principal]


def test_with_its_person_the_key_goes(api: Software):
    with session_scope(api.faces.engine) as session:
        set_active(session, api.school.accountant, active=False)
    api.get("/school", status=401)
    with session_scope(api.faces.engine) as session:
        set_active(session, api.school.accountant, active=True)
    api.get("/school")
    with session_scope(api.faces.engine) as session:
        end_role(session, api.school.accountant, Role.ACCOUNTANT, api.school.id)
    api.get("/school", status=401)


def test_a_key_acts_only_in_the_name_of_somebody_of_the_school(api: Software):
    with session_scope(api.faces.engine) as session:
        other = make_school(session)
        for user_id in (other.accountant, other.principal):
            with pytest.raises(ForbiddenError):
                add_key(
                    session,
                    api.school.id,
                    name="x",
                    scopes=[Scope.FEES_READ],
                    user_id=user_id,
                    lives=timedelta(days=1),
                )


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"name": "x" * 81},
        {"name": "a\x00b"},
        {"scopes": []},
        {"lives": timedelta(days=800)},
        {"lives": timedelta(0)},
        {"per_minute": 0},
    ],
)
def test_a_key_has_a_name_a_scope_and_an_end(api: Software, wrong: dict):
    usual = {"name": "SMAS", "scopes": [Scope.FEES_READ], "user_id": api.school.accountant, "lives": timedelta(days=1)}
    with session_scope(api.faces.engine) as session, pytest.raises(DomainError, match="bad_key"):
        add_key(session, api.school.id, **{**usual, **wrong})


def test_too_many_requests_of_a_key_wait_for_the_next_minute(api: Software):
    slow = software(api.faces, api.school, per_minute=2)
    with clock.turned_to(clock.now().replace(second=10)):
        slow.get("/school")
        slow.get("/school")
        answer = slow.ask("GET", "/school")
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "50")
        api.get("/school")
    with clock.turned_to(clock.now() + timedelta(minutes=2)):
        slow.get("/school")


def test_the_last_use_is_known_to_the_minute(api: Software):
    with clock.turned_to(clock.now().replace(second=42)):
        api.get("/school")
        minute = clock.now().replace(second=0, microsecond=0)
    with session_scope(api.faces.engine) as session:
        assert session.scalar(text("SELECT used_at FROM api_key WHERE id = :id"), {"id": api.key_id}) == minute


def test_an_address_that_tries_keys_is_told_to_stop_and_good_keys_go_on(api: Software):
    statuses = [refusal_status(api) for _ in range(throttle.TRIES + 2)]
    assert statuses == [401] * throttle.TRIES + [429] * 2
    api.get("/school")
    with clock.turned_to(clock.now() + throttle.WINDOW):
        assert refusal_status(api) == 401


def refusal_status(api: Software) -> int:
    return api.faces.client.get(
        f"{VERSION}/school", headers={"Authorization": f"Bearer {PREFIX}{'A' * 43}"}
    ).status_code


def test_the_table_of_addresses_does_not_grow_without_end(monkeypatch):
    monkeypatch.setattr(throttle, "MOST_ADDRESSES", 3)
    counted = throttle.BadKeys()
    for number in range(10):
        assert not counted.too_many(str(number), clock.now())
    assert len(counted._tries) == 3
