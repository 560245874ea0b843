"""What holds for every adapter, whoever the sender is."""

import ast
import inspect
from datetime import UTC, datetime, timedelta, timezone
from types import ModuleType

import pytest

from bank_adapters import get_adapter
from bank_adapters.contract import (
    Adapter,
    Biller,
    MalformedCallbackError,
    Outcome,
    PartlySigned,
    Poller,
    Reason,
    Request,
    TokenIssuer,
    unix,
)
from tests.bank_adapters.golden_files import ADAPTERS, MODULES, PATHS, load, request_of

TABLE = (
    "Authentication",
    "Retries",
    "Idempotency key",
    "Amount format",
    "Time zone",
    "Source",
    "Certified by the bank: no",
)
ORDER = [
    "INTERFACE",
    "NAME",
    "SECRET_FIELDS",
    "SECRET_CHOICES",
    "ROUTES",
    "BATCH",
    "UNSIGNED",
    "POLL",
    "POLL_FIELDS",
    "ORDERS",
    "REFUSALS",
    "authenticate",
    "parse",
    "acknowledge",
    "token",
    "inquire",
    "answer_inquiry",
    "poll_request",
    "read_page",
]
OPTIONAL = {
    PartlySigned: {"UNSIGNED"},
    TokenIssuer: {"token"},
    Biller: {"REFUSALS", "inquire", "answer_inquiry"},
    Poller: {"POLL", "POLL_FIELDS", "poll_request", "read_page"},
}
CODE_TABLES = {"bidv_biller", "vietinbank", "vnpay", "zalopay"}
"""Senders that read a code in the body and not the status."""
WORDS_ALONE = {
    "vnpay": {Outcome.unknown_bill, Outcome.already_paid, Outcome.amount_differs},
    "zalopay": {Outcome.already_paid},
}
"""What a sender wants to be told of money that it has moved already: its table has a word for it that stops nothing."""
CONTRADICTED = {"vietinbank": {Outcome.unknown_customer}}
"""What `parse` itself finds wrong in a message that is signed rightly."""
REFUSED = (Outcome.bad_signature, Outcome.stale, Outcome.malformed, Outcome.internal)
ACCEPTED = [path for path in PATHS if load(path)["expect"]["valid"]]
NOW = datetime(2026, 9, 22, 1, 16, tzinfo=UTC)


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return get_adapter(request.param)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_the_same_names_in_the_same_order(name: str) -> None:
    adapter = get_adapter(name)
    assert isinstance(adapter, ModuleType)
    found = []
    for node in ast.parse(inspect.getsource(adapter)).body:
        if isinstance(node, ast.FunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.append(node.target.id)
    absent = {name for kind, names in OPTIONAL.items() if not isinstance(adapter, kind) for name in names}
    absent |= set() if hasattr(adapter, "ORDERS") else {"ORDERS"}
    wanted = [name for name in ORDER if name not in absent]
    assert [name for name in found if name in wanted] == wanted


def test_every_adapter_describes_its_sender_in_the_same_table(adapter: Adapter) -> None:
    docstring = inspect.getdoc(adapter) or ""
    places = [docstring.find(f"\n{heading}") for heading in TABLE]
    assert -1 not in places
    assert places == sorted(places)


def test_secret_choices_use_known_fields_only(adapter: Adapter) -> None:
    assert adapter.SECRET_CHOICES
    assert {field for choice in adapter.SECRET_CHOICES for field in choice} <= set(adapter.SECRET_FIELDS)


def test_a_connection_without_a_usable_secret_believes_nobody(adapter: Adapter) -> None:
    request = Request("POST", "", "", {}, b"{}")
    empty = dict.fromkeys(adapter.SECRET_FIELDS, "")
    for secrets in ([], [{}], [empty]):
        verdict = adapter.authenticate(request, secrets, NOW)
        assert not verdict.valid
        assert verdict.reason is Reason.unconfigured
        assert verdict.outcome is Outcome.internal


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_the_older_of_two_live_secrets_is_still_accepted(path) -> None:
    vector = load(path)
    newest = dict.fromkeys(vector["key"], "another-key-that-is-newer")
    adapter, now = get_adapter(vector["adapter"]), vector.get("verify_at_unix", 0)
    assert adapter.authenticate(request_of(vector), [newest, vector["key"]], now).valid
    assert not adapter.authenticate(request_of(vector), [newest], now).valid


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_a_repeated_delivery_gets_the_same_bytes(path) -> None:
    vector = load(path)
    adapter, secrets = get_adapter(vector["adapter"]), [vector["key"]]
    first = adapter.acknowledge(request_of(vector), [Outcome.accepted], secrets, 0)
    again = adapter.acknowledge(request_of(vector), [Outcome.duplicate], secrets, 99)
    assert first == again


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_money_evidence_is_never_refused_whatever_is_thought_of_it(path) -> None:
    vector = load(path)
    adapter, secrets = get_adapter(vector["adapter"]), [vector["key"]]
    success = adapter.acknowledge(request_of(vector), [Outcome.accepted], secrets, 0)
    refusals = {Outcome.internal, Outcome.bad_signature, Outcome.stale, Outcome.malformed}
    # A bank that waits for our word before it keeps the payer's money may be told no, in the words that are listed.
    if isinstance(adapter, Biller):
        refusals |= adapter.REFUSALS | {Outcome.already_paid, *CONTRADICTED.get(adapter.NAME, ())}
    for outcome in set(Outcome) - refusals - WORDS_ALONE.get(adapter.NAME, set()):
        assert adapter.acknowledge(request_of(vector), [outcome], secrets, 0) == success


def test_refusals_are_not_success_and_do_not_tell_which_check_failed(adapter: Adapter) -> None:
    request = Request("POST", "", "", {}, b"\xff")
    if adapter.NAME in CODE_TABLES:
        codes = [adapter.acknowledge(request, [outcome], [], NOW).body for outcome in REFUSED]
        assert codes[0] == codes[1] or adapter.NAME == "bidv_biller"  # its table tells a bad login from a bad checksum
        assert not {adapter.acknowledge(request, [Outcome.accepted], [], NOW).body} & set(codes)
        return
    forged = adapter.acknowledge(request, [Outcome.bad_signature], [], NOW)
    stale = adapter.acknowledge(request, [Outcome.stale], [], NOW)
    assert forged == stale
    assert forged.status == 401
    assert adapter.acknowledge(request, [Outcome.malformed], [], NOW).status == 400
    assert adapter.acknowledge(request, [Outcome.internal], [], NOW).status == 503


def test_a_batch_with_one_part_lost_is_sent_again_as_a_whole(adapter: Adapter) -> None:
    request = Request("POST", "", "", {}, b"{}")
    answer = adapter.acknowledge(request, [Outcome.accepted, Outcome.internal, Outcome.duplicate], [], NOW)
    assert answer == adapter.acknowledge(request, [Outcome.internal], [], NOW)
    assert answer.status == 503 or adapter.NAME in CODE_TABLES


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"\xff\xfe", b"\xef\xbb\xbf{}", b'{"a":1,"a":2}', b'{"a":NaN}', b"[" * 100_000, b"{}"],
)
def test_no_adapter_reads_money_out_of_a_broken_body(adapter: Adapter, body: bytes) -> None:
    request = Request("POST", "", "", {}, body)
    if body == b"{}" and adapter.NAME in {"standard_webhooks", "neox"}:
        assert adapter.parse(request, [{}]) == []  # an event of no type is not about money
        return
    with pytest.raises(MalformedCallbackError) as caught:
        adapter.parse(request, [{}])
    assert caught.value.code
    assert caught.value.where


