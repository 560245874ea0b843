"""Random and mutated requests: nothing undeclared is raised, no forgery is believed, no key of evidence is poisoned."""

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from bank_adapters.conformance.answering import OWED
from bank_adapters.conformance.leaves import leaves, with_value, without
from bank_adapters.conformance.subject import Case, Findings, Subject, forged
from bank_adapters.contract import (
    Answer,
    BankTransaction,
    Inquiry,
    MalformedCallbackError,
    Outcome,
    Reason,
    Request,
    Verdict,
)
from bank_adapters.strict_json import Number

ROUNDS: Final = 1_000
TOKENS: Final = (
    b"NaN", b"1e999", b"-1", b"1E+100000", b"null", b"true", b"[]", b"{}",
    b'""', b"\\u0000", b"\\ud800", b"\\u0061", b"\x00", b"\xff", b"\xef\xbb\xbf",
    b'"data"', b'"amount"', b'"id":1,',
    b"&vnp_Amount=1", b"%00", b"%ff", b"&", b"+", b"9" * 50, b"[" * 40, b'{"a":' * 40, "１２".encode(), b'"', b",",
)  # fmt: skip
HEADERS: Final = (
    "", "é", "\udce9", "v1,", "v1a,=", "Bearer ..", "Basic =", "t=1,v1=", "sha256=", "Apikey ", "9" * 400,
)  # fmt: skip
VALUES: Final[tuple[Any, ...]] = (
    "", " ", "0", "-1", "1.5", "null", "\0", "\ud800", "é", "9" * 50, "x" * 300, None, True, [], {},
    Number("0"), Number("-0"), Number("1e9"), Number("1.0"), Number("[1]"), Number('{"a":1}'),
)  # fmt: skip
"""What may stand in a field instead of what belongs there."""

Way = Callable[[random.Random, bytes], bytes]


def fuzz(subject: Subject, found: Findings, *, rounds: int = ROUNDS, seed: str = "kit") -> None:
    """That many altered requests, spread over the genuine ones; what is believed must be what was signed."""
    dice = random.Random(f"{seed} {subject.adapter.NAME}")  # noqa: S311 - the same every time, so that a fault can be found again
    for _ in range(rounds if subject.cases else 0):
        case = dice.choice(subject.cases)
        attempt(subject, found, case, altered(dice, case.request), dice)


def attempt(subject: Subject, found: Findings, case: Case, request: Request, dice: random.Random) -> None:
    """One request through every function of the adapter."""
    try:
        for fault in _exercised(subject, case, request, dice):
            found.expect(held=False, fault=f"{case.id}: {fault}")
        fields = forged(subject.adapter, case, request)
    except Exception as error:  # noqa: BLE001 - finding these is the point
        found.expect(held=False, fault=f"{case.id}: {type(error).__name__} is raised")
        return
    found.expect(not fields, f"{case.id}: an altered request is believed, with another {', '.join(sorted(fields))}")


def _exercised(subject: Subject, case: Case, request: Request, dice: random.Random) -> list[str]:
    adapter, secrets, now, faults = subject.adapter, case.secrets, case.now, []
    verdict = adapter.authenticate(request, secrets, now)
    if not isinstance(verdict, Verdict) or not isinstance(verdict.reason, Reason):
        faults.append("the verdict is none")
    with suppress(MalformedCallbackError):
        if not all(map(sound, adapter.parse(request, secrets))):
            faults.append("a transaction that no bank can report")
    answers = [adapter.acknowledge(request, [dice.choice(list(Outcome))], secrets, now)]
    if subject.issuer:
        answers.append(subject.issuer.token(request, secrets, now))
    if subject.biller:
        with suppress(MalformedCallbackError):
            faults += [] if isinstance(subject.biller.inquire(request, secrets), Inquiry) else ["the inquiry is none"]
        answers.append(subject.biller.answer_inquiry(request, dice.choice(OWED), secrets, now))
    return faults if all(isinstance(answer, Answer) for answer in answers) else [*faults, "the answer is none"]


def sound(transaction: BankTransaction) -> bool:
    """Whether a transaction can be stored: a whole amount, a zone, a key, and texts that a database takes."""
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
        and not any("\0" in text or _has_half_a_character(text) for text in texts)
    )


def altered(dice: random.Random, request: Request) -> Request:
    """The request with another body or query string, and now and then another header."""
    headers: Mapping[str, Any] = request.headers or {"x-nothing": ""}
    if dice.random() < 0.3:
        headers = {**headers, dice.choice(list(headers)): dice.choice(HEADERS)}
    if dice.random() < 0.2 and (found := leaves(request)):
        leaf = dice.choice(found)
        changed = with_value(request, leaf, dice.choice(VALUES)) if dice.random() < 0.7 else without(request, leaf)
        return replace(changed, headers=headers)
    genuine = request.body or request.query.encode("utf-8", "surrogatepass")
    text = dice.choice(WAYS)(dice, genuine)
    if request.body:
        return replace(request, headers=headers, body=text)
    return replace(request, headers=headers, query=text.decode("latin-1"))


def mutated(dice: random.Random, seed: bytes) -> bytes:
    """One to four places cut, filled with something odd, changed, or repeated from elsewhere."""
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


def _random_bytes(dice: random.Random, _seed: bytes) -> bytes:
    return dice.randbytes(dice.randrange(200))


def _json_soup(dice: random.Random, _seed: bytes) -> bytes:
    return b"".join(dice.choice((*TOKENS, b"{", b"}", b":", b"0", b"[", b"]")) for _ in range(dice.randrange(30)))


def _other_digit(dice: random.Random, seed: bytes) -> bytes:
    """One digit changed: the smallest forgery, and the one that would pay."""
    places = [place for place, letter in enumerate(seed) if 48 <= letter <= 57]
    if not places:
        return mutated(dice, seed)
    body = bytearray(seed)
    body[dice.choice(places)] = 48 + dice.randrange(10)
    return bytes(body)


def _has_half_a_character(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


WAYS: Final[tuple[Way, ...]] = (_random_bytes, _json_soup, mutated, mutated, mutated, _other_digit)
