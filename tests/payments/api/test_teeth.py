"""Without a safeguard the suite notices: the same tests, on an application that lacks one of them, must fail."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from payments.api import once, queries, service, views
from payments.api.rules import Scope
from tests.payments.api import test_keys, test_once
from tests.payments.api.conftest import Software

FAILURES = (AssertionError, pytest.fail.Exception)


def test_forgetting_to_compare_the_request_is_noticed(api: Software, monkeypatch):
    monkeypatch.setattr(views, "request_hash", lambda *_: b"\0" * 32)
    with pytest.raises(FAILURES):
        test_once.test_another_request_under_the_same_key_is_refused(api, {**test_once.ROUND, "name": "x"})


def test_forgetting_to_wait_for_the_same_request_is_noticed(api: Software, monkeypatch):
    monkeypatch.setattr(once, "lock_number", lambda *_: hash(object()))
    with pytest.raises(FAILURES):
        test_once.test_the_same_request_sent_many_times_at_once_runs_once(api)


@pytest.mark.parametrize("name", sorted(set(queries.LISTS) - {"registrations"}))
def test_forgetting_the_school_in_a_list_is_noticed(api: Software, monkeypatch, name: str):
    before, found, after = queries.LISTS[name].text.rpartition("school_id = :school_id")
    assert found
    wide = text(f"{before}school_id IS NOT NULL{after}")
    monkeypatch.setattr(queries, "LISTS", {**queries.LISTS, name: wide})
    with pytest.raises(FAILURES):
        test_keys.test_a_key_sees_nothing_of_another_school(api)


def test_forgetting_the_scope_is_noticed(api: Software, monkeypatch):
    use_key = views.use_key

    def with_every_scope(session, key):
        holder = use_key(session, key)
        return holder and replace(holder, scopes=frozenset(Scope))

    monkeypatch.setattr(views, "use_key", with_every_scope)
    with pytest.raises(FAILURES):
        test_keys.test_every_operation_needs_its_scope(api)


def test_letting_revoked_keys_in_is_noticed(api: Software, monkeypatch):
    statement = service._USE.text
    assert " AND revoked_at IS NULL" in statement
    monkeypatch.setattr(service, "_USE", text(statement.replace(" AND revoked_at IS NULL", "")))
    with pytest.raises(FAILURES):
        test_keys.test_a_revoked_key_ends_at_once_and_twice_is_no_matter(api)
