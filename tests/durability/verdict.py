"""The judgement over a run: by what the clients wrote down, and by the invariants."""

import time
from dataclasses import dataclass

import psycopg
from sqlalchemy import create_engine

from operations.invariants import check_invariants
from payments.db import sqlalchemy_url
from tests.durability.bank import Bank

WAITING = "SELECT count(*) FROM outbox WHERE NOT dead"
KNOWN = "SELECT DISTINCT provider_txn_id FROM evidence WHERE NOT conflicting"
CREDITED = """
SELECT bank_reference, sum(credited)::bigint FROM (
    SELECT t.bank_reference, a.amount_vnd AS credited FROM allocation a
        JOIN bank_transaction t ON t.school_id = a.school_id AND t.id = a.transaction_id
    UNION ALL
    SELECT t.bank_reference, c.amount_vnd FROM pupil_credit c
        JOIN bank_transaction t ON t.school_id = c.school_id AND t.id = c.transaction_id
) AS every GROUP BY bank_reference
"""


@dataclass(frozen=True)
class Verdict:
    """Facts that the bank was told yes for and that are not there, or not credited once; broken invariants."""

    lost: list[int]
    uncredited: list[int]
    doubled: list[int]
    invented: list[str]
    broken: list[str]

    @property
    def spotless(self) -> bool:
        return not (self.lost or self.uncredited or self.doubled or self.invented or self.broken)


def drain(url: str, patience_s: float) -> int:
    """Wait until no work is left; how much is left when patience ends."""
    deadline = time.monotonic() + patience_s
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            row = connection.execute(WAITING).fetchone()
            left = int(row[0]) if row else 0
            if left == 0 or time.monotonic() > deadline:
                return left
            time.sleep(0.1)


def judge(url: str, bank: Bank) -> Verdict:
    """Compare what was acknowledged with what is there."""
    by_reference = {fact.bank_reference: fact for fact in bank.facts if fact.number in bank.acknowledged}
    with psycopg.connect(url, autocommit=True) as connection:
        known = {int(row[0]) for row in connection.execute(KNOWN)}
        credited = {str(row[0]): int(row[1]) for row in connection.execute(CREDITED)}
    engine = create_engine(sqlalchemy_url(url))
    with engine.connect() as checked:
        broken = [f"{check.name}: {check.detail}" for check in check_invariants(checked) if not check.ok]
    engine.dispose()
    return Verdict(
        lost=sorted(fact.number for fact in by_reference.values() if fact.number not in known),
        uncredited=sorted(f.number for r, f in by_reference.items() if credited.get(r, 0) < f.amount_vnd),
        doubled=sorted(f.number for r, f in by_reference.items() if credited.get(r, 0) > f.amount_vnd),
        invented=sorted(set(credited) - {fact.bank_reference for fact in bank.facts}),
        broken=broken,
    )
