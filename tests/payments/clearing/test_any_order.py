"""Callbacks, voids, lines, reports and workers in any order, any number of times: the same books (invariant I8)."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from payments.clearing.reports import import_report
from tests.payments.clearing.street import Street, fee, on

pytestmark = pytest.mark.db

Deed = tuple[str, int]
AMOUNTS = st.sampled_from([100_000, 100_000, 200_000, 250_000, 330_000])


@st.composite
def months(draw: st.DrawFn):
    """Payments with their days, which of them are taken back and when; lines as (first, last payment, day, change)."""
    paid = sorted(draw(st.lists(st.tuples(st.integers(0, 9), AMOUNTS), min_size=1, max_size=6)))
    voids = draw(
        st.lists(st.tuples(st.integers(0, len(paid) - 1), st.integers(0, 3)), max_size=2, unique_by=lambda one: one[0])
    )
    spans = st.tuples(st.integers(0, len(paid) - 1), st.integers(0, 2), st.integers(1, 3))
    lines = draw(st.lists(st.tuples(spans, st.sampled_from([0, 0, 0, -7_000]), st.booleans()), max_size=3))
    reported = draw(st.lists(st.integers(0, len(paid) - 1), max_size=3, unique=True))
    return paid, voids, lines, sorted(reported)


class World:
    """A street that hears the facts of a month, each under names of its own."""

    def __init__(self, session: Session, month, named: bool) -> None:
        self.street = Street(session)
        self.paid, self.voids, self.lines, self.reported = month
        self.invoices = [self.street.issue(vnd) for _, vnd in self.paid]
        self.named = named

    def deeds(self) -> list[Deed]:
        found = [("paid", place) for place in range(len(self.paid))]
        found += [("void", place) for place in range(len(self.voids))]
        found += [("line", place) for place in range(len(self.lines))]
        return found + ([("report", 0)] if self.reported else [])

    def do(self, deed: Deed) -> None:
        kind, place = deed
        step: Callable[[int], None] = getattr(self, f"_{kind}")
        step(place)

    def _paid(self, place: int) -> None:
        day, vnd = self.paid[place]
        self.street.told(vnd, f"TT {self.invoices[place].reference}", day=day, key=f"K{place}")

    def _void(self, place: int) -> None:
        of, later = self.voids[place]
        day, vnd = self.paid[of]
        self.street.takes_back(vnd, f"K{of}", day=day + later)

    def _line(self, place: int) -> None:
        (first, more, later), change_vnd, by_name = self.lines[place]
        group = self.paid[first : first + more + 1]
        net_vnd = sum(vnd for _, vnd in group) - fee(*(vnd for _, vnd in group)) + change_vnd
        memo = self.invoices[first].reference if by_name and self.named else ""
        self.street.line(net_vnd, f"QT {memo}", day=group[-1][0] + later, number=f"FTLINE{place:04d}")

    def _report(self, _place: int) -> None:
        rows = [f"K{place},{self.paid[place][1]},{fee(self.paid[place][1]) + 500},QT0001" for place in self.reported]
        day = f"{on(max(self.paid[place][0] for place in self.reported) + 1):%d/%m/%Y}"
        data = "\n".join(["Mã giao dịch,Số tiền,Phí,Mã quyết toán,Ngày quyết toán", *(f"{row},{day}" for row in rows)])
        school = self.street.school
        told = {"data": data.encode(), "filename": "r.csv", "actor_id": None}
        import_report(self.street.session, school.id, school.account, self.street.wallet, **told)

    def projection(self):
        """Books, paid amounts, and payouts as (amount of the line, gross, fee, which payments)."""
        street = self.street
        paid = street.rows("SELECT invoice_id, paid_vnd FROM invoice_balance WHERE school_id = :school")
        place = {one.id: number for number, one in enumerate(self.invoices)}
        payouts = street.rows("""
            SELECT line.bank_reference, p.gross_vnd, p.fee_vnd,
                (SELECT string_agg(e.dedup_key || e.status, ' ' ORDER BY e.dedup_key, e.status)
                 FROM payout_item i JOIN transaction_evidence k
                    ON k.school_id = i.school_id AND k.transaction_id = i.transaction_id
                 JOIN evidence e ON e.id = k.evidence_id WHERE i.school_id = p.school_id AND i.payout_id = p.id)
            FROM payout p JOIN bank_transaction line ON line.school_id = p.school_id AND line.id = p.transaction_id
            WHERE p.school_id = :school AND p.dissolved_at IS NULL
        """)
        return street.books(), {place[key]: vnd for key, vnd in paid}, sorted(payouts)


def differing(data, session: Session, month, named: bool, examples: int = 2):
    """The projections of worlds that hear the same month in orders of their own."""
    found = []
    for _ in range(examples):
        world = World(session, month, named)
        again = data.draw(st.lists(st.sampled_from(world.deeds()), max_size=3))
        order = data.draw(st.permutations(world.deeds() + again))
        pauses = data.draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))
        note(f"{order} {pauses}")
        for deed, pause in zip(order, pauses, strict=True):
            world.do(deed)
            if pause:
                world.street.work(prove=False)
        world.street.work()
        found.append(world.projection())
    return found


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes, and the facts are few
)
@given(data=st.data(), month=months(), named=st.booleans())
def test_any_order_of_callbacks_voids_lines_and_reports_gives_the_same_books(shared_engine, data, month, named):
    with Session(shared_engine) as session:
        first, second = differing(data, session, month, named)
        assert first == second
        session.rollback()
