"""The rules of the house that neither ruff nor import-linter knows, as functions from source to findings.

``tests/test_architecture.py`` runs them over the repository and shows on small samples that each one notices.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PACKAGES = ("bank_adapters", "migrations", "operations", "payments", "reconciliation")
WRITTEN = {".py", ".cfg", ".toml", ".md", ".html", ".css", ".js", ".txt", ".json", ".csv", ".mako", ".sql"}
COMMITTERS = {"payments/db.py", "payments/inbox/door.py"}
SQL_COMMIT = re.compile(r"^\s*(COMMIT|ROLLBACK|END TRANSACTION)\b", re.IGNORECASE)
SQL_TIME = re.compile(r"\b(now\(\)|current_timestamp|current_date|clock_timestamp\(\)|localtimestamp)", re.IGNORECASE)
LEDGER_TABLES = re.compile(
    r"\b(insert\s+into|update|delete\s+from|truncate|copy)\s+ledger_(entry|line|balance)\b", re.IGNORECASE
)
LEDGER_MODELS = {"Entry", "EntryLine", "LedgerBalance"}
WRITERS = {"insert", "update", "delete"}
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
    ("func", "now"),
    ("func", "current_timestamp"),
    ("func", "current_date"),
}
COMMENT_REASON = {
    "type: ignore": re.compile(r"type: ignore\[[a-z-]+(, ?[a-z-]+)*\]\s+# \S+"),
    "noqa": re.compile(r"noqa: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*\s+(- )?\S+"),
}
OTHER_MACHINES = re.compile(r"(?<![\w.])/(?:work/|home/\w|root/|Users/\w)")


def sources(*folders: str) -> list[str]:
    """The Python files below the folders (all packages by default), as paths from the root."""
    found = [path for folder in folders or PACKAGES for path in sorted((ROOT / folder).rglob("*.py"))]
    extra = [ROOT / "wsgi.py"] if not folders and (ROOT / "wsgi.py").exists() else []
    return [str(path.relative_to(ROOT)) for path in [*found, *extra]]


def written_files() -> list[str]:
    """All files of the repository that people write, as paths from the root."""
    folders = [*PACKAGES, "tests", "benchmarks", "docs", ".ci"]
    below = [path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if "vendor" not in path.parts]
    return [
        str(path.relative_to(ROOT))
        for path in [*sorted(ROOT.glob("*")), *below]
        if path.is_file() and (path.suffix in WRITTEN or path.name in {"Makefile", "LICENSE"} or ".ci" in path.parts)
    ]


@cache
def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


class Call(NamedTuple):
    """A call with the names before and after its last dot (``a.b.c()`` gives b and c; ``c()`` an empty one)."""

    line: int
    before: str
    name: str
    keywords: bool
    first: str
    """The last name of the first argument, if it is one."""


class Read(NamedTuple):
    """What the rules ask of a source; each is parsed once for all of them."""

    calls: list[Call]
    strings: list[tuple[int, str]]
    """Each string that is no docstring, with its line."""
    imports: set[str]
    attributes: list[tuple[int, str]]
    assigned: set[str]
    """Names that the module itself assigns."""


@cache
def _read(source: str) -> Read:
    tree = ast.parse(source)
    read = Read([], [], set(), [], set())
    bare: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            bare.add(id(node.value))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            read.strings.append((node.lineno, node.value))
        elif isinstance(node, ast.Import):
            read.imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            read.imports.add(node.module)
        elif isinstance(node, ast.Attribute):
            read.attributes.append((node.lineno, node.attr))
        elif isinstance(node, ast.Call):
            read.calls.extend(_named(node))
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            read.assigned.update(target.id for target in targets if isinstance(target, ast.Name))
    return read


def _named(node: ast.Call) -> Iterator[Call]:
    first = next((getattr(argument, "id", getattr(argument, "attr", "")) for argument in node.args), "")
    if isinstance(node.func, ast.Attribute):
        owner = node.func.value
        before = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        yield Call(node.lineno, before, node.func.attr, bool(node.keywords), first)
    elif isinstance(node.func, ast.Name):
        yield Call(node.lineno, "", node.func.id, bool(node.keywords), first)


def _strings_like(pattern: re.Pattern[str], source: str) -> list[str]:
    return [f"{line}: {text.strip()[:40]}" for line, text in _read(source).strings if pattern.search(text)]


@cache
def _comments(source: str) -> list[tuple[int, str]]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]


def commits(source: str) -> list[str]:
    """Ends of transactions: ``.commit()``, ``.rollback()``, ``engine.begin()`` and the words in SQL."""
    calls = [
        f"{call.line}: {call.before}.{call.name}()"
        for call in _read(source).calls
        if call.name in {"commit", "rollback"} or (call.before.endswith("engine") and call.name == "begin")
    ]
    return calls + _strings_like(SQL_COMMIT, source)


def clock_readings(source: str) -> list[str]:
    """Readings of the time of day, in Python and in SQL; durations by ``time.monotonic`` are no such thing."""
    calls = [call for call in _read(source).calls if (call.before, call.name) in CLOCKS]
    return [f"{call.line}: {call.before}.{call.name}()" for call in calls] + _strings_like(SQL_TIME, source)


def ledger_writes(source: str) -> list[str]:
    """Writes to the ledger's tables: made objects, SQLAlchemy statements and SQL."""
    calls = _read(source).calls
    made = [f"{call.line}: {call.name}()" for call in calls if call.name in LEDGER_MODELS and call.keywords]
    written = [
        f"{call.line}: {call.name}({call.first})"
        for call in calls
        if call.name in WRITERS and call.first in LEDGER_MODELS
    ]
    return made + written + _strings_like(LEDGER_TABLES, source)


def imports_of(source: str) -> set[str]:
    """The names of all modules that a source imports, wherever in it."""
    return _read(source).imports


def unexplained_comments(source: str) -> list[str]:
    """``type: ignore`` and ``noqa`` without a code or without a reason."""
    return [
        f"{line}: {comment}"
        for line, comment in _comments(source)
        for kind, pattern in COMMENT_REASON.items()
        if re.search(rf"#\s*{kind}\b", comment) and not pattern.search(comment)
    ]


def type_ignores(source: str) -> list[str]:
    return [f"{line}: {comment}" for line, comment in _comments(source) if re.search(r"#\s*type:\s*ignore", comment)]


def skips(source: str) -> list[str]:
    """Tests that would not run: skip, skipif, importorskip, xfail, as call or as mark."""
    skipping = {"skip", "skipif", "importorskip", "xfail"}
    return [f"{line}: {name}" for line, name in _read(source).attributes if name in skipping]


def machine_paths(text: str) -> list[str]:
    """Paths of somebody's machine."""
    lines = enumerate(text.splitlines(), 1)
    return [f"{number}: {line.strip()[:80]}" for number, line in lines if OTHER_MACHINES.search(line)]


def blueprints_without_access(source: str) -> list[str]:
    """Blueprints of a module that does not say in ``ACCESS`` who may enter."""
    if "ACCESS" in _read(source).assigned:
        return []
    return [f"{call.line}: Blueprint" for call in _read(source).calls if call.name == "Blueprint"]
