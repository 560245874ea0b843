"""Spreadsheet layouts of banks as versioned data files: what each column is called."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.headers import Column, folded

NEEDED = frozenset({"booked_on", "debit", "credit", "description"})
COLUMNS = NEEDED | {"value_date", "bank_reference", "balance", "counterparty"}
ONE_AMOUNT = frozenset({"amount", "side"})
"""Instead of debit and credit: one amount with its sign, or with a column that says on which side it stands."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How one export names its columns, balances, totals and account; all names are folded."""

    name: str
    version: int
    columns: tuple[Column, ...]
    account: tuple[str, ...]
    opening: tuple[str, ...]
    closing: tuple[str, ...]
    totals: tuple[str, ...]
    ignored: tuple[str, ...] = ()  # subtotals and carried balances
    cash: tuple[str, ...] = ()  # account prefixes and words that mean money in hand
    hints: tuple[str, ...] = ()  # words above the table that name the bank, where several layouts fit alike
    bank: str = ""
    source: str = ""  # where the names of the columns come from; never a specification, for no bank publishes one


@cache
def built_in() -> tuple[Layout, ...]:
    """Return the layouts of banks that come with the package, by name."""
    return load("bank_adapters.statements.layouts", NEEDED, COLUMNS)


def load(package: str, needed: frozenset[str], known: frozenset[str]) -> tuple[Layout, ...]:
    """Return the layouts in the JSON files of a package, by name."""
    texts = [item.read_text("utf-8") for item in files(package).iterdir() if item.name.endswith(".json")]
    found = (layout_from(json.loads(text), needed, known) for text in texts)
    return tuple(sorted(found, key=lambda layout: layout.name))


def layout_from(data: Mapping[str, object], needed: frozenset[str] = NEEDED, known: frozenset[str] = COLUMNS) -> Layout:
    """Check a layout given as data; raises StatementError naming the key that is wrong."""
    columns = data.get("columns")
    if isinstance(columns, Mapping) and "amount" in columns:
        needed, known = needed - {"debit", "credit"} | {"amount"}, known - {"debit", "credit"} | ONE_AMOUNT
    if not isinstance(columns, Mapping) or not needed <= columns.keys() <= known:
        raise bad_layout("columns")
    version = data.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise bad_layout("version")
    return Layout(
        name=str(data.get("name", "")),
        version=version,
        columns=tuple(column_from(str(name), column, required=name in needed) for name, column in columns.items()),
        account=words(data, "account"),
        opening=words(data, "opening"),
        closing=words(data, "closing"),
        totals=words(data, "totals"),
        ignored=words(data, "ignored"),
        cash=words(data, "cash"),
        hints=words(data, "hints"),
        bank=str(data.get("bank", "")),
        source=str(data.get("source", "")),
    )


def column_from(name: str, data: object, *, required: bool) -> Column:
    """Check one column of a layout."""
    if not isinstance(data, Mapping):
        raise bad_layout(f"columns.{name}")
    return Column(name, words(data, "aliases"), required or data.get("required") is True)


def words(data: Mapping[str, object], key: str) -> tuple[str, ...]:
    """Return a list of names, folded."""
    found = data.get(key, [])
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise bad_layout(key)
    return tuple(folded(word) for word in found)


def bad_layout(key: str) -> StatementError:
    """Build the error for a layout that is not one."""
    return StatementError(
        "unknown_layout",
        key,
        f"Bảng ánh xạ cột bị sai ở mục «{key}».",
        f"The column mapping is wrong at «{key}».",
    )
