"""The report of a run, from what was stored with it alone: the same run gives the same report in any process.

Only rows that never change are read: the run, its items, bank lines, evidence and rows of the books.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from payments import clock
from reconciliation import queries, reasons, words
from reconciliation.closing.late import Link, links_of
from reconciliation.models import ReconcileItem, ReconcileRun
from reconciliation.movements import MATCHED, NOT_DUE
from reconciliation.queries import Behind, RunView


@dataclass(frozen=True, slots=True)
class Finding:
    """One item with what each source says about it; amounts in đồng, None where a source is silent."""

    position: int
    primary_class: str
    flags: tuple[str, ...]
    rule: str | None
    day: date
    age_days: int
    """From the day of the case to the day on which the run was made."""
    amount_vnd: int
    bank_vnd: int | None
    gateway_vnd: int | None
    ledger_vnd: int | None
    references: tuple[str, ...]
    bank_references: tuple[str, ...]
    documents: tuple[str, ...]
    text: str
    places: tuple[str, ...]
    """Where a person finds the lines: statement file and line."""
    note: str | None
    grounds: tuple[dict[str, Any], ...] = ()
    """Each join that made the case: the rule, between whom, on what it rests (reconciliation/grounds.py)."""
    why: str = ""
    """The same in words."""
    facts: tuple[str, ...] = ()
    """What a person calls them: ``bank:ID``, ``evidence:ID``, ``ledger:ID``."""
    late: Link | None = None
    """What it missed: number of the close, and the day to which it would have belonged."""


@dataclass(frozen=True, slots=True)
class Report:
    """A run as people and programs read it."""

    id: int
    school: str
    account: str
    from_day: date
    day: date
    state: str
    made_at: str
    inputs_sha256: str
    rules_version: int
    matched: int
    matched_vnd: int
    not_due: int
    exceptions: dict[str, int]
    proof: dict[str, Any]
    entries: tuple[Finding, ...]

    def of(self, *classes: str) -> list[Finding]:
        """Entries of some classes, in the order of the run."""
        return [entry for entry in self.entries if entry.primary_class in classes]

    @property
    def odd(self) -> list[Finding]:
        """The exceptions."""
        return [entry for entry in self.entries if entry.primary_class not in {MATCHED, NOT_DUE}]


@dataclass(frozen=True, slots=True)
class Page:
    """A report with some of its entries, for a screen; ``total`` is how many there are of the classes asked for."""

    report: Report
    total: int
    unbooked: bool
    """Whether the school's books lack something that can be posted."""


def build(session: Session, run_id: int) -> Report:
    """Read a whole report. Raises NotFoundError."""
    view = queries.run_by_id(session, run_id)
    return _linked(
        session, view.run, _report(view, queries.items(session, view.run), queries.behind(session, view.run))
    )


def page(session: Session, run_id: int, classes: Collection[str], shown: slice) -> Page:
    """Read some entries of some classes. Raises NotFoundError."""
    view = queries.run_by_id(session, run_id)
    found = queries.items(session, view.run, classes=classes)
    some = found[shown]
    report = _linked(session, view.run, _report(view, some, queries.behind(session, view.run, some)))
    return Page(report, len(found), queries.unbooked(session, view.run))


def _linked(session: Session, run: ReconcileRun, report: Report) -> Report:
    """With what came too late for its day."""
    links = links_of(session, run.school_id, [run.id])
    return (
        replace(report, entries=tuple(replace(one, late=links.get((run.id, one.position))) for one in report.entries))
        if links
        else report
    )


def as_json(report: Report) -> bytes:
    """The canonical JSON of a report: sorted keys, no blanks, days as ISO 8601; one line."""
    return msgspec.json.encode(asdict(report), order="deterministic") + b"\n"


def _report(view: RunView, items: Sequence[ReconcileItem], behind: Behind) -> Report:
    run = view.run
    made = run.created_at.astimezone(clock.VIETNAM)
    return Report(
        id=run.id,
        school=view.school_code,
        account=view.account,
        from_day=run.from_day,
        day=run.day,
        state=run.state.name,
        made_at=made.isoformat(timespec="seconds"),
        inputs_sha256=run.inputs_hash.hex(),
        rules_version=run.rules_version,
        matched=run.matched,
        matched_vnd=run.matched_vnd,
        not_due=run.not_due,
        exceptions=dict(run.exceptions),
        proof=run.proof,
        entries=tuple(_entry(item, behind, made.date()) for item in items),
    )


def _entry(item: ReconcileItem, behind: Behind, made_on: date) -> Finding:
    lines = [behind.lines[number] for number in item.bank_line_ids]
    said = [behind.evidence[number] for number in item.evidence_ids]
    rows = [behind.rows[number] for number in item.ledger_row_ids]
    return Finding(
        position=item.position,
        primary_class=item.primary_class,
        flags=tuple(item.flags),
        rule=item.rule,
        day=item.value_date,
        age_days=max(0, (made_on - item.value_date).days),
        amount_vnd=item.amount_vnd,
        bank_vnd=_sum(lines),
        gateway_vnd=_told(said),
        ledger_vnd=_sum(rows),
        references=tuple(item.references),
        bank_references=_texts([*lines, *said], "bank_reference"),
        documents=_texts(rows, "document_no"),
        text=next((row.description for row in (*lines, *said, *rows) if row.description), ""),
        places=tuple(f"{line.file_name}: {line.line_no}" for line in lines),
        note=item.note,
        grounds=tuple(item.grounds),
        why=reasons.why_vi(item.grounds) or words.rule_vi(item.rule),
        facts=tuple(
            f"{source}:{number}"
            for source, ids in (
                ("bank", item.bank_line_ids),
                ("evidence", item.evidence_ids),
                ("ledger", item.ledger_row_ids),
            )
            for number in ids
        ),
    )


def _sum(rows: Sequence[Any]) -> int | None:
    """Money in minus money out."""
    if not rows:
        return None
    return sum(int(row.amount_vnd) if row.direction == "credit" else -int(row.amount_vnd) for row in rows)


def _told(said: Sequence[Any]) -> int | None:
    """What the senders told: where several tell of the same money, it counts once."""
    by_sender: dict[str, list[Any]] = defaultdict(list)
    for row in said:
        by_sender[row.source].append(row)
    return max((_sum(rows) or 0 for rows in by_sender.values()), key=abs, default=None)


def _texts(rows: Sequence[Any], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for row in rows if (text := getattr(row, name))))
