"""What is not known to be harmless is masked; secrets are masked even when a body is opened."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters import get_adapter
from bank_adapters.conformance import samples_of
from bank_adapters.contract import Request
from payments.developers import guide, redaction

PERSON = "NGUYEN THI BINH 0987654321"


def body(document: object, *, opened: bool = False, secrets: tuple[str, ...] = ()) -> str:
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    request = Request("POST", "", "", {"Content-Type": "application/json"}, text.encode())
    return redaction.shown_body(request, secrets, opened=opened)


def test_a_field_that_nobody_knows_is_masked() -> None:
    shown = body({"amount": 250000, "tomorrowsField": PERSON, "depth": [{"inner": PERSON}], "flag": True})
    assert PERSON not in shown
    assert '"amount": 250000' in shown
    assert '"flag": true' in shown


def test_a_harmless_name_does_not_smuggle_a_text_out() -> None:
    assert "BÌNH" not in body({"type": "NGUYỄN THỊ BÌNH"})
    assert "BINH" not in body({"type": "NGUYEN THI BINH", "id": "0987654321 NGUYEN THI BINH"})
    assert "2026-09-22 08:15:30" in body({"transactionDate": "2026-09-22 08:15:30"})
    assert "x" * 65 not in body({"id": "x" * 65})


def test_only_payment_references_of_a_memo_stay() -> None:
    shown = body({"content": f"hp7k3m9q2xat {PERSON}"})
    assert json.loads(shown) == {"content": "••• HP7K3M9Q2XAT •••"}


@pytest.mark.parametrize(
    "name", ["signature", "sign", "vnp_SecureHash", "mac", "checkSum", "password", "pass", "token"]
)
def test_signatures_and_secrets_stay_masked_in_an_opened_body(name: str) -> None:
    shown = body({name: "0123456789abcdef", "content": PERSON}, opened=True)
    assert "0123456789abcdef" not in shown
    assert PERSON in shown


def test_a_live_secret_is_masked_wherever_it_stands() -> None:
    request = Request("POST", "", "note=the-live-secret", {"X-Odd": "the-live-secret"}, b'{"memo":"the-live-secret"}')
    secrets = ["the-live-secret"]
    shown = [
        *(value for _, value in redaction.shown_headers(request, secrets, opened=True)),
        redaction.shown_query(request, secrets, opened=True),
        redaction.shown_body(request, secrets, opened=True),
    ]
    assert not any("the-live-secret" in one for one in shown)


def test_unknown_headers_are_masked_until_opened_and_credentials_always() -> None:
    headers = {"Authorization": "Apikey k", "X-Partner": PERSON, "User-Agent": "bank", "Cookie": "a=b"}
    request = Request("POST", "", "", headers, b"")
    assert dict(redaction.shown_headers(request, (), opened=False)) == {
        "authorization": "•••",
        "cookie": "•••",
        "user-agent": "bank",
        "x-partner": "•••",
    }
    assert dict(redaction.shown_headers(request, (), opened=True))["x-partner"] == PERSON
    assert dict(redaction.shown_headers(request, (), opened=True))["authorization"] == "•••"


def test_a_document_within_a_text_is_redacted_too() -> None:
    shown = body({"data": json.dumps({"amount": 5, "embed_data": PERSON}), "mac": "ff"})
    assert PERSON not in shown
    assert "amount" in shown


def test_both_of_two_fields_with_one_name_are_shown() -> None:
    assert body('{"amount": 1, "amount": 2.50}').count('"amount"') == 2
    assert "2.50" in body('{"amount": 1, "amount": 2.50}')


def test_what_is_neither_json_nor_form_is_hidden_until_opened() -> None:
    assert body("{broken " + PERSON) == "•••"
    assert PERSON in body("{broken " + PERSON, opened=True)
    assert body("[" * 100_000) == "•••"


def test_forms_and_queries_are_redacted_by_field() -> None:
    request = Request("GET", "", f"vnp_Amount=100&vnp_OrderInfo={PERSON}&vnp_SecureHash=ab", {}, b"")
    assert (
        redaction.shown_query(request, (), opened=False)
        == "vnp_Amount = 100\nvnp_OrderInfo = •••\nvnp_SecureHash = •••"
    )


@given(st.dictionaries(st.text(max_size=12), st.recursive(st.text(max_size=30), st.lists, max_leaves=4), max_size=5))
def test_no_private_word_gets_through_whatever_the_shape(document: dict[str, object]) -> None:
    document["memo" + next(iter(document), "")] = f"{PERSON} \u0111"
    assert PERSON not in body(document)


def test_no_golden_request_shows_its_key_when_opened() -> None:
    for name in guide.names():
        for vector in samples_of(get_adapter(name)):
            given_, key = vector["request"], [value for value in vector["key"].values() if len(value) > 5]
            request = Request(
                "POST", "", given_.get("query") or "", given_["headers"], (given_.get("body") or "").encode()
            )
            shown = [
                *(value for _, value in redaction.shown_headers(request, key, opened=True)),
                redaction.shown_query(request, key, opened=True),
                redaction.shown_body(request, key, opened=True),
            ]
            assert not [one for one in shown for value in key if value in one], vector["id"]


def test_redaction_has_teeth() -> None:
    """Were every name harmless, the person would be seen: the list is what protects."""
    everything = redaction.FACTS | {"memo"}
    original, redaction.FACTS = redaction.FACTS, everything
    try:
        assert "0987654321" in body({"memo": "0987654321"})
    finally:
        redaction.FACTS = original
    assert "0987654321" not in body({"memo": "0987654321"})


def test_an_odd_path_is_masked_until_opened() -> None:
    odd = Request("POST", f"notify/{PERSON}", "", {}, b"")
    assert redaction.shown_path(odd, opened=False) == "•••"
    assert redaction.shown_path(odd, opened=True) == odd.path
    assert redaction.shown_path(Request("POST", "bank/api/sync", "", {}, b""), opened=False) == "bank/api/sync"
