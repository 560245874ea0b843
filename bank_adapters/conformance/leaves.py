"""The single values of a request (JSON body, form or query string), and the same request with one of them altered.

A JSON text inside a JSON text (ZaloPay's `data`) is opened too. Numbers keep the text they came with.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

from bank_adapters import canonical, strict_json
from bank_adapters.contract import MalformedCallbackError, Request
from bank_adapters.strict_json import Number

INSIDE: Final = object()
"""A step of a path: into the JSON that a text holds."""
_GONE: Final = object()

Path = tuple[Any, ...]
Change = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value and the way to it."""

    path: Path
    value: Any

    @property
    def name(self) -> str:
        """The path as people write it, without values."""
        steps = self.path[1:] if isinstance(self.path[0], int) else self.path  # a form's fields are counted too
        return ".".join(str(step) for step in steps if step is not INSIDE)


def leaves(request: Request) -> list[Leaf]:
    """Every value of the request that is no object and no list; none when it cannot be read."""
    document = _document(request)
    if document is not None:
        return list(_walk(document, ()))
    return [Leaf((number, name), unquote_plus(value)) for number, (name, value) in enumerate(_pairs(request))]


def with_value(request: Request, leaf: Leaf, value: Any) -> Request:
    """The request with another value there: a `Number` is written bare, a `str` in quotes."""
    return _edited(request, leaf.path, lambda _: value)


def without(request: Request, leaf: Leaf) -> Request:
    """The request without that field."""
    return _edited(request, leaf.path, lambda _: _GONE)


def twice(request: Request, leaf: Leaf, other: str) -> Request | None:
    """The request with that field given twice, the second time as `other`; None for an item of a list."""
    if _document(request) is None:
        pairs = _pairs(request)
        return _with_pairs(request, [*pairs, (pairs[leaf.path[0]][0], quote_plus(other, errors="surrogatepass"))])
    if not isinstance(leaf.path[-1], str):
        return None
    name, first, second = (canonical.dumps(item, canonical.as_received) for item in (leaf.path[-1], leaf.value, other))
    return _edited(request, leaf.path, lambda _: Number(f"{first},{name}:{second}"))


def _document(request: Request) -> dict[str, Any] | None:
    if request.body[:1] != b"{":
        return None
    try:
        return request.document
    except MalformedCallbackError:
        return None


def _opened(value: Any) -> dict[str, Any] | None:
    if type(value) is not str or not value.startswith("{"):
        return None
    try:
        return strict_json.load_object(value.encode())
    except (MalformedCallbackError, UnicodeEncodeError):
        return None


def _walk(value: Any, path: Path) -> Iterator[Leaf]:
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _walk(item, (*path, step))
        return
    yield Leaf(path, value)
    inner = _opened(value)
    if inner is not None:
        yield from _walk(inner, (*path, INSIDE))


def _edited(request: Request, path: Path, change: Change) -> Request:
    document = _document(request)
    if document is None:
        pairs = _pairs(request)
        name, value = pairs[path[0]]
        new = change(unquote_plus(value))
        pairs[path[0] : path[0] + 1] = (
            [] if new is _GONE else [(name, quote_plus(str(new or ""), errors="surrogatepass"))]
        )
        return _with_pairs(request, pairs)
    text = canonical.dumps(_changed(document, path, change), canonical.as_received)
    return replace(request, body=text.encode("utf-8", "surrogatepass"))


def _changed(value: Any, path: Path, change: Change) -> Any:
    if not path:
        return change(value)
    step, rest = path[0], path[1:]
    if step is INSIDE:
        return canonical.dumps(_changed(_opened(value), rest, change), canonical.as_received)
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[step] = _changed(value[step], rest, change)
    if copy[step] is _GONE:
        del copy[step]
    return copy


def _pairs(request: Request) -> list[tuple[str, str]]:
    """Names and raw values of a form, or of the query string where there is no body."""
    text = request.body.decode("latin-1") if request.body else request.query
    return [(name, value) for name, equals, value in (part.partition("=") for part in text.split("&")) if equals]


def _with_pairs(request: Request, pairs: list[tuple[str, str]]) -> Request:
    text = "&".join(f"{name}={value}" for name, value in pairs)
    return replace(request, body=text.encode("latin-1")) if request.body else replace(request, query=text)
