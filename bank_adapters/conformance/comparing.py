"""Check of constant time: nothing that was made from a secret is compared with ==, != or in, nor by its beginning.

Two looks, since each sees what the other cannot: one at the source (what comes from `secrets` is followed through
assignments and functions), one while it runs (secrets and headers that notice when they are compared).
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any, Final

from bank_adapters.conformance.samples import module_of
from bank_adapters.conformance.subject import Findings, Subject

COMPARES_SAFELY: Final = frozenset(
    {"same", "any_same", "compare_digest", "ed25519_matches", "rsa_matches", "verify", "verify_bearer", "for_basic"}
)
GIVES_NO_SECRET: Final = COMPARES_SAFELY | {
    "fresh", "len", "bool", "isinstance", "all", "any", "Verdict", "rsa_key", "ed25519_key", "keys", "isascii",
}  # fmt: skip
"""Calls whose result tells nothing of the secret that went in."""
BEGINNINGS: Final = ("startswith", "endswith", "find", "index", "count", "fullmatch", "match", "search")
OWN: Final = "bank_adapters"


def comparison(subject: Subject, found: Findings) -> None:
    """Secrets and signatures are compared in constant time only."""
    safely = False
    for module in _modules(subject):
        tree = ast.parse(inspect.getsource(module))
        safely = safely or _compares_safely(tree)
        for line in unsafe_lines(tree):
            found.expect(held=False, fault=f"{module.__name__}, line {line}: use signatures.same")
        found.tried += 1
    found.expect(safely, "no comparison in constant time is to be found")
    for name, text in _watched(subject):
        found.expect(held=False, fault=f"{name}: {text} is compared letter by letter while it runs")


def _modules(subject: Subject) -> Iterator[ModuleType]:
    """The adapter's module; of a plug-in everything of its package that it has loaded."""
    name = module_of(subject.adapter)
    package = name.partition(".")[0]
    for loaded in sorted(sys.modules):
        if loaded == name or (package != OWN and loaded.startswith(f"{package}.")):
            yield sys.modules[loaded]


def _compares_safely(tree: ast.AST) -> bool:
    return any(isinstance(node, ast.Call) and _called(node) in COMPARES_SAFELY for node in ast.walk(tree))


def unsafe_lines(tree: ast.Module) -> list[int]:
    """The lines of a module that compare what comes from a secret in a way whose time tells how much was right."""
    return _Source(tree).unsafe()


