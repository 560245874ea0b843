"""Bundles, invoices named directly, pupils' own accounts, voluntary lines, reversals and proposed refunds together, in
any order, any number of times, in any batches: the same money in the same places (invariant I8), all of it (I5).
"""

from collections import Counter
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.bundles.service import Payer, make_bundle
from payments.settlement import applying, folding, loading
from payments.settlement.service import decide_refund, propose_refund
from tests.payments.inbox.evidence import make_connection
from tests.payments.setting import OPENED, make_pupil, make_school
from tests.payments.settlement.facts import Delivery, Projection, books, deliveries
from tests.payments.settlement.setting import Issued, issue
from tests.payments.settlement.test_any_order import World
from tests.payments.settlement.test_any_order_of_own_accounts import OwnFact, OwnTeller
from tests.payments.settlement.test_pooling import wanted

pytestmark = pytest.mark.db

MEALS = (60_000, 100_000, 40_000)
CLUBS = (20_000, 15_000, 10_000)
CHOSEN = (True, False, True)
"""Nobody chose the second one's club: it takes no money, unless somebody pays all that is printed in one sum."""
AMOUNTS = tuple(meals + club for meals, club in zip(MEALS, CLUBS, strict=True))
OWNERS = (0, 0, 1)
LISTS = {3: (0, 1, 2), 4: (1, 2)}
"""What the facts name beyond the three invoices: two bundles that share some."""
NAMED = st.sampled_from([(0,), (1,), (2,), (3,), (3,), (3,), (4,), (4,), (0, 4), (0, 1), (3, 4), ()])
ON_OWN = st.sampled_from([(), (), (), (0,), (2,)])
SINGLE = st.sampled_from([10_000, 20_000, 60_000, 80_000, 100_000, 115_000, 200_000, 230_000])
CHANNELS = st.sampled_from([("line",), ("callback", "line"), ("line", "callback")])


@st.composite
def bank_facts(draw: st.DrawFn) -> list[OwnFact]:
    """Payments of all kinds, of which the bank takes some back within days."""
    paid: list[OwnFact] = []
    for _ in range(draw(st.integers(2, 6))):
        owner = draw(st.sampled_from([None, None, 0, 0, 1]))
        named = draw(NAMED if owner is None else ON_OWN)
        amount_vnd = draw(SINGLE)
        if len(named) > 1 and draw(st.booleans()):
            amount_vnd = sum(AMOUNTS[one] for part in named for one in LISTS.get(part, (part,)))
        channels = draw(CHANNELS) if owner is None else ("callback", "line")
        elsewhere = owner is None and draw(st.booleans())
        cut = owner is not None and draw(st.booleans())
        paid.append(OwnFact(amount_vnd, named, elsewhere, draw(st.integers(0, 3)), channels, owner=owner, cut=cut))
    # Equal payments that name no invoice are told apart by number alone (as in test_any_order_of_own_accounts).
    alone = [place for place, fact in enumerate(paid) if [one.amount_vnd for one in paid].count(fact.amount_vnd) == 1]
    taken_back = draw(st.lists(st.sampled_from(alone), max_size=2, unique=True)) if alone else []
    return paid + [
        OwnFact(paid[place].amount_vnd, day=paid[place].day + 1, channels=("line",), reverses=place)
        for place in taken_back
    ]


