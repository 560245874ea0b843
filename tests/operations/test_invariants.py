"""Each invariant that data can show is broken by raw SQL, and the proof names the row."""

import pytest
from sqlalchemy import text

from operations.invariants import PROOFS, check_invariants
from payments.bundles.service import Payer, make_bundle
from payments.inbox.models import Direction
from payments.settlement.settling import settle_transactions
from tests.payments.setting import make_school
from tests.payments.settlement.setting import arrive, issue

pytestmark = pytest.mark.db

BROKEN = [
    (
        "I1",
        "UPDATE ledger_line SET amount_vnd = amount_vnd + 1 WHERE id = (SELECT min(id) FROM ledger_line)",
        "sums to 1",
    ),
    ("I1", "DELETE FROM ledger_line WHERE entry_id = (SELECT min(id) FROM ledger_entry)", "over 0 lines"),
    ("I1", "ALTER TABLE ledger_line DISABLE TRIGGER line_balances", "line_balances"),
    ("I2", "DELETE FROM transaction_evidence WHERE transaction_id = :paid", "({school}, {paid}) has no evidence"),
    ("I2", "UPDATE evidence SET amount_vnd = 7 WHERE id = (SELECT min(id) FROM evidence)", "says something else"),
    ("I2", "ALTER TABLE bank_transaction DISABLE TRIGGER has_evidence", "has_evidence"),
    (
        "I3",
        """
        ALTER TABLE settlement DROP CONSTRAINT uq__settlement__school_id_transaction_id;
        INSERT INTO settlement (school_id, transaction_id, outcome, flags, suggestions, settled_at)
        SELECT school_id, transaction_id, outcome, flags, suggestions, settled_at FROM settlement
        WHERE transaction_id = :paid
        """,
        "({school}, {paid}) was decided 2 times",
    ),
    (
        "I3",
        """
        INSERT INTO pupil_credit (school_id, transaction_id, pupil_id, receiving_account_id, amount_vnd, created_at)
        SELECT school_id, :paid, pupil_id, receiving_account_id, amount_vnd, issued_at FROM invoice LIMIT 1
        """,
        "({school}, {paid}) of 100000 đồng was credited with 200000",
    ),
    ("I3", "ALTER TABLE settlement DROP CONSTRAINT uq__settlement__school_id_transaction_id", "no unique key"),
    (
        "I5",
        """
        INSERT INTO evidence (source, school_id, account_id, account_named, dedup_key, direction, status, amount_vnd,
            occurred_at, value_date, provider_txn_id, description, "references", content_sha256, conflicting, sandbox,
            received_at)
        SELECT source, school_id, account_id, account_named, 'lost', direction, status, amount_vnd, occurred_at,
            value_date, provider_txn_id, description, "references", content_sha256, conflicting, sandbox, received_at
        FROM evidence LIMIT 1
        """,
        "is attached to nothing and waits nowhere",
    ),
    ("I5", "UPDATE bank_transaction SET state = 'credited' WHERE state = 'unmatched'", "0 accounted for"),
    ("I5", "DELETE FROM settlement WHERE transaction_id = :paid", "({school}, {paid}) is credited and its decision"),
    ("I7", "UPDATE ledger_balance SET balance_vnd = balance_vnd + 5 WHERE balance_vnd > 0", "its lines"),
    (
        "I7",
        "UPDATE invoice_balance SET paid_vnd = 99999, state = 'partial' WHERE state = 'paid'",
        "says 99999 paid, its allocations 100000",
    ),
    ("I7", "UPDATE allocation SET amount_vnd = -1 WHERE amount_vnd < 0", "is no mirror of"),
    ("I7", "DROP TRIGGER append_only ON allocation", "append_only of allocation"),
    ("I9", "ALTER TABLE invoice ADD COLUMN discount numeric", "column invoice.discount is numeric"),
    ("I9", "ALTER TABLE invoice ADD COLUMN fine_vnd integer", "column invoice.fine_vnd is integer"),
    ("I9", "ALTER TABLE invoice ADD COLUMN rate double precision", "double precision"),
    ("I10", "UPDATE allocation SET invoice_id = invoice_id + 1000", "is not in invoice"),
    ("I10", "UPDATE allocation SET school_id = :other", "allocation of school {other}"),
    (
        "I10",
        "ALTER TABLE allocation ADD CONSTRAINT fk_short FOREIGN KEY (id) REFERENCES short (id) NOT VALID",
        "foreign key fk_short of allocation does not carry school_id",
    ),
    ("I10", "UPDATE evidence SET school_id = :other", "is not of school {other}"),
    ("I11", "UPDATE invoice SET amount_vnd = amount_vnd + 1", "its lines 100000"),
    ("I11", "UPDATE invoice_line SET mandatory = NOT mandatory", "of them a debt"),
    ("I11", "UPDATE invoice_balance SET state = 'cancelled' WHERE state = 'paid'", "still holds 100000"),
    ("I11", "UPDATE invoice_balance SET state = 'replaced' WHERE state = 'open'", "is replaced and 0 invoices"),
    ("I11", "ALTER TABLE invoice_line DISABLE TRIGGER append_only", "append_only of invoice_line"),
    (
        "subledger",
        "UPDATE bank_transaction SET amount_vnd = amount_vnd + 1 WHERE id = :paid",
        "bank of school {school}",
    ),
    ("closes", "UPDATE period_close SET document = 'other'", "period_close 1 of school {school} does not follow"),
    (
        "closes",
        "ALTER TABLE period_close DROP CONSTRAINT ck__period_close__linked; UPDATE period_close SET sequence = 2",
        "period_close 2 of school {school} does not follow",
    ),
    ("closes", "UPDATE books_closed SET through = NULL", "books_closed of school {school} says"),
    ("closes", "DELETE FROM period_close", "books_closed of school {school} says 2025-08-31"),
    (
        "closes",
        "UPDATE ledger_entry SET booked_on = '2025-08-31', transaction_xid = transaction_xid + 1",
        "was posted after the day was signed",
    ),
    ("closes", "DROP TRIGGER refuse_closed_period ON ledger_entry", "refuse_closed_period of ledger_entry"),
    ("closes", "ALTER TABLE period_close DISABLE TRIGGER keep_chain", "keep_chain of period_close"),
    ("receipts", "DELETE FROM receipt WHERE number = 1", "2 numbers up to 3"),
    ("receipts", "UPDATE receipt SET amount_vnd = 5", "receipts over 5"),
    ("I11", "ALTER TABLE bundle DISABLE TRIGGER one_reference", "one_reference of bundle"),
    ("bundles", "DELETE FROM bundle_line WHERE position = 2", "lists 1 invoices"),
    (
        "bundles",
        "UPDATE bundle SET receiving_account_id = (SELECT max(id) FROM receiving_account WHERE school_id = :school)",
        "of another account",
    ),
    ("bundles", "UPDATE bundle SET reference = (SELECT min(reference) FROM invoice)", "have one reference"),
    ("bundles", "DELETE FROM bundle_transfer", "({school}, {pooled}) is credited and names bundle"),
    (
        "bundles",
        "UPDATE receipt SET pupil_id = pupil_id + 1000 WHERE transaction_id = :pooled",
        "({school}, {pooled}) brings pupil",
    ),
]

