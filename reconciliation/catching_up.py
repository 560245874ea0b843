"""From one night to the next: earlier runs that new facts touch are made again, then the day itself.

Facts arrive late: a callback after its statement, a month's books at its end, a corrected statement. A run is made
again when something new is dated on its days, or when it has open cases and something new lies near them. Nothing else
of the past is looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from payments.clearing.service import Cleared, clear_school
from payments.settlement.service import Settled, settle_school
from reconciliation.asking import Ask, ask
from reconciliation.closing import chain
from reconciliation.exceptions.nightly import follow_all as follow_exceptions
from reconciliation.faces import REFERENCE_WINDOW
from reconciliation.keeping import MARKS
from reconciliation.loading import OF_WHOLE_DAYS, Source
from reconciliation.locks import lock_school, lock_schools, lock_settlement
from reconciliation.models import ReconcileRun
from reconciliation.night import Night
from reconciliation.queries import accounts_in_play, accounts_of_schools
from reconciliation.together import reconcile

Sessions = Callable[[], AbstractContextManager[Session]]
"""Opens one committed transaction."""

LOOK_BACK = timedelta(days=62)
"""Older runs stand as they are: two months is longer than any month's books are late."""
AROUND = timedelta(days=REFERENCE_WINDOW[1])
AT_THE_DOOR = timedelta(minutes=15)
"""The door numbers and dates a message before it commits: what was on its way when a run looked is looked at again."""

NEWEST = text("""
    SELECT run.inputs, run.created_at FROM standing_run held
    JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    WHERE held.school_id = :school_id AND held.account_id = :account_id
    ORDER BY run.id DESC LIMIT 1
""")
STATED = text(f"""
    SELECT period_from AS first, period_to AS last FROM bank_statement
    WHERE school_id = :school_id AND account_id = :account_id AND id > :statement
      AND {OF_WHOLE_DAYS}
""")  # noqa: S608 - a constant of ours
TOUCHED = text("""
    SELECT period_from AS first, period_to AS last FROM ledger_import
    WHERE school_id = :school_id AND id > :ledger_import
    UNION ALL
    SELECT min(e.value_date), max(e.value_date)
    FROM transaction_evidence link JOIN evidence e ON e.id = link.evidence_id
    WHERE link.school_id = :school_id AND link.id > :link AND e.account_id = :account_id
    HAVING count(*) > 0
    UNION ALL
    SELECT min(e.value_date), max(e.value_date)
    FROM held_evidence held JOIN evidence e ON e.id = held.evidence_id
    WHERE held.school_id = :school_id AND held.id > :held AND e.account_id = :account_id
    HAVING count(*) > 0
    UNION ALL
    SELECT min(said.value_date), max(said.value_date)
    FROM evidence e
    JOIN evidence said ON said.connection_id = e.connection_id AND said.dedup_key = e.dedup_key
        AND said.direction = e.direction AND said.status = e.status AND said.school_id = e.school_id
    WHERE e.school_id = :school_id AND e.account_id = :account_id AND e.conflicting AND e.received_at > :looked_from
    HAVING count(*) > 0
    UNION ALL
    SELECT t.value_date, t.value_date
    FROM decision d JOIN bank_transaction t ON t.school_id = d.school_id AND t.id = d.transaction_id
    WHERE d.school_id = :school_id AND d.id > :decision AND t.account_id = :account_id
    UNION ALL
    SELECT d.first_day, d.last_day FROM reconcile_decision d
    WHERE d.school_id = :school_id AND d.account_id = :account_id AND d.id > :reconcile_decision
    UNION ALL
    SELECT min(t.value_date), max(t.value_date)
    FROM payout p
    JOIN payout_item i ON i.school_id = p.school_id AND i.payout_id = p.id
    JOIN bank_transaction t ON t.school_id = p.school_id AND t.id IN (p.transaction_id, i.transaction_id)
    WHERE p.school_id = :school_id AND t.account_id = :account_id
      AND (p.id > :payout OR p.dissolved_at > :looked_from)
    HAVING count(*) > 0
""")
STANDING = text("""
    SELECT run.id, run.day, run.from_day, run.exceptions <> '{}'::jsonb OR run.not_due > 0 AS is_open
    FROM standing_run held JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    WHERE held.school_id = :school_id AND held.account_id = :account_id AND held.day >= :oldest
    ORDER BY held.day
""")

