"""What a request may look like, and what the refusal of another one says."""

import json
from dataclasses import replace

import pytest

from payments.api.strict import MAX_BODY_BYTES
from payments.db import make_engine
from tests.payments.api.conftest import Software

PUPIL = {
    "sector_id": "0912345678",
    "full_name": "Trần Thị Bình",
    "date_of_birth": "2019-05-04",
    "sex": "female",
    "class_name": "1B",
}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"[]", "not_an_object"),
        (b"\xef\xbb\xbf{}", "byte_order_mark"),
        (b'{"pupils": "\xff"}', "not_utf8"),
        (b'{"pupils": [], "pupils": []}', "duplicate_key"),
        (b'{"pupils": NaN}', "bad_number"),
        (b'{"pupils": 1e999}', "bad_number"),
        (b'{"pupils": ' + b"[" * 100_000, "too_deep"),
        (b'{"pupils": ' + b"[" * 40 + b"]" * 40 + b"}", "too_deep"),
        (b'{"pupils": "\\u0000"}', "nul_character"),
        (b'{"pupils": "\\ud800"}', "lone_surrogate"),
        (b'{"pupils": ' + b"9" * 10_000 + b"}", "bad_number"),
    ],
)
def test_a_body_that_is_no_plain_json_is_refused(api: Software, body: bytes, code: str):
    answer = api.post("/roster", body, status=400)
    assert answer["code"] == "malformed_json"
    assert code in answer["detail"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"pupils": []}, ("invalid_value", "/pupils")),
        ({"pupils": [PUPIL] * 1001}, ("invalid_value", "/pupils")),
        ({"more": 1}, ("unknown_field", "/more")),
        ({"a/b~c": 1}, ("unknown_field", "/a~1b~0c")),
        ({"pupils": [{**PUPIL, "address": "x"}]}, ("unknown_field", "/pupils/0/address")),
        ({"pupils": [{k: v for k, v in PUPIL.items() if k != "sex"}]}, ("missing_field", "/pupils/0/sex")),
        ({"pupils": [{**PUPIL, "grade": 1.0}]}, ("invalid_value", "/pupils/0/grade")),
        ({"pupils": [{**PUPIL, "grade": True}]}, ("invalid_value", "/pupils/0/grade")),
        ({"pupils": [{**PUPIL, "grade": None}]}, ("invalid_value", "/pupils/0/grade")),
        ({"pupils": [{**PUPIL, "grade": 13}]}, ("invalid_value", "/pupils/0/grade")),
        ({"pupils": [{**PUPIL, "full_name": "a\nb"}]}, ("invalid_value", "/pupils/0/full_name")),
        ({"pupils": [{**PUPIL, "date_of_birth": "04/05/2019"}]}, ("invalid_value", "/pupils/0/date_of_birth")),
        (
            {"pupils": [{**PUPIL, "guardians": {"father": {"email": "a@b.vn"}}}]},
            ("unknown_field", "/pupils/0/guardians/father/email"),
        ),
    ],
)
def test_a_wrong_field_is_named_by_its_pointer(api: Software, change: dict, fault: tuple):
    answer = api.post("/roster", {"pupils": [PUPIL], **change}, status=422)
    assert answer["code"] == "invalid_request"
    assert [(one["code"], one["pointer"]) for one in answer["errors"]] == [fault]


@pytest.mark.parametrize(
    ("question", "fault"),
    [
        ("limit=0", ("invalid_value", "limit")),
        ("limit=201", ("invalid_value", "limit")),
        ("limit=x", ("invalid_value", "limit")),
        ("limit=1.0", ("invalid_value", "limit")),
        ("limit=%C2%B2", ("invalid_value", "limit")),
        ("limit=1&limit=2", ("repeated_parameter", "limit")),
        ("lang=en", ("unknown_field", "lang")),
        ("cursor=%21", ("invalid_cursor", "cursor")),
        ("cursor=", ("invalid_cursor", "cursor")),
        ("class_name=a%0Ab", ("invalid_value", "class_name")),
    ],
)
def test_a_wrong_parameter_is_named(api: Software, question: str, fault: tuple):
    answer = api.get(f"/pupils?{question}", status=422)
    assert [(one["code"], one["parameter"]) for one in answer["errors"]] == [fault]


@pytest.mark.parametrize("moment", ["2025-09-01T00:00:00", "0.5", "1", "null", "2025-09-01"])
def test_only_moments_with_an_offset_are_moments(api: Software, moment: str):
    answer = api.get(f"/invoices?changed_since={moment}", status=422)
    assert answer["errors"][0]["parameter"] == "changed_since"


def test_a_body_beyond_its_bound_is_refused_unread(api: Software):
    answer = api.post("/roster", b" " * (MAX_BODY_BYTES + 1), status=413)
    assert answer["code"] == "http_413"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_taken(api: Software, kind: str):
    answer = api.ask("POST", "/roster", data=b"{}", **{"Content-Type": kind, "Idempotency-Key": "x"})
    assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported_media_type")


def test_an_address_or_method_that_does_not_exist_is_a_problem_document(api: Software):
    missing, wrong = api.ask("GET", "/nothing"), api.ask("DELETE", "/pupils")
    assert (missing.status_code, missing.get_json()["code"]) == (404, "http_404")
    assert (wrong.status_code, wrong.get_json()["title"]) == (405, "Method Not Allowed")
    assert "GET" in wrong.headers["Allow"]
    assert {missing.mimetype, wrong.mimetype} == {"application/problem+json"}


def test_details_are_vietnamese_unless_english_is_asked_for(api: Software):
    vietnamese = api.ask("GET", "/rounds/X", **{"Accept-Language": "vi-VN,vi;q=0.9,en;q=0.1"})
    english = api.ask("GET", "/rounds/X", **{"Accept-Language": "en-GB,en"})
    neither = api.ask("GET", "/rounds/X", **{"Accept-Language": "fr"})
    assert vietnamese.get_json()["detail"] == neither.get_json()["detail"] == "Không có đợt thu mã X."
    assert english.get_json()["detail"] == "There is no collection round X."
    assert [one.headers["Content-Language"] for one in (vietnamese, english)] == ["vi", "en"]
    assert "Accept-Language" in english.headers["Vary"]


def test_a_database_that_is_away_is_told_so_that_software_comes_again(api: Software, monkeypatch):
    extensions = api.faces.client.application.extensions
    away = make_engine("postgresql://nobody@/nowhere?host=/nowhere")
    monkeypatch.setitem(extensions, "hocphi", replace(extensions["hocphi"], engine=away))
    answer = api.ask("GET", "/school")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "database_away")
    assert answer.mimetype == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0


def test_a_problem_has_the_members_of_its_standard(api: Software):
    told = api.get("/rounds/X", status=404)
    assert told == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "detail": "There is no collection round X.",
    }
    assert json.dumps(told)
