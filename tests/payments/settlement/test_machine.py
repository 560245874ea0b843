"""Whatever banks and people do, in any order: after every step every invariant holds and no đồng is lost or made."""

from datetime import date

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.orm import Session

from operations.invariants import PROOFS, check_invariants
from payments.errors import ConflictError, DomainError
from payments.inbox.models import Direction
from payments.invoices.models import InvoiceState
from payments.settlement.service import assign, settle_school, undo
from payments.settlement.settling import move_on, settle_transactions
from tests.payments.setting import make_pupil, make_school
from tests.payments.settlement.setting import arrive, issue, say, take_out

pytestmark = pytest.mark.db

AMOUNTS = st.sampled_from([10_000, 40_000, 60_000, 100_000, 150_000])
QUICK = [name for name in PROOFS if name not in {"I9", "I10"}]
"""The schema does not change between steps; foreign keys are looked at in the end."""


class Desk(RuleBasedStateMachine):
    """One school: invoices are issued and replaced, money comes and goes back, people assign and undo."""

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
            WHERE school_id = :school AND state IN ('credited', 'unmatched')
        """)
        if rows:
            key, amount, account = data.draw(st.sampled_from(rows))
            debit = arrive(
                self.session, self.school, amount, "hoan", direction=Direction.DEBIT, reverses=key, account=account
            )
            settle_transactions(self.session, self.school.id, [debit])
            self.taken_back_vnd += amount

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
    def undo_by_hand(self, data: st.DataObject) -> None:
        decisions = self.rows("SELECT id FROM decision WHERE school_id = :school AND kind = 'assign'")
        if decisions:
            (key,) = data.draw(st.sampled_from(decisions))
            try:
                with self.session.begin_nested():
                    undo(self.session, self.school.id, key, self.school.accountant)
            except ConflictError as error:
                if error.code not in {"already_undone", "not_credited"}:
                    raise

    @invariant()
    def everything_holds(self) -> None:
        if hasattr(self, "school"):
            checks = check_invariants(self.session.connection(), QUICK)
            assert [check for check in checks if not check.ok] == []

    @invariant()
    def no_money_is_lost_or_made(self) -> None:
        if hasattr(self, "school"):
            waiting, allocated, credit, unmatched = self.rows("""
                SELECT (SELECT coalesce(sum(e.amount_vnd), 0) FROM outbox o JOIN evidence e ON e.id = o.subject_id
                        WHERE o.school_id = :school AND e.direction = 'credit' AND NOT EXISTS (
                            SELECT FROM transaction_evidence k WHERE k.evidence_id = e.id)),
                       (SELECT coalesce(sum(amount_vnd), 0) FROM allocation WHERE school_id = :school),
                       (SELECT coalesce(sum(amount_vnd), 0) FROM pupil_credit WHERE school_id = :school),
                       (SELECT coalesce(sum(amount_vnd), 0) FROM bank_transaction
                        WHERE school_id = :school AND state = 'unmatched')
            """)[0]
            assert self.arrived_vnd == waiting + allocated + credit + unmatched + self.taken_back_vnd

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