class WholeWorld(World):
    """A school whose two pupils have numbers of their own, two bundles, and clubs that some chose."""

    def __init__(self, session: Session, facts: list[OwnFact]) -> None:
        self.session = session
        self.school = school = make_school(session)
        both = [school.pupil, make_pupil(session, school.id, school.class_room, "Bình")]
        self.pupils = [both[owner] for owner in OWNERS]
        self.invoices = [
            issue(session, school, meals, club, pupil=pupil, chosen=chosen)
            for meals, club, pupil, chosen in zip(MEALS, CLUBS, self.pupils, CHOSEN, strict=True)
        ]
        payer = Payer(pupil_id=both[0])
        codes = [
            make_bundle(session, school.id, payer, [self.invoices[one].id for one in ids]) for ids in LISTS.values()
        ]
        for owner, pupil in enumerate(both):
            self._give_number(pupil, f"96247{school.id:06d}{owner}")
        named = [*self.invoices, *(Issued(0, code) for code in codes)]
        self.teller = OwnTeller(session, school, named, facts, make_connection(session))

    def _give_number(self, pupil: int, number: str) -> None:
        self.session.execute(
            text("""
                INSERT INTO virtual_account (school_id, receiving_account_id, pupil_id, number, assigned_at)
                VALUES (:school, :account, :pupil, :number, :moment)
            """),
            {
                "school": self.school.id,
                "account": self.school.account,
                "pupil": pupil,
                "number": number,
                "moment": OPENED - timedelta(days=30),
            },
        )

    def rows(self, statement: str) -> list[tuple[int, ...]]:
        return [tuple(row) for row in self.session.execute(text(statement), {"school": self.school.id})]

    def ask_for_refunds(self) -> list[int]:
        """The accountant proposes to send back whatever is too much at this moment: it moves nothing yet."""
        credit = self.rows("""
            SELECT c.transaction_id, c.pupil_id FROM pupil_credit c WHERE c.school_id = :school AND NOT EXISTS (
                SELECT FROM refund r WHERE r.school_id = c.school_id AND r.transaction_id = c.transaction_id)
            GROUP BY 1, 2 HAVING sum(c.amount_vnd) > 0 ORDER BY 1, 2
        """)
        school = self.school
        return [propose_refund(self.session, school.id, key, school.accountant, pupil_id=who) for key, who in credit]

    def live(self, moment: list[Delivery], pauses: list[bool], ask_at: int) -> None:
        self.hear(moment[:ask_at], pauses[:ask_at])
        self.asked = self.ask_for_refunds()
        self.hear(moment[ask_at:], pauses[ask_at:])

    def receipts(self) -> dict[int, int]:
        """Place of the pupil -> đồng of receipts that hold."""
        held = self.rows("""
            SELECT pupil_id, sum(amount_vnd)::bigint FROM receipt
            WHERE school_id = :school AND revoked_at IS NULL GROUP BY pupil_id
        """)
        return dict(held)

    def brought(self) -> dict[int, int]:
        """Pupil -> đồng on invoices and as credit: what receipts must say."""
        sums: Counter[int] = Counter()
        for issued, pupil in zip(self.invoices, self.pupils, strict=True):
            sums[pupil] += self.projection()["paid"].get(self.invoices.index(issued), 0)
        for (pupil, _), vnd in self.projection()["credit"].items():  # type: ignore[misc]  # (pupil, which account)
            sums[pupil] += vnd
        return dict(+sums)

    def voluntary(self) -> dict[int, int]:
        """Place of the invoice -> đồng on its club."""
        places = {issued.id: place for place, issued in enumerate(self.invoices)}
        found = self.rows("""
            SELECT a.invoice_id, sum(a.amount_vnd)::bigint FROM allocation a
            JOIN invoice_line l ON l.school_id = a.school_id AND l.id = a.line_id AND NOT l.mandatory
            WHERE a.school_id = :school GROUP BY 1 HAVING sum(a.amount_vnd) <> 0
        """)
        return {places[invoice]: vnd for invoice, vnd in found}


def arrived(facts: list[OwnFact]) -> int:
    """What the bank has not taken back, in đồng."""
    gone = {fact.reverses for fact in facts if fact.reverses is not None}
    return sum(one.amount_vnd for place, one in enumerate(facts) if one.reverses is None and place not in gone)


def taking_part(facts: list[OwnFact]) -> set[int]:
    """The invoices whose club takes money: it was chosen, or one standing payment covers all of it."""
    gone = {fact.reverses for fact in facts if fact.reverses is not None}
    paid_whole = set()
    for place, fact in enumerate(facts):
        apart = [one for part in fact.invoices for one in LISTS.get(part, (part,))]
        of_bundle = len(fact.invoices) == 1 and fact.invoices[0] in LISTS
        known = fact.owner is None or fact.owner in {OWNERS[one] for one in apart}
        stands = fact.reverses is None and place not in gone and known and not of_bundle
        if stands and len(set(apart)) == len(apart) and fact.amount_vnd == sum(AMOUNTS[one] for one in apart):
            paid_whole |= set(apart)
    return {one for one in range(3) if CHOSEN[one]} | paid_whole


