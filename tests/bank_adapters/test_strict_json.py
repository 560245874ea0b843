"""One reading of a JSON text or none."""

import pytest

from bank_adapters.contract import MalformedCallbackError
from bank_adapters.strict_json import MAX_BODY_BYTES, Number, load_object, loads


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b'{"a":1', "not_json"),
        (b'{"a":1} x', "not_json"),
        (b"{'a':1}", "not_json"),
        (b'{"a":01}', "not_json"),
        (b'{"a":"line\nbreak"}', "not_json"),
        (b'{"a":"\x00"}', "not_json"),
        (b'{"a":"\xff"}', "not_utf8"),
        ('{"a":1}'.encode("utf-16"), "not_utf8"),
        (b"\xef\xbb\xbf{}", "byte_order_mark"),
        (b'{"a":1,"a":1}', "duplicate_key"),
        (b'{"x":{"a":1,"\\u0061":2}}', "duplicate_key"),
        (b'{"a":NaN}', "bad_number"),
        (b'{"a":-Infinity}', "bad_number"),
        (b'{"a":1e999}', "bad_number"),
        (b'{"a":' + b"9" * 5000 + b"}", "bad_number"),
        (b'{"a":0.' + b"1" * 5000 + b"}", "bad_number"),
        (b'{"a":"\\u0000"}', "nul_character"),
        (b'{"\\u0000":1}', "nul_character"),
        (b'{"a":["\\ud800"]}', "lone_surrogate"),
        (b"[" * 100_000 + b"]" * 100_000, "too_deep"),
        (b"[" * 33 + b"]" * 33, "too_deep"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "too_deep"),
        (b" " * (MAX_BODY_BYTES + 1), "too_large"),
    ],
)
def test_a_text_with_more_than_one_reading_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(MalformedCallbackError) as caught:
        loads(body)
    assert caught.value.code == code


def test_numbers_stay_the_text_that_was_received() -> None:
    document = load_object(b'{"a":1250000,"b":599000.0,"c":-1E-5,"d":"7","e":true,"f":null}')
    assert document == {"a": "1250000", "b": "599000.0", "c": "-1E-5", "d": "7", "e": True, "f": None}
    assert isinstance(document["a"], Number)
    assert not isinstance(document["d"], Number)


def test_what_is_allowed_is_read() -> None:
    assert loads(b"[" * 32 + b"]" * 32)
    assert loads(b'["\\u1ecdc ph\\u00ed", "\\ud83d\\ude00"]') == ["ọc phí", "😀"]
    assert loads(b'[{"a":"[[[{{{"},{"a":1}]')


def test_only_an_object_is_a_document() -> None:
    with pytest.raises(MalformedCallbackError) as caught:
        load_object(b"[1]")
    assert caught.value.code == "not_an_object"


@pytest.mark.timeout(30)  # far more than it takes; a parser that hangs is what this is about
@pytest.mark.parametrize("number", [b"1E+1000000", b"1e-1000000", b"1" * 200_000])
def test_a_huge_number_does_not_hang(number: bytes) -> None:
    try:
        loads(b'{"amount":' + number + b"}")
    except MalformedCallbackError:
        assert number != b"1e-1000000"
