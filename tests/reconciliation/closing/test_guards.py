"""What the database itself refuses once a period is signed, statement by statement, and each guard's teeth."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from payments import clock
from payments.errors import DomainError
from payments.settlement import service as settlement
from tests.reconciliation.closing.ledgers import NEXT, Signer
from tests.reconciliation.desk import DAY, OPENING, line

pytestmark = pytest.mark.db
X_VND = 100_000

NEW_RUN = """
    INSERT INTO reconcile_run (school_id, account_id, from_day, day, inputs_hash, rules_version, state, matched,
        matched_vnd, proof, not_due, exceptions, inputs, created_at)
    SELECT school_id, account_id, {0}, {1}, 'other', rules_version, state, matched, matched_vnd, proof, not_due,
        exceptions, inputs, created_at FROM reconcile_run ORDER BY id LIMIT 1
"""
ENTRY = """
    INSERT INTO ledger_entry (school_id, kind, source_key, booked_on, posted_at)
    SELECT school_id, 'settlement', 'by hand', DATE '2025-09-10', posted_at FROM ledger_entry LIMIT 1
"""
UNDO = """
    INSERT INTO decision (school_id, transaction_id, kind, undoes_id, invoice_ids, amounts_vnd, decided_by, decided_at)
    SELECT school_id, transaction_id, 'undo', id, '{}', '{}', decided_by, decided_at FROM decision LIMIT 1
"""
LINK = """
    INSERT INTO period_close (school_id, sequence, kind, first, through, closed_by, closed_at, document, sha256,
        previous_sha256, key_id, signature, proposed_by, approval_id)
    SELECT school_id, {sequence}, '{kind}', {first}, {through}, {closed}, closed_at, 'x', {sha256}, {previous}, key_id,
        signature, {proposed}, {approval} FROM period_close LIMIT 1
"""
FITS = {
    "sequence": "2",
    "kind": "close",
    "first": "through + 1",
    "through": "through + 1",
    "sha256": "sha256('x')",
    "previous": "sha256",
    "proposed": "NULL::bigint",
    "approval": "NULL::bigint",
    "closed": "closed_by",
}
SECOND = "(SELECT max(id) FROM app_user WHERE id <> proposed_by)"
ANSWERED = f"UPDATE approval SET state = 'approved', decided_by = {SECOND}"
OTHER_QUESTION = f"""
    INSERT INTO approval (school_id, subject_kind, subject_id, payload, state, proposed_by, proposed_at, decided_by)
    SELECT school_id, 'collection_round', subject_id, '{{}}', 'approved', proposed_by, proposed_at, {SECOND}
    FROM approval;