def expected(pupils: list[int], facts: list[OwnFact]) -> Projection:
    """What the facts come to, in whatever order: written without the code under test."""
    gone = {fact.reverses for fact in facts if fact.reverses is not None}
    clubs = taking_part(facts)
    room = {(0, one): MEALS[one] for one in range(3)} | {(1, one): CLUBS[one] for one in clubs}
    claims: Counter[tuple[int, bool]] = Counter()
    pots: Counter[tuple[int, bool]] = Counter()
    purses: Counter[int] = Counter()
    suspense: Counter[object] = Counter()
    for place, fact in enumerate(facts):
        if fact.reverses is not None or place in gone:
            continue
        on = fact.other_account
        apart = [one for part in fact.invoices for one in LISTS.get(part, (part,))]
        strange = fact.owner is not None and bool(apart) and fact.owner not in {OWNERS[one] for one in apart}
        if fact.owner is not None and not apart:
            purses[fact.owner] += fact.amount_vnd
        elif not apart or strange:
            suspense[on] += fact.amount_vnd
        elif len(fact.invoices) == 1 and fact.invoices[0] in LISTS:
            pots[fact.invoices[0], on] += fact.amount_vnd
        elif len(fact.invoices) == 1:
            claims[apart[0], on] += fact.amount_vnd
        elif len(set(apart)) == len(apart) and fact.amount_vnd == sum(AMOUNTS[one] for one in apart):
            claims.update({(one, on): AMOUNTS[one] for one in apart})
        else:
            suspense[on] += fact.amount_vnd
    credit: Counter[object] = Counter()
    for one, on in product(range(3), (False, True)):
        left = claims[one, on]
        for line in ((0, one), (1, one)):
            part = min(left, room.get(line, 0))
            room[line] = room.get(line, 0) - part
            left -= part
        credit[pupils[one], on] += left
    room = dict(sorted(room.items()))
    order = list(product(LISTS, (False, True)))
    sources = [(pots[key], {line for line in room if line[1] in LISTS[key[0]]}) for key in order]
    sources += [(purses[owner], {line for line in room if OWNERS[line[1]] == owner}) for owner in (0, 1)]
    placed, filled = wanted(sources, room)
    for (_, on), (money, _), used in zip(order, sources, placed, strict=False):
        credit[pupils[2], on] += money - used
    for owner, used in enumerate(placed[len(order) :]):
        credit[pupils[OWNERS.index(owner)], False] += purses[owner] - used
    rest = {line: vnd - part for (line, vnd), part in zip(room.items(), filled, strict=True)}
    most = {one: MEALS[one] + (CLUBS[one] if one in clubs else 0) for one in range(3)}
    paid = {one: most[one] - rest.get((0, one), 0) - rest.get((1, one), 0) for one in range(3)}
    return {
        "paid": {one: vnd for one, vnd in paid.items() if vnd},
        "credit": dict(+credit),
        "suspense": dict(+suspense),
    }


def total(projection: Projection) -> int:
    return sum(sum(part.values()) for part in projection.values())


def judged(session: Session, worlds: list[WholeWorld], facts: list[OwnFact]) -> None:
    """All that must hold of worlds that heard the same facts."""
    for world in worlds:
        assert world.projection() == expected(world.pupils, facts)
        assert total(world.projection()) == arrived(facts), "lost, doubled or invented"
        assert world.receipts() == world.brought()
        assert not set(world.voluntary()) - taking_part(facts), "spent on what nobody chose"
    assert len({str(sorted(books(session, world.school).items())) for world in worlds}) == 1
    assert len({str(sorted(world.voluntary().items())) for world in worlds}) == 1
    assert worlds[0].broken() == []


ROUNDS = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # as in test_any_order
)


