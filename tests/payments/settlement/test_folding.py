"""An invoice is the fold of its claims: the order in which they are known does not matter."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from payments.settlement.folding import decide, fill
from payments.settlement.rules import Claim, Line, Transfer, read
from tests.payments.settlement.test_rules import book, invoice

START = datetime(2025, 9, 1, tzinfo=UTC)


def paid(id_, amount, account=1, day=0, references=("R1",)) -> Transfer:
    moment = START + timedelta(days=day)
    return Transfer(id_, account, amount, moment.date(), moment, references)


def keys(amounts, **changes):
    target = invoice(1, **changes)
    return [share.key for share in fill(target, [Claim(paid(n, amount, day=n), 1, amount) for n, amount in amounts])]


def test_each_claim_is_named_by_what_it_finds_open():
    assert keys([(1, 40), (2, 60), (3, 5)]) == ["short", "exact", "twice"]
    assert keys([(1, 40), (2, 70)]) == ["short", "over"]


def test_mandatory_lines_come_first_then_the_legal_group_then_the_number():
    wanted = [("service", False, 1), ("tuition", True, 3), ("agency", True, 4), ("agency", True, 2)]
    lines = tuple(Line(n, n, n, group, mandatory, 10) for group, mandatory, n in wanted)
    assert [line.id for line in sorted(lines, key=lambda line: line.rank)] == [2, 4, 3, 1]


def test_money_on_the_invoice_s_own_account_goes_first():
    readings = [read(paid(1, 100, account=2, day=1), book(invoice(1))), read(paid(2, 100, day=9), book(invoice(1)))]
    verdicts = decide(readings, book(invoice(1)), [1])
    assert verdicts[2].allocated == {10: 100}
    assert (verdicts[1].allocated, verdicts[1].credit) == ({}, {7: 100})
    assert (verdicts[1].outcome, verdicts[1].flags) == ("wrong_fund", ("twice",))


def test_a_cancelled_invoice_takes_nothing_and_the_money_is_credit():
    known = book(invoice(1, live=False))
    verdict = decide([read(paid(1, 100), known)], known, [1])[1]
    assert (verdict.allocated, verdict.credit, verdict.outcome, verdict.flags) == ({}, {7: 100}, "replaced", ())


AMOUNTS = st.lists(st.tuples(st.integers(1, 150), st.sampled_from([1, 2, 3]), st.integers(0, 3)), max_size=7)


@given(AMOUNTS, st.randoms())
def test_any_order_gives_the_same_paid_lines_and_the_same_credit_on_each_account(facts, random):
    transfers = [paid(n, amount, account, day) for n, (amount, account, day) in enumerate(facts, 1)]
    shuffled = random.sample(transfers, len(transfers))

    def projection(given_order):
        known = book(invoice(1))
        verdicts = decide([read(one, known) for one in given_order], known, [1])
        return {key: (one.outcome, one.flags, one.allocated, one.credit) for key, one in verdicts.items()}

    assert projection(transfers) == projection(shuffled)


@given(AMOUNTS)
def test_no_money_is_lost_or_made(facts):
    known = book(invoice(1))
    readings = [read(paid(n, amount, account, day), known) for n, (amount, account, day) in enumerate(facts, 1)]
    verdicts = decide(readings, known, [1])
    for verdict in verdicts.values():
        total = sum(verdict.allocated.values()) + sum(verdict.credit.values())
        assert total == verdict.reading.transfer.amount_vnd
    allocated = sum(sum(verdict.allocated.values()) for verdict in verdicts.values())
    assert allocated == min(100, sum(amount for amount, _, _ in facts))