SHUT = text("""
    SELECT own.school_id, own.account_id
    FROM unnest(CAST(:schools AS bigint[]), CAST(:accounts AS bigint[])) AS own(school_id, account_id)
    WHERE EXISTS (SELECT FROM standing_close c WHERE c.school_id = own.school_id AND c.through >= :day)
      AND NOT EXISTS (SELECT FROM standing_run held
        WHERE held.school_id = own.school_id AND held.account_id = own.account_id AND held.day = :day)
""")
WAITING = text("""
    SELECT DISTINCT school_id FROM outbox
    WHERE queue IN ('settlement', 'clearing') AND school_id = ANY(CAST(:schools AS bigint[])) AND NOT dead
    ORDER BY school_id
""")

Period = tuple[date, date]
Account = tuple[int, int]
"""School and receiving account."""


def catch_up(session: Session, school_id: int, account_id: int, day: date) -> ReconcileRun:
    """Reconcile a day of an account, and make again what something new touches."""
    lock_school(session, school_id)
    lock_settlement(session, school_id)
    account = (school_id, account_id)
    return catch_up_together(session, [account], day)[account]


def catch_up_together(session: Session, accounts: Sequence[Account], day: date) -> dict[Account, ReconcileRun]:
    """Reconcile a day of several accounts, and make again what something new touches.

    Earlier runs come first; a statement for days that no run owns yet gets a run of its own; later runs follow where
    the days that they own have become others; exceptions follow them all. The caller holds imports and settlement of
    the schools.
    """
    pasts = _pasts(session, accounts, day)
    for other in sorted({earlier for past in pasts for earlier in past.earlier}):
        due = [past for past in pasts if past.is_due(other)]
        made = reconcile(session, [Night(session, *past.account, other) for past in due])
        for past, run in zip(due, made, strict=True):
            past.note(other, run)
    results = reconcile(session, [Night(session, *account, day) for account in accounts])
    for other in sorted({run.day for past in pasts for run in past.later}):
        again = [past for past in pasts if any(run.day == other for run in past.later)]
        reconcile(session, [Night(session, *past.account, other) for past in again])
    follow_exceptions(session, accounts)
    return dict(zip(accounts, results, strict=True))


class Past:
    """What earlier nights of an account left on open days, and what has arrived since."""

    def __init__(self, account: Account, runs: Sequence[Row[Any]], new: "Arrived", day: date) -> None:
        self.account = account
        self._standing = {run.day: run for run in runs}
        self._arrived = (*new.stated, *new.touched)
        self._changed = False
        orphaned = {
            last
            for _, last in new.stated
            if new.open_from <= last < day and not any(run.from_day <= last <= run.day for run in runs)
        }
        self.earlier = {run.day for run in runs if run.day < day} | orphaned
        self.later = [run for run in runs if run.day > day >= run.from_day]

    def is_due(self, other: date) -> bool:
        """Whether the run of an earlier day must be made again; a new one may move the first day and the opening
        balance of every later one.
        """
        run = self._standing.get(other)
        again = run is None or self._changed or any(_touches(run, *period) for period in self._arrived)
        return other in self.earlier and again

    def note(self, other: date, made: ReconcileRun) -> None:
        """A run of an earlier day was made again, or found to be the same."""
        run = self._standing.get(other)
        self._changed = self._changed or run is None or made.id != run.id


