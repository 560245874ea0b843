"""Keeping a run: added once for its inputs, never changed; which run stands for a day is the only thing that moves."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments import clock
from reconciliation.balances import Break
from reconciliation.grounds import Ground, as_json
from reconciliation.matching import RULES_VERSION, Case
from reconciliation.models import ReconcileRun, RunState, StandingRun
from reconciliation.movements import MATCHED, NOT_DUE
from reconciliation.proving import Proof

WATERMARKS = text("""
    SELECT (SELECT max(id) FROM bank_statement WHERE school_id = :school_id AND account_id = :account_id) AS statement,
        (SELECT max(id) FROM transaction_evidence WHERE school_id = :school_id) AS link,
        (SELECT max(id) FROM held_evidence WHERE school_id = :school_id) AS held,
        (SELECT max(id) FROM ledger_import WHERE school_id = :school_id) AS ledger_import,
        (SELECT max(id) FROM decision WHERE school_id = :school_id) AS decision,
        (SELECT max(id) FROM payout WHERE school_id = :school_id) AS payout,
        (SELECT max(id) FROM reconcile_decision WHERE school_id = :school_id) AS reconcile_decision
""")
ADD_ITEMS = text("""
    INSERT INTO reconcile_item (
        school_id, run_id, position, primary_class, flags, rule, amount_vnd, value_date, "references", bank_line_ids,
        transaction_ids, evidence_ids, ledger_row_ids, note, grounds
    )
    SELECT :school_id, :run_id, item.position, item.primary_class, string_to_array(item.flags, ' '), item.rule,
        item.amount_vnd, item.value_date, string_to_array(item.names, ' '),
        CAST(string_to_array(item.banks, ' ') AS bigint[]), CAST(string_to_array(item.transactions, ' ') AS bigint[]),
        CAST(string_to_array(item.evidence, ' ') AS bigint[]), CAST(string_to_array(item.ledgers, ' ') AS bigint[]),
        item.note, CAST(item.grounds AS jsonb)
    FROM unnest(
        CAST(:classes AS text[]), CAST(:flags AS text[]), CAST(:rules AS text[]), CAST(:amounts AS bigint[]),
        CAST(:days AS date[]), CAST(:names AS text[]), CAST(:banks AS text[]), CAST(:transactions AS text[]),
        CAST(:evidence AS text[]), CAST(:ledgers AS text[]), CAST(:notes AS text[]),
        CAST(:grounds AS text[])
    ) WITH ORDINALITY AS item(
        primary_class, flags, rule, amount_vnd, value_date, names, banks, transactions, evidence, ledgers, note,
        grounds, position
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


def keep(session: Session, head: Head, proof: Proof, cases: Sequence[Case], breaks: Sequence[Break] = ()) -> Kept:
    """Keep the run of these inputs; it stands for its day from now on."""
    run = session.scalar(
        select(ReconcileRun).where(
            ReconcileRun.school_id == head.school_id,
            ReconcileRun.account_id == head.account_id,
            ReconcileRun.day == head.day,
            ReconcileRun.inputs_hash == head.inputs_hash,
        )
    )
    is_new = run is None
    if run is None:
        run = _add(session, head, proof, [*map(item_of_break, breaks), *map(item_of_case, cases)])
    values = {"school_id": head.school_id, "account_id": head.account_id, "day": head.day, "run_id": run.id}
    stood = session.execute(
        insert(StandingRun)
        .values(values)
        .on_conflict_do_update(
            index_elements=["school_id", "account_id", "day"],
            set_={"run_id": run.id},
            where=StandingRun.run_id != run.id,
        )
        .returning(StandingRun.run_id)
    )
    return Kept(run, is_new, stands_anew=stood.first() is not None)


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


def _add(session: Session, head: Head, proof: Proof, items: Sequence[Item]) -> ReconcileRun:
    counts = Counter(item.primary_class for item in items)
    watermarks = session.execute(WATERMARKS, {"school_id": head.school_id, "account_id": head.account_id}).one()
    run = ReconcileRun(
        school_id=head.school_id,
        account_id=head.account_id,
        from_day=head.from_day,
        day=head.day,
        inputs_hash=head.inputs_hash,
        rules_version=RULES_VERSION,
        state=head.state,
        matched=counts[MATCHED],
        matched_vnd=sum(item.amount_vnd for item in items if item.primary_class == MATCHED),
        not_due=counts[NOT_DUE],
        proof=proof.as_dict(),
        exceptions={key: counts[key] for key in sorted(counts) if key not in {MATCHED, NOT_DUE}},
        inputs={name: value or 0 for name, value in watermarks._mapping.items()},  # noqa: SLF001 - a row's public mapping
        created_at=clock.now(),
    )
    session.add(run)
    session.flush()
    if items:
        session.execute(ADD_ITEMS, {"school_id": head.school_id, "run_id": run.id} | _columns(items))
    return run


def _columns(items: Sequence[Item]) -> dict[str, list[Any]]:
    return {
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
