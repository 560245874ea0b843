"""The same bank facts in any order, any number of times, through any channel: the same projection (invariant I8)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from operations.invariants import check_invariants
from payments.settlement.service import settle_school
from tests.payments.inbox.evidence import make_connection
from tests.payments.setting import make_pupil, make_school
from tests.payments.settlement.facts import Delivery, Fact, Teller, books, deliveries, expected, found
from tests.payments.settlement.setting import issue

pytestmark = pytest.mark.db

MEALS = (60_000, 100_000, 40_000)
CLUBS = (20_000, 0, 0)
AMOUNTS = [meals + club for meals, club in zip(MEALS, CLUBS, strict=True)]
OWNERS = (0, 0, 1)

SINGLE = st.sampled_from([20_000, 40_000, 60_000, 80_000, 100_000, 120_000])
NAMED = st.sampled_from([(), (0,), (0,), (1,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)])
# The statement tells everything, callbacks get lost: two payments of which each channel tells another one could not be
# told from one payment that both tell.
CHANNELS = st.sampled_from([("line",), ("callback", "line"), ("line", "callback")])


@st.composite
def payments(draw: st.DrawFn) -> Fact:
    """One transfer: any amount for one invoice or none; for several their sum, or a little more."""
    named = draw(NAMED)
    amount_vnd = draw(SINGLE)
    if len(named) > 1:
        amount_vnd = sum(AMOUNTS[one] for one in named) + draw(st.sampled_from([0, 0, 5_000]))
    return Fact(amount_vnd, named, draw(st.booleans()), draw(st.integers(0, 3)), draw(CHANNELS))


@st.composite
def bank_facts(draw: st.DrawFn) -> list[Fact]:
    """Payments, of which the bank takes some back within days."""
    paid = draw(st.lists(payments(), min_size=1, max_size=6))
    taken_back = draw(st.lists(st.integers(0, len(paid) - 1), max_size=2, unique=True))
    return paid + [
        Fact(paid[place].amount_vnd, day=paid[place].day + 1, channels=("line",), reverses=place)
        for place in taken_back
    ]


class World:
    """A school with three invoices of two pupils, which hears of facts in some order."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.school = make_school(session)
        pupils = [self.school.pupil, make_pupil(session, self.school.id, self.school.class_room, "Bình")]
        self.pupils = [pupils[owner] for owner in OWNERS]
        self.invoices = [
            issue(session, self.school, meals, club, pupil=pupil)
            for meals, club, pupil in zip(MEALS, CLUBS, self.pupils, strict=True)
        ]
        self.connection_id = make_connection(session)

    def begin(self, facts: list[Fact]) -> None:
        """Another month of the same school begins."""
        self.teller = Teller(self.session, self.school, self.invoices, facts, self.connection_id)

    def hear(self, told: list[Delivery], pauses: list[bool]) -> None:
        """Tell the deliveries; a worker comes by where there is a pause, and at the end."""
        for delivery, pause in zip(told, pauses, strict=True):
            self.teller.tell(delivery)
            if pause:
                self.settle()
        self.settle()

    def settle(self) -> None:
        result = settle_school(self.session, self.school.id)
        assert not result.failed

    def projection(self):
        return found(self.session, self.school, self.invoices, self.pupils)

    def broken(self):
        return [check for check in check_invariants(self.session.connection()) if not check.ok]


@pytest.fixture(scope="module")
def worlds(shared_engine: Engine) -> Iterator[list[World]]:
    with two_of(World, shared_engine) as made:
        yield made


@contextmanager
def two_of(kind: type[World], engine: Engine) -> Iterator[list[World]]:
    """Two schools that are made once, in a transaction that is never committed."""
    with Session(engine) as session:
        yield [kind(session) for _ in range(2)]
        session.rollback()


@contextmanager
def begun(worlds: Sequence[World], facts: list[Fact]) -> Iterator[Session]:
    """Both are about to hear of the facts; afterwards they have never heard of them."""
    session = worlds[0].session
    with session.begin_nested() as month:
        for world in worlds:
            world.begin(facts)
        yield session
        month.rollback()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes, and the facts are few
)
@given(data=st.data(), facts=bank_facts())
def test_any_order_and_repetition_gives_the_same_projection(worlds, data, facts):
    told = deliveries(facts)
    with begun(worlds, facts) as session:
        for world in worlds:
            again = data.draw(st.lists(st.sampled_from(told), max_size=4))
            order = data.draw(st.permutations(told + again))
            note(str(order))
            world.hear(order, data.draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order))))
        wanted = expected(AMOUNTS, worlds[0].pupils, facts)
        assert worlds[0].projection() == wanted
        assert worlds[1].projection() == expected(AMOUNTS, worlds[1].pupils, facts)
        assert books(session, worlds[0].school) == books(session, worlds[1].school)
        assert worlds[0].broken() == []