def _pasts(session: Session, accounts: Sequence[Account], day: date) -> list[Past]:
    sources = [Source(session, *account) for account in accounts]
    ask(session, [Ask(one, statement, {}) for statement in (NEWEST, chain.STANDING) for one in sources])
    seen = {id(one): found for one in sources if (found := _seen(one)) is not None}
    for statement in (STATED, TOUCHED):
        ask(session, [Ask(one, statement, seen[id(one)][statement]) for one in sources if id(one) in seen])
    arrived = [_arrived(one, seen.get(id(one), {})) for one in sources]
    looks = [{"oldest": new.oldest(day)} for new in arrived]
    ask(session, [Ask(one, STANDING, look) for one, look in zip(sources, looks, strict=True)])
    return [
        Past(account, one.rows(STANDING, **look), new, day)
        for account, one, look, new in zip(accounts, sources, looks, arrived, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Arrived:
    """Days of statements, and of all else, that arrived since the newest run of the account looked."""

    stated: Sequence[Period]
    touched: Sequence[Period]
    open_from: date
    """The first day that is not signed."""
    late: bool
    """Whether some of it is dated on signed days."""

    def oldest(self, day: date) -> date:
        """From which day on runs may be made again. What is late lands on the first open day, however long ago."""
        oldest = day - LOOK_BACK
        return max(min(oldest, self.open_from) if self.late else oldest, self.open_from)


def _arrived(source: Source, seen: Mapping[TextClause, Mapping[str, Any]]) -> Arrived:
    found = [[(row.first, row.last) for row in source.rows(statement, **values)] for statement, values in seen.items()]
    open_from = source.signed.open_from
    stated, touched = (_reaching(periods, open_from) for periods in found or ([], []))
    return Arrived(stated, touched, open_from, any(first < open_from for first, _ in (*stated, *touched)))


def _reaching(periods: Sequence[Period], open_from: date) -> list[Period]:
    """What lies on signed days lands on the first open one."""
    return [(first, max(last, open_from)) if first < open_from else (first, last) for first, last in periods]


def _seen(source: Source) -> dict[TextClause, dict[str, Any]] | None:
    """What the newest run of the account had seen, as the two questions for what is new want it; None: no run."""
    newest = source.rows(NEWEST)
    if not newest:
        return None
    # Runs of an earlier version kept no mark of what was held, of payouts, nor of decisions about facts.
    marks = {"held": 0, "payout": 0, "reconcile_decision": 0} | newest[0].inputs
    touched = {name: marks[name] for name in MARKS if name != "statement"}
    return {
        STATED: {"statement": marks["statement"]},
        TOUCHED: touched | {"looked_from": newest[0].created_at - AT_THE_DOOR},
    }


def reconcile_group(sessions: Sessions, school_ids: Sequence[int], day: date, done: Callable[[Session], bool]) -> bool:
    """Settle what waits at some schools and reconcile all their accounts in one transaction.

    ``done`` closes the group in that transaction before anything is read; where it says no, somebody else has the
    group, and nothing is changed. Returns what it said.
    """
    with sessions() as session:
        waiting = session.scalars(WAITING, {"schools": list(school_ids)}).all()
    for school_id in waiting:
        settle_all(sessions, school_id)
    with sessions() as session:
        if not done(session):
            return False
        lock_schools(session, school_ids)
        accounts = accounts_of_schools(session, school_ids)
        shut = _shut(session, accounts, day)
        catch_up_together(session, [one for one in accounts if one not in shut], day)
    return True


def reconcile_school(sessions: Sessions, school_id: int, day: date) -> list[ReconcileRun]:
    """Settle what waits at a school and reconcile each of its accounts, one transaction for each."""
    settle_all(sessions, school_id)
    with sessions() as session:
        accounts = accounts_in_play(session, school_id)
    runs = []
    for account_id in accounts:
        with sessions() as session:
            if may_run(session, school_id, account_id, day):
                runs.append(catch_up(session, school_id, account_id, day))
    return runs


def may_run(session: Session, school_id: int, account_id: int, day: date) -> bool:
    """Whether a day of an account can have a run: it is open, or one was signed with it."""
    return not _shut(session, [(school_id, account_id)], day)


def _shut(session: Session, accounts: Sequence[Account], day: date) -> set[Account]:
    """The accounts that have no run of a signed day, and never get one."""
    schools, numbers = zip(*accounts, strict=True) if accounts else ((), ())
    values = {"schools": list(schools), "accounts": list(numbers), "day": day}
    return {(row.school_id, row.account_id) for row in session.execute(SHUT, values)}


def settle_all(sessions: Sessions, school_id: int) -> None:
    """What arrived before the night is settled and cleared before it is judged; a busy school is its worker's."""
    steps: tuple[Callable[[Session, int], Settled | Cleared], ...] = (settle_school, clear_school)
    for work in steps:
        while True:
            with sessions() as session:
                result = work(session, school_id)
            if result.busy or result.taken == 0 or result.failed:
                break


def _touches(run: Row[Any], first: date, last: date) -> bool:
    around = AROUND if run.is_open else timedelta(days=1)
    return bool(first <= run.day + around and last >= run.from_day - around)