class _Source:
    """What comes from `secrets` in one module: names of each function, and functions that give such a value back."""

    def __init__(self, tree: ast.Module) -> None:
        self._functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        self._secret: dict[str, set[str]] = {
            name: {arg.arg for arg in _arguments(node) if arg.arg == "secrets"}
            for name, node in self._functions.items()
        }
        self._own = {name.id for node in tree.body for name in _assigned(node)}
        self._gives: set[str] = set()
        self._changed = True

    def unsafe(self) -> list[int]:
        """Follow until nothing new is found, then look."""
        while self._changed:
            self._changed = False
            for name, node in self._functions.items():
                self._follow(name, node)
        return sorted({line for name, node in self._functions.items() for line in self._lines(name, node)})

    def _follow(self, name: str, function: ast.FunctionDef) -> None:
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                self._note(name, node.targets, node.value)
            elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
                self._note(name, [node.target], node.value)
            elif isinstance(node, ast.For | ast.comprehension):
                self._note(name, [node.target], node.iter)
            elif isinstance(node, ast.Return) and node.value is not None and self._is_secret(name, node.value):
                self._add(self._gives, function.name)
            elif isinstance(node, ast.Call):
                self._pass_on(name, node)

    def _note(self, name: str, targets: list[Any], value: ast.expr) -> None:
        if self._is_secret(name, value):
            for target in targets:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name):
                        self._add(self._secret[name], part.id)

    def _pass_on(self, name: str, call: ast.Call) -> None:
        """A secret argument makes the parameter secret, and an object that takes one (`digest.update`) too."""
        target = self._functions.get(_called(call))
        for place, argument in enumerate(call.args):
            if not self._is_secret(name, argument):
                continue
            if target is not None and place < len(target.args.args):
                self._add(self._secret[target.name], target.args.args[place].arg)
            if (
                isinstance(call.func, ast.Attribute)
                and call.func.attr == "update"
                and isinstance(call.func.value, ast.Name)
            ):
                self._add(self._secret[name], call.func.value.id)

    def _add(self, names: set[str], name: str) -> None:
        if name not in names:
            names.add(name)
            self._changed = True

    def _is_secret(self, name: str, node: ast.expr) -> bool:
        """Whether an expression holds anything of a secret; a comparison and a truth value do not."""
        if isinstance(node, ast.Name):
            return node.id in self._secret[name]
        if isinstance(node, ast.Compare | ast.Lambda) or self._tells_nothing(node):
            return False
        parts: list[Any] = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.IfExp):
            parts = [node.body, node.orelse]
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            parts = [node.elt]
        return any(self._is_secret(name, part) for part in parts if isinstance(part, ast.expr))

    def _tells_nothing(self, node: ast.expr) -> bool:
        if not isinstance(node, ast.Call):
            return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        called = _called(node)
        return called in GIVES_NO_SECRET or (called in self._functions and called not in self._gives)

    def _lines(self, name: str, function: ast.FunctionDef) -> Iterator[int]:
        for node in ast.walk(function):
            if isinstance(node, ast.Compare) and self._compares(name, node):
                yield node.lineno
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in BEGINNINGS:
                parts = [node.func.value, *node.args]
                if any(self._is_secret(name, part) for part in parts) and not any(map(self._is_own, parts)):
                    yield node.lineno
            elif isinstance(node, ast.Match) and self._is_secret(name, node.subject):
                yield node.lineno

    def _compares(self, name: str, node: ast.Compare) -> bool:
        """A secret beside something that the caller may choose; beside a word of our own it tells nothing."""
        if not any(isinstance(one, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for one in node.ops):
            return False
        sides = [node.left, *node.comparators]
        return any(self._is_secret(name, side) for side in sides) and not any(map(self._is_own, sides))

    def _is_own(self, node: ast.expr) -> bool:
        """Whether the module itself wrote it: a literal, or a name of its own that stands outside functions."""
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return all(map(self._is_own, node.elts))
        return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id in self._own)


def _arguments(function: ast.FunctionDef) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _assigned(node: ast.stmt) -> Iterator[ast.Name]:
    targets: list[ast.expr] = node.targets if isinstance(node, ast.Assign) else []
    targets += [node.target] if isinstance(node, ast.AnnAssign) else []
    return (target for target in targets if isinstance(target, ast.Name))


class _Watched(str):
    """A text that notes when it is compared with another one of its length by ==, letter by letter."""

    __slots__ = ("seen",)
    seen: list[bool]

    def __eq__(self, other: object) -> bool:
        equal = str.__eq__(self, other) is True
        if isinstance(other, str) and not equal and len(other) == len(self):
            self.seen.append(True)
        return equal

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def _watched(subject: Subject) -> Iterator[tuple[str, str]]:
    """The genuine messages with one letter of each header wrong: whoever compares in constant time asks no text."""
    for case in subject.kinds:
        for what in ("secret", "header"):
            seen: list[bool] = []

            def watch(text: str, seen: list[bool] = seen) -> str:
                watched = _Watched(text)
                watched.seen = seen
                return watched

            headers = {name: value[:-1] + "~" for name, value in case.request.headers.items()}
            key = dict(case.secrets[0])
            if what == "header":
                headers = {name: watch(value) for name, value in headers.items()}
            else:
                key = {name: watch(value) for name, value in key.items()}
            subject.adapter.authenticate(replace(case.request, headers=headers), [key], case.now)
            if seen:
                yield case.id, f"a {what}"
