"""With a safeguard taken away the golden files notice: what they prove is not proved by accident."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest

from bank_adapters import (
    bidv_openapi_jose,
    canonical,
    fields,
    get_adapter,
    mb_mms,
    momo,
    payos,
    public_keys,
    rfc9421,
    sepay_pg,
    signatures,
    tokens,
    vietqr_vn,
    vnpay,
)
from bank_adapters.conformance import check_vector
from bank_adapters.contract import VALID, Status
from bank_adapters.declarative import places, signing, templates, transactions
from tests.bank_adapters.golden_files import PATHS, load

GOLDEN = [load(path) for path in PATHS]


def failing() -> set[str]:
    return {vector["id"] for vector in GOLDEN if not check_vector(vector).passed}


def always(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


def test_nothing_fails_with_every_safeguard_in_place() -> None:
    assert failing() == set()


def test_a_comparison_that_always_agrees_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (signatures, tokens):
        monkeypatch.setattr(module, "same", always(True))
    assert {
        "sepay-hmac-05-reserialised",
        "sepay-apikey-02-bearer",
        "casso-06-tampered",
        "casso-v1-wrong-token",
        "payos-04-wrong-key",
        "vietqr-signed-tampered",
        "vietqr-bearer-03-alg-none",
        "stdwebhooks-05-tampered",
        "sepay-bankhub-wrong-key",
        "sepay-pg-wrong-key",
        "vnpay-tampered",
        "momo-tampered",
        "zalopay-tampered",
        "mb-mms-tampered",
        "tingee-tampered",
        "gpmpay-tampered",
        "gpmpay-wrong-api-key",
        "9pay-wrong-key",
        "neox-tampered",
        "pay2s-wrong-token",
        "appotapay-tampered",
        "hdbank-wrong-key",
    } - failing() == {"vietqr-bearer-03-alg-none"}  # the pinned algorithm still stops this one


def test_an_ed25519_check_that_always_agrees_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "ed25519_matches", always(True))
    assert failing() == {"stdwebhooks-ed25519-tampered"}


def test_a_clock_that_is_not_looked_at_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "fresh", always(VALID))
    assert failing() == {"sepay-hmac-03-old", "stdwebhooks-07-too-old", "rfc9421-too-old"}


def test_tokens_that_never_expire_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "unix", always(0))
    assert failing() == {"vietqr-bearer-expired", "sepay-oauth2-expired"}


def test_a_token_check_that_believes_the_token_s_algorithm_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "verify", always(VALID))
    assert {"vietqr-bearer-03-alg-none", "vietqr-bearer-hs256", "vietqr-bearer-expired"} <= failing()


def test_a_canonical_form_that_is_forgotten_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = canonical.forms
    names = ("casso-04-diacritics-slash-amp", "casso-python-form", "casso-php-form", "casso-go-form")
    for index, expected in enumerate(names):

        def without(value: Any, left_out: int = index) -> list[str]:
            return [form for place, form in enumerate(everything(value)) if place % 4 != left_out]

        monkeypatch.setattr(canonical, "forms", without)
        assert expected in failing()


def test_number_text_that_is_not_kept_or_not_rewritten_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "NUMBER_STYLES", (canonical.as_received,))
    assert failing() == {"casso-javascript-number"}


def test_amounts_read_loosely_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "amount_vnd", lambda document, name: int(float(document[name])))
    assert "sepay-apikey-bad-amount" in failing()


def test_success_for_everyone_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sepay", "vietqr_vn"):
        adapter = get_adapter(name)
        success = adapter.acknowledge(None, [], [], 0) if name == "sepay" else vietqr_vn.json_answer(200, {})
        monkeypatch.setattr(adapter, "acknowledge", always(success))
    assert {"sepay-hmac-03-old", "vietqr-bearer-03-alg-none"} <= failing()


def test_a_failed_payment_taken_for_money_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payos, "_status", always(Status.settled))
    assert failing() == {"payos-failed"}


def test_a_declined_order_taken_for_money_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sepay_pg, "_paid_status", always(Status.settled))
    assert failing() == {"sepay-pg-declined"}


def test_a_void_taken_for_other_news_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sepay_pg, "_VOID", "")
    assert failing() == {"sepay-pg-void"}


def test_a_name_that_may_come_twice_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vnpay, "_raw_parts", lambda query: dict(part.split("=", 1) for part in query.split("&")))
    assert failing() == {"vnpay-name-twice"}


def test_a_query_that_is_written_anew_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vnpay, "_raw_parts", lambda query: {k: quote(v) for k, v in parse_qsl(query)})
    assert {"vnpay-01-valid", "vnpay-07-star-tilde-py"} <= failing()


def test_hundredths_that_are_cut_off_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vnpay, "_amount_vnd", lambda document: int(document["vnp_Amount"]) // 100)
    assert failing() == {"vnpay-not-divisible"}


def test_a_signed_text_with_two_readings_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(momo, "_require_one_reading", always(None))
    assert failing() == {"momo-field-inside-a-value"}


def test_an_unsigned_amount_without_a_limit_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mb_mms, "_amount_vnd", lambda document: int(document["realAmount"] or document["debitAmount"]))
    assert failing() == {"mb-mms-more-than-debited"}


def test_rsa_that_always_agrees_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "rsa_matches", always(True))
    # The pinned algorithm, the comparison with the body and the encryption each stop the others.
    assert {"baokim-tampered", "vietinbank-03-wrong-key"} == failing()


def test_a_public_key_that_always_agrees_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_keys, "matches", always(True))
    assert failing() == {"rfc9421-another-address", "rfc9421-wrong-key"}


def test_a_digest_that_is_not_compared_with_the_body_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rfc9421, "_digest_fits", always(True))
    assert failing() == {"rfc9421-04-body-swapped", "rfc9421-tampered"}


def test_a_signature_that_need_not_cover_the_message_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rfc9421, "_NEEDED", (set(),))
    assert failing() == {"rfc9421-digest-not-covered", "rfc9421-method-not-covered"}


def test_a_jws_that_is_not_compared_with_the_body_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bidv_openapi_jose.hmac, "compare_digest", always(True))
    assert {"bidv-jose-body-swapped", "bidv-jose-tag-changed"} <= failing()


def test_an_encryption_that_is_not_opened_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bidv_openapi_jose, "_opened", always(b"{}"))
    assert {"bidv-jose-other-kek", "bidv-jose-other-encryption", "bidv-jose-tag-changed"} <= failing()


def test_a_signed_time_that_is_not_looked_at_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing.Signature, "_fresh", always(VALID))
    assert failing() == {"gpmpay-too-old"}


def test_a_memo_that_holds_other_fields_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates.Template, "require_one_reading", always(None))
    assert failing() == {"appotapay-field-inside-a-memo"}


def test_form_fields_that_may_come_twice_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_pairs", lambda raw, where: dict(parse_qsl(raw.decode())))
    assert failing() == {"9pay-result-twice", "hdbank-data-twice"}


def test_status_rules_that_are_not_asked_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions.TransactionRule, "_status", always(Status.settled))
    assert failing() == {"9pay-failed", "baokim-failed", "baokim-refund", "gpmpay-simulated"}
