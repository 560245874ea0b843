"""The kit judges what a vector expects, and gives the same without expectations."""

import copy
from typing import Any

import pytest

from bank_adapters import registry
from bank_adapters.conformance import VectorError, check_vector, check_vectors, fits, read_vectors, summary
from tests.bank_adapters.golden_files import PATHS, load, vector


def without_expectations(given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key not in ("expect", "expected_ack", "normalized")}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_is_got_does_not_depend_on_what_is_expected(path) -> None:
    given = load(path)
    blind = check_vector(without_expectations(given))
    assert blind.passed is None
    assert blind.got == check_vector(given).got


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("expect", {"valid": False}, "valid is True"),
        ("expected_ack", {"status": 204}, "status is 200"),
        ("expected_ack", {"status": "300-399"}, "status is 200"),
        ("expected_ack", {"status": 200, "body": {"success": False}}, "body is"),
        ("expected_ack", {"status": 200, "body": {"success": 1}}, "body is"),
        ("expected_ack", {"status": 200, "body": {"success": True, "more": 1}}, "body is"),
        ("normalized", {"amount": 1}, "amount is 1250000"),
        ("normalized", {"payment_code": "x"}, "payment_code is 'HS0101234567'"),
        ("normalized", [{"amount": 1250000}, {"amount": 1}], "transactions, expected 2"),
    ],
)
def test_each_wrong_expectation_is_noticed(field: str, value: Any, fault: str) -> None:
    given = {**vector("sepay-hmac-01-valid"), field: value}
    result = check_vector(given)
    assert result.passed is False
    assert fault in result.reason


def test_success_is_no_answer_to_a_forged_request(monkeypatch: pytest.MonkeyPatch) -> None:
    given = vector("payos-04-wrong-key")
    assert check_vector(given).passed is True
    adapter = registry.get_adapter("payos")
    trusting = adapter.acknowledge(None, [], [], 0)
    monkeypatch.setattr(adapter, "acknowledge", lambda *_: trusting)
    assert check_vector(given).passed is False


def test_normalized_is_one_object_or_a_list_for_senders_of_batches() -> None:
    single = check_vector(vector("sepay-hmac-01-valid")).got
    batch = check_vector(vector("casso-v1-01")).got
    assert single is not None
    assert batch is not None
    assert single["normalized"]["payment_code"] == "HS0101234567"
    assert "order_ref" not in single["normalized"]
    assert [row["amount"] for row in batch["normalized"]] == [850_000]


def test_a_message_that_is_not_about_money_has_no_normalized_form() -> None:
    got = check_vector(vector("stdwebhooks-01-published")).got
    assert got is not None
    assert (got["valid"], got["status"], got["normalized"]) == (True, 200, None)


def test_an_authentic_message_that_cannot_be_read_names_the_field() -> None:
    got = check_vector(vector("sepay-apikey-bad-amount")).got
    assert got is not None
    assert (got["valid"], got["reason"], got["status"]) == (True, "bad_amount: transferAmount", 400)


def test_vectors_of_adapters_that_are_not_installed_are_not_judged() -> None:
    result = check_vector({**vector("payos-01-published"), "adapter": "nobody"})
    assert (result.passed, result.reason, result.got) == (None, "adapter not installed", None)


def test_a_name_or_its_alias_chooses_the_vectors() -> None:
    vectors = [load(path) for path in PATHS]
    by_name, by_alias = check_vectors(vectors, "vietqr_vn"), check_vectors(vectors, "mb")
    assert by_name == by_alias
    assert {result.id.split("-")[0] for result in by_name} == {"vietqr", "mb"}
    counted = summary(check_vectors(vectors))
    assert (counted["passed"], counted["failed"]) == (len(vectors), 0)


def test_placeholders_stand_for_any_text() -> None:
    assert fits({"a": ["<our id>"]}, {"a": ["x"]})
    assert not fits({"a": "<our id>"}, {"a": ""})
    assert not fits({"a": "<our id>"}, {"a": None})
    assert not fits([1], [1, 2])


@pytest.mark.parametrize(
    "text", ["", "5", "{}", '{"vectors":{}}', "[5]", '[{"id":"a"}]', '[{"id":"a","adapter":"b","key":[],"request":{}}]']
)
def test_a_file_of_another_form_is_refused_with_the_place(text: str) -> None:
    with pytest.raises(VectorError):
        read_vectors(text)


def test_vectors_are_left_as_they_were() -> None:
    given = vector("payos-01-published")
    before = copy.deepcopy(given)
    check_vector(given)
    assert given == before


def test_the_vectors_of_a_sender_are_those_of_all_its_names() -> None:
    vectors = [{**vector("mb-transaction-sync"), "adapter": name} for name in ("mb", "vietqr_vn", "sepay", "no_such")]
    for name in ("mb", "vietqr_vn"):
        assert len(check_vectors(vectors, name)) == 2


def test_a_clock_may_be_null_where_the_scheme_has_none() -> None:
    assert check_vector({**vector("payos-01-published"), "verify_at_unix": None}).passed is True
