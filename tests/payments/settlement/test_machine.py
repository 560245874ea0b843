"""Whatever banks and people do, in any order: after every step every invariant holds and no đồng is lost or made."""

from datetime import date

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.orm import Session

from operations.invariants import PROOFS, check_invariants
from payments import outbox
from payments.errors import ConflictError, DomainError
from payments.inbox.models import Direction
from payments.invoices.models import InvoiceState
from payments.settlement.models import ExcludeReason
from payments.settlement.queries import debits_for, history, refunds
from payments.settlement.service import (
    Part,
    Wanted,
    annotate,
    assign,
    assign_many,
    confirm_refund,
    decide_refund,
    exclude,
    preview_many,
    propose_refund,
    settle_school,
    split,
    undo,
)
from payments.settlement.settling import move_on, settle_transactions
from tests.payments.inbox.evidence import make_connection, tell
from tests.payments.setting import make_pupil, make_school
from tests.payments.settlement.setting import arrive, issue, say, take_out

pytestmark = pytest.mark.db

AMOUNTS = st.sampled_from([10_000, 40_000, 60_000, 100_000, 150_000])
QUICK = [name for name in PROOFS if name not in {"I9", "I10"}]
"""The schema does not change between steps; foreign keys are looked at in the end."""


class Desk(RuleBasedStateMachine):
    """One school: invoices are issued and replaced, money comes and goes back, people decide and undo."""

    session: Session

    def __init__(self) -> None:
        super().__init__()
        self.invoices = []
        self.payments = []
        self.arrived_vnd = 0
        self.taken_back_vnd = 0

    @initialize()
    def open_school(self) -> None:
        self.school = make_school(self.session)
        self.watcher = make_connection(self.session)
        self.pupils = [self.school.pupil, make_pupil(self.session, self.school.id, self.school.class_room, "Bình")]
        self.issue_invoice(0, 60_000)

    @rule(owner=st.integers(0, 1), meals=AMOUNTS)
    def issue_invoice(self, owner: int, meals: int) -> None:
        self.invoices.append(issue(self.session, self.school, meals, 20_000, pupil=self.pupils[owner]))

    @rule(data=st.data(), cancelled=st.booleans(), meals=AMOUNTS)
    def take_invoice_out(self, data: st.DataObject, cancelled: bool, meals: int) -> None:
        """Replace or cancel a live invoice; its money moves on."""
        live = self.rows("""
            SELECT invoice_id FROM invoice_balance
            WHERE school_id = :school AND state NOT IN ('replaced', 'cancelled')
        """)
        if live:
            chosen = data.draw(st.sampled_from([key for (key,) in live]))
            old = next(one for one in self.invoices if one.id == chosen)
            take_out(self.session, self.school, old, InvoiceState.CANCELLED if cancelled else InvoiceState.REPLACED)
            if not cancelled:
                owner = self.rows(f"SELECT pupil_id FROM invoice WHERE school_id = :school AND id = {chosen}")[0][0]
                self.invoices.append(issue(self.session, self.school, meals, 20_000, pupil=owner, replaces=old))
            move_on(self.session, self.school.id, chosen)

    @rule(data=st.data(), amount=AMOUNTS, other=st.booleans(), day=st.integers(1, 28))
    def pay(self, data: st.DataObject, amount: int, other: bool, day: int) -> None:
        """Evidence with none, one or several references waits for a worker."""
        named = data.draw(st.lists(st.sampled_from(self.invoices), max_size=2, unique=True))
        account = self.school.other_account if other else self.school.account
        memo = " ".join(["CT", *(one.reference for one in named)])
        say(self.session, self.school, amount, memo, account=account, day=date(2025, 9, day))
        self.arrived_vnd += amount

    @rule(limit=st.sampled_from([1, 3, 500]))
    def settle(self, limit: int) -> None:
        assert settle_school(self.session, self.school.id, limit).failed == 0

    @rule(data=st.data())
    def take_money_back(self, data: st.DataObject) -> None:
        """The bank's debit of money that was credited or waits for a person."""
        rows = self.rows("""
            SELECT id, amount_vnd, account_id FROM bank_transaction
            WHERE school_id = :school AND state IN ('credited', 'unmatched', 'excluded', 'refund')
        """)
        if rows:
            key, amount, account = data.draw(st.sampled_from(rows))
            debit = arrive(
                self.session, self.school, amount, "hoan", direction=Direction.DEBIT, reverses=key, account=account
            )
            settle_transactions(self.session, self.school.id, [debit])
            self.taken_back_vnd += amount

    @rule(data=st.data(), named=st.booleans())
    def tell_again(self, data: st.DataObject, named: bool) -> None:
        """The callback of a transfer comes after its statement line, with the reference or without: no new money."""
        self.settle(500)
        lines = self.rows(f"""
            SELECT t.bank_reference, t.amount_vnd, t.value_date, t.description, cardinality(t."references")
            FROM bank_transaction t
            WHERE t.school_id = :school AND t.direction = 'credit' AND t.account_id = {self.school.account}
              AND NOT EXISTS (SELECT FROM transaction_evidence k WHERE k.school_id = t.school_id
                              AND k.transaction_id = t.id AND k.source_key <> 'statement')
        """)
        if lines:
            number, amount, day, memo, names = data.draw(st.sampled_from(lines))
            memo = f"CT {data.draw(st.sampled_from(self.invoices)).reference}" if named and not names else memo
            count = "SELECT count(*) FROM bank_transaction WHERE school_id = :school"
            before = self.rows(count)
            told = tell(
                self.session,
                self.school,
                self.watcher,
                memo=memo,
                amount_vnd=amount,
                day=day,
                bank_reference=number,
            )
            outbox.put(self.session, "settlement", "evidence", school_id=self.school.id, subject_id=told)
            self.settle(500)
            assert self.rows(count) == before

    @rule(data=st.data())
    def assign_by_hand(self, data: st.DataObject) -> None:
        waiting = self.rows("SELECT id FROM bank_transaction WHERE school_id = :school AND state = 'unmatched'")
        if waiting:
            (key,) = data.draw(st.sampled_from(waiting))
            chosen = data.draw(st.lists(st.sampled_from(self.invoices), min_size=1, max_size=3, unique=True))
            try:
                with self.session.begin_nested():
                    assign(self.session, self.school.id, key, [one.id for one in chosen], self.school.accountant)
            except DomainError as error:
                if error.code != "same_invoice_twice":
                    raise

    @rule(data=st.data())
    def split_by_hand(self, data: st.DataObject) -> None:
        """Into two or three parts, for invoices and pupils, to the đồng."""
        waiting = self.rows(
            "SELECT id, amount_vnd FROM bank_transaction WHERE school_id = :school AND state = 'unmatched'"
        )
        if waiting:
            key, amount_vnd = data.draw(st.sampled_from(waiting))
            chosen = data.draw(st.lists(st.sampled_from(self.invoices), max_size=2, unique=True))
            first_vnd = amount_vnd // (len(chosen) + 1)
            parts = [Part(first_vnd, invoice_id=one.id) for one in chosen]
            rest_vnd = amount_vnd - first_vnd * len(chosen)
            parts.append(Part(rest_vnd, pupil_id=data.draw(st.sampled_from(self.pupils))))
            self.undone_exactly(
                data, key, lambda: split(self.session, self.school.id, key, parts, self.school.accountant)
            )

    @rule(data=st.data(), reason=st.sampled_from(ExcludeReason))
    def exclude_by_hand(self, data: st.DataObject, reason: ExcludeReason) -> None:
        waiting = self.rows("SELECT id FROM bank_transaction WHERE school_id = :school AND state = 'unmatched'")
        if waiting:
            (key,) = data.draw(st.sampled_from(waiting))
            annotate(self.session, self.school.id, key, self.school.accountant, "đã gọi")
            self.undone_exactly(
                data, key, lambda: exclude(self.session, self.school.id, key, reason, self.school.accountant)
            )

    @rule(data=st.data())
    def propose_to_send_back(self, data: st.DataObject) -> None:
        """A whole transfer, or a pupil's excess of one."""
        waiting = self.rows("SELECT id, NULL FROM bank_transaction WHERE school_id = :school AND state = 'unmatched'")
        left = self.rows("""
            SELECT c.transaction_id, c.pupil_id FROM pupil_credit c
            WHERE c.school_id = :school GROUP BY 1, 2 HAVING sum(c.amount_vnd) > 0
        """)
        if waiting or left:
            key, pupil = data.draw(st.sampled_from(waiting + left))
            try:
                with self.session.begin_nested():
                    propose_refund(self.session, self.school.id, key, self.school.accountant, pupil_id=pupil)
            except ConflictError as error:
                if error.code != "refund_open":
                    raise

    @rule(data=st.data(), confirmed=st.booleans(), approved=st.booleans())
    def decide_on_a_refund(self, data: st.DataObject, confirmed: bool, approved: bool) -> None:
        """The principal decides; then, perhaps, the bank sends the money and somebody links the debit."""
        waiting = [row for row in refunds(self.session, self.school.id) if row.state in {"proposed", "approved"}]
        if not waiting:
            return
        chosen = data.draw(st.sampled_from(waiting))
        if chosen.state == "proposed":
            try:
                with self.session.begin_nested():
                    decide_refund(
                        self.session, self.school.id, chosen.refund_id, self.school.principal, approved=approved
                    )
            except ConflictError as error:
                if error.code not in {"credit_changed", "not_credited"}:
                    raise
        elif confirmed:
            debit = arrive(
                self.session,
                self.school,
                chosen.amount_vnd,
                "chi",
                direction=Direction.DEBIT,
                account=chosen.account_id,
                day=date(2025, 9, 29),
            )
            settle_transactions(self.session, self.school.id, [debit])
            assert debit in {row.id for row in debits_for(self.session, self.school.id, chosen.refund_id)}
            confirm_refund(self.session, self.school.id, chosen.refund_id, debit, self.school.accountant)

    @rule(data=st.data())
    def accept_many(self, data: st.DataObject) -> None:
        waiting = self.rows("SELECT id FROM bank_transaction WHERE school_id = :school AND state = 'unmatched'")
        wanted = [
            Wanted(key, (data.draw(st.sampled_from(self.invoices)).id,), data.draw(st.integers(0, 100)))
            for (key,) in waiting[:3]
        ]
        seen = preview_many(self.session, self.school.id, wanted)
        done = assign_many(self.session, self.school.id, wanted, self.school.accountant, token=seen.token)
        assert (done.count, done.sum_vnd) == (seen.count, seen.sum_vnd)

    @rule(data=st.data())
    def undo_by_hand(self, data: st.DataObject) -> None:
        """What history calls undoable is undone, and nothing else is."""
        decisions = self.rows("SELECT id, transaction_id FROM decision WHERE school_id = :school AND kind <> 'undo'")
        if decisions:
            key, transfer = data.draw(st.sampled_from(decisions))
            told = next(one for one in history(self.session, self.school.id, transfer) if one.decision_id == key)
            try:
                with self.session.begin_nested():
                    undo(self.session, self.school.id, key, self.school.accountant)
            except DomainError:
                assert not told.undoable
            else:
                assert told.undoable

    def undone_exactly(self, data: st.DataObject, key: int, decide) -> None:
        """Decide, and perhaps take it back at once: then row, receipts and books are what they were."""
        before = self.seen(key)
        decision = None
        try:
            with self.session.begin_nested():
                decision = decide()
        except DomainError as error:
            if error.code != "same_invoice_twice":
                raise
        if decision is not None and data.draw(st.booleans()):
            undo(self.session, self.school.id, decision, self.school.accountant)
            assert self.seen(key) == before

    def seen(self, key: int):
        """A transfer's row, what it pays, and all of the books, credits and invoices."""
        return (
            self.rows(f"""
                SELECT t.state, s.outcome, s.flags, s.suggestions FROM bank_transaction t
                JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
                WHERE t.school_id = :school AND t.id = {key}
            """),
            self.rows(f"""
                SELECT amount_vnd FROM receipt
                WHERE school_id = :school AND transaction_id = {key} AND revoked_at IS NULL
            """),
            self.rows("""
                SELECT account_id, balance_vnd FROM ledger_balance
                WHERE school_id = :school AND balance_vnd <> 0 ORDER BY 1
            """),
            self.rows("""
                SELECT pupil_id, receiving_account_id, sum(amount_vnd) FROM pupil_credit
                WHERE school_id = :school GROUP BY 1, 2 HAVING sum(amount_vnd) <> 0 ORDER BY 1, 2
            """),
            self.rows("SELECT invoice_id, state, paid_vnd FROM invoice_balance WHERE school_id = :school ORDER BY 1"),
        )

    @invariant()
    def everything_holds(self) -> None:
        if hasattr(self, "school"):
            checks = check_invariants(self.session.connection(), QUICK)
            assert [check for check in checks if not check.ok] == []

    @invariant()
    def no_money_is_lost_or_made(self) -> None:
        if hasattr(self, "school"):
            waiting, allocated, credit, unmatched, excluded, refunded = self.rows("""
                SELECT (SELECT coalesce(sum(e.amount_vnd), 0) FROM outbox o JOIN evidence e ON e.id = o.subject_id
                        WHERE o.school_id = :school AND e.direction = 'credit' AND NOT EXISTS (
                            SELECT FROM transaction_evidence k WHERE k.evidence_id = e.id)),
                       (SELECT coalesce(sum(amount_vnd), 0) FROM allocation WHERE school_id = :school),
                       (SELECT coalesce(sum(amount_vnd), 0) FROM pupil_credit WHERE school_id = :school),
                       (SELECT coalesce(sum(amount_vnd), 0) FROM bank_transaction
                        WHERE school_id = :school AND state = 'unmatched'),
                       (SELECT coalesce(sum(amount_vnd), 0) FROM bank_transaction
                        WHERE school_id = :school AND state = 'excluded'),
                       (SELECT coalesce(sum(amount_vnd), 0) FROM refund
                        WHERE school_id = :school AND (state IN ('approved', 'confirmed')
                            OR state = 'proposed' AND pupil_id IS NULL))
            """)[0]
            placed = allocated + credit + unmatched + excluded + refunded
            assert self.arrived_vnd == waiting + placed + self.taken_back_vnd

    @invariant()
    def each_account_holds_its_own(self) -> None:
        """Per account: allocations, credit, suspense, excluded and refunds are all that came and was not taken back."""
        if hasattr(self, "school"):
            broken = self.rows("""
                SELECT t.account_id, sum(t.amount_vnd) FROM bank_transaction t
                WHERE t.school_id = :school AND t.direction = 'credit' AND t.state NOT IN ('reversed', 'new')
                GROUP BY 1
                HAVING sum(t.amount_vnd) <> sum(
                    (SELECT coalesce(sum(a.amount_vnd), 0) FROM allocation a
                     WHERE a.school_id = t.school_id AND a.transaction_id = t.id)
                    + (SELECT coalesce(sum(c.amount_vnd), 0) FROM pupil_credit c
                       WHERE c.school_id = t.school_id AND c.transaction_id = t.id)
                    + (SELECT coalesce(sum(r.amount_vnd), 0) FROM refund r
                       WHERE r.school_id = t.school_id AND r.transaction_id = t.id
                         AND (r.state IN ('approved', 'confirmed') OR r.state = 'proposed' AND r.pupil_id IS NULL))
                    + CASE WHEN t.state IN ('unmatched', 'excluded') THEN t.amount_vnd ELSE 0 END)
            """)
            assert broken == []

    def rows(self, statement: str):
        return [tuple(row) for row in self.session.execute(text(statement), {"school": self.school.id})]

    def teardown(self) -> None:
        assert [check for check in check_invariants(self.session.connection()) if not check.ok] == []
        self.session.rollback()


def test_no_sequence_of_events_breaks_an_invariant(shared_engine):
    with Session(shared_engine) as session:
        machine = type("BoundDesk", (Desk,), {"session": session})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
