"""What people decided, what they work on and what they signed: payments in blocks are known there like all others."""

import pytest
from sqlalchemy import text

from payments.db import session_scope
from reconciliation import service
from reconciliation.bulk import judging, statements
from reconciliation.closing import late
from reconciliation.closing.service import results_sha256
from reconciliation.decisions import service as decisions
from tests.reconciliation.desk import DAY, line, row

SIZES = "SELECT size FROM reconcile_block b JOIN standing_run held ON held.run_id = b.run_id"


@pytest.fixture
def plain(desk, monkeypatch):
    """Four payments on which all sources agree, and one that the books do not hold yet."""
    monkeypatch.setattr(judging, "LEAST", 1)
    issued = [desk.issue(100_000) for _ in range(5)]
    for place, one in enumerate(issued):
        desk.pay(100_000, one.reference, f"FT0000001{place}")
    desk.state(*(line(100_000, one.reference, f"FT0000001{place}") for place, one in enumerate(issued)))
    desk.book(*(row(100_000, one.reference) for one in issued[:4]), period=(DAY, DAY))
    catch_up(desk)
    return desk, issued


def catch_up(desk):
    desk.settle()
    with desk.session() as session:
        return service.catch_up(session, desk.school.id, desk.school.account, DAY)


def part_one(desk, *, ends: bool) -> int:
    """Part line and message of a payment in the block; returns how many stay there. Nothing is kept unless it ends."""
    [(bank, evidence)] = desk.rows("SELECT bank_line_ids[1], evidence_ids[1] FROM reconcile_block")
    with session_scope(desk.engine) as session:
        facts = [f"bank:{bank}", f"evidence:{evidence}"]
        made = decisions.part(session, desk.school.id, facts, desk.school.accountant)
        decisions.replay(session, desk.school.id, made)
        [size] = session.scalars(text(SIZES))
        if not ends:
            session.rollback()
    return size


def test_facts_about_which_a_person_decided_are_left_to_the_matcher(plain):
    desk, _ = plain
    assert desk.rows(SIZES) == [(4,)]
    assert part_one(desk, ends=True) == 3
    [(proof,)] = desk.rows("SELECT proof FROM reconcile_run ORDER BY id DESC LIMIT 1")
    assert proof["decisions"] == {"replayed": 1, "lost": []}


def test_without_that_the_block_would_hold_what_a_person_parted(plain, monkeypatch):
    """Teeth of the test above."""
    desk, _ = plain
    blind = statements.JUDGE_ALL.text
    for condition in (
        "AND NOT g.line_id IN (SELECT id FROM ruled_line)",
        "AND NOT g.sent_id IN (SELECT id FROM ruled_evidence)",
    ):
        assert condition in blind
        blind = blind.replace(condition, "")
    monkeypatch.setattr(statements, "JUDGE_ALL", text(blind))
    assert part_one(desk, ends=False) == 4


def test_an_exception_whose_case_is_matched_in_a_block_is_closed(plain):
    desk, issued = plain
    assert desk.rows("SELECT primary_class, state FROM reconcile_exception") == [("missing_ledger", "open")]
    desk.book(row(100_000, issued[4].reference, document="PT9"), period=(DAY, DAY))
    catch_up(desk)
    assert desk.rows(SIZES) == [(5,)]
    assert desk.rows("SELECT state, resolution FROM reconcile_exception") == [("resolved", "matched_since")]


def test_what_is_signed_holds_the_blocks(plain):
    """They are known when the period is signed, and a change of one would be another hash."""
    desk, _ = plain
    desk.sign(DAY)
    [(run,)] = desk.rows("SELECT run_id FROM standing_run")
    with desk.session() as session:
        owner = {"school_id": desk.school.id, "account_id": desk.school.account}
        known = [number for found in session.execute(late.KNOWN, owner) for number in found.bank_line_ids]
        assert sorted(known) == sorted(session.scalars(text("SELECT id FROM bank_line")))
        signed = results_sha256(session, run)
        session.execute(text("ALTER TABLE reconcile_block DISABLE TRIGGER append_only"))
        session.execute(text("UPDATE reconcile_block SET amounts[1] = amounts[1] + 1"))
        assert results_sha256(session, run) != signed
        session.rollback()
