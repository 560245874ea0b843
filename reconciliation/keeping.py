"""Keeping a run: added once for its inputs, never changed; which run stands for a day is the only thing that moves."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, insert, select, text, tuple_
from sqlalchemy.orm import Session

from payments import clock
from reconciliation.balances import Break
from reconciliation.bulk.rules import Mass
from reconciliation.grounds import Ground, as_json
from reconciliation.matching import RULES_VERSION, Case
from reconciliation.models import ReconcileRun, RunState
from reconciliation.movements import MATCHED, NOT_DUE
from reconciliation.proving import Part, Proof

MARKS = ("statement", "link", "held", "ledger_import", "decision", "payout", "reconcile_decision")
WATERMARKS = text("""
    SELECT (SELECT max(id) FROM bank_statement st
            WHERE st.school_id = own.school_id AND st.account_id = own.account_id) AS statement,
        (SELECT max(id) FROM transaction_evidence e WHERE e.school_id = own.school_id) AS link,
        (SELECT max(id) FROM held_evidence h WHERE h.school_id = own.school_id) AS held,
        (SELECT max(id) FROM ledger_import i WHERE i.school_id = own.school_id) AS ledger_import,
        (SELECT max(id) FROM decision d WHERE d.school_id = own.school_id) AS decision,
        (SELECT max(id) FROM payout p WHERE p.school_id = own.school_id) AS payout,
        (SELECT max(id) FROM reconcile_decision r WHERE r.school_id = own.school_id) AS reconcile_decision
    FROM unnest(CAST(:schools AS bigint[]), CAST(:accounts AS bigint[]))
        WITH ORDINALITY AS own(school_id, account_id, place)
    ORDER BY own.place
""")
STAND = text("""
    INSERT INTO standing_run (school_id, account_id, day, run_id)
    SELECT * FROM unnest(
        CAST(:schools AS bigint[]), CAST(:accounts AS bigint[]), CAST(:days AS date[]), CAST(:runs AS bigint[]))
    ON CONFLICT (school_id, account_id, day) DO UPDATE SET run_id = excluded.run_id
        WHERE standing_run.run_id <> excluded.run_id
    RETURNING school_id, run_id
""")
ADD_ITEMS = text("""
    INSERT INTO reconcile_item (
        school_id, run_id, position, primary_class, flags, rule, amount_vnd, value_date, "references", bank_line_ids,
        transaction_ids, evidence_ids, ledger_row_ids, note, grounds
    )
    SELECT item.school_id, item.run_id, item.position, item.primary_class, string_to_array(item.flags, ' '), item.rule,
        item.amount_vnd, item.value_date, string_to_array(item.names, ' '),
        CAST(string_to_array(item.banks, ' ') AS bigint[]), CAST(string_to_array(item.transactions, ' ') AS bigint[]),
        CAST(string_to_array(item.evidence, ' ') AS bigint[]), CAST(string_to_array(item.ledgers, ' ') AS bigint[]),
        item.note, CAST(item.grounds AS jsonb)
    FROM unnest(
        CAST(:classes AS text[]), CAST(:flags AS text[]), CAST(:rules AS text[]), CAST(:amounts AS bigint[]),
        CAST(:days AS date[]), CAST(:names AS text[]), CAST(:banks AS text[]), CAST(:transactions AS text[]),
        CAST(:evidence AS text[]), CAST(:ledgers AS text[]), CAST(:notes AS text[]), CAST(:positions AS int[]),
        CAST(:schools AS bigint[]), CAST(:runs AS bigint[]), CAST(:grounds AS text[])
    ) AS item(
        primary_class, flags, rule, amount_vnd, value_date, names, banks, transactions, evidence, ledgers, note,
        position, school_id, run_id, grounds
    )
""")


@dataclass(frozen=True, slots=True)
class Head:
    """What a run is about."""

    school_id: int
    account_id: int
    from_day: date
    day: date
    inputs_hash: bytes
    state: RunState


@dataclass(frozen=True, slots=True)
class Item:
    """One row of a run."""

    primary_class: str
    amount_vnd: int
    day: date
    flags: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    banks: tuple[int, ...] = ()
    transactions: tuple[int, ...] = ()
    evidence: tuple[int, ...] = ()
    ledgers: tuple[int, ...] = ()
    note: str | None = None
    grounds: tuple[Ground, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """A run, whether it was made just now, and whether another one (or none) stood for its day before."""

    run: ReconcileRun
    is_new: bool
    stands_anew: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What a night found, to be kept."""

    head: Head
    proof: Proof
    cases: Sequence[Case]
    breaks: Sequence[Break]
    mass: Mass | None


def keep(session: Session, findings: Sequence[Finding]) -> list[Kept]:
    """Keep what nights found; each run stands for its day from now on. The same inputs give the same run.

    A mass waits in blocks of its own, which the caller keeps (``bulk.judging.keep``) where the run is new.
    """
    held = _held(session, findings)
    new = [one for one in findings if _key(one.head) not in held]
    runs = held | _add(session, new)
    stood = _stand(session, findings, runs)
    return [
        Kept(
            run := runs[_key(one.head)], is_new=_key(one.head) not in held, stands_anew=(run.school_id, run.id) in stood
        )
        for one in findings
    ]


Key = tuple[int, int, date, bytes]


def _key(head: Head) -> Key:
    return (head.school_id, head.account_id, head.day, head.inputs_hash)