SIGNED = text("""
    WITH signer AS (
        INSERT INTO close_key (school_id, private_sealed, public, created_at)
        VALUES (:school, '-', '-', '2025-09-01') RETURNING id)
    INSERT INTO period_close
        (school_id, sequence, kind, first, through, closed_by, closed_at, document, sha256, key_id, signature)
    SELECT :school, 1, 'close', '2025-08-01', '2025-08-31', :by, '2025-09-01', 'x', sha256('x'), id, 'x' FROM signer
""")
"""August is signed: for proofs in SQL, which look at the chain and not at signatures."""


@pytest.fixture
def scene(session):
    """A paid invoice, an open one, an unmatched transfer, a reversed one, a signed month; everything in order."""
    school = make_school(session)
    paid, reversed_one = issue(session, school), issue(session, school)
    transfer = arrive(session, school, 100_000, paid.reference)
    unmatched = arrive(session, school, 30_000, "khong ro")
    taken_back = arrive(session, school, 100_000, reversed_one.reference)
    debit = arrive(session, school, 100_000, "hoan tien", direction=Direction.DEBIT, reverses=taken_back)
    pair = [issue(session, school).id for _ in range(2)]
    code = make_bundle(session, school.id, Payer(pupil_id=school.pupil), pair)
    pooled = arrive(session, school, 60_000, code)
    settle_transactions(session, school.id, [transfer, unmatched, taken_back, debit, pooled])
    session.execute(SIGNED, {"school": school.id, "by": school.accountant})
    session.execute(text("DELETE FROM outbox"))
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    other = make_school(session)
    session.execute(text("CREATE TABLE short (school_id bigint, id bigint UNIQUE, PRIMARY KEY (school_id, id))"))
    return {"school": school.id, "paid": transfer, "other": other.id, "pooled": pooled}


def failing(session):
    return {check.name: check.detail for check in check_invariants(session.connection()) if not check.ok}


def test_a_system_in_order_passes_every_proof(session, scene):
    checks = check_invariants(session.connection())
    assert [check.name for check in checks] == list(PROOFS)
    assert {check.name: check.detail for check in checks if not check.ok} == {}


def test_the_sums_of_deliveries_and_money_are_told(session, scene):
    told = next(check.detail for check in check_invariants(session.connection()) if check.name == "I5")
    assert "money 190000 = allocated 160000 + credit 0 + unmatched 30000 + excluded 0 + refunds 0" in told


@pytest.mark.parametrize(("name", "damage", "said"), BROKEN, ids=lambda value: value and value.strip()[:60])
def test_a_broken_invariant_is_noticed_and_the_row_named(session, scene, name, damage, said):
    session.execute(text("SET LOCAL session_replication_role = replica"))
    for statement in damage.split(";"):
        session.execute(text(statement), scene)
    assert said.format(**scene) in failing(session)[name]


def test_money_rows_cannot_be_changed_while_the_guards_stand(session, scene):
    for statement in ("UPDATE allocation SET amount_vnd = 1", "DELETE FROM ledger_line", "TRUNCATE evidence CASCADE"):
        with pytest.raises(Exception, match="append-only"), session.begin_nested():
            session.execute(text(statement))
