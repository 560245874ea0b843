"""Statements of a file beside what is known: by keys, by balances, and by what only a person can say."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters.statements.model import StatementLine
from bank_adapters.statements.proof import prove
from payments.inbox.service import references_of
from reconciliation.doubts import Doubt, certainly_two, doubtful
from reconciliation.statement_proving import Planned, planned_from
from reconciliation.told_otherwise import Stretch, Told, known_otherwise, told_before

_KNOWN_LINES = text("""
    SELECT natural_key FROM bank_line
    WHERE school_id = :school_id AND account_id = :account_id AND natural_key = ANY(CAST(:keys AS text[]))
""")


@dataclass(frozen=True, slots=True)
class Compared:
    """The statements under the keys by which their lines are known."""

    planned: list[Planned]
    known_keys: set[str]
    told_otherwise: int
    """Lines that a proved statement of the same days had worded otherwise."""
    pairs: list[tuple[Told, Told]]
    """Lines in doubt, each beside the known one that it may be."""

    @property
    def sha256(self) -> bytes:
        """Of all that would be imported before anybody says what the doubts are."""
        contents = [one.content_sha256 for one in self.planned]
        in_doubt = [(ours.key, known.key) for ours, known in self.pairs]
        return hashlib.sha256(msgspec.json.encode([contents, in_doubt])).digest()

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """The pairs as a person sees them."""
        places = {key: line.place for one in self.planned for key, line in _keyed(one)}
        return tuple(Doubt.of(places[ours.key], ours, known) for ours, known in self.pairs)

    def taken_as_known(self) -> "Compared":
        """The same, where each line in doubt is the known one beside it."""
        keys = {ours.key: known.key for ours, known in self.pairs}
        planned = [_renamed(one, keys) for one in self.planned]
        return replace(self, planned=planned, known_keys=self.known_keys | set(keys.values()))


def _keyed(one: Planned) -> Iterable[tuple[str, StatementLine]]:
    return zip(one.keys, one.statement.lines, strict=True)


def compared_with_known(session: Session, owner: dict[str, int], planned: Sequence[Planned]) -> Compared:
    """Compare with what is known: by keys, by balances, and then by what only a person can say."""
    keys = sorted({key for one in planned for key in one.keys})
    known_keys = set(session.scalars(_KNOWN_LINES, owner | {"keys": keys}))
    again = [one for one in planned if _is_told_before(session, owner, one)]
    same = known_otherwise(session, owner, _told(again), known_keys)
    if any(certainly_two(ours, known) for ours, known in same):
        # Equal balances say that these are the same, the bank's numbers or the invoices that they are others.
        asked, same = same, []
    else:
        asked = []
    pairs = {ours.key: known.key for ours, known in same}
    renamed = [_renamed(one, pairs) for one in planned]
    known_keys |= set(pairs.values())
    told = _told(one for one in renamed if not one.contradicts_itself)
    return Compared(renamed, known_keys, len(pairs), asked + doubtful(session, owner, told, known_keys, asked))


def _told(planned: Iterable[Planned]) -> list[Told]:
    """The lines of statements, each key once."""
    found = {key: (one, line) for one in planned for key, line in _keyed(one)}
    return [
        Told(
            key,
            line.booked_on,
            line.direction,
            line.amount_vnd,
            line.description,
            line.bank_reference,
            tuple(references_of(line)),
            one.format,
        )
        for key, (one, line) in found.items()
    ]


def _is_told_before(session: Session, owner: dict[str, int], one: Planned) -> bool:
    # Where a day ends as it began (money is swept away), its second half looks just like its first.
    goes_on = one.opening_vnd == one.closing_vnd
    stretch = Stretch(*one.period, one.opening_vnd, one.closing_vnd, one.format, one.statement.sequence)
    return one.proved and not one.contradicts_itself and not goes_on and told_before(session, owner, stretch)


def _renamed(one: Planned, pairs: dict[str, str]) -> Planned:
    # What contradicts itself says nothing of known lines, and keeps its own keys.
    if one.contradicts_itself or pairs.keys().isdisjoint(one.keys):
        return one
    return planned_from(one.statement, prove(one.statement), tuple(pairs.get(key, key) for key in one.keys))
