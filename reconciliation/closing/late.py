"""What arrives after a close: known or late, and the link from where it lands to the close that it missed.

Known is what stood in a case of a run when the school signed. All else that is dated on signed days is late, whatever
clock wrote the moment of its arrival.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from reconciliation.closing import chain
from reconciliation.closing.chain import Standing

Rows = Callable[[TextClause], Sequence[Any]]
"""Reads a statement about one account."""

KNOWN = text("""
    WITH signed AS (
        SELECT run.school_id, run.id
        FROM standing_close c
        JOIN close_run known ON known.school_id = c.school_id AND known.close_id = c.id
        JOIN reconcile_run run ON run.school_id = known.school_id AND run.id = known.run_id
        WHERE c.school_id = :school_id AND run.account_id = :account_id
    )
    SELECT item.bank_line_ids, item.evidence_ids, item.ledger_row_ids
    FROM signed JOIN reconcile_item item ON item.school_id = signed.school_id AND item.run_id = signed.id
    UNION ALL
    SELECT block.bank_line_ids, block.evidence_ids, block.ledger_row_ids
    FROM signed JOIN reconcile_block block ON block.school_id = signed.school_id AND block.run_id = signed.id
""")
KEEP = text("""
    INSERT INTO late_item (school_id, run_id, position, close_id, day)
    SELECT * FROM unnest(
        CAST(:schools AS bigint[]), CAST(:runs AS bigint[]), CAST(:positions AS int[]), CAST(:closes AS bigint[]),
        CAST(:days AS date[]))
    ON CONFLICT DO NOTHING
""")
LINKS = text("""
    SELECT late.run_id, late.position, c.sequence, late.day
    FROM late_item late JOIN period_close c ON c.school_id = late.school_id AND c.id = late.close_id
    WHERE late.school_id = :school_id AND late.run_id = ANY(CAST(:runs AS bigint[]))
""")


@dataclass(frozen=True, slots=True)
class Link:
    """The close that an item missed, and the day to which it would have belonged."""

    close: int
    day: date


class Signed:
    """The signed days of a school, and what was known of one account when they were signed.

    ``rows`` answers a statement about the account (``loading.Source.rows``).
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._known: tuple[set[int], set[int], set[int]] | None = None

    @cached_property
    def _closes(self) -> list[Standing]:
        return sorted(map(chain.as_standing, self._rows(chain.STANDING)), key=lambda close: close.sequence)

    @property
    def has_days(self) -> bool:
        """Whether the school has signed any day."""
        return bool(self._closes)

    @property
    def open_from(self) -> date:
        """The first day that is not signed."""
        return self._closes[-1].through + timedelta(days=1) if self._closes else date.min

    def is_closed(self, day: date) -> bool:
        """Whether the school has signed the day."""
        return day < self.open_from

    def close_of(self, day: date) -> Standing | None:
        """The close that holds a day; the first one also what lies before it."""
        return next((one for one in self._closes if day <= one.through), None)

    def is_late(self, source: int, ids: Collection[int], day: date, arrived: datetime) -> bool:
        """Whether a fact of a signed day was unknown when it was signed.

        ``source``: 0 bank lines, 1 evidence, 2 rows of the books. What lies before the first signed day no run owned:
        there the moment of arrival decides.
        """
        close = self.close_of(day)
        if close is None:
            return False
        if day < self._closes[0].first:
            return arrived > close.closed_at
        return self._known_ids()[source].isdisjoint(ids)

    def _known_ids(self) -> tuple[set[int], set[int], set[int]]:
        if self._known is None:
            self._known = (set(), set(), set())
            for row in self._rows(KNOWN):
                for known, ids in zip(
                    self._known, (row.bank_line_ids, row.evidence_ids, row.ledger_row_ids), strict=True
                ):
                    known.update(ids)
        return self._known


@dataclass(frozen=True, slots=True)
class Late:
    """A case of a new run that missed a close."""

    school_id: int
    run_id: int
    position: int
    close_id: int
    day: date
    """The first of the signed days that its facts name."""


def late_cases(school_id: int, run_id: int, signed: Signed, cases: Iterable[tuple[int, Any]]) -> Iterator[Late]:
    """The late cases of a new run, given with their positions, each with the close that it missed."""
    for position, case in cases:
        days = _late_days(case)
        close = signed.close_of(min(days)) if days else None
        if close is not None:
            yield Late(school_id, run_id, position, close.id, min(days))


def keep_links(session: Session, found: Sequence[Late]) -> None:
    """Link late cases to the closes that they missed."""
    if found:
        values = {
            "schools": [late.school_id for late in found],
            "runs": [late.run_id for late in found],
            "positions": [late.position for late in found],
            "closes": [late.close_id for late in found],
            "days": [late.day for late in found],
        }
        session.execute(KEEP, values)


def links_of(session: Session, school_id: int, run_ids: Sequence[int]) -> dict[tuple[int, int], Link]:
    """(run, position) -> link."""
    rows = session.execute(LINKS, {"school_id": school_id, "runs": list(run_ids)})
    return {(row.run_id, row.position): Link(row.sequence, row.day) for row in rows}


def _late_days(case: Any) -> list[date]:
    sent = [fact.due for fact in case.gateways if fact.after_close]
    return sent + [fact.day for facts in (case.banks, case.ledgers) for fact in facts if fact.after_close]
