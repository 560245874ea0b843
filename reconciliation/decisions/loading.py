"""Which decisions touch a run, and the facts that they name: nothing is read where nobody has decided anything."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import text

from reconciliation import loading
from reconciliation.decisions.rules import Ruling
from reconciliation.facts import BankFact, GatewayFact, LedgerFact
from reconciliation.loading import Source

STANDING = text("""
    SELECT d.id, d.kind, d.facts, d.first_day, d.last_day FROM reconcile_decision d
    WHERE d.school_id = :school_id AND d.account_id = :account_id AND d.kind <> 'undo'
      AND d.last_day >= :first AND d.first_day <= :last
      AND NOT EXISTS (SELECT FROM reconcile_decision u WHERE u.school_id = d.school_id AND u.undoes_id = d.id)
    ORDER BY d.id
""")
# A doubtful line is named like the true one that takes its place, with a mark behind (statement_proving.py).
BANK_IDS = text("""
    SELECT split_part(natural_key, '!', 1) AS name, id FROM bank_line
    WHERE school_id = :school_id AND account_id = :account_id AND booked_on BETWEEN :first AND :last
      AND split_part(natural_key, '!', 1) = ANY(CAST(:names AS text[]))
""")
LEDGER_IDS = text("""
    SELECT natural_key AS name, id FROM ledger_row
    WHERE school_id = :school_id AND natural_key = ANY(CAST(:names AS text[]))
""")


@dataclass(frozen=True, slots=True)
class Named:
    """A decision, with the facts of it that count now."""

    ruling: Ruling
    days: tuple[date, date]
    banks: tuple[BankFact, ...]
    gateways: tuple[GatewayFact, ...]
    ledgers: tuple[LedgerFact, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """The decisions of an account around some days."""

    named: Sequence[Named] = field(default_factory=tuple)

    def touching(
        self,
        banks: Iterable[BankFact],
        gateways: Iterable[GatewayFact],
        ledgers: Iterable[LedgerFact],
        first: date,
        last: date,
    ) -> list[Named]:
        """Those about any of these facts; and those about the days of which no fact counts any more."""
        if not self.named:
            return []
        bank_ids, gateway_ids, ledger_ids = ({fact.id for fact in side} for side in (banks, gateways, ledgers))
        return [
            one
            for one in self.named
            if bank_ids & {fact.id for fact in one.banks}
            or gateway_ids & {fact.id for fact in one.gateways}
            or ledger_ids & {fact.id for fact in one.ledgers}
            or (not (one.banks or one.gateways or one.ledgers) and one.days[0] <= last and one.days[1] >= first)
        ]


def decided(source: Source, first: date, last: date) -> Decided:
    """The decisions that stand about facts of these days, each with its facts as they are now."""
    rows = source.rows(STANDING, first=first, last=last)
    if not rows:
        return Decided()
    names = {kind: _names(rows, kind) for kind in ("bank", "evidence", "ledger")}
    days = {"first": min(row.first_day for row in rows), "last": max(row.last_day for row in rows)}
    bank_ids = _ids(source.rows(BANK_IDS, names=names["bank"], **days))
    ledger_ids = _ids(source.rows(LEDGER_IDS, names=names["ledger"]))
    lines = source.banks(loading.LINES_OF_IDS, ids=_all(bank_ids))
    sent = source.gateways(loading.SENT_OF_EVIDENCE, ids=[int(name) for name in names["evidence"]])
    booked = source.ledgers(loading.BOOKED_OF_IDS, ids=_all(ledger_ids))
    # What counts is loaded, the rest is not: a doubtful line stands for its name until a true one does.
    found = _Found(
        {name: [fact for fact in lines if fact.id in ids] for name, ids in bank_ids.items()},
        {str(number): [fact] for fact in sent for number in fact.evidence_ids},
        {name: [fact for fact in booked if fact.id in ids] for name, ids in ledger_ids.items()},
    )
    return Decided([_named(row, found) for row in rows])


@dataclass(frozen=True, slots=True)
class _Found:
    """Facts that count now, by their lasting names."""

    banks: Mapping[str, Sequence[BankFact]]
    gateways: Mapping[str, Sequence[GatewayFact]]
    ledgers: Mapping[str, Sequence[LedgerFact]]


def _named(row: Any, found: _Found) -> Named:
    wanted = {kind: _names([row], kind) for kind in ("bank", "evidence", "ledger")}
    banks = {fact.id: fact for name in wanted["bank"] for fact in found.banks.get(name, ())}
    told = {fact.id: fact for name in wanted["evidence"] for fact in found.gateways.get(name, ())}
    booked = {fact.id: fact for name in wanted["ledger"] for fact in found.ledgers.get(name, ())}
    heard = tuple(sorted(int(name) for name in wanted["evidence"] if name in found.gateways))
    gone = sum(
        not side.get(name)
        for side, kind in ((found.banks, "bank"), (found.gateways, "evidence"), (found.ledgers, "ledger"))
        for name in wanted[kind]
    )
    ruling = Ruling(row.id, row.kind, tuple(sorted(banks)), heard, tuple(sorted(booked)), gone)
    days = (row.first_day, row.last_day)
    return Named(ruling, days, tuple(banks.values()), tuple(told.values()), tuple(booked.values()))


def _names(rows: Iterable[Any], kind: str) -> list[str]:
    found = (fact.partition(":") for row in rows for fact in row.facts)
    return sorted({name for said, _, name in found if said == kind})


def _ids(rows: Iterable[Any]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for row in rows:
        found.setdefault(row.name, set()).add(row.id)
    return found


def _all(ids: dict[str, set[int]]) -> list[int]:
    return sorted({number for numbers in ids.values() for number in numbers})
