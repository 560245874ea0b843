"""What makes thousands of tests quicker and leaves alone what they prove.

Nearly every test of a page makes an application and an account of its own. Nine tenths of the first is werkzeug, which
compiles the same rules of addresses again; the second is argon2, which is slow on purpose. And a hundred processes of
hocphi are started: where the surroundings forbid Python to keep what it compiles (images of containers do), each of
them compiles the whole house again, which is a quarter of its start.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import pytest
from argon2 import PasswordHasher
from werkzeug.routing import Rule

from payments.access import service

REAL = service._HASHER
"""What the application hashes passwords with; tests/test_fixtures.py knows its cost."""
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

_compile = Rule._compile_builder
_compiled: dict[object, Callable[..., tuple[str, str]]] = {}


def compiled_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """The function that builds addresses for a rule; it gets the rule as ``self``, so equal rules may share it."""
    converters = tuple((name, type(converter)) for name, converter in rule._converters.items())
    key = (rule.rule, tuple(rule._trace), repr(rule.defaults), converters, append_unknown)
    if key not in _compiled:
        _compiled[key] = _compile(rule, append_unknown)
    return _compiled[key]


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """For the whole run, and for every process that it starts."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    patched: Any = Rule
    patched._compile_builder = compiled_once
    service._HASHER = QUICK
    service._NOBODY = QUICK.hash("nobody")
