"""Random and mutated bytes: no adapter raises anything but MalformedCallbackError, none believes a forgery."""

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest

from bank_adapters import get_adapter
from bank_adapters.billing import SAMPLE
from bank_adapters.contract import (
    Answer,
    BankTransaction,
    Biller,
    Inquiry,
    MalformedCallbackError,
    Outcome,
    Owed,
    Reason,
    Request,
    TokenIssuer,
)
from tests.bank_adapters.golden_files import ADAPTERS, PATHS, load, request_of

QUICK, FULL = 2_000, 100_000
SEEDS = {name: [load(path) for path in PATHS if path.parent.name == name] for name in ADAPTERS}
TOKENS = [
    b"NaN", b"1e999", b"-1", b"1E+100000", b"null", b"true", b"[]", b"{}",
    b'""', b"\\u0000", b"\\ud800", b"\\u0061", b"\x00", b"\xff", b"\xef\xbb\xbf",
    b'"data"', b'"amount"', b'"id":1,',
    b"&vnp_Amount=1", b"%00", b"%ff", b"&", b"+", b"9" * 50, b"[" * 40, b'{"a":' * 40, "１２".encode(), b'"', b",",
]  # fmt: skip
OWED = [SAMPLE, Owed(Outcome.accepted, "TRAN T. B"), *(Owed(outcome) for outcome in Outcome)]
HEADERS = ["", "é", "\udce9", "v1,", "v1a,=", "Bearer ..", "Basic =", "t=1,v1=", "sha256=", "Apikey ", "9" * 400]


def random_bytes(dice: random.Random, _seed: bytes) -> bytes:
    return dice.randbytes(dice.randrange(200))


def json_soup(dice: random.Random, _seed: bytes) -> bytes:
    return b"".join(dice.choice((*TOKENS, b"{", b"}", b":", b"0", b"[", b"]")) for _ in range(dice.randrange(30)))


def mutated(dice: random.Random, seed: bytes) -> bytes:
    body = bytearray(seed)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(body) + 1)
        match dice.randrange(4):
            case 0:
                body[place : place + dice.randrange(8)] = b""
            case 1:
                body[place:place] = dice.choice(TOKENS)
            case 2:
                body[place : place + 1] = dice.randbytes(1)
            case _:
                other = dice.randrange(len(body) + 1)
                body[place:place] = body[other : other + dice.randrange(20)]
    return bytes(body)


WAYS: tuple[Callable[[random.Random, bytes], bytes], ...] = (random_bytes, json_soup, mutated, mutated, mutated)


def attempt(name: str, dice: random.Random, given: Mapping[str, Any]) -> None:
    adapter, secrets, now = get_adapter(name), [given["key"]], given.get("verify_at_unix", 0)
    headers = dict(given["request"]["headers"]) or {"x-nothing": ""}
    genuine = (given["request"]["body"] or given["request"]["query"]).encode()
    body = dice.choice(WAYS)(dice, genuine)
    if dice.random() < 0.3:
        headers[dice.choice(list(headers))] = dice.choice(HEADERS)
    altered = {"body": body} if given["request"]["body"] else {"query": body.decode("latin-1")}
    request = request_of(given, headers=headers, **altered)
    verdict = adapter.authenticate(request, secrets, now)
    assert isinstance(verdict.reason, Reason)
    with suppress(MalformedCallbackError):
        assert all(sound(transaction) for transaction in adapter.parse(request, secrets))
    answer = adapter.acknowledge(request, [dice.choice(list(Outcome))], secrets, now)
    assert isinstance(answer, Answer)
    if isinstance(adapter, TokenIssuer):
        assert adapter.token(request, secrets, now).status in (200, 401)
    if isinstance(adapter, Biller):
        with suppress(MalformedCallbackError):
            assert isinstance(adapter.inquire(request, secrets), Inquiry)
        assert isinstance(adapter.answer_inquiry(request, dice.choice(OWED), secrets, now), Answer)


def sound(transaction: BankTransaction) -> bool:
    texts = (
        transaction.provider_txn_id,
        transaction.description,
        transaction.dedup_key,
        transaction.account_number or "",
    )
    return (
        type(transaction.amount_vnd) is int
        and 0 < transaction.amount_vnd < 10**13
        and transaction.occurred_at.tzinfo is not None
        and 0 < len(transaction.dedup_key) < 400
        and all("\0" not in text and text.encode() is not None for text in texts)
    )


@pytest.mark.parametrize("name", ADAPTERS)
def test_no_bytes_make_an_adapter_raise_something_undeclared(name: str) -> None:
    dice = random.Random(f"quick {name}")
    for _ in range(QUICK):
        attempt(name, dice, dice.choice(SEEDS[name]))


@pytest.mark.slow
@pytest.mark.parametrize("name", ADAPTERS)
def test_a_hundred_thousand_inputs_make_no_adapter_raise_something_undeclared(name: str) -> None:
    dice = random.Random(f"full {name}")
    for _ in range(FULL):
        attempt(name, dice, dice.choice(SEEDS[name]))


SIGNED_BODIES = ("sepay-hmac-01-valid", "stdwebhooks-03-rotation", "stdwebhooks-ed25519")


@pytest.mark.parametrize("name", SIGNED_BODIES)
def test_no_changed_byte_of_a_signed_body_is_believed(name: str) -> None:
    dice = random.Random(name)
    given = next(load(path) for path in PATHS if path.stem == name)
    adapter, genuine = get_adapter(given["adapter"]), given["request"]["body"].encode()
    for _ in range(QUICK):
        body = mutated(dice, genuine)
        request = Request("POST", "", "", given["request"]["headers"], body)
        verdict = adapter.authenticate(request, [given["key"]], given["verify_at_unix"])
        assert verdict.valid == (body == genuine)
