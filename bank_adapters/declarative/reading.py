"""Strict reading of a sender's data file: every fault names the file, the place in it and the way out."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

from bank_adapters.errors import BrokenAdapterError

_NEEDED: Final = object()


def fault(where: str, sentence: str) -> NoReturn:
    """Raise BrokenAdapterError for a place, written «file, [table] key»."""
    raise BrokenAdapterError(f"{where}: {sentence}")


def read_toml(text: str, file: str) -> "Table":
    """The outermost table of a file; raises BrokenAdapterError."""
    try:
        return Table(tomllib.loads(text), file, "")
    except tomllib.TOMLDecodeError as error:
        fault(file, f"this is not TOML: {error}")


class Table:
    """One table of a data file; a key that nobody asks for is a fault."""

    def __init__(self, content: Mapping[str, Any], file: str, name: str) -> None:
        self._content = content
        self._file = file
        self._name = name
        self._asked: set[str] = set()

    def where(self, key: str = "") -> str:
        """The place of a key, for people."""
        table = f", [{self._name}]" if self._name else ""
        return f"{self._file}{table}{' ' if table else ', '}{key}" if key else f"{self._file}{table}"

    def has(self, key: str) -> bool:
        """Whether the file says anything about this key."""
        self._asked.add(key)
        return key in self._content

    def value(self, key: str, default: Any = _NEEDED) -> Any:
        """Whatever stands there."""
        if self.has(key):
            return self._content[key]
        if default is _NEEDED:
            fault(self.where(), f"{key!r} is missing.")
        return default

    def text(self, key: str, default: Any = _NEEDED) -> str:
        """A text that is not empty, or the default."""
        value = self.value(key, default)
        if self.has(key) and (not isinstance(value, str) or not value.strip()):
            fault(self.where(key), "write a text that is not empty.")
        return str(value)

    def texts(self, key: str, default: Any = _NEEDED) -> tuple[str, ...]:
        """A list of texts (an empty text is one), or one text alone."""
        value = self.value(key, default)
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list | tuple) or not all(isinstance(one, str) for one in listed):
            fault(self.where(key), "write a text or a list of texts; a number stands in quotes too.")
        return tuple(listed)

    def choice(self, key: str, allowed: Iterable[str], default: Any = _NEEDED) -> str:
        """One of the allowed words."""
        value, words = self.text(key, default), list(allowed)
        if value not in words:
            fault(self.where(key), f"{value!r} is not one of: {', '.join(words)}.")
        return value

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        """A whole number between two bounds."""
        value = self.value(key, default)
        if type(value) is not int or not least <= value <= most:
            fault(self.where(key), f"write a whole number from {least} to {most}.")
        return int(value)

    def table(self, key: str) -> "Table":
        """A needed table."""
        value = self.value(key)
        if not isinstance(value, dict):
            fault(self.where(key), f"write a table: [{self._below(key)}].")
        return Table(value, self._file, self._below(key))

    def tables(self, key: str) -> list["Table"]:
        """A table, or a list of tables; none when the key is absent."""
        value = self.value(key, [])
        listed = [value] if isinstance(value, dict) else value
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            fault(self.where(key), f"write a table [{self._below(key)}], or several [[{self._below(key)}]].")
        return [Table(one, self._file, self._below(key)) for one in listed]

    def done(self) -> None:
        """Raise for a key that nobody asked for; the nearest known one is named."""
        for key in self._content:
            if key not in self._asked:
                near = difflib.get_close_matches(key, self._asked, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(sorted(self._asked))}."
                fault(self.where(), f"the key {key!r} is unknown.{hint}")

    def _below(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key
