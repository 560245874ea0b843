"""Reads of nights: runs with their account, what a run found, and the rows behind it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, any_, literal, or_, select, text
from sqlalchemy.orm import Session

from payments.banking.models import AccountState, ConnectionAccount, ReceivingAccount
from payments.errors import NotFoundError
from payments.schools.models import School
from reconciliation.bulk.expanding import matches, merged
from reconciliation.models import BankStatement, ReconcileItem, ReconcileRun, StandingRun
from reconciliation.movements import MATCHED

PROOF_KEYS = ("opening_vnd", "credits_vnd", "debits_vnd", "closing_vnd", "ok")


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with the names of its school and account."""

    run: ReconcileRun
    school_code: str
    account: str
    """``BIN:NUMBER``."""
    fund: str
    standing: bool

    def as_dict(self) -> dict[str, Any]:
        """The contract of ``hocphi reconcile --json``."""
        run = self.run
        return {
            "id": run.id,
            "school": self.school_code,
            "account": self.account,
            "day": run.day.isoformat(),
            "state": run.state.name,
            "matched": run.matched,
            "exceptions": run.exceptions,
            "not_due": run.not_due,
            "proof": {key: run.proof[key] for key in PROOF_KEYS},
        }


def accounts_in_play(session: Session, school_id: int) -> list[int]:
    """Accounts of a school whose money a night judges, by id."""
    return [account_id for _, account_id in accounts_of_schools(session, [school_id])]


def accounts_of_schools(session: Session, school_ids: Iterable[int]) -> list[tuple[int, int]]:
    """Accounts whose money a night judges, as (school, account): approved ones, and those that a connection or
    statement speaks of.

    Money may reach an account before its second person has approved it; without a night nobody would see it.
    """
    spoken_of = [
        select(table.id)
        .where(table.school_id == ReceivingAccount.school_id, table.account_id == ReceivingAccount.id)
        .correlate(ReceivingAccount)
        .exists()
        for table in (ConnectionAccount, BankStatement)
    ]
    found = session.execute(
        select(ReceivingAccount.school_id, ReceivingAccount.id)
        .where(
            ReceivingAccount.school_id.in_(sorted(school_ids)),
            or_(ReceivingAccount.state != AccountState.PROPOSED, *spoken_of),
        )
        .order_by(ReceivingAccount.school_id, ReceivingAccount.id)
    )
    return [(school_id, account_id) for school_id, account_id in found]


def run_by_id(session: Session, run_id: int) -> RunView:
    """A run by its id. Raises NotFoundError."""
    found = _views(session, ReconcileRun.id == run_id)
    if not found:
        raise NotFoundError(f"Không có lần đối soát số {run_id}.", f"There is no reconciliation run {run_id}.")
    return found[0]


def views_of(session: Session, runs: Sequence[ReconcileRun]) -> list[RunView]:
    """Runs with their names, in the given order."""
    found = {view.run.id: view for view in _views(session, ReconcileRun.id.in_([run.id for run in runs]))}
    return [found[run.id] for run in runs]


def standing_runs(
    session: Session, school_ids: Iterable[int], *, limit: int, before: date | None = None
) -> list[RunView]:
    """The runs that stand in some schools, newest day first."""
    wanted = [StandingRun.run_id == ReconcileRun.id, ReconcileRun.school_id.in_(sorted(school_ids))]
    if before is not None:
        wanted.append(ReconcileRun.day < before)
    return _views(session, *wanted, limit=limit)


def _views(session: Session, *wanted: Any, limit: int | None = None) -> list[RunView]:
    statement = (
        select(ReconcileRun, School.code, ReceivingAccount, StandingRun.run_id)
        .join(School, School.id == ReconcileRun.school_id)
        .join(
            ReceivingAccount,
            (ReceivingAccount.school_id == ReconcileRun.school_id) & (ReceivingAccount.id == ReconcileRun.account_id),
        )
        .outerjoin(
            StandingRun,
            (StandingRun.school_id == ReconcileRun.school_id) & (StandingRun.run_id == ReconcileRun.id),
        )
        .where(*wanted)
        .order_by(ReconcileRun.day.desc(), ReconcileRun.school_id, ReconcileRun.account_id, ReconcileRun.id.desc())
        .limit(limit)
    )
    return [
        RunView(run, code, f"{account.bin}:{account.number}", account.fund, held is not None)
        for run, code, account, held in session.execute(statement)
    ]


def items(session: Session, run: ReconcileRun, *, classes: Iterable[str] = ()) -> list[ReconcileItem]:
    """What a run found, in its own order; all of it, or some classes."""
    wanted = [ReconcileItem.school_id == run.school_id, ReconcileItem.run_id == run.id]
    chosen = sorted(classes)
    if chosen:
        wanted.append(ReconcileItem.primary_class.in_(chosen))
    found = list(session.scalars(select(ReconcileItem).where(*wanted).order_by(ReconcileItem.position)))
    return merged(found, matches(session, run) if not chosen or MATCHED in chosen else [])


