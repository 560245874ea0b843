"""What would be signed: the figures of a period, from the runs that stand and the lines that they proved."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments import clock
from payments.errors import ConflictError, DomainError
from reconciliation.balances import DAY
from reconciliation.closing import chain, late
from reconciliation.closing.chain import Head
from reconciliation.closing.rules import Draft, Odd, RunFact, Section, closing_at, hindrances, is_exception, owner_of
from reconciliation.loading import Source
from reconciliation.queries import accounts_in_play

ACCOUNTS = text("""
    SELECT a.id, a.bin || ':' || a.number AS name, a.fund, a.proposed_at,
        least(
            (SELECT min(st.period_from) FROM bank_statement st
             WHERE st.school_id = a.school_id AND st.account_id = a.id),
            (SELECT min(e.value_date) FROM evidence e
             WHERE e.school_id = a.school_id AND e.account_id = a.id AND e.source <> 'statement'
               AND e.status IN ('settled', 'void') AND NOT e.conflicting AND NOT e.sandbox)
        ) AS begins
    FROM receiving_account a
    WHERE a.school_id = :school_id AND a.id = ANY(CAST(:ids AS bigint[])) ORDER BY a.id
""")
RUNS = text("""
    SELECT run.account_id, run.id, run.from_day, run.day, run.state, encode(run.inputs_hash, 'hex') AS inputs_sha256,
        (run.proof ->> 'closing_vnd')::bigint AS closing_vnd
    FROM standing_run held JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    WHERE held.school_id = :school_id AND run.day >= :first AND run.from_day <= :through
    ORDER BY run.account_id, run.day
""")
# A case of a run that reaches beyond the period is signed with the period of its day; what came late for a day before
# belongs to the first day of its run.
_ITEMS = """
    FROM standing_run held
    JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    JOIN reconcile_item item ON item.school_id = run.school_id AND item.run_id = run.id
    WHERE held.school_id = :school_id AND run.day >= :first AND run.from_day <= :through
      AND greatest(item.value_date, run.from_day) BETWEEN :first AND :through
"""
CLASSES = text(f"""
    SELECT account_id, primary_class, sum(cases)::bigint AS cases, sum(vnd)::bigint AS vnd FROM (
        SELECT run.account_id, item.primary_class, count(*) AS cases, coalesce(sum(item.amount_vnd), 0) AS vnd
        {_ITEMS} GROUP BY run.account_id, item.primary_class
        UNION ALL
        SELECT run.account_id, 'matched', count(*), sum(payment.amount_vnd)
        FROM standing_run held
        JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
        JOIN reconcile_block block ON block.school_id = run.school_id AND block.run_id = run.id
        CROSS JOIN LATERAL unnest(block.days, block.amounts) AS payment(day, amount_vnd)
        WHERE held.school_id = :school_id AND run.day >= :first AND run.from_day <= :through
          AND run.from_day + payment.day BETWEEN :first AND :through
        GROUP BY run.account_id
    ) AS found GROUP BY account_id, primary_class ORDER BY account_id, primary_class
""")  # noqa: S608 - constants of this module
ODD = text(f"""
    SELECT run.account_id, run.id AS run_id, item.id AS item_id, item.position, item.primary_class, item.flags,
        item.value_date, item.amount_vnd, item."references", item.note
    {_ITEMS} AND item.primary_class NOT IN ('matched', 'not_due')
    ORDER BY run.account_id, run.day, item.position
""")
STATED = text("""
    SELECT stated FROM reconcile_run run, jsonb_array_elements(run.proof -> 'books') AS stated
    WHERE run.school_id = :school_id AND run.id = ANY(CAST(:runs AS bigint[]))
      AND (stated ->> 'through')::date <= :through
    ORDER BY (stated ->> 'through')::date DESC, run.id DESC LIMIT 1
""")
UNSETTLED = text("""
    SELECT count(*) FROM outbox WHERE queue = 'settlement' AND school_id = :school_id AND (dead OR :all_of_it)
