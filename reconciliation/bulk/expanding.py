"""Blocks of matches as items, for whoever reads a run: nobody needs to know which of the two kept a payment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from bank_adapters.statements.keys import fold_reference
from reconciliation.bulk.rules import RULES, gaps, reference_of
from reconciliation.grounds import ATTACHED, BOOKS, HOW_OF_TIER, MONEY, T0, Ground
from reconciliation.models import ReconcileBlock, ReconcileItem, ReconcileRun
from reconciliation.movements import MATCHED

NUMBERS = text("""
    SELECT id, coalesce(bank_reference, '') AS number FROM bank_line
    WHERE school_id = :school_id AND id = ANY(CAST(:ids AS bigint[]))
""")
ROWS = text("""
    SELECT id, booked_on, coalesce(bank_reference, '') AS number FROM ledger_row
    WHERE school_id = :school_id AND id = ANY(CAST(:ids AS bigint[]))
""")


@dataclass(frozen=True, slots=True)
class _Grounds:
    """What the grounds of payments in a block rest on beside the block: the bank's numbers, and the rows of the books.

    They are those of ``grounds.triple``, since a payment in a block is a simple case.
    """

    numbers: dict[int, str]
    rows: dict[int, Row[Any]]

    def of(self, block: ReconcileBlock, place: int, day: date) -> list[Any]:
        """As kept with an item."""
        rules = RULES[block.rules[place]].split("+")
        names, amount_vnd = (reference_of(block.keys[place]),), block.amounts[place]
        number = self.numbers.get(block.bank_line_ids[place], "")
        found = [Ground(rules[0], ATTACHED, MONEY, amount_vnd, number if rules[0] == T0 else "", names)]
        row = self.rows.get(block.ledger_row_ids[place])
        if row is not None:
            later = (row.booked_on - day).days
            said = row.number if rules[-1] == T0 else ""
            found.append(Ground(rules[-1], HOW_OF_TIER[rules[-1]], BOOKS, amount_vnd, said, names, later))
        return [_as_kept(ground) for ground in found]


def _as_kept(ground: Ground) -> dict[str, Any]:
    """As the database gives it back: short names first."""
    said = msgspec.to_builtins(ground)
    said["names"] = list(ground.names)
    return {name: said[name] for name in sorted(said, key=lambda name: (len(name), name))}


def _grounds(session: Session, school_id: int, blocks: Sequence[ReconcileBlock]) -> _Grounds:
    lines = [number for block in blocks for number in block.bank_line_ids]
    rows = [number for block in blocks for number in block.ledger_row_ids if number]
    numbers = session.execute(NUMBERS, {"school_id": school_id, "ids": lines})
    booked = session.execute(ROWS, {"school_id": school_id, "ids": rows}) if rows else ()
    return _Grounds({row.id: fold_reference(row.number) for row in numbers}, {row.id: row for row in booked})


def matches(session: Session, run: ReconcileRun) -> list[ReconcileItem]:
    """The payments in the blocks of a run, as items that belong to no session."""
    blocks = session.scalars(
        select(ReconcileBlock)
        .where(ReconcileBlock.school_id == run.school_id, ReconcileBlock.run_id == run.id)
        .order_by(ReconcileBlock.number)
    ).all()
    if not blocks:
        return []
    taken = session.scalars(
        select(ReconcileItem.position).where(ReconcileItem.school_id == run.school_id, ReconcileItem.run_id == run.id)
    )
    free = gaps(taken)
    grounds = _grounds(session, run.school_id, blocks)
    return [item for block in blocks for item in _items(run, block, list(islice(free, block.size)), grounds)]


def merged(found: list[ReconcileItem], bulk: list[ReconcileItem]) -> list[ReconcileItem]:
    """Both in the order of the run."""
    return sorted([*found, *bulk], key=lambda item: item.position) if bulk else found


def _items(
    run: ReconcileRun, block: ReconcileBlock, positions: list[int], grounds: _Grounds
) -> Iterator[ReconcileItem]:
    for place, position in enumerate(positions):
        row = block.ledger_row_ids[place]
        day = run.from_day + timedelta(days=block.days[place])
        yield ReconcileItem(
            school_id=run.school_id,
            run_id=run.id,
            position=position,
            primary_class=MATCHED,
            flags=[],
            rule=RULES[block.rules[place]],
            amount_vnd=block.amounts[place],
            value_date=day,
            references=[reference_of(block.keys[place])],
            bank_line_ids=[block.bank_line_ids[place]],
            transaction_ids=[block.transaction_ids[place]],
            evidence_ids=[block.evidence_ids[place]],
            ledger_row_ids=[row] if row else [],
            note=None,
            grounds=grounds.of(block, place, day),
        )
