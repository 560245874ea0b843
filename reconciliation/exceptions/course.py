"""What newer runs of one account do to its exceptions, as rows to be written. Asks nothing itself.

What stands anew is laid beside the exceptions that it touches (``following``); ``syncing`` reads for many accounts at
once and writes what their courses say together.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from payments import clock
from payments.business_days import BusinessDays
from reconciliation.exceptions import rules
from reconciliation.exceptions.following import BY_NIGHT, Found, Known, Step, changes, follow, is_material
from reconciliation.exceptions.reading import Case, Findings, Moved
from reconciliation.exceptions.rules import HANDLING, Kind, Resolution, State


@dataclass(slots=True)
class _Told:
    """Events of one statement: at most one for each exception, since the next one builds on it."""

    school_id: int
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, exception_id: int, kind: Kind, state: State, run_id: int, **more: Any) -> None:
        row: dict[str, Any] = {"school_id": self.school_id, "exception_id": exception_id, "run_id": run_id}
        self.rows.append(row | {"kind": kind.value, "state": state.value, "detail": {}} | more)

    def end(self, one: Known, kind: Kind, how: Resolution | None, run_id: int, **detail: Any) -> None:
        """A night ends the work on a case; whoever had it is kept."""
        more = {"assignee_id": one.assignee_id, "resolution": how, "detail": detail}
        self.add(one.id, kind, State.RESOLVED, run_id, **more)


class Course:
    """One account, the runs that stand anew, and what they do to its exceptions."""

    def __init__(
        self, moved: Sequence[Moved], findings: Findings, cases: Mapping[int, Case], calendar: BusinessDays
    ) -> None:
        self.school_id = moved[0].school_id
        self._replaced = {row.former_id: row.run_id for row in moved if row.former_id is not None}
        self._seen_on = {row.run_id: clock.day_of(row.created_at) for row in moved}
        self._texts = findings.texts
        self._cases = cases
        self._calendar = calendar
        self._plan = follow(findings.found, [case.known for case in cases.values()])
        self.first, self.second = _Told(self.school_id), _Told(self.school_id)
        self.new = len(self._plan.new)
        self.reopened = self.closed = 0

    @property
    def changed(self) -> int:
        """How many exceptions a night found to be otherwise."""
        return sum(row["kind"] == Kind.CHANGED for row in self.first.rows)

    def added(self) -> list[tuple[Any, ...]]:
        """New exceptions."""
        return [
            (self.school_id, *self._said(finding), self._due(finding), origin.id if origin else None)
            for finding, origin in self._plan.new
        ]

    def doubted(self) -> list[tuple[int, int]]:
        """What newer runs of its day no longer find, unless a night had closed it already."""
        return [(self.school_id, one.id) for one in self._gone() if one.rank != BY_NIGHT]

    def tell(self, new_ids: Mapping[int, int], quiet: Mapping[int, Collection[str]]) -> None:
        """Put into words what happens.

        ``new_ids``: item -> its new exception. ``quiet``: what is doubted -> in which quiet classes its facts stand.
        """
        for finding, origin in self._plan.new:
            self._begin(new_ids[finding.item_id], finding, origin)
        self.reopened = sum(self._go_on(step) for step in self._plan.steps)
        self._merge()
        self.closed = sum(self._close(one, quiet.get(one.id, ())) for one in self._gone() if one.rank != BY_NIGHT)

    def went_on(self) -> list[tuple[Any, ...]]:
        """Exceptions that a finding continues."""
        return [
            (self.school_id, step.known.id, *self._said(step.found), self._new_due(step)) for step in self._plan.steps
        ]

    def followed(self) -> list[tuple[int, int, int, int | None]]:
        """Exceptions that no finding continues, with the newest run that says so and what they are merged into."""
        merged = [(one.id, step.found.run_id, step.known.id) for step in self._plan.steps for one in step.merged]
        gone = [(one.id, self._newer(one), None) for one in self._gone()]
        return [(self.school_id, *row) for row in (*merged, *gone)]

    def let_go(self) -> list[tuple[int, int]]:
        """Exceptions that hold other facts from now on, or none."""
        left = [step.known for step in self._moved()] + [one for step in self._plan.steps for one in step.merged]
        return [(self.school_id, one.id) for one in left]

    def held(self, new_ids: Mapping[int, int]) -> list[tuple[int, str, int]]:
        """Facts and the exceptions that they belong to from now on."""
        held = [(key, step.known.id) for step in self._moved() for key in step.found.keys]
        held += [(key, new_ids[finding.item_id]) for finding, _ in self._plan.new for key in finding.keys]
        return [(self.school_id, key, number) for key, number in _once(held)]

    def _said(self, finding: Found) -> tuple[int, str, str]:
        """Item, the text by which it is searched, and whose work it is."""
        return (finding.item_id, self._texts[finding.item_id], HANDLING[finding.primary_class].owner.value)

    def _due(self, finding: Found) -> date:
        return rules.due_on(finding.primary_class, self._seen_on[finding.run_id], self._calendar)

    def _new_due(self, step: Step) -> date | None:
        """Another class, or work that begins anew, has a term of its own."""
        said = changes(step.found, step.known)
        again = step.known.state is State.RESOLVED and (step.known.rank == BY_NIGHT or is_material(said))
        return self._due(step.found) if again or "primary_class" in said else None

    def _gone(self) -> list[Known]:
        return [one for one in self._plan.gone if self._cases[one.id].last_run_id in self._replaced]

    def _newer(self, one: Known) -> int:
        return self._replaced[self._cases[one.id].last_run_id]

    def _moved(self) -> list[Step]:
        return [step for step in self._plan.steps if set(step.found.keys) != step.known.current]

    def _begin(self, number: int, finding: Found, origin: Known | None) -> None:
        """Whoever had the case from which this one fell off has this one, too."""
        detail: dict[str, Any] = {"primary_class": finding.primary_class, "amount_vnd": finding.amount_vnd}
        if origin is not None:
            detail["split_from"] = origin.id
        self.first.add(number, Kind.SEEN, State.OPEN, finding.run_id, detail=detail)
        if origin is not None and origin.assignee_id is not None and origin.state is not State.RESOLVED:
            more = {"assignee_id": origin.assignee_id, "detail": {"because": "split"}}
            self.second.add(number, Kind.ASSIGNED, State.ASSIGNED, finding.run_id, **more)

    def _go_on(self, step: Step) -> bool:
        """Tell what changed; True: finished work is open again."""
        known, run_id = step.known, step.found.run_id
        said = changes(step.found, known)
        if step.merged:
            said["merged"] = [one.id for one in step.merged]
        if said:
            more = {"assignee_id": known.assignee_id, "resolution": known.resolution, "detail": said}
            self.first.add(known.id, Kind.CHANGED, known.state, run_id, **more)
        inherited = next((one.assignee_id for one in step.merged if one.assignee_id is not None), None)
        assignee_id = known.assignee_id if known.assignee_id is not None else inherited
        state = State.OPEN if assignee_id is None else State.ASSIGNED
        if known.state is State.RESOLVED:
            if known.rank != BY_NIGHT and not is_material(said):
                return False
            because = "match_lost" if known.rank == BY_NIGHT else "facts_changed"
            more = {"assignee_id": assignee_id, "detail": {"because": because}}
            self.second.add(known.id, Kind.REOPENED, state, run_id, **more)
            return True
        if known.state is State.PROPOSED and is_material(said):
            more = {"assignee_id": assignee_id} | self._proposal(known.id)
            self.second.add(known.id, Kind.WITHDRAWN, state, run_id, **more)
        elif assignee_id != known.assignee_id:
            after = rules.after(Kind.ASSIGNED, known.state, assigned=True)
            more = {"assignee_id": assignee_id, "detail": {"because": "merged"}}
            more |= {"resolution": known.resolution} if after is State.PROPOSED else {}
            self.second.add(known.id, Kind.ASSIGNED, after, run_id, **more)
        return False

    def _proposal(self, exception_id: int) -> dict[str, Any]:
        case = self._cases[exception_id]
        return {
            "proposal_id": case.proposal_id,
            "proposed_by": case.proposed_by,
            "resolution": case.known.resolution,
            "detail": {"because": "facts_changed"},
        }

    def _merge(self) -> None:
        for step in self._plan.steps:
            for one in step.merged:
                kept = one.resolution if one.state is State.RESOLVED else Resolution.MERGED
                self.first.end(one, Kind.MERGED, kept, step.found.run_id, into=step.known.id)

    def _close(self, one: Known, classes: Collection[str]) -> bool:
        """Close what newer runs of its day no longer find; False: what a person decided stands while nothing speaks
        against it.
        """
        if one.state is State.RESOLVED and "matched" not in classes:
            return False
        how = Resolution.MATCHED_SINCE if "matched" in classes else Resolution.NO_LONGER_FOUND
        because = "matched" if "matched" in classes else "not_due" if classes else "gone"
        self.first.end(one, Kind.MATCHED_SINCE, how, self._newer(one), because=because)
        return True


def _once(held: Iterable[tuple[str, int]]) -> Iterable[tuple[str, int]]:
    """Each fact once; where two runs show it, the first one has it."""
    found: dict[str, int] = {}
    for key, number in held:
        found.setdefault(key, number)
    return found.items()
