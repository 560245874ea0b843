"""Payments of our orders, told by callback, by an answer to our question and by the statement, in any order (I8)."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from payments import outbox
from payments.inbox.models import POLLED, Direction, Evidence, EvidenceStatus, Source
from tests.payments.setting import OPENED
from tests.payments.settlement.facts import FIRST_DAY, Delivery, Fact, Teller, books, deliveries, expected
from tests.payments.settlement.test_any_order import AMOUNTS, SINGLE, World, begun, two_of

pytestmark = pytest.mark.db

CHANNELS = st.sampled_from(
    [("order", "line"), ("order", "poll", "line"), ("poll", "line"), ("order", "poll"), ("order",), ("poll",)]
)


@st.composite
def paid_orders(draw: st.DrawFn) -> list[Fact]:
    """Payments of any amount for orders of one invoice each, told by the service, the bank or both."""
    count = draw(st.integers(1, 5))
    return [
        Fact(draw(SINGLE), (draw(st.integers(0, 2)),), day=draw(st.integers(0, 3)), channels=draw(CHANNELS))
        for _ in range(count)
    ]


class OrderTeller(Teller):
    """Tells that an order of the invoice was paid: the service's words name the order, and no reference of ours."""

    def tell(self, delivery: Delivery) -> None:
        if delivery.channel == "line":
            super().tell(delivery)
            return
        fact = self.facts[delivery.place]
        number = f"FT{self.serial:05d}{delivery.place:03d}"
        polled = delivery.channel == "poll"
        key = f"{POLLED if polled else ''}{number}"
        known = text("SELECT 1 FROM evidence WHERE connection_id = :connection AND dedup_key = :key")
        if self.session.execute(known, {"connection": self.connection_id, "key": key}).first():
            return
        day = FIRST_DAY + timedelta(days=fact.day)
        evidence = Evidence(
            source=Source.POLL if polled else Source.CALLBACK,
            connection_id=self.connection_id,
            school_id=self.school.id,
            account_id=self.school.account,
            account_named="0001",
            dedup_key=key,
            direction=Direction.CREDIT,
            status=EvidenceStatus.SETTLED,
            amount_vnd=fact.amount_vnd,
            occurred_at=datetime.combine(day, time(2), UTC),
            value_date=day,
            provider_txn_id=number,
            bank_reference=None,
            order_reference=f"ORDER{fact.invoices[0]}",
            description="thanh toan",
            references=[],
            content_sha256=b"-",
            received_at=OPENED,
        )
        self.session.add(evidence)
        self.session.flush()
        outbox.put(self.session, "settlement", "evidence", school_id=self.school.id, subject_id=evidence.id)
        self.session.flush()


class OrderWorld(World):
    """A school with an order for each of its three invoices."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        for place, invoice in enumerate(self.invoices):
            session.execute(
                text("""
                    INSERT INTO payment_order (school_id, invoice_id, account_id, channel_id, connection_id, order_ref,
                        amount_vnd, fee_vnd, memo, state, created_at, expires_at)
                    SELECT school_id, :invoice, receiving_account_id, id, :connection, :name, 1, 0, '-', 'open',
                        :moment, :moment
                    FROM channel WHERE school_id = :school AND receiving_account_id = :account
                """),
                {
                    "invoice": invoice.id,
                    "connection": self.connection_id,
                    "name": f"ORDER{place}",
                    "moment": OPENED,
                    "school": self.school.id,
                    "account": self.school.account,
                },
            )

    def begin(self, facts: list[Fact]) -> None:
        self.teller = OrderTeller(self.session, self.school, self.invoices, facts, self.connection_id)


@pytest.fixture(scope="module")
def worlds(shared_engine: Engine) -> Iterator[list[World]]:
    with two_of(OrderWorld, shared_engine) as made:
        yield made


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # as in test_any_order
)
@given(data=st.data(), facts=paid_orders())
def test_orders_in_any_order_and_repetition_give_the_same_projection(worlds, data, facts):
    told = deliveries(facts)
    with begun(worlds, facts) as session:
        for world in worlds:
            again = data.draw(st.lists(st.sampled_from(told), max_size=4))
            order = data.draw(st.permutations(told + again))
            note(str(order))
            world.hear(order, data.draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order))))
        for world in worlds:
            assert world.projection() == expected(AMOUNTS, world.pupils, facts)
        assert books(session, worlds[0].school) == books(session, worlds[1].school)
        assert worlds[0].broken() == []
