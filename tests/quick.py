"""What makes thousands of tests quicker and leaves alone what they prove.

Nearly every test of a page makes an application and an account of its own. Nine tenths of the first is werkzeug, which
compiles the same rules of addresses again; the second is argon2, which is slow on purpose. And a hundred processes of
hocphi are started: where the surroundings forbid Python to keep what it compiles (images of containers do), each of
them compiles the whole house again, which is a quarter of its start.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from argon2 import PasswordHasher
from werkzeug.routing import Rule

from payments.access import service

REAL = service._HASHER
"""What the application hashes passwords with; tests/test_fixtures.py knows its cost."""
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

compile_rule = Rule.compile
_compiled: dict[object, Mapping[str, Any]] = {}


def compiled_once(rule: Rule) -> None:
    """Compile a rule, or give it what an equal rule was compiled to: all that hangs on neither the rule nor its map."""
    bound = rule.map
    assert bound is not None
    where = rule.host if bound.host_matching else rule.subdomain
    key = (type(rule), rule.rule, where, rule.merge_slashes, repr(rule.defaults), frozenset(bound.converters.items()))
    if key not in _compiled:
        compile_rule(rule)
        _compiled[key] = {
            "arguments": frozenset(rule.arguments),
            "_parts": tuple(rule._parts),
            "_trace": tuple(rule._trace),
            "_converters": dict(rule._converters),
            "_build": rule._build.__func__,
            "_build_unknown": rule._build_unknown.__func__,
        }
        return
    made = _compiled[key]
    rule.arguments = set(made["arguments"])
    rule._parts = list(made["_parts"])
    rule._trace = list(made["_trace"])
    rule._converters = dict(made["_converters"])
    rule._build = made["_build"].__get__(rule, None)
    rule._build_unknown = made["_build_unknown"].__get__(rule, None)


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """For the whole run, and for every process that it starts."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    patched: Any = Rule
    patched.compile = compiled_once
    service._HASHER = QUICK
    service._NOBODY = QUICK.hash("nobody")