@ROUNDS
@given(data=st.data(), facts=bank_facts())
def test_everything_together_in_any_order_and_batches_comes_to_the_same(shared_engine, data, facts):
    told = deliveries(facts)
    with Session(shared_engine) as session:
        worlds = [WholeWorld(session, facts) for _ in range(2)]
        for world in worlds:
            again = data.draw(st.lists(st.sampled_from(told), max_size=4))
            order = data.draw(st.permutations(told + again))
            pauses = data.draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))
            ask_at = data.draw(st.integers(0, len(order)))
            note(f"{order} {pauses} refunds asked for at {ask_at}")
            world.live(order, pauses, ask_at)
        judged(session, worlds, facts)
        session.rollback()


ALL_KINDS = [
    OwnFact(200_000, (3,), channels=("callback", "line")),
    OwnFact(100_000, (1,), day=1, channels=("line", "callback")),
    OwnFact(60_000, (), day=1, channels=("callback", "line"), owner=0),
    OwnFact(115_000, (4,), True, day=2, channels=("line",)),
    OwnFact(80_000, (0,), day=2, channels=("callback", "line")),
    OwnFact(10_000, (0,), day=3, channels=("line",)),
    OwnFact(80_000, day=3, channels=("line",), reverses=4),
]


def heard(session: Session, backwards: bool) -> WholeWorld:
    told = deliveries(ALL_KINDS)
    world = WholeWorld(session, ALL_KINDS)
    world.hear(told[::-1] if backwards else told, [True] * len(told))
    return world


def test_one_of_each_kind_forwards_and_backwards(shared_engine):
    with Session(shared_engine) as session:
        judged(session, [heard(session, backwards=False), heard(session, backwards=True)], ALL_KINDS)
        session.rollback()


def test_refunds_that_are_approved_afterwards_leave_all_the_money_in_its_place(shared_engine):
    with Session(shared_engine) as session:
        world = heard(session, backwards=True)
        before = world.projection()
        asked = world.ask_for_refunds()
        assert world.projection() == before, "a proposal moves nothing"
        for refund in asked:
            decide_refund(session, world.school.id, refund, world.school.principal, approved=True)
        after, owed = (
            world.projection(),
            -sum(vnd for (role, _, _), vnd in books(session, world.school).items() if role == "refund"),
        )
        assert (after["paid"], after["credit"]) == (before["paid"], {})
        assert total(after) + owed == arrived(ALL_KINDS)
        assert world.broken() == []
        session.rollback()


def all_of_them_fill(invoices):
    lines = ((invoice, line) for invoice in invoices for line in invoice.lines)
    return sorted(lines, key=lambda one: (not one[1].mandatory, one[0].due_on, one[1].rank, one[0].id))


def twice(turn, listed, pot, room, book):
    folding_settle(turn, listed, pot, room, book)
    for verdict in turn:
        for pupil_id, vnd in verdict.credit.items():
            verdict.credit[pupil_id] = 2 * vnd


folding_settle = folding._settle_pot
SPOILT = {
    "a bundle's earlier money is not looked for": (loading, "bundle_money", lambda *_: []),
    "a pupil's earlier money is not looked for": (loading, "on_own_accounts", lambda *_: {}),
    "what became credit is not looked for": (loading, "credited_transfers", lambda *_: set()),
    "what nobody chose takes a bundle's money": (folding, "_in_order", all_of_them_fill),
    "a bundle's excess counts twice": (folding, "_settle_pot", twice),
    "receipts do not follow": (applying, "follow", lambda *_: None),
}


@pytest.mark.parametrize("fault", list(SPOILT))
def test_a_fault_in_the_fold_is_noticed(shared_engine, monkeypatch, fault):
    """Teeth: each part of what makes the order meaningless is taken away."""
    monkeypatch.setattr(*SPOILT[fault])
    with Session(shared_engine) as session:
        with pytest.raises(AssertionError):  # a row that failed, or the comparison
            judged(session, [heard(session, backwards=False), heard(session, backwards=True)], ALL_KINDS)
        session.rollback()