def test_a_signature_outside_ascii_is_wrong_and_no_error(adapter: Adapter) -> None:
    names = (
        "authorization",
        "x-sepay-signature",
        "x-sepay-timestamp",
        "x-casso-signature",
        "secure-token",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-signature",
        "x-request-timestamp",
        "x-gpmpay-signature",
        "signature",
        "signature-input",
        "x-jws-signature",
    )
    secret = dict.fromkeys(adapter.SECRET_FIELDS, "mật khẩu")
    for odd in ("é", "Bearer é.é.é", "Apikey \udce9", "v1,é v1a,é", "１２３"):
        request = Request("POST", "", "", dict.fromkeys(names, odd), b'{"data":{},"signature":"\xc3\xa9","amount":1}')
        assert not adapter.authenticate(request, [secret], NOW).valid


def test_header_names_are_compared_without_case() -> None:
    request = Request("POST", "", "", {"X-SePay-Signature": "x"}, b"")
    assert request.header("x-sepay-signature") == "x"
    assert request.header("authorization") == ""


def test_now_is_an_aware_datetime_or_unix_seconds() -> None:
    assert unix(datetime(2026, 9, 22, 8, 15, 30, tzinfo=timezone(timedelta(hours=7)))) == 1790039730
    assert unix(1790039730) == unix(1790039730.9) == 1790039730
    with pytest.raises(ValueError, match="aware"):
        unix(datetime(2026, 9, 22))  # noqa: DTZ001 the naive datetime is the point
