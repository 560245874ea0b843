"""What makes thousands of tests quicker and leaves alone what they prove.

Nearly every test of a page makes an application, an account and an engine of its own. Nine tenths of the first is
werkzeug, which compiles the same rules of addresses again; the second is argon2, which is slow on purpose; the third
compiles every statement again, as its application does every template. And a hundred processes of hocphi are started:
where the surroundings forbid Python to keep what it compiles (images of containers do), each of them compiles the whole
house again, which is a quarter of its start.
"""

import gc
import os
import sys
from collections.abc import Generator, Mapping
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from payments import db
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


class CompiledTemplates(BytecodeCache):
    """Templates compiled once for all applications of this process; a key names the file, a checksum its content."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


make_engine = db.create_engine
_dialects: list[Any] = []
_statements: LRUCache[Any, Any] = LRUCache(2_000)


def engine_that_knows(address: str, **options: Any) -> Engine:
    """An engine with the dialect of the first one that spoke with a server, and with what was compiled for it.

    Statements are kept under their dialect: engines with one dialect share them.
    """
    made = make_engine(address, **options)
    if _dialects and _dialects[0].server_version_info is not None:
        made.dialect = _dialects[0]
    else:
        _dialects[:] = [made.dialect]
    made._compiled_cache = _statements
    return made


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collecting makes a million objects that stay: nobody need look through them for garbage, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """For the whole run, and for every process that it starts."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    patched: Any = Rule
    patched.compile = compiled_once
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": CompiledTemplates()}
    db.create_engine = engine_that_knows
    service._HASHER = QUICK
    service._NOBODY = QUICK.hash("nobody")