def _key_of(run: ReconcileRun) -> Key:
    return (run.school_id, run.account_id, run.day, run.inputs_hash)


def _held(session: Session, findings: Sequence[Finding]) -> dict[Key, ReconcileRun]:
    """Runs that were made of these inputs before."""
    key = (ReconcileRun.school_id, ReconcileRun.account_id, ReconcileRun.day, ReconcileRun.inputs_hash)
    wanted = [_key(one.head) for one in findings]
    found = session.scalars(select(ReconcileRun).where(tuple_(*key).in_(wanted)))
    return {_key_of(run): run for run in found}


def _stand(session: Session, findings: Sequence[Finding], runs: Mapping[Key, ReconcileRun]) -> set[tuple[int, int]]:
    """Let the runs stand for their days; returns those that did not before."""
    heads = [one.head for one in findings]
    values = {
        "schools": [head.school_id for head in heads],
        "accounts": [head.account_id for head in heads],
        "days": [head.day for head in heads],
        "runs": [runs[_key(head)].id for head in heads],
    }
    return {(row.school_id, row.run_id) for row in session.execute(STAND, values)}


def item_of_break(found: Break) -> Item:
    """A gap or a wrong balance of a statement."""
    said = {"statement": found.statement_id, "place": found.place}
    if found.what not in {"inside", "unstated"}:
        said |= {"expected": found.expected, "found": found.found}
    note = "; ".join(f"{name}={value}" for name, value in said.items() if value not in {None, ""})
    return Item("balance_break", found.amount_vnd, found.day, note=f"balance_{found.what}; {note}")


def item_of_case(case: Case) -> Item:
    """A match or an exception."""
    return Item(
        case.primary_class,
        case.amount_vnd,
        case.day,
        case.flags,
        case.rules,
        case.references,
        tuple(fact.id for fact in case.banks),
        tuple(fact.id for fact in case.gateways if fact.id > 0),
        tuple(number for fact in case.gateways for number in fact.evidence_ids),
        tuple(fact.id for fact in case.ledgers),
        case.note,
        case.grounds,
    )


def positions(one: Finding) -> list[int]:
    """Where breaks and cases stand among all findings of the run; those of the mass fill the gaps."""
    first = len(one.breaks) + 1
    places = [(case.day, case.amount_vnd, case.references) for case in one.cases]
    found = one.mass.positions(places, one.head.from_day, first) if one.mass else range(first, first + len(places))
    return [*range(1, first), *found]


def _add(session: Session, findings: Sequence[Finding]) -> dict[Key, ReconcileRun]:
    if not findings:
        return {}
    owners = {
        "schools": [one.head.school_id for one in findings],
        "accounts": [one.head.account_id for one in findings],
    }
    marks = session.execute(WATERMARKS, owners).all()
    items = [[*map(item_of_break, one.breaks), *map(item_of_case, one.cases)] for one in findings]
    values = [_run(*each) for each in zip(findings, items, marks, strict=True)]
    # One statement for all: the unit of work would add them one by one, since their key is of two columns.
    added = session.scalars(insert(ReconcileRun).returning(ReconcileRun), values)
    runs = {_key_of(run): run for run in added}
    placed = [
        (runs[_key(one.head)], position, item)
        for one, some in zip(findings, items, strict=True)
        for position, item in zip(positions(one), some, strict=True)
    ]
    if placed:
        session.execute(ADD_ITEMS, _columns(placed))
    return runs


def _run(one: Finding, items: Sequence[Item], marks: Row[Any]) -> dict[str, Any]:
    head, mass = one.head, one.mass.banks if one.mass else Part()
    counts = Counter(item.primary_class for item in items)
    return {
        "school_id": head.school_id,
        "account_id": head.account_id,
        "from_day": head.from_day,
        "day": head.day,
        "inputs_hash": head.inputs_hash,
        "rules_version": RULES_VERSION,
        "state": head.state,
        "matched": counts[MATCHED] + mass.count,
        "matched_vnd": sum(item.amount_vnd for item in items if item.primary_class == MATCHED) + mass.vnd,
        "not_due": counts[NOT_DUE],
        "proof": one.proof.as_dict(),
        "exceptions": {key: counts[key] for key in sorted(counts) if key not in {MATCHED, NOT_DUE}},
        "inputs": {name: getattr(marks, name) or 0 for name in MARKS},
        "created_at": clock.now(),
    }


def _columns(placed: Sequence[tuple[ReconcileRun, int, Item]]) -> dict[str, list[Any]]:
    items = [item for _, _, item in placed]
    return {
        "schools": [run.school_id for run, _, _ in placed],
        "runs": [run.id for run, _, _ in placed],
        "positions": [position for _, position, _ in placed],
        "classes": [item.primary_class for item in items],
        "flags": [" ".join(item.flags) for item in items],
        "rules": ["+".join(item.rules) or None for item in items],
        "amounts": [item.amount_vnd for item in items],
        "days": [item.day for item in items],
        "names": [" ".join(item.references) for item in items],
        "banks": [_joined(item.banks) for item in items],
        "transactions": [_joined(item.transactions) for item in items],
        "evidence": [_joined(item.evidence) for item in items],
        "ledgers": [_joined(item.ledgers) for item in items],
        "notes": [item.note for item in items],
        "grounds": [as_json(item.grounds) for item in items],
    }


def _joined(ids: Iterable[int]) -> str:
    return " ".join(map(str, ids))