"""


def link(**other: str) -> str:
    return LINK.format(**(FITS | other))


CLOSED = "closed_period"
REFUSED = {
    "a run of a signed day": (NEW_RUN.format("day", "day"), CLOSED),
    "a run that reaches into signed days": (NEW_RUN.format("day", "day + 3"), CLOSED),
    "another run for a signed day": ("UPDATE standing_run SET run_id = run_id", CLOSED),
    "no run for a signed day": ("DELETE FROM standing_run", CLOSED),
    "a first run for a signed day": (
        "INSERT INTO standing_run SELECT school_id, account_id, day - 1, run_id FROM standing_run LIMIT 1",
        CLOSED,
    ),
    "an entry on a signed day": (ENTRY, CLOSED),
    "the undoing of a signed decision": (UNDO, CLOSED),
    "a changed close": ("UPDATE period_close SET through = through", "append-only"),
    "a removed close": ("DELETE FROM period_close", "append-only"),
    "a changed run": ("UPDATE reconcile_run SET matched = 0", "append-only"),
    "a changed case": ("UPDATE reconcile_item SET note = 'x'", "append-only"),
    "forgetting what was known": ("DELETE FROM close_run", "append-only"),
    "opening the books by hand": ("UPDATE books_closed SET through = NULL", "signed chain alone"),
    "forgetting the chain's head": ("DELETE FROM books_closed", "signed chain alone"),
    "all closes at once": ("TRUNCATE period_close CASCADE", "append-only"),
    "the chain's head at once": ("TRUNCATE books_closed", "append-only"),
    "a gap in the chain": (link(sequence="3"), "continue the signed chain"),
    "a link to another past": (link(previous="sha256('y')"), "continue the signed chain"),
    "a hash of something else": (link(sha256="sha256('y')"), "continue the signed chain"),
    "days that are left out": (link(first="through + 2", through="through + 2"), "leaves days out"),
    "days that are signed twice": (link(first="first", through="through"), "leaves days out"),
    "a reopening by one person": (
        link(kind="reopen", first="first", through="through", proposed="closed_by", approval="1"),
        "two_people|two people",
    ),
    "a reopening that nobody approved": (
        link(
            kind="reopen",
            first="first",
            through="through",
            proposed="(SELECT max(id) FROM app_user WHERE id <> closed_by)",
            approval="(SELECT max(id) FROM approval)",
        ),
        "two people",
    ),
    "other words of a question": ("UPDATE approval SET proposed_by = proposed_by + 1", "keeps its words"),
    "another subject of a question": ("UPDATE approval SET subject_id = subject_id + 1", "keeps its words"),
    "a second answer": (
        f"{ANSWERED}; UPDATE approval SET state = 'rejected'",
        "answered once",
    ),
    "no question": (f"{ANSWERED}; DELETE FROM approval", "answered once"),
    "an answer to another question": (
        OTHER_QUESTION
        + link(
            kind="reopen",
            first="first",
            through="through",
            proposed="(SELECT proposed_by FROM approval WHERE subject_kind = 'collection_round')",
            approval="(SELECT id FROM approval WHERE subject_kind = 'collection_round')",
            closed="(SELECT decided_by FROM approval WHERE subject_kind = 'collection_round')",
        ),
        "did not talk about",
    ),
}
GUARDS = {
    "a run of a signed day": ("reconcile_run", "refuse_closed_period"),
    "a run that reaches into signed days": ("reconcile_run", "refuse_closed_period"),
    "another run for a signed day": ("standing_run", "refuse_closed_period"),
    "the undoing of a signed decision": ("decision", "refuse_closed_period"),
    "a changed close": ("period_close", "append_only"),
    "opening the books by hand": ("books_closed", "keep_books_closed"),
    "days that are left out": ("period_close", "keep_chain"),
    "another subject of a question": ("approval", "keep_approval"),
    "an answer to another question": ("period_close", "keep_reopening"),
}


@pytest.fixture
def signed_desk(desk: Signer) -> Signer:
    """A signed day with a payment that a person placed, and a question about reopening it."""
    one = desk.issue(X_VND)
    desk.pay(X_VND, "NGUYEN THI LAN chuyen tien", "FT1")
    desk.state(line(X_VND, "NGUYEN THI LAN chuyen tien", "FT1"))
    [(transaction,)] = desk.rows("SELECT id FROM bank_transaction")
    with desk.session() as session:
        settlement.assign(session, desk.school.id, transaction, [one.id], desk.school.accountant)
    desk.night()
    desk.close()
    desk.propose()
    return desk


def attempt(desk: Signer, statement: str) -> None:
    """Run a statement and undo it."""
    with desk.engine.connect() as connection:
        connection.execute(text(statement))
        connection.rollback()


def test_every_write_into_a_signed_period_is_refused(signed_desk):
    for name, (statement, wanted) in REFUSED.items():
        with pytest.raises(IntegrityError) as found:
            attempt(signed_desk, statement)
        assert any(part in str(found.value) for part in wanted.split("|")), (name, str(found.value.orig))


def test_without_its_guard_each_would_go_through(signed_desk):
    """Teeth: one trigger dropped, the statement above passes."""
    for name, (table, trigger) in GUARDS.items():
        with signed_desk.engine.connect() as connection:
            connection.execute(text(f"DROP TRIGGER {trigger} ON {table}"))
            connection.execute(text(REFUSED[name][0]))
            connection.rollback()


def test_an_entry_on_a_signed_day_passes_without_its_guard(signed_desk):
    with signed_desk.engine.connect() as connection:
        connection.execute(text("DROP TRIGGER refuse_closed_period ON ledger_entry"))
        connection.execute(text("DROP TRIGGER entry_balances ON ledger_entry"))
        connection.execute(text(ENTRY))
        connection.rollback()


def test_a_signed_decision_is_not_undone_and_the_way_out_is_named(signed_desk):
    with signed_desk.session() as session, pytest.raises(DomainError) as found:
        settlement.undo(session, signed_desk.school.id, 1, signed_desk.school.accountant)
    assert found.value.code == "closed_period"
    assert "nhờ hiệu trưởng mở lại kỳ" in found.value.vi


def test_without_the_look_before_the_database_still_refuses(signed_desk, monkeypatch):
    monkeypatch.setattr("payments.settlement.undoing.require_unsigned", lambda *_, **__: None)
    with pytest.raises(IntegrityError, match="closed_period"), signed_desk.session() as session:
        settlement.undo(session, signed_desk.school.id, 1, signed_desk.school.accountant)


def test_after_the_reopening_the_decision_can_be_undone(signed_desk):
    [(approval,)] = signed_desk.rows("SELECT id FROM approval")
    signed_desk.approve(approval)
    with signed_desk.session() as session:
        assert settlement.undo(session, signed_desk.school.id, 1, signed_desk.school.accountant)
    signed_desk.prove()


def test_money_of_a_signed_day_can_still_be_placed_and_that_be_undone(desk):
    """Who paid is found out later: booked today, and undone like everything else."""
    one = desk.issue(X_VND)
    desk.pay(X_VND, "NGUYEN THI LAN chuyen tien", "FT1")
    desk.state(line(X_VND, "NGUYEN THI LAN chuyen tien", "FT1"))
    desk.night()
    desk.close()
    [(transaction,)] = desk.rows("SELECT id FROM bank_transaction")
    with clock.turned_to(clock.now().replace(hour=9)):
        with desk.session() as session:
            decision = settlement.assign(session, desk.school.id, transaction, [one.id], desk.school.accountant)
        with desk.session() as session:
            settlement.undo(session, desk.school.id, decision, desk.school.accountant)
    desk.prove()
    assert desk.rows("SELECT DISTINCT booked_on FROM ledger_entry WHERE kind IN ('assignment', 'reversal')") == [
        (clock.today(),)
    ]


def test_late_money_is_booked_today_and_its_day_stays_as_it_was_signed(desk):
    desk.day_of(DAY, X_VND)
    desk.close()
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT9")
    assert desk.settle() == {"exact": 1}
    assert desk.rows(f"SELECT state FROM invoice_balance WHERE invoice_id = {one.id}") == [("paid",)]
    booked = desk.rows("SELECT booked_on FROM ledger_entry WHERE kind = 'settlement' ORDER BY id")
    assert booked == [(DAY,), (clock.today(),)]


def test_without_the_shift_late_money_would_be_refused_and_wait(desk, monkeypatch):
    """Teeth: the guard of the entries would hold it back."""
    monkeypatch.setattr("payments.ledger.service.open_day", lambda _through, day: day)
    desk.day_of(DAY, X_VND)
    desk.close()
    desk.pay(X_VND, desk.issue(X_VND).reference, "FT9")
    with pytest.raises(AssertionError):
        desk.settle()


def test_another_school_is_not_touched(signed_desk):
    other = Signer(signed_desk.engine)
    other.day_of(DAY, X_VND)
    other.day_of(NEXT, opening=OPENING + X_VND)
    assert other.through() is None
    other.shell.close()
