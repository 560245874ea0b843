"""The rules of the house that neither ruff nor import-linter knows, as functions from source to findings.

``tests/test_architecture.py`` runs them over the repository and shows on small samples that each one notices.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

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


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _calls(source: str) -> Iterator[tuple[ast.Call, str, str]]:
    """Each call with the names before and after its last dot (``a.b.c()`` gives b and c; ``c()`` an empty one)."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute):
            owner = node.func.value
            before = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            yield node, before, node.func.attr
        elif isinstance(node.func, ast.Name):
            yield node, "", node.func.id


def _strings(source: str) -> Iterator[tuple[int, str]]:
    """Each string that is no docstring, with its line."""
    tree = ast.parse(source)
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield node.lineno, node.value


def _strings_like(pattern: re.Pattern[str], source: str) -> list[str]:
    return [f"{line}: {text.strip()[:40]}" for line, text in _strings(source) if pattern.search(text)]


def _comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def commits(source: str) -> list[str]:
    """Ends of transactions: ``.commit()``, ``.rollback()``, ``engine.begin()`` and the words in SQL."""
    calls = [
        f"{node.lineno}: {before}.{name}()"
        for node, before, name in _calls(source)
        if name in {"commit", "rollback"} or (before.endswith("engine") and name == "begin")
    ]
    return calls + _strings_like(SQL_COMMIT, source)


def clock_readings(source: str) -> list[str]:
    """Readings of the time of day, in Python and in SQL; durations by ``time.monotonic`` are no such thing."""
    calls = [f"{node.lineno}: {before}.{name}()" for node, before, name in _calls(source) if (before, name) in CLOCKS]
    return calls + _strings_like(SQL_TIME, source)


def ledger_writes(source: str) -> list[str]:
    """Writes to the ledger's tables: made objects, SQLAlchemy statements and SQL."""
    tree_calls = list(_calls(source))
    made = [f"{node.lineno}: {name}()" for node, _, name in tree_calls if name in LEDGER_MODELS and node.keywords]
    written = [
        f"{node.lineno}: {name}({argument})"
        for node, _, name in tree_calls
        for argument in (getattr(arg, "id", getattr(arg, "attr", "")) for arg in node.args[:1])
        if name in WRITERS and argument in LEDGER_MODELS
    ]
    return made + written + _strings_like(LEDGER_TABLES, source)


def imports_of(source: str) -> set[str]:
    """The names of all modules that a source imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


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
    return [
        f"{node.lineno}: {node.attr}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in {"skip", "skipif", "importorskip", "xfail"}
    ]


def machine_paths(text: str) -> list[str]:
    """Paths of somebody's machine."""
    lines = enumerate(text.splitlines(), 1)
    return [f"{number}: {line.strip()[:80]}" for number, line in lines if OTHER_MACHINES.search(line)]


def blueprints_without_access(source: str) -> list[str]:
    """Blueprints of a module that does not say in ``ACCESS`` who may enter."""
    assigned = [node for node in ast.parse(source).body if isinstance(node, ast.Assign | ast.AnnAssign)]
    targets = [target for node in assigned for target in getattr(node, "targets", [getattr(node, "target", None)])]
    if any(isinstance(target, ast.Name) and target.id == "ACCESS" for target in targets):
        return []
    return [f"{node.lineno}: Blueprint" for node, _, name in _calls(source) if name == "Blueprint"]
