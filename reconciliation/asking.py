"""One question about many accounts: the same statement, asked once for all of them instead of once for each.

Every statement that a night reads is written for one account. ``ask`` wraps it so that the database answers it for a
list of accounts in one round trip, each with values of its own; the answers wait in the ``Source`` of each account.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

Answers = dict[tuple[TextClause, tuple[Any, ...]], Sequence[Row[Any]]]

DAY, NUMBERS, WORDS, FLAG, NUMBER = "date", "bigint[]", "text[]", "boolean", "bigint"
KINDS: Mapping[str, str] = {
    "school_id": NUMBER,
    "account_id": NUMBER,
    "day": DAY,
    "first": DAY,
    "last": DAY,
    "near_from": DAY,
    "near_to": DAY,
    "from_day": DAY,
    "to_day": DAY,
    "ids": NUMBERS,
    "amounts": NUMBERS,
    "doubtful": NUMBERS,
    "names": WORDS,
    "states": WORDS,
    "is_first": FLAG,
    "oldest": DAY,
    "statement": NUMBER,
    "ledger_import": NUMBER,
    "link": NUMBER,
    "held": NUMBER,
    "decision": NUMBER,
    "payout": NUMBER,
    "reconcile_decision": NUMBER,
    "looked_from": "timestamptz",
}
"""What a value of a statement is."""


class Asker(Protocol):
    """Whoever asks about one account, and takes the answer."""

    owner: dict[str, int]
    told: Answers


class Ask(NamedTuple):
    """A statement with its values beside the account."""

    asker: Asker
    statement: TextClause
    values: Mapping[str, Any]


def key_of(statement: TextClause, values: Mapping[str, Any]) -> tuple[TextClause, tuple[Any, ...]]:
    """Under which an answer is kept."""
    return statement, tuple(
        (name, tuple(value) if isinstance(value, list) else value) for name, value in sorted(values.items())
    )


def ask(session: Session, asks: Iterable[Ask]) -> None:
    """Ask everything, one round trip for each statement; the answers are kept by those who asked."""
    by_statement: dict[TextClause, list[Ask]] = defaultdict(list)
    for one in asks:
        by_statement[one.statement].append(one)
    for statement, some in by_statement.items():
        if len(some) > 1:  # One alone asks for itself.
            _ask(session, statement, some)


def _ask(session: Session, statement: TextClause, asks: Sequence[Ask]) -> None:
    names = tuple(sorted({*asks[0].values, *asks[0].asker.owner}))
    given = [one.asker.owner | dict(one.values) for one in asks]
    columns = {name: [_plain(values[name]) for values in given] for name in names}
    answers: list[list[Row[Any]]] = [[] for _ in asks]
    for row in session.execute(_for_many(statement.text, names), columns):
        answers[row.asked - 1].append(row)
    for one, rows in zip(asks, answers, strict=True):
        one.asker.told[key_of(statement, one.values)] = rows


def _plain(value: Any) -> Any:
    """Lists differ in length, and the database takes no ragged arrays: they travel as text."""
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value


@lru_cache(maxsize=64)
def _for_many(statement: str, names: tuple[str, ...]) -> TextClause:
    given, columns = [], []
    for name in names:
        kind = KINDS[name]
        is_list = kind.endswith("[]")
        given.append(f"CAST(:{name} AS {'text' if is_list else kind}[])")
        columns.append(f"CAST(string_to_array(one.{name}, ' ') AS {kind}) AS {name}" if is_list else f"one.{name}")
        statement = _put(statement, name, f"asked.{name}")
    # OFFSET 0: a list is read once for each account, not once more for every row that is held against it.
    return text(f"""
        SELECT asked.asked, answer.* FROM (
            SELECT one.asked, {", ".join(columns)}
            FROM unnest({", ".join(given)}) WITH ORDINALITY AS one({", ".join(names)}, asked) OFFSET 0
        ) AS asked
        CROSS JOIN LATERAL ({statement}) AS answer
    """)  # noqa: S608 - constants of this package


def _put(statement: str, name: str, placed: str) -> str:
    parts = statement.split(f":{name}")
    whole = parts[0]
    for before, part in pairwise(parts):
        inside = before.endswith(":") or part[:1].isidentifier() or part[:1].isdigit()
        whole += (f":{name}" if inside else placed) + part
    return whole
