"""Checks of `parse`: the same again, whole đồng above zero, moments with their zone wherever the server stands."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from bank_adapters.conformance.leaves import Leaf, leaves, with_value
from bank_adapters.conformance.subject import Case, Findings, Subject
from bank_adapters.contract import BankTransaction, Direction, Inquiry, MalformedCallbackError, Outcome, Request
from bank_adapters.strict_json import Number

MOST_VND: Final = 10**13
NO_AMOUNTS: Final = (
    "1.5", "0.01", "1e6", "1E6", "1e999", "0", "00", "0.0", "1,000", "1.000.000", "1_000", " ", "+5", "0x10",
    "１２", "٣", "1000đ", "VND", "9" * 40, "Infinity",
)  # fmt: skip
"""Texts that are no whole number of đồng above zero."""
NO_NUMBERS: Final = ("1.5", "1e6", "1E+2", "NaN", "Infinity", "-Infinity", "1e999", "0", "true", "[]", "{}", "9" * 40)
"""The same as bare JSON."""
_WHOLE: Final = re.compile(r"(-?)([0-9]{1,15})((?:\.0+)?)", re.ASCII)
ZONES: Final = ("UTC", "America/New_York", "Pacific/Kiritimati")


def replay(subject: Subject, found: Findings) -> None:
    """The same request again gives equal transactions under equal keys, and a repeated delivery is a success."""
    adapter = subject.adapter
    for case in subject.cases:
        again = replace(case.request)
        if isinstance(case.reading, Inquiry):
            found.expect(_inquired(subject, case) == case.reading, f"{case.id}: asks for another customer")
            continue
        found.expect(adapter.parse(again, case.secrets) == case.reading, f"{case.id}: read otherwise a second time")
        distinct = {(one.dedup_key, one.direction, one.status) for one in case.reading}
        found.expect(len(distinct) == len(case.reading), f"{case.id}: two transactions of one request share a key")
        first, later = (
            adapter.acknowledge(again, [outcome], case.secrets, case.now)
            for outcome in (Outcome.accepted, Outcome.duplicate)
        )
        found.expect(later.status == first.status, f"{case.id}: a repeated delivery is not answered with success")
    for case, one in subject.payments:
        found.expect(0 < len(one.dedup_key) < 400, f"{case.id}: the dedup_key is empty or endless")


def amounts(subject: Subject, found: Findings) -> None:
    """Amounts are whole đồng above zero; fractions, exponents, signs, other digits and NaN are refused."""
    for case, one in subject.payments:
        found.expect(_sound(one), f"{case.id}: the amount is no whole number of đồng between 0 and {MOST_VND:,}")
    names: set[str] = set()
    for case in subject.cases:
        for leaf in _amount_leaves(subject, case):
            names.add(leaf.name)
            for request in _bad_amounts(case.request, leaf):
                read = _read(subject, case, request)
                found.expect(read in (None, _known(case)), f"{case.id}: {leaf.name} that is no amount is read as one")
            found.expect(_minus_is_no_credit(subject, case, leaf), f"{case.id}: a minus in {leaf.name} is a credit")
    found.note = f"found in {', '.join(sorted(names)) or 'no single field'}"


def time_zone(subject: Subject, found: Findings) -> None:
    """Moments know their zone, and are the same wherever the server stands."""
    for case, one in subject.payments:
        found.expect(one.occurred_at.utcoffset() is not None, f"{case.id}: occurred_at has no zone")
    for zone in ZONES:
        with _server_in(zone):
            for case in subject.cases:
                if not isinstance(case.reading, Inquiry):
                    # A fresh request, so that nothing that was kept hides the difference.
                    moments = [one.occurred_at for one in subject.adapter.parse(replace(case.request), case.secrets)]
                    same = moments == [one.occurred_at for one in case.reading]
                    found.expect(same, f"{case.id}: another moment on a server in {zone}")


def _inquired(subject: Subject, case: Case) -> Any:
    return subject.adapter.inquire(replace(case.request), case.secrets)  # type: ignore[attr-defined] # a Biller, by its route


def _sound(one: BankTransaction) -> bool:
    return type(one.amount_vnd) is int and 0 < one.amount_vnd < MOST_VND


def _amount_leaves(subject: Subject, case: Case) -> Iterator[Leaf]:
    """The fields that the amount is read from: with another number there, another amount is read."""
    if isinstance(case.reading, Inquiry):
        return
    for leaf in leaves(case.request):
        number = _WHOLE.fullmatch(leaf.value) if isinstance(leaf.value, str) else None
        if number and int(number[2]):
            kind = type(leaf.value)
            others = (f"{number[1]}{amount}{number[3]}" for amount in (int(number[2]) * 2, int(number[2]) // 2))
            read = [_read(subject, case, with_value(case.request, leaf, kind(other))) for other in others]
            if any(one not in (None, _known(case)) for one in read):
                yield leaf


def _known(case: Case) -> list[int]:
    return [one.amount_vnd for one in case.reading] if isinstance(case.reading, list) else []


def _read(subject: Subject, case: Case, request: Request) -> list[int] | None:
    try:
        return [one.amount_vnd for one in subject.adapter.parse(request, case.secrets)]
    except MalformedCallbackError:
        return None


def _bad_amounts(request: Request, leaf: Leaf) -> Iterator[Request]:
    yield from (with_value(request, leaf, text) for text in NO_AMOUNTS)
    if request.body[:1] == b"{":
        yield from (with_value(request, leaf, Number(text)) for text in NO_NUMBERS)


def _minus_is_no_credit(subject: Subject, case: Case, leaf: Leaf) -> bool:
    """A minus is refused, or it says that the money went out."""
    for text in ("-5", Number("-5")):
        try:
            found = subject.adapter.parse(with_value(case.request, leaf, text), case.secrets)
        except MalformedCallbackError:
            continue
        was = case.reading if isinstance(case.reading, list) else []
        if not all(_sound(one) and (one in was or one.direction is Direction.debit) for one in found):
            return False
    return True


@contextmanager
def _server_in(zone: str) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()
