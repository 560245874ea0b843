"""Form bodies have one reading or none."""

import pytest

from bank_adapters import forms
from bank_adapters.contract import MalformedCallbackError


def test_a_form_is_read_with_its_escapes_and_blank_values() -> None:
    assert forms.load("a=1&b=&c=h%E1%BB%8Dc+ph%C3%AD&d=đ".encode()) == {"a": "1", "b": "", "c": "học phí", "d": "đ"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"a=1&a=2", "duplicate_key"),
        (b"a=1&%61=2", "duplicate_key"),
        (b"a=%00", "nul_character"),
        (b"a=%ff", "not_a_form"),
        (b"\xff=1", "not_a_form"),
        (b"&".join(b"a%d=1" % number for number in range(65)), "not_a_form"),
    ],
)
def test_a_form_with_two_readings_or_none_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(MalformedCallbackError) as caught:
        forms.load(body)
    assert caught.value.code == code
