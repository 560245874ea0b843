"""The page of connected software: who makes a key, who ends it, and what is shown when."""

import re

import pytest
from sqlalchemy import Engine

from payments.api.rules import PREFIX, Scope
from payments.console.pages.api_keys import WORDS
from tests.payments.faces import Faces, faces


@pytest.fixture
def desk(engine: Engine, database_url: str):
    with faces(engine, database_url) as made:
        made.log_in("accountant")
        yield made


def keys_page(desk: Faces) -> str:
    return f"/console/{desk.school.code}/api-keys/"


def make(desk: Faces, **form: object):
    token = desk.page(keys_page(desk)).split('name="csrf_token" value="')[1].split('"')[0]
    usual = {"csrf_token": token, "name": "SMAS", "days": "30", "scope": ["fees:read", "invoices:read"]}
    return desk.client.post(keys_page(desk), data={**usual, **form})


def test_a_key_is_shown_once_and_works(desk: Faces):
    shown = make(desk).get_data(as_text=True)
    (key,) = re.findall(rf"{PREFIX}[\w-]{{43}}", shown)
    assert key not in desk.page(keys_page(desk))
    assert key[: len(PREFIX) + 6] in desk.page(keys_page(desk))
    answer = desk.client.get("/api/v1/school", headers={"Authorization": f"Bearer {key}"}).get_json()
    assert answer["key"]["scopes"] == ["fees:read", "invoices:read"]


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"scope": []}, {"scope": ["all"]}, {"days": "0"}, {"days": "x"}, {"days": "-" + "9" * 30}]
)
def test_what_is_no_key_is_refused_in_words(desk: Faces, wrong: dict):
    answer = make(desk, **wrong)
    assert answer.status_code == 422
    assert "bad_key" in answer.get_data(as_text=True)
    assert "SMAS" not in desk.page(keys_page(desk))


def test_the_principal_makes_none_and_ends_any(desk: Faces):
    (key,) = re.findall(rf"{PREFIX}[\w-]{{43}}", make(desk).get_data(as_text=True))
    desk.log_in("principal")
    page = desk.page(keys_page(desk))
    assert 'name="scope"' not in page
    assert make(desk).status_code == 404
    (path,) = re.findall(r'action="([^"]+/revoke)"', page)
    assert desk.post(path, keys_page(desk)) == 303
    assert "đã thu hồi" in desk.page(keys_page(desk))
    assert desk.client.get("/api/v1/school", headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_every_scope_has_its_words():
    assert list(WORDS) == list(Scope)
