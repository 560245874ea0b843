"""Money of bundles beside money that names invoices, in any order, through any channel: the same projection (I8)."""

from collections import Counter
from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from payments.bundles.service import Payer, make_bundle
from payments.invoices.models import InvoiceState
from payments.settlement.loading import take_lease
from payments.settlement.settling import move_on
from tests.payments.settlement.facts import Fact, Projection, Teller, books, deliveries
from tests.payments.settlement.setting import Issued, take_out
from tests.payments.settlement.test_any_order import AMOUNTS, CLUBS, MEALS, World, begun, two_of
from tests.payments.settlement.test_pooling import wanted

pytestmark = pytest.mark.db

LISTS = {3: (0, 1, 2), 4: (1, 2)}
"""What the facts name beyond three invoices of two pupils: two bundles that share some."""
NAMED = st.sampled_from([(), (0,), (1,), (2,), (3,), (3,), (3,), (4,), (4,), (0, 4), (0, 3), (3, 4)])
SINGLE = st.sampled_from([20_000, 40_000, 80_000, 100_000, 140_000, 220_000, 240_000])
CHANNELS = st.sampled_from([("line",), ("callback", "line"), ("line", "callback")])


@st.composite
def bank_facts(draw: st.DrawFn) -> list[Fact]:
    """Payments, of which the bank takes some back within days."""
    paid = []
    for _ in range(draw(st.integers(1, 6))):
        named = draw(NAMED)
        amount_vnd = draw(SINGLE)
        paid.append(Fact(amount_vnd, named, draw(st.booleans()), draw(st.integers(0, 3)), draw(CHANNELS)))
    # Equal payments that name no invoice are told apart by number alone (as in test_any_order_of_own_accounts).
    alone = [place for place, fact in enumerate(paid) if [one.amount_vnd for one in paid].count(fact.amount_vnd) == 1]
    taken_back = draw(st.lists(st.sampled_from(alone), max_size=2, unique=True)) if alone else []
    return paid + [
        Fact(paid[place].amount_vnd, day=paid[place].day + 1, channels=("line",), reverses=place)
        for place in taken_back
    ]


class BundleWorld(World):
    """A school whose two pupils have two bundles; one invoice may be cancelled at any moment."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        payer = Payer(pupil_id=self.pupils[0])
        bundles = [
            Issued(0, make_bundle(session, self.school.id, payer, [self.invoices[one].id for one in listed]))
            for listed in LISTS.values()
        ]
        self.named = [*self.invoices, *bundles]

    def begin(self, facts: list[Fact]) -> None:
        self.teller = Teller(self.session, self.school, self.named, facts, self.connection_id)

    def cancel(self, place: int) -> None:
        take_lease(self.session, self.school.id, wait=True)
        take_out(self.session, self.school, self.invoices[place], InvoiceState.CANCELLED)
        move_on(self.session, self.school.id, self.invoices[place].id)

    def receipts(self):
        """Pupil -> đồng of receipts that hold."""
        rows = self.session.execute(
            text("""
                SELECT pupil_id, sum(amount_vnd)::bigint FROM receipt
                WHERE school_id = :school AND revoked_at IS NULL GROUP BY pupil_id
            """),
            {"school": self.school.id},
        )
        places = {pupil: place for place, pupil in enumerate(dict.fromkeys(self.pupils))}
        return {places[pupil]: vnd for pupil, vnd in rows}


def expected(pupils: list[int], facts: list[Fact], cancelled: int | None) -> Projection:
    """What the facts come to, in whatever order: written without the code under test."""
    gone = {fact.reverses for fact in facts if fact.reverses is not None}
    room: dict[tuple[int, int], int] = {
        (part, one): vnds[one] for part, vnds in enumerate((MEALS, CLUBS)) for one in range(3) if one != cancelled
    }
    claims: Counter[tuple[int, bool]] = Counter()
    pots: Counter[tuple[int, bool]] = Counter()
    suspense: Counter[object] = Counter()
    for place, fact in enumerate(facts):
        if fact.reverses is not None or place in gone:
            continue
        if len(fact.invoices) == 1 and fact.invoices[0] in LISTS:
            pots[fact.invoices[0], fact.other_account] += fact.amount_vnd
        elif len(fact.invoices) == 1:
            claims[fact.invoices[0], fact.other_account] += fact.amount_vnd
        elif fact.invoices == (0, 4) and fact.amount_vnd == sum(AMOUNTS):
            for one in range(3):
                claims[one, fact.other_account] += AMOUNTS[one]
        else:
            suspense[fact.other_account] += fact.amount_vnd
    credit: Counter[object] = Counter()

    def pour(vnd: int, places: list[tuple[int, int]]) -> int:
        for place in places:
            part = min(vnd, room.get(place, 0))
            room[place] = room.get(place, 0) - part
            vnd -= part
        return vnd

    for one, other in product(range(3), (False, True)):
        credit[pupils[one], other] += pour(claims[one, other], [(0, one), (1, one)])
    order = list(product(LISTS, (False, True)))
    sources = [(pots[key], {(part, one) for part in (0, 1) for one in LISTS[key[0]]} & room.keys()) for key in order]
    room = dict(sorted(room.items()))
    placed, filled = wanted(sources, room)
    for (_, other), (money, _), used in zip(order, sources, placed, strict=True):
        credit[pupils[2], other] += money - used
    room = {place: vnd - part for (place, vnd), part in zip(room.items(), filled, strict=True)}
    paid = {
        one: AMOUNTS[one] - room.get((0, one), 0) - room.get((1, one), 0) if one != cancelled else 0 for one in range(3)
    }
    return {
        "paid": {one: vnd for one, vnd in paid.items() if vnd},
        "credit": dict(+credit),
        "suspense": dict(+suspense),
    }


@pytest.fixture(scope="module")
def worlds(shared_engine: Engine) -> Iterator[list[World]]:
    with two_of(BundleWorld, shared_engine) as made:
        yield made


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # as in test_any_order
)
@given(data=st.data(), facts=bank_facts(), cancelled=st.sampled_from([None, None, 0, 1, 2]))
def test_money_of_bundles_in_any_order_and_repetition_gives_the_same_projection(worlds, data, facts, cancelled):
    told = deliveries(facts)
    with begun(worlds, facts) as session:
        for world in worlds:
            again = data.draw(st.lists(st.sampled_from(told), max_size=4))
            order = data.draw(st.permutations(told + again))
            pauses = data.draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))
            moment = data.draw(st.integers(0, len(order)))
            note(f"{order} {pauses} cancelled at {moment}")
            world.hear(order[:moment], pauses[:moment])
            if cancelled is not None:
                world.cancel(cancelled)
            world.hear(order[moment:], pauses[moment:])
        for world in worlds:
            assert world.projection() == expected(world.pupils, facts, cancelled)
        assert books(session, worlds[0].school) == books(session, worlds[1].school)
        assert worlds[0].receipts() == worlds[1].receipts()
        assert worlds[0].broken() == []
