"""Random and mutated bytes: no adapter raises anything but MalformedCallbackError, none believes a forgery."""

import random

import pytest

from bank_adapters import get_adapter
from bank_adapters.conformance import Subject, samples_of
from bank_adapters.conformance.fuzzing import fuzz, mutated, sound
from bank_adapters.conformance.subject import Findings
from bank_adapters.contract import Request
from tests.bank_adapters.golden_files import ADAPTERS, PATHS, load

QUICK, FULL = 2_000, 10_000
"""`make fuzz` tries a million."""
SIGNED_BODIES = ("sepay-hmac-01-valid", "stdwebhooks-03-rotation", "stdwebhooks-ed25519")


def faults(name: str, rounds: int) -> list[str]:
    adapter, found = get_adapter(name), Findings()
    fuzz(Subject(adapter, samples_of(adapter)), found, rounds=rounds, seed=f"test {rounds}")
    assert found.tried == rounds
    return found.faults


@pytest.mark.parametrize("name", ADAPTERS)
def test_no_bytes_make_an_adapter_raise_something_undeclared_or_believe_a_forgery(name: str) -> None:
    assert faults(name, QUICK) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ADAPTERS)
def test_ten_thousand_inputs_do_no_harm(name: str) -> None:
    assert faults(name, FULL) == []


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
        if verdict.valid:
            assert all(map(sound, adapter.parse(request, [given["key"]])))
