"""JSON as money needs it: one reading or none.

Refused: anything but UTF-8, a byte order mark, NaN and infinities (also by overflow, 1e999), keys given
twice, more than 32 levels, numbers of more than 64 characters, NUL and lone surrogates. Numbers stay the text
that was received (`Number`): no rounding, no cost of huge exponents, and signatures over it can be rebuilt.
"""

import json
import math
from typing import Any, Final, NoReturn

from bank_adapters.errors import MalformedCallbackError

MAX_BODY_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 32
MAX_NUMBER_LENGTH: Final = 64


class Number(str):
    """The text of a JSON number exactly as received; a JSON string is a plain `str`."""

    __slots__ = ()


def loads(body: bytes, max_bytes: int = MAX_BODY_BYTES) -> Any:
    """Read a JSON text: dict, list, str, `Number`, bool or None; raises MalformedCallbackError."""
    if len(body) > max_bytes:
        raise MalformedCallbackError("too_large")
    if body.startswith(b"\xef\xbb\xbf"):
        raise MalformedCallbackError("byte_order_mark")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedCallbackError("not_utf8") from None
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise MalformedCallbackError("too_deep") from None
    except json.JSONDecodeError:
        raise MalformedCallbackError("not_json") from None
    # Only an escape can bring a NUL or half a surrogate pair, only many brackets can nest deeply.
    if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH:
        _check(value, 0)
    return value


def load_object(body: bytes, max_bytes: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """Read a JSON text whose outermost value is an object; raises MalformedCallbackError."""
    value = loads(body, max_bytes)
    if not isinstance(value, dict):
        raise MalformedCallbackError("not_an_object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedCallbackError("duplicate_key")
    return found


def _integer(text: str) -> Number:
    if len(text) > MAX_NUMBER_LENGTH:
        raise MalformedCallbackError("bad_number")
    return Number(text)


def _decimal(text: str) -> Number:
    if len(text) > MAX_NUMBER_LENGTH or math.isinf(float(text)):
        raise MalformedCallbackError("bad_number")
    return Number(text)


def _constant(_text: str) -> NoReturn:
    raise MalformedCallbackError("bad_number")


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict | list):
        if depth >= MAX_DEPTH:
            raise MalformedCallbackError("too_deep")
        for item in value:
            _check(item, depth + 1)
            if isinstance(value, dict):
                _check(value[item], depth + 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise MalformedCallbackError("nul_character")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise MalformedCallbackError("lone_surrogate")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)
