"""Bring an account's exceptions in line with the runs that stand: set-based, in the run's transaction, repeatable.

``exception_sync`` remembers which run of each day was followed last. What stands anew is read once, laid beside the
exceptions that it touches (``following``), and written in a handful of statements whatever their number. The same runs
again change nothing; on a new installation of this table all standing runs are followed, oldest day first.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from payments import clock
from payments.business_days import BusinessDays
from reconciliation.exceptions import rules, sql
from reconciliation.exceptions.following import BY_NIGHT, Found, Known, Plan, Step, changes, follow, is_material
from reconciliation.exceptions.reading import read_cases, read_found
from reconciliation.exceptions.rules import HANDLING, Kind, Resolution, State


@dataclass(frozen=True, slots=True)
class Synced:
    """How many exceptions are new, changed, opened again, or closed by a night."""

    new: int = 0
    changed: int = 0
    reopened: int = 0
    closed: int = 0


@dataclass(slots=True)
class _Told:
    """Events of one statement: at most one for each exception, since the next one builds on it."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, exception_id: int, kind: Kind, state: State, run_id: int, **more: Any) -> None:
        row: dict[str, Any] = {"exception_id": exception_id, "kind": kind.value, "state": state.value, "run_id": run_id}
        self.rows.append(row | {"detail": {}} | more)

    def end(self, one: Known, kind: Kind, how: Resolution | None, run_id: int, **detail: Any) -> None:
        """A night ends the work on a case; whoever had it is kept."""
        more = {"assignee_id": one.assignee_id, "resolution": how, "detail": detail}
        self.add(one.id, kind, State.RESOLVED, run_id, **more)


def sync(session: Session, school_id: int, account_id: int) -> Synced:
    """Follow the runs of an account that stand anew since the last time. The caller holds the school's lock."""
    moved = session.execute(sql.MOVED, {"school_id": school_id, "account_id": account_id}).all()
    if not moved:
        return Synced()
    made = _Sync(session, school_id, account_id, moved).run()
    session.execute(sql.MARK, {"school_id": school_id, "account_id": account_id})
    return made


