"""Blocks of matches as items, for whoever reads a run: nobody needs to know which of the two kept a payment."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from reconciliation.bulk.rules import RULES, gaps, reference_of
from reconciliation.models import ReconcileBlock, ReconcileItem, ReconcileRun
from reconciliation.movements import MATCHED


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
    return [item for block in blocks for item in _items(run, block, list(islice(free, block.size)))]


def merged(found: list[ReconcileItem], bulk: list[ReconcileItem]) -> list[ReconcileItem]:
    """Both in the order of the run."""
    return sorted([*found, *bulk], key=lambda item: item.position) if bulk else found


def _items(run: ReconcileRun, block: ReconcileBlock, positions: list[int]) -> Iterator[ReconcileItem]:
    for place, position in enumerate(positions):
        row = block.ledger_row_ids[place]
        yield ReconcileItem(
            school_id=run.school_id,
            run_id=run.id,
            position=position,
            primary_class=MATCHED,
            flags=[],
            rule=RULES[block.rules[place]],
            amount_vnd=block.amounts[place],
            value_date=run.from_day + timedelta(days=block.days[place]),
            references=[reference_of(block.keys[place])],
            bank_line_ids=[block.bank_line_ids[place]],
            transaction_ids=[block.transaction_ids[place]],
            evidence_ids=[block.evidence_ids[place]],
            ledger_row_ids=[row] if row else [],
            note=None,
        )
