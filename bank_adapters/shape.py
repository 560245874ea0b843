"""What an adapter's module must look like before anybody calls it: its names, their kinds, its functions' arguments."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bank_adapters.contract import EVERYTHING, INTERFACE

CONSTANTS: Final = ("NAME", "SECRET_FIELDS", "SECRET_CHOICES", "ROUTES", "BATCH")
FUNCTIONS: Final = {"authenticate": 3, "parse": 2, "acknowledge": 4}
"""Name -> how many positional arguments it is called with."""
ROUTES: Final[Mapping[str, Mapping[str, int]]] = {
    "notify": {},
    "token": {"token": 3},
    "inquire": {"inquire": 2, "answer_inquiry": 4},
}
"""What may lie below a connection's URL -> the functions that it needs."""


def faults(adapter: Any) -> list[str]:
    """Each way in which the module does not keep the contract, as the end of «the adapter …»; empty: it may be used."""
    version = getattr(adapter, "INTERFACE", None)
    if version != INTERFACE or isinstance(version, bool):
        return [f"has INTERFACE {version!r}, this release needs {INTERFACE}"]
    missing = [name for name in CONSTANTS if not hasattr(adapter, name)]
    missing += [name for name in FUNCTIONS if not callable(getattr(adapter, name, None))]
    if missing:
        return [f"lacks {', '.join(missing)}"]
    return [*_constants(adapter), *_routes(adapter), *_functions(adapter, FUNCTIONS)]


def _constants(adapter: Any) -> Iterator[str]:
    fields, choices = adapter.SECRET_FIELDS, adapter.SECRET_CHOICES
    if not isinstance(adapter.NAME, str) or not adapter.NAME:
        yield "has a NAME that is no text"
    if not _texts(fields):
        yield "has SECRET_FIELDS that are no tuple of texts"
    elif (
        not isinstance(choices, tuple) or not choices or not all(_texts(one) and {*one} <= {*fields} for one in choices)
    ):
        yield "has SECRET_CHOICES that are no tuple of tuples of its SECRET_FIELDS"
    if not isinstance(adapter.BATCH, bool):
        yield "has a BATCH that is neither True nor False"
    unsigned = getattr(adapter, "UNSIGNED", {})
    if not isinstance(unsigned, Mapping) or not all(frozenset(names) <= EVERYTHING for names in unsigned.values()):
        yield "has UNSIGNED fields that no BankTransaction has"


def _texts(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(item, str) and item for item in value)


def _routes(adapter: Any) -> Iterator[str]:
    routes = adapter.ROUTES
    if not isinstance(routes, Mapping) or not routes or not {*routes.values()} <= ROUTES.keys():
        yield f"has ROUTES that are no mapping of paths to {', '.join(ROUTES)}"
        return
    for route in {*routes.values()}:
        yield from _functions(adapter, ROUTES[route])
        if route == "inquire" and not isinstance(getattr(adapter, "REFUSALS", None), frozenset):
            yield "answers inquiries and has no frozenset REFUSALS"


def _functions(adapter: Any, wanted: Mapping[str, int]) -> Iterator[str]:
    for name, count in wanted.items():
        function = getattr(adapter, name, None)
        if not callable(function):
            yield f"lacks {name}"
        elif inspect.iscoroutinefunction(function):
            yield f"has an asynchronous {name}: an adapter waits for nothing"
        elif not _takes(function, count):
            yield f"has a {name} that does not take {count} arguments"


def _takes(function: Any, count: int) -> bool:
    try:
        inspect.signature(function).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True