def items_with(session: Session, run: ReconcileRun, key: str) -> list[ReconcileItem]:
    """What a run found under a key, whether as its class or as a flag beside it."""
    wanted = [
        ReconcileItem.school_id == run.school_id,
        ReconcileItem.run_id == run.id,
        or_(ReconcileItem.primary_class == key, literal(key) == any_(ReconcileItem.flags)),
    ]
    found = list(session.scalars(select(ReconcileItem).where(*wanted).order_by(ReconcileItem.position)))
    return merged(found, matches(session, run) if key == MATCHED else [])


HOLDING = text("""
    SELECT block.id, block.run_id, run.day
    FROM reconcile_block block
    JOIN reconcile_run run ON run.school_id = block.school_id AND run.id = block.run_id
    JOIN bank_transaction t ON t.school_id = run.school_id AND t.account_id = run.account_id
    WHERE t.school_id = :school_id AND t.id = :id AND :id = ANY(block.transaction_ids)
    UNION ALL
    SELECT NULL, item.run_id, run.day
    FROM reconcile_item item
    JOIN reconcile_run run ON run.school_id = item.school_id AND run.id = item.run_id
    JOIN bank_transaction t ON t.school_id = run.school_id AND t.account_id = run.account_id
    WHERE t.school_id = :school_id AND t.id = :id AND :id = ANY(item.transaction_ids)
    ORDER BY run_id
""")


def cases_of(session: Session, school_id: int, transaction_id: int) -> list[ReconcileItem]:
    """What runs said of a bank transaction, oldest run first; whether a run stands is its own matter."""
    found = []
    for row in session.execute(HOLDING, {"school_id": school_id, "id": transaction_id}).all():
        run = session.get_one(ReconcileRun, (school_id, row.run_id))
        found += [item for item in items(session, run) if transaction_id in item.transaction_ids]
    return found


UNBOOKED = text("""
    SELECT EXISTS (SELECT FROM reconcile_item WHERE school_id = :school_id AND run_id = :run_id
                   AND (primary_class = 'missing_ledger' OR 'missing_ledger' = ANY(flags)))
""")


def unbooked(session: Session, run: ReconcileRun) -> bool:
    """Whether the school's books lack something that can be posted."""
    return bool(session.scalar(UNBOOKED, {"school_id": run.school_id, "run_id": run.id}))


def _ids_of(column: str) -> str:
    """The ids of one column of a run's items and blocks."""
    return f"""(
        SELECT school_id, run_id, unnest({column}) AS id FROM reconcile_item
        WHERE school_id = :school_id AND run_id = :run_id
        UNION ALL
        SELECT school_id, run_id, unnest({column}) FROM reconcile_block
        WHERE school_id = :school_id AND run_id = :run_id
    )"""  # noqa: S608 - names of our own columns


_GIVEN = "(SELECT :school_id AS school_id, unnest(CAST(:ids AS bigint[])) AS id)"
BEHIND = {
    "bank_line_ids": """
    SELECT line.id, line.line_no, line.booked_on, line.value_date, line.direction, line.amount_vnd,
        coalesce(line.bank_reference, '') AS bank_reference, line.description, st.file_name
    FROM BEHIND AS behind
    JOIN bank_line line ON line.school_id = behind.school_id AND line.id = behind.id
    JOIN bank_statement st ON st.school_id = line.school_id AND st.id = line.statement_id
""",
    "evidence_ids": """
    SELECT e.id, e.value_date, e.amount_vnd, coalesce(e.bank_reference, '') AS bank_reference, e.description,
        e.source || ':' || e.connection_id AS source,
        CASE WHEN e.status = 'settled' THEN e.direction WHEN e.direction = 'credit' THEN 'debit' ELSE 'credit' END
            AS direction
    FROM BEHIND AS behind
    JOIN evidence e ON e.id = behind.id
""",
    "ledger_row_ids": """
    SELECT row.id, row.line_no, row.booked_on, row.direction, row.amount_vnd, row.document_no, row.description,
        row.account_code, row.contra_code
    FROM BEHIND AS behind
    JOIN ledger_row row ON row.school_id = behind.school_id AND row.id = behind.id
""",
}
"""Column of an item -> the rows behind it; BEHIND stands for their ids."""


@dataclass(frozen=True, slots=True)
class Behind:
    """The rows behind the items of a run, by id: none of them ever changes."""

    lines: dict[int, Row[Any]]
    evidence: dict[int, Row[Any]]
    rows: dict[int, Row[Any]]


def behind(session: Session, run: ReconcileRun, items_: Sequence[ReconcileItem] | None = None) -> Behind:
    """Bank lines, evidence and rows of the books behind all items of a run, or behind some."""
    found = []
    for column, statement in BEHIND.items():
        ids = None if items_ is None else [one for item in items_ for one in getattr(item, column)]
        source = _ids_of(column) if ids is None else _GIVEN
        values = {"school_id": run.school_id, "run_id": run.id, "ids": ids}
        found.append(session.execute(text(statement.replace("BEHIND", source)), values).all())
    return Behind(*({row.id: row for row in rows} for rows in found))
