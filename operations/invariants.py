"""The invariants of the design as SQL (``operations/proofs``): each statement names the rows that break one.

Eight invariants can be seen in the data (I1, I2, I3, I5, I7, I9, I10, I11); further proofs tie the books to the
invoices, payouts to what intermediaries owe, states to what people decided and exceptions to their events, look for
gaps in the receipts, and follow the chain of closes.
``hocphi doctor --invariants`` prints them, tests run them after every scenario.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from sqlalchemy import Connection, TextClause, text

from operations.catalogue import broken_references, missing_guards

PROOFS = (
    *("I1", "I2", "I3", "I5", "I7", "I9", "I10", "I11"),
    *("subledger", "clearing", "decisions", "receipts", "bundles", "exceptions", "closes"),
)
SHOWN = 10
"""Rows named in one report; more only repeat the pattern."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``detail`` names rows by (school, id), never people."""

    name: str
    ok: bool
    detail: str


def check_invariants(connection: Connection, names: Sequence[str] = PROOFS) -> list[Check]:
    """Run proofs on what the connection sees; give it one snapshot (REPEATABLE READ) where others write."""
    guards = missing_guards(connection)
    return [_check(connection, name, guards.get(name, ())) for name in names]


def _check(connection: Connection, name: str, missing: Sequence[str]) -> Check:
    broken = [*missing, *connection.scalars(_proof(name))]
    if name == "I10":
        broken += broken_references(connection, SHOWN)
    if broken:
        return Check(name, ok=False, detail="; ".join(broken[:SHOWN]))
    return Check(name, ok=True, detail=sums(connection) if name == "I5" else "")


def sums(connection: Connection) -> str:
    """Both sums of invariant I5: deliveries, and money in đồng."""
    return str(connection.scalar(text(statements("sums")[0])))


@cache
def _proof(name: str) -> TextClause:
    """The statements of a proof as one: what a test asks after every step is asked with few questions."""
    return text(" UNION ALL ".join(f"({statement}\nLIMIT {SHOWN})" for statement in statements(name)))


@cache
def statements(name: str) -> tuple[str, ...]:
    """The statements of one proof."""
    script = resources.files("operations").joinpath("proofs", f"{name}.sql").read_text(encoding="utf-8")
    return tuple(part.strip() for part in script.split(";\n") if part.strip())