class _Sync:
    """One account, the runs that stand anew, and what they do to its exceptions."""

    def __init__(self, session: Session, school_id: int, account_id: int, moved: Sequence[Row[Any]]) -> None:
        self.session = session
        self.school_id = school_id
        self.account_id = account_id
        self.runs = [row.run_id for row in moved]
        self.replaced = {row.former_id: row.run_id for row in moved if row.former_id is not None}
        self.seen_on = {row.run_id: clock.day_of(row.created_at) for row in moved}

    def run(self) -> Synced:
        found, self.texts = read_found(self.session, self.school_id, self.account_id, self.runs)
        keys = [key for one in found for key in one.keys]
        self.cases = read_cases(self.session, self.school_id, list(self.replaced), keys)
        if not found and not self.cases:
            return Synced()
        since = min(self.seen_on.values())
        self.calendar = BusinessDays(frozenset(self.session.scalars(sql.HOLIDAYS, {"since": since})))
        plan = follow(found, [case.known for case in self.cases.values()])
        new_ids = self._add(plan)
        first, second = _Told(), _Told()
        for finding, origin in plan.new:
            self._begin(new_ids[finding.item_id], finding, origin, first, second)
        reopened = sum(self._go_on(step, first, second) for step in plan.steps)
        closed = self._close(plan, first)
        changed = sum(row["kind"] == Kind.CHANGED for row in first.rows)
        self._write_cases(plan)
        self._write_facts(plan, new_ids)
        for told in (first, second):
            if told.rows:
                values = {"moment": clock.now(), "rows": json.dumps(told.rows)}
                self._execute(sql.TELL, **values)
        return Synced(len(plan.new), changed, reopened, closed)

    def _execute(self, statement: Any, **values: Any) -> Any:
        return self.session.execute(statement, {"school_id": self.school_id} | values)

    def _add(self, plan: Plan) -> Mapping[int, int]:
        """Write new exceptions; item -> exception."""
        if not plan.new:
            return {}
        rows = self._execute(
            sql.ADD,
            items=[finding.item_id for finding, _ in plan.new],
            search_keys=[self.texts[finding.item_id] for finding, _ in plan.new],
            owners=[HANDLING[finding.primary_class].owner.value for finding, _ in plan.new],
            due=[self._due(finding) for finding, _ in plan.new],
            origins=[origin.id if origin else None for _, origin in plan.new],
        )
        return {row.item_id: row.id for row in rows}

    def _due(self, finding: Found) -> date:
        return rules.due_on(finding.primary_class, self.seen_on[finding.run_id], self.calendar)

    @staticmethod
    def _begin(number: int, finding: Found, origin: Known | None, first: _Told, second: _Told) -> None:
        """Whoever had the case from which this one fell off has this one, too."""
        detail: dict[str, Any] = {"primary_class": finding.primary_class, "amount_vnd": finding.amount_vnd}
        if origin is not None:
            detail["split_from"] = origin.id
        first.add(number, Kind.SEEN, State.OPEN, finding.run_id, detail=detail)
        if origin is not None and origin.assignee_id is not None and origin.state is not State.RESOLVED:
            second.add(
                number,
                Kind.ASSIGNED,
                State.ASSIGNED,
                finding.run_id,
                assignee_id=origin.assignee_id,
                detail={"because": "split"},
            )

    def _go_on(self, step: Step, first: _Told, second: _Told) -> bool:
        """Tell what changed; True: finished work is open again."""
        known, run_id = step.known, step.found.run_id
        said = changes(step.found, known)
        if step.merged:
            said["merged"] = [one.id for one in step.merged]
        if said:
            first.add(
                known.id,
                Kind.CHANGED,
                known.state,
                run_id,
                assignee_id=known.assignee_id,
                resolution=known.resolution,
                detail=said,
            )
        inherited = next((one.assignee_id for one in step.merged if one.assignee_id is not None), None)
        assignee_id = known.assignee_id if known.assignee_id is not None else inherited
        state = State.OPEN if assignee_id is None else State.ASSIGNED
        if known.state is State.RESOLVED:
            if known.rank != BY_NIGHT and not is_material(said):
                return False
            because = "match_lost" if known.rank == BY_NIGHT else "facts_changed"
            second.add(known.id, Kind.REOPENED, state, run_id, assignee_id=assignee_id, detail={"because": because})
            return True
        if known.state is State.PROPOSED and is_material(said):
            second.add(known.id, Kind.WITHDRAWN, state, run_id, assignee_id=assignee_id, **self._proposal(known.id))
        elif assignee_id != known.assignee_id:
            after = rules.after(Kind.ASSIGNED, known.state, assigned=True)
            more = {"resolution": known.resolution} if after is State.PROPOSED else {}
            second.add(
                known.id, Kind.ASSIGNED, after, run_id, assignee_id=assignee_id, detail={"because": "merged"}, **more
            )
        return False

    def _proposal(self, exception_id: int) -> dict[str, Any]:
        case = self.cases[exception_id]
        return {
            "proposal_id": case.proposal_id,
            "proposed_by": case.proposed_by,
            "resolution": case.known.resolution,
            "detail": {"because": "facts_changed"},
        }

    def _close(self, plan: Plan, first: _Told) -> int:
        """Close what was merged, and what newer runs of its day no longer find."""
        for step in plan.steps:
            for one in step.merged:
                kept = one.resolution if one.state is State.RESOLVED else Resolution.MERGED
                first.end(one, Kind.MERGED, kept, step.found.run_id, into=step.known.id)
        gone = [one for one in plan.gone if self.cases[one.id].last_run_id in self.replaced and one.rank != BY_NIGHT]
        quiet = self._quiet([one.id for one in gone])
        closed = 0
        for one in gone:
            classes = quiet.get(one.id, set())
            if one.state is State.RESOLVED and "matched" not in classes:
                continue  # What a person decided stands while nothing speaks against it.
            how = Resolution.MATCHED_SINCE if "matched" in classes else Resolution.NO_LONGER_FOUND
            because = "matched" if "matched" in classes else "not_due" if classes else "gone"
            run_id = self.replaced[self.cases[one.id].last_run_id]
            first.end(one, Kind.MATCHED_SINCE, how, run_id, because=because)
            closed += 1
        return closed

    def _quiet(self, ids: Sequence[int]) -> Mapping[int, set[str]]:
        """Exception -> in which quiet classes its facts stand now."""
        found: dict[int, set[str]] = defaultdict(set)
        if ids:
            for row in self._execute(sql.QUIET, runs=self.runs, ids=list(ids)):
                found[row.exception_id].add(row.primary_class)
        return found

    def _write_cases(self, plan: Plan) -> None:
        if plan.steps:
            self._execute(
                sql.GO_ON,
                ids=[step.known.id for step in plan.steps],
                items=[step.found.item_id for step in plan.steps],
                search_keys=[self.texts[step.found.item_id] for step in plan.steps],
                owners=[HANDLING[step.found.primary_class].owner.value for step in plan.steps],
                due=[self._new_due(step) for step in plan.steps],
            )
        rows: list[tuple[int, int, int | None]] = []
        rows += [(one.id, step.found.run_id, step.known.id) for step in plan.steps for one in step.merged]
        rows += [
            (one.id, self.replaced[last], None)
            for one in plan.gone
            if (last := self.cases[one.id].last_run_id) in self.replaced
        ]
        if rows:
            ids, runs, into = zip(*rows, strict=True)
            self._execute(sql.FOLLOWED, ids=list(ids), runs=list(runs), into=list(into))

    def _new_due(self, step: Step) -> date | None:
        """Another class, or work that begins anew, has a term of its own."""
        said = changes(step.found, step.known)
        again = step.known.state is State.RESOLVED and (step.known.rank == BY_NIGHT or is_material(said))
        return self._due(step.found) if again or "primary_class" in said else None

    def _write_facts(self, plan: Plan, new_ids: Mapping[int, int]) -> None:
        moved = [step for step in plan.steps if set(step.found.keys) != step.known.current]
        left = [step.known.id for step in moved] + [one.id for step in plan.steps for one in step.merged]
        if left:
            self._execute(sql.LET_GO, ids=left)
        held = [(key, step.known.id) for step in moved for key in step.found.keys]
        held += [(key, new_ids[finding.item_id]) for finding, _ in plan.new for key in finding.keys]
        if held:
            keys, ids = zip(*_once(held), strict=True)
            self._execute(sql.HOLD, keys=list(keys), ids=list(ids))


def _once(held: Iterable[tuple[str, int]]) -> Iterable[tuple[str, int]]:
    """Each fact once; where two runs show it, the first one has it."""
    found: dict[str, int] = {}
    for key, number in held:
        found.setdefault(key, number)
    return found.items()
