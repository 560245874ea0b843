"""JSON text rebuilt for signatures that cover a sorted, compact form instead of the bytes that were sent.

Senders do not publish which language writes that form, and languages differ in escapes and in how a number
such as 599000.0 is written. A signature is right when it fits one of the forms; all mean the same values.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from bank_adapters.strict_json import Number

MAX_BODY_BYTES: Final = 32 * 1024
"""Several times the size of one transaction: rebuilding more would let a forger buy our time cheaply."""

NumberStyle = Callable[[str], str]

_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode
_NON_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_GO_ESCAPES: Final = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def as_received(number: str) -> str:
    """The text of the number as it came."""
    return str(number)


def as_javascript(number: str) -> str:
    """The number as JavaScript prints it: `599000.0` becomes `599000`; exponents are left alone."""
    whole, point, fraction = number.partition(".")
    return whole if point and not fraction.strip("0") else str(number)


NUMBER_STYLES: Final[tuple[NumberStyle, ...]] = (as_received, as_javascript)


def dumps(value: Any, numbers: NumberStyle) -> str:
    """Compact JSON in the order given, nothing escaped that need not be."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(key)}:{dumps(item, numbers)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(dumps(item, numbers) for item in value) + "]"
    return numbers(value) if isinstance(value, Number) else _quoted(value)


def sort_keys(value: Any) -> Any:
    """The same value with the keys of every object sorted."""
    if isinstance(value, dict):
        return {key: sort_keys(value[key]) for key in sorted(value)}
    return [sort_keys(item) for item in value] if isinstance(value, list) else value


def forms(value: Any) -> Iterator[str]:
    """Each form a sender may have signed, keys sorted: JavaScript's, then with the escapes of Python, PHP and Go."""
    ordered = sort_keys(value)
    for numbers in NUMBER_STYLES:
        plain = dumps(ordered, numbers)
        yield plain
        escaped = _NON_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], plain)
        if escaped != plain:
            yield escaped
        if "/" in escaped:
            yield escaped.replace("/", "\\/")
        if (for_html := plain.translate(_GO_ESCAPES)) != plain:
            yield for_html
