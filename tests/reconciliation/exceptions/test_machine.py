"""The state machine against a real database, whatever people and nights do in whatever order.

The row is the fold of its events, the pure rules and the database agree on what is refused, and money in doubt is never
ended by one person.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from payments.errors import DomainError
from reconciliation.exceptions import service
from reconciliation.exceptions.rules import BY_SYSTEM, Kind, Resolution, State, after, needs_second_person
from tests.reconciliation.exceptions.setting import Nights

FOLDED = """
    SELECT e.id, e.primary_class, e.flags, e.state, e.assignee_id, e.resolution, e.proposal_id, e.last_event_id
    FROM reconcile_exception e WHERE e.school_id = :school ORDER BY e.id
"""
TOLD = """
    SELECT exception_id, id, kind, actor_id, state, assignee_id, resolution, proposal_id, proposed_by, detail
    FROM exception_event WHERE school_id = :school ORDER BY id
"""
PEOPLE = st.sampled_from(["accountant", "principal"])


def machine(engine: Engine) -> type[RuleBasedStateMachine]:
    """The machine over an engine; every example lives in a transaction that is rolled back."""

    class Exceptions(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.connection = engine.connect()
            self.outer = self.connection.begin()
            self.session = Session(self.connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
            self.nights = Nights(self.session)
            self.line, self.said = self.nights.line(), self.nights.said()
            self.nights.night(self.nights.item("missing_gateway", lines=[self.line]))

        def teardown(self) -> None:
            self.session.close()
            self.outer.rollback()
            self.connection.close()

        def do(self, work: Any, who: str, place: int, **more: Any) -> None:
            """A deed that may be refused; a refusal changes nothing."""
            ids = self.nights.ids()
            before = self.nights.rows(TOLD)
            try:
                with self.session.begin_nested():
                    work(self.session, self.nights.school.id, ids[place % len(ids)], self.person(who), **more)
            except DomainError:
                assert self.nights.rows(TOLD) == before

        def person(self, who: str) -> int:
            return int(getattr(self.nights.school, who))

        @rule(who=PEOPLE, place=st.integers(0, 3), to=st.sampled_from(["accountant", "principal", None]))
        def assign(self, who: str, place: int, to: str | None) -> None:
            self.do(service.assign, who, place, assignee_id=self.person(to) if to else None)

        @rule(who=PEOPLE, place=st.integers(0, 3), how=st.sampled_from(Resolution))
        def propose(self, who: str, place: int, how: Resolution) -> None:
            self.do(service.propose, who, place, resolution=how, said="lý do")

        @rule(who=PEOPLE, place=st.integers(0, 3), how=st.sampled_from(Resolution))
        def resolve(self, who: str, place: int, how: Resolution) -> None:
            self.do(service.resolve, who, place, resolution=how, said="lý do")

        @rule(who=PEOPLE, place=st.integers(0, 3), yes=st.booleans())
        def decide(self, who: str, place: int, yes: bool) -> None:
            self.do(service.approve if yes else service.reject, who, place, said="lý do")

        @rule(who=PEOPLE, place=st.integers(0, 3), again=st.booleans())
        def speak(self, who: str, place: int, again: bool) -> None:
            self.do(service.reopen if again else service.note, who, place, said="lý do")

        @rule(
            found=st.sampled_from(
                ["silent", "matched", "differs", "both", "lost", "not due", "nothing", "lacks books", "the same"]
            )
        )
        def night(self, found: str) -> None:
            item = self.nights.item
            lost, missed = item("missing_gateway", lines=[self.line]), item("missing_bank", said=[self.said])
            both = {"lines": [self.line], "said": [self.said]}
            items = {
                "silent": [lost],
                "matched": [item("matched", **both)],
                "differs": [item("amount_diff", **both)],
                "both": [lost, missed],
                "lost": [missed],
                "not due": [item("not_due", said=[self.said]), lost],
                "nothing": [],
                "lacks books": [item("missing_ledger", **both)],
                "the same": None,
            }[found]
            if items is not None:
                self.nights.night(*items)
            once = self.nights.rows(FOLDED), self.nights.rows(TOLD)
            self.nights.follow()
            assert (self.nights.rows(FOLDED), self.nights.rows(TOLD)) == once

        @invariant()
        def the_row_is_the_fold_of_its_events(self) -> None:
            last: dict[int, Any] = {}
            open_proposal: dict[int, int | None] = {}
            state: dict[int, State] = {}
            for event in self.nights.rows(TOLD):
                number, event_id, kind = event[0], event[1], Kind(event[2])
                expected = after(kind, state.get(number, State.OPEN), assigned=event[5] is not None)
                if kind is not Kind.SEEN:
                    assert State(event[4]) is expected, event
                state[number] = State(event[4])
                if kind is Kind.PROPOSED:
                    open_proposal[number] = event_id
                elif state[number] is not State.PROPOSED:
                    open_proposal[number] = None
                last[number] = event
            for number, _, _, held, assignee_id, resolution, proposal_id, last_event_id in self.nights.rows(FOLDED):
                event = last[number]
                assert (held, assignee_id, last_event_id) == (event[4], event[5], event[1])
                assert resolution == (event[6] if held in {"proposed", "resolved"} else None)
                assert proposal_id == open_proposal.get(number)

        @invariant()
        def two_people_stand_behind_every_end_that_needs_them(self) -> None:
            authors = {event[1]: event[3] for event in self.nights.rows(TOLD) if event[2] == "proposed"}
            classes: dict[int, str] = {}
            for number, _, kind, actor_id, _, _, resolution, proposal_id, _, detail in self.nights.rows(TOLD):
                said = detail.get("primary_class")
                if kind in {"seen", "changed"} and said:
                    classes[number] = said[1] if isinstance(said, list) else said
                if kind == "approved":
                    assert authors[proposal_id] != actor_id
                    assert actor_id == self.nights.school.principal
                if kind == "resolved":
                    assert not needs_second_person(classes[number], (), Resolution(resolution))
                    assert Resolution(resolution) not in BY_SYSTEM

        @invariant()
        def every_fact_belongs_to_one_exception(self) -> None:
            live = self.nights.rows("""
                SELECT f.key, count(*) FROM exception_fact f JOIN reconcile_exception e
                    ON e.school_id = f.school_id AND e.id = f.exception_id
                WHERE f.school_id = :school AND f.current AND e.state <> 'resolved' GROUP BY f.key
            """)
            assert all(many == 1 for _, many in live)

    return Exceptions


@pytest.mark.timeout(600)
def test_whatever_people_and_nights_do(shared_engine: Engine) -> None:
    run_state_machine_as_test(
        machine(shared_engine),
        settings=settings(
            max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_the_machine_notices_when_one_person_may_end_what_needs_two(shared_engine: Engine) -> None:
    """The teeth: with guard and rule away the invariant fails."""
    made = machine(shared_engine)()
    try:
        nights = made.nights
        nights.night(nights.item("missing_bank", said=[made.said]))
        made.session.execute(text("ALTER TABLE exception_event DISABLE TRIGGER guard_exception_event"))
        made.session.execute(
            text("""
                INSERT INTO exception_event (school_id, exception_id, kind, at, actor_id, state, resolution, detail)
                SELECT school_id, exception_id, 'resolved', at, :who, 'resolved', 'reversed', '{}'
                FROM exception_event WHERE school_id = :school AND exception_id = :number LIMIT 1
            """),
            {"school": nights.school.id, "who": nights.school.accountant, "number": nights.ids()[-1]},
        )
        with pytest.raises(AssertionError):
            made.two_people_stand_behind_every_end_that_needs_them()
    finally:
        made.teardown()