""")


def gather(session: Session, school_id: int, through: date, *, settled: bool = False) -> Draft:
    """The draft of a close through a day.

    ``settled``: what waited was settled just now, so what still waits stands in the way. Raises DomainError
    ``not_over`` for a day that is not over, ConflictError ``closed`` when it is signed already.
    """
    head = require_closable(session, school_id, through)
    accounts = _accounts(session, school_id, through)
    begins = [row.begins for row in accounts if _speaks(row, through)]
    first = head.through + DAY if head.through else min(begins, default=through)
    values = {"school_id": school_id, "first": first, "through": through}
    classes: dict[int, dict[str, tuple[int, int]]] = defaultdict(dict)
    for row in session.execute(CLASSES, values):
        classes[row.account_id][row.primary_class] = (row.cases, row.vnd)
    runs = _runs(session, values)
    signed = _signed_balances(session, school_id)
    sections = [
        _section(session, school_id, row, (first, through), runs[row.id], classes[row.id], signed.get(row.name))
        for row in accounts
    ]
    odd = _odd(session, values, {row.id: row.name for row in accounts})
    unsettled = session.scalar(UNSETTLED, {"school_id": school_id, "all_of_it": settled}) or 0
    return Draft(first, through, tuple(sections), tuple(odd), tuple(hindrances(sections, unsettled=unsettled)))


def require_closable(session: Session, school_id: int, through: date) -> Head:
    """The head of the chain, when a day is over and not signed. Raises as ``gather`` does."""
    head = chain.head(session, school_id)
    if through >= clock.today():
        raise DomainError("not_over", "Chỉ khóa được kỳ đã kết thúc.", "Only a period that is over can be closed.")
    if head.through is not None and through <= head.through:
        raise ConflictError(
            "closed",
            f"Kỳ đến ngày {head.through:%d/%m/%Y} đã khóa.",
            f"The period up to {head.through} is closed already.",
        )
    return head


def beginnings(session: Session, school_id: int, through: date) -> dict[int, date]:
    """Accounts with a statement or a movement up to a day, by id, each with the day of its first one."""
    return {row.id: row.begins for row in _accounts(session, school_id, through) if _speaks(row, through)}


def _accounts(session: Session, school_id: int, through: date) -> list[Row[Any]]:
    """Accounts of the period: those that were there, and those that spoke."""
    ids = list(accounts_in_play(session, school_id))
    rows = session.execute(ACCOUNTS, {"school_id": school_id, "ids": ids}).all()
    return [row for row in rows if _speaks(row, through) or clock.day_of(row.proposed_at) <= through]


def _speaks(row: Row[Any], through: date) -> bool:
    return row.begins is not None and row.begins <= through


def _runs(session: Session, values: Mapping[str, Any]) -> dict[int, tuple[RunFact, ...]]:
    found: dict[int, list[RunFact]] = defaultdict(list)
    for row in session.execute(RUNS, values):
        found[row.account_id].append(
            RunFact(row.id, row.from_day, row.day, row.state, row.inputs_sha256, row.closing_vnd)
        )
    return defaultdict(tuple, {key: tuple(runs) for key, runs in found.items()})


def _section(  # noqa: PLR0917 - one row of the draft and what belongs to it
    session: Session,
    school_id: int,
    row: Row[Any],
    days: tuple[date, date],
    runs: tuple[RunFact, ...],
    classes: Mapping[str, tuple[int, int]],
    signed_before_vnd: int | None,
) -> Section:
    first, through = days
    if not _speaks(row, through):
        return Section(row.name, row.fund, first, through, silent=True)
    first = max(first, row.begins)
    source = Source(session, school_id, row.id)
    credits_vnd, debits_vnd = _moved(source, first, through)
    owner = owner_of(runs, through)
    later = _moved(source, through + DAY, owner.last) if owner and owner.last > through else (0, 0)
    closing_vnd = closing_at(runs, through, later)
    books = source.books(first, through).intervals
    return Section(
        row.name,
        row.fund,
        first,
        through,
        None if closing_vnd is None else closing_vnd - credits_vnd + debits_vnd,
        credits_vnd,
        debits_vnd,
        closing_vnd,
        runs,
        classes,
        signed_before_vnd=signed_before_vnd,
        books_through=max((end for _, end in books), default=None),
        books=session.scalar(STATED, {"school_id": school_id, "runs": [run.id for run in runs], "through": through}),
    )


def _moved(source: Source, first: date, last: date) -> tuple[int, int]:
    """(credits, debits) of the days, in đồng."""
    sums = source.sums(first, last).values()
    return sum(pair[0] for pair in sums), sum(pair[1] for pair in sums)


def _odd(session: Session, values: Mapping[str, Any], names: Mapping[int, str]) -> list[Odd]:
    rows = [row for row in session.execute(ODD, values) if is_exception(row.primary_class) and row.account_id in names]
    links = late.links_of(session, values["school_id"], sorted({row.run_id for row in rows}))
    states = states_of(session, values["school_id"], [row.item_id for row in rows])
    found = []
    for row in rows:
        link = links.get((row.run_id, row.position))
        found.append(
            Odd(
                names[row.account_id],
                row.run_id,
                row.position,
                row.primary_class,
                tuple(row.flags),
                row.value_date,
                row.amount_vnd,
                tuple(row.references),
                row.note,
                states.get(row.item_id, "open"),
                link.close if link else None,
                link.day if link else None,
            )
        )
    return found


def states_of(session: Session, school_id: int, item_ids: Sequence[int]) -> dict[int, str]:  # noqa: ARG001 - see below
    """Item -> state of its exception; an item that is not named is open.

    The one place to ask where exceptions have states of their own.
    """
    return {}


def _signed_balances(session: Session, school_id: int) -> dict[str, int]:
    """Account -> closing balance that the newest standing close signed."""
    closes = chain.standing(session, school_id)
    if not closes:
        return {}
    document = json.loads(chain.link(session, school_id, closes[-1].sequence).document)
    return {
        one["account"]: one["closing_vnd"] for one in document.get("accounts", []) if one["closing_vnd"] is not None
    }


def month_of(day: date) -> tuple[date, date]:
    """First and last day of a month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - DAY
