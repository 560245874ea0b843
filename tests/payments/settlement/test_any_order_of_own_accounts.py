"""Money on pupils' own accounts beside money that names invoices, in any order: the same projection (I8)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.payments.setting import OPENED
from tests.payments.settlement.facts import Delivery, Fact, Projection, Teller, books, deliveries
from tests.payments.settlement.test_any_order import AMOUNTS, CLUBS, MEALS, NAMED, OWNERS, SINGLE, World, begun, two_of

pytestmark = pytest.mark.db

CHANNELS = st.sampled_from([("line",), ("callback", "line"), ("line", "callback")])


@dataclass(frozen=True)
class OwnFact(Fact):
    """``owner``: the pupil (0, 1) on whose own account it came; ``cut``: the callback gives no memo."""

    owner: int | None = None
    cut: bool = False


@st.composite
def own_facts(draw: st.DrawFn) -> list[OwnFact]:
    """Payments on own accounts and on the school's, of which the bank takes some back."""
    paid = []
    for _ in range(draw(st.integers(1, 6))):
        named = draw(st.one_of(st.just(()), NAMED))
        amount_vnd = draw(SINGLE)
        if len(named) > 1:
            amount_vnd = sum(AMOUNTS[one] for one in named) + draw(st.sampled_from([0, 0, 5_000]))
        owner = draw(st.sampled_from([None, 0, 0, 0, 1]))
        # Only a callback names the own account.
        channels = draw(CHANNELS) if owner is None else ("callback", "line")
        cut = owner is not None and draw(st.booleans())
        paid.append(OwnFact(amount_vnd, named, False, draw(st.integers(0, 3)), channels, owner=owner, cut=cut))
    # Equal payments that name no invoice are told apart by number alone, and a statement may print another one.
    alone = [place for place, fact in enumerate(paid) if [one.amount_vnd for one in paid].count(fact.amount_vnd) == 1]
    taken_back = draw(st.lists(st.sampled_from(alone), max_size=2, unique=True)) if alone else []
    return paid + [
        OwnFact(paid[place].amount_vnd, day=paid[place].day + 1, channels=("line",), reverses=place)
        for place in taken_back
    ]


class OwnTeller(Teller):
    """Callbacks name the virtual account, the statement does not."""

    def tell(self, delivery: Delivery) -> None:
        fact = self.facts[delivery.place]
        if delivery.channel == "line" or fact.owner is None:
            super().tell(delivery)
            return
        shown = self.facts
        if fact.cut:
            bare = Fact(fact.amount_vnd, day=fact.day)
            self.facts = [*shown[: delivery.place], bare, *shown[delivery.place + 1 :]]
        self.session.execute(text("ALTER TABLE evidence DISABLE TRIGGER append_only"))
        super().tell(delivery)
        self.session.execute(
            text(
                "UPDATE evidence SET virtual_account = :number WHERE connection_id = :connection AND dedup_key = :key"
            ),
            {
                "number": f"96 247.{self.school.id:06d}{fact.owner}",
                "connection": self.connection_id,
                "key": f"FT{self.serial:05d}{delivery.place:03d}",
            },
        )
        self.session.execute(text("ALTER TABLE evidence ENABLE TRIGGER append_only"))
        self.facts = shown


class OwnWorld(World):
    """A school whose two pupils have a number of their own."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        for owner, pupil in enumerate(dict.fromkeys(self.pupils)):
            session.execute(
                text("""
                    INSERT INTO virtual_account (school_id, receiving_account_id, pupil_id, number, assigned_at)
                    VALUES (:school, :account, :pupil, :number, :moment)
                """),
                {
                    "school": self.school.id,
                    "account": self.school.account,
                    "pupil": pupil,
                    "number": f"96247{self.school.id:06d}{owner}",
                    "moment": OPENED - timedelta(days=30),
                },
            )

    def begin(self, facts: list[OwnFact]) -> None:
        self.teller = OwnTeller(self.session, self.school, self.invoices, facts, self.connection_id)


def expected(pupils: list[int], facts: list[OwnFact]) -> Projection:
    """What the facts come to, in whatever order: written without the code under test."""
    gone = {fact.reverses for fact in facts if fact.reverses is not None}
    claimed: Counter[int] = Counter()
    purse: Counter[int] = Counter()
    suspense = 0
    for place, fact in enumerate(facts):
        if fact.reverses is not None or place in gone:
            continue
        foreign = fact.owner is not None and fact.owner not in {OWNERS[one] for one in fact.invoices}
        if not fact.invoices and fact.owner is not None:
            purse[fact.owner] += fact.amount_vnd
        elif not fact.invoices or foreign:
            suspense += fact.amount_vnd
        elif len(fact.invoices) == 1:
            claimed[fact.invoices[0]] += fact.amount_vnd
        elif sum(AMOUNTS[one] for one in fact.invoices) == fact.amount_vnd:
            claimed.update({one: AMOUNTS[one] for one in fact.invoices})
        else:
            suspense += fact.amount_vnd
    paid = {one: min(AMOUNTS[one], claimed[one]) for one in range(len(AMOUNTS))}
    credit: Counter[object] = Counter()
    for one, owner in enumerate(OWNERS):
        credit[pupils[one], False] += claimed[one] - paid[one]
        assert owner in (0, 1)
    for owner, money in purse.items():
        mine = [one for one in range(len(AMOUNTS)) if OWNERS[one] == owner]
        meals = [(one, max(0, MEALS[one] - paid[one])) for one in mine]
        clubs = [(one, AMOUNTS[one] - paid[one] - max(0, MEALS[one] - paid[one])) for one in mine if CLUBS[one]]
        left = money
        for one, room in meals + clubs:
            part = min(room, left)
            paid[one] += part
            left -= part
        credit[pupils[mine[0]], False] += left
    return {
        "paid": {one: amount for one, amount in paid.items() if amount},
        "credit": dict(+credit),
        "suspense": {False: suspense} if suspense else {},
    }


@pytest.fixture(scope="module")
def worlds(shared_engine: Engine) -> Iterator[list[World]]:
    with two_of(OwnWorld, shared_engine) as made:
        yield made


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # as in test_any_order
)
@given(data=st.data(), facts=own_facts())
def test_own_money_in_any_order_and_repetition_gives_the_same_projection(worlds, data, facts):
    told = deliveries(facts)
    with begun(worlds, facts) as session:
        for world in worlds:
            again = data.draw(st.lists(st.sampled_from(told), max_size=4))
            order = data.draw(st.permutations(told + again))
            note(str(order))
            world.hear(order, data.draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order))))
        for world in worlds:
            assert world.projection() == expected(world.pupils, facts)
        assert books(session, worlds[0].school) == books(session, worlds[1].school)
        assert outcomes(session, worlds[0]) == outcomes(session, worlds[1])
        assert worlds[0].broken() == []


def outcomes(session: Session, world: OwnWorld) -> Counter[tuple[str, str, int]]:
    """How many transactions ended in each state with each outcome, by amount."""
    rows = session.execute(
        text("""
            SELECT t.state, s.outcome, t.amount_vnd FROM bank_transaction t
            JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
            WHERE t.school_id = :school AND t.state IN ('unmatched', 'reversed')
        """),
        {"school": world.school.id},
    )
    return Counter((row[0], "" if row[0] == "reversed" else row[1], row[2]) for row in rows)
