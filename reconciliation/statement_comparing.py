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
from reconciliation.doubts import Answer, Doubt, certainly_two, doubtful
from reconciliation.statement_proving import Planned, planned_from
from reconciliation.told_otherwise import Stretch, Told, known_otherwise, told_before

_KNOWN_LINES = text("""
    SELECT natural_key FROM bank_line
    WHERE school_id = :school_id AND account_id = :account_id AND natural_key = ANY(CAST(:keys AS text[]))
""")
# A line that a person called another payment later stands under its own key.
_ALIASES = text("""
    SELECT natural_key, line_key FROM bank_line_alias said
    WHERE school_id = :school_id AND account_id = :account_id AND natural_key = ANY(CAST(:keys AS text[]))
      AND NOT EXISTS (SELECT FROM bank_line line WHERE line.school_id = said.school_id
          AND line.account_id = said.account_id AND line.natural_key = said.natural_key)
    ORDER BY id
""")


@dataclass(frozen=True, slots=True)
class Compared:
    """The statements under the keys by which their lines are known."""

    planned: list[Planned]
    known_keys: set[str]
    same: dict[str, str]
    """Keys of lines that are known worded otherwise, with the keys under which they are known: new ones, to be kept."""
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
        return tuple(Doubt.of(ours.place, ours, known) for ours, known in self.pairs)

    def answered(self, answer: Answer) -> "Compared":
        """The same, where each line in doubt that is said to be known is the one beside it."""
        keys = {ours.key: known.key for ours, known in self.pairs if answer.is_known(ours.place)}
        planned = [_renamed(one, keys) for one in self.planned]
        return replace(self, planned=planned, known_keys=self.known_keys | set(keys.values()), same=self.same | keys)


def _keyed(one: Planned) -> Iterable[tuple[str, StatementLine]]:
    return zip(one.keys, one.statement.lines, strict=True)


def compared_with_known(session: Session, owner: dict[str, int], planned: Sequence[Planned]) -> Compared:
    """Compare with what is known: by keys, by balances, and then by what only a person can say."""
    planned, clashing = _under_known_keys(session, owner, planned)
    keys = sorted({key for one in planned for key in one.keys})
    known_keys = set(session.scalars(_KNOWN_LINES, owner | {"keys": keys}))
    again = [one for one in planned if _is_told_before(session, owner, one)]
    same = known_otherwise(session, owner, _told(again), known_keys)
    if any(certainly_two(ours, known) for ours, known in same):
        # Equal balances say that these are the same, the bank's numbers or the invoices that they are others.
        asked, same = [*clashing, *same], []
    else:
        asked = clashing
    pairs = {ours.key: known.key for ours, known in same}
    renamed = [_renamed(one, pairs) for one in planned]
    known_keys |= set(pairs.values())
    told = _told(one for one in renamed if not one.contradicts_itself)
    return Compared(renamed, known_keys, pairs, asked + doubtful(session, owner, told, known_keys, asked))


def _under_known_keys(
    session: Session, owner: dict[str, int], planned: Sequence[Planned]
) -> tuple[list[Planned], list[tuple[Told, Told]]]:
    """The statements with each line under the key by which it has been known since a file worded it otherwise.

    A file that tells the known line as well, or two such lines of it, tells two: then a person is asked anew.
    """
    told = {line.key: line for line in _told(one for one in planned if not one.contradicts_itself)}
    aliases = session.execute(_ALIASES, owner | {"keys": sorted(told)})
    tells = {key: key for key in told}
    known_as: dict[str, str] = {}
    clashing = []
    for key, line_key in aliases:
        if line_key in tells:
            clashing.append((told[key], replace(told[tells[line_key]], key=line_key)))
        else:
            tells[line_key] = key
            known_as[key] = line_key
    return [_renamed(one, known_as) for one in planned], clashing


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
            line.place,
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
