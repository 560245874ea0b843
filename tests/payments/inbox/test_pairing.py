"""Pairing and placing as pure functions: the same evidence in any order gives the same money."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.inbox.attaching import references_of
from payments.inbox.pairing import STATEMENT, Piece, pair
from payments.inbox.placing import Standing, place

FIRST_DAY = date(2026, 3, 2)
BANK, OTHER_BANK = "callback:1", "callback:2"


def piece(
    number: int,
    source: str = BANK,
    references: Sequence[str] = (),
    bank: str = "",
    day: int = 0,
    own: int | None = None,
) -> Piece:
    on = FIRST_DAY + timedelta(days=day)
    order = (on, datetime(on.year, on.month, on.day, tzinfo=UTC), source, f"{number:06d}")
    return Piece(number, source, on, order, tuple(references), bank, own_account=own)


@dataclass
class Books:
    """What the database would hold of one account, direction and amount."""

    pieces: dict[int, Piece] = field(default_factory=dict)
    references: dict[int, tuple[str, ...]] = field(default_factory=dict)
    decided: set[int] = field(default_factory=set)

    def receive(self, batch: Iterable[Piece]) -> None:
        self.pieces |= {one.evidence_id: one for one in batch}
        standings = [
            Standing(key, named, free=key not in self.decided) for key, named in sorted(self.references.items())
        ]
        plan = place(pair(self.pieces.values()), standings)
        self.pieces |= {one.evidence_id: replace(one, transaction_id=None) for one in plan.held}
        for one in plan.placed:
            key = one.transaction_id if one.transaction_id is not None else len(self.references) + 1
            named = references_of(one.pieces)
            if one.transaction_id is None or (key not in self.decided and named):
                self.references[key] = named
            self.pieces |= {member.evidence_id: replace(member, transaction_id=key) for member in one.pieces}
        # Settlement credits what names an invoice, in the same commit.
        self.decided |= {key for key, named in self.references.items() if named}

    @property
    def money(self) -> Counter[tuple[str, ...]]:
        return Counter(tuple(sorted(named)) for named in self.references.values())

    def check(self) -> None:
        attached = Counter((one.transaction_id, one.source) for one in self.pieces.values() if one.transaction_id)
        assert all(count == 1 for count in attached.values())
        assert {key for key, _ in attached} == set(self.references)


def received(*batches: Iterable[Piece]) -> Books:
    books = Books()
    for batch in batches:
        books.receive(batch)
        books.check()
    return books


def test_callback_and_statement_with_other_ids_are_one_payment_by_the_payment_reference() -> None:
    both = [piece(1, BANK, ["A"], "123"), piece(2, STATEMENT, ["A"], "FT9")]
    for order in (both, both[::-1]):
        assert received(order[:1], order[1:]).money == {("A",): 1}


def test_an_equal_bank_reference_joins_what_lost_its_memo() -> None:
    both = [piece(1, BANK, ["A"], "FT9"), piece(2, STATEMENT, [], "FT9", day=3)]
    for order in (both, both[::-1]):
        assert received(order[:1], order[1:]).money == {("A",): 1}


def test_two_equal_payments_stay_two_whichever_source_tells_first() -> None:
    pieces = [piece(1, BANK, ["A"]), piece(2, BANK, ["A"]), piece(3, STATEMENT, ["A"]), piece(4, STATEMENT, ["A"])]
    for order in (pieces, pieces[::-1], [pieces[0], pieces[2], pieces[1], pieces[3]]):
        assert received(*([one] for one in order)).money == {("A",): 2}


def test_a_batch_reference_of_the_bank_does_not_join_two_invoices() -> None:
    assert received([piece(1, BANK, ["A"], "BATCH"), piece(2, STATEMENT, ["B"], "BATCH")]).money == {
        ("A",): 1,
        ("B",): 1,
    }


def test_a_nameless_line_among_several_open_payments_brings_no_money_and_waits() -> None:
    books = received([piece(1, BANK, ["A"]), piece(2, BANK, ["B"])], [piece(3, STATEMENT)])
    assert books.money == {("A",): 1, ("B",): 1}
    assert books.pieces[3].transaction_id is None


def test_a_nameless_line_becomes_money_when_the_open_payments_have_lines_of_their_own() -> None:
    payments = [piece(1, BANK, ["A"]), piece(2, BANK, ["B"])]
    lines = [piece(3, STATEMENT), piece(4, STATEMENT, ["A"]), piece(5, STATEMENT, ["B"])]
    books = received(payments, *([line] for line in lines))
    assert books.money == {("A",): 1, ("B",): 1, (): 1}


def test_an_unmatched_payment_learns_its_reference_from_a_late_callback() -> None:
    books = received([piece(1, STATEMENT)], [piece(2, BANK, ["A"])])
    assert books.money == {("A",): 1}


def test_a_callback_beside_a_payment_that_a_person_decided_is_held() -> None:
    books = received([piece(1, STATEMENT)])
    books.decided.add(1)
    books.receive([piece(2, BANK, ["A"])])
    assert books.money == {(): 1}
    assert books.pieces[2].transaction_id is None
    books.receive([piece(3, STATEMENT, ["A"])])
    assert books.money == {(): 1, ("A",): 1}


def test_pairs_move_so_that_dates_a_day_apart_never_make_a_third_payment() -> None:
    pieces = [
        piece(1, BANK, day=1),
        piece(2, BANK, day=2),
        piece(3, OTHER_BANK, day=2),
        piece(4, OTHER_BANK, day=3),
    ]
    for order in ([1, 2, 0, 3], [0, 1, 2, 3], [3, 2, 1, 0]):
        assert received(*([pieces[index]] for index in order)).money == {(): 2}


def test_a_payment_beside_one_for_two_invoices_keeps_to_its_own() -> None:
    """What waits for a person says what its evidence says, so a name that it held for a while does not stay on it."""
    books = received([piece(1, STATEMENT, ["A", "B"], day=2)])
    books.decided.clear()
    for one in (piece(2, BANK, ["A"]), piece(3, STATEMENT, ["A"])):
        books.receive([one])
    assert books.money == {("A",): 1, ("A", "B"): 1}


@dataclass(frozen=True)
class Fact:
    """A payment that happened, and what each channel tells of it (None: nothing)."""

    reference: str
    day: int
    tellings: tuple[tuple[str, bool, bool, int] | None, ...]


TELLING = st.none() | st.tuples(st.booleans(), st.booleans(), st.integers(0, 1))
"""(names the reference, gives the bank's reference, days late)."""


@st.composite
def evidence(draw: st.DrawFn) -> list[Piece]:
    """Pieces about up to six equal payments, through a bank's callbacks and its statement."""
    pieces: list[Piece] = []
    for number in range(draw(st.integers(1, 6))):
        reference = draw(st.sampled_from(["A", "B", "C"]))
        day = draw(st.integers(0, 2))
        for source in (BANK, STATEMENT):
            telling = draw(TELLING)
            if telling is not None:
                named, with_bank, late = telling
                pieces.append(
                    piece(
                        len(pieces) + 1,
                        source,
                        [reference] if named else [],
                        f"FT{number}" if with_bank else "",
                        day + (late if source == STATEMENT else 0),
                    )
                )
    return pieces


@settings(max_examples=1500, deadline=None)
@given(evidence(), st.randoms(use_true_random=False))
def test_any_order_and_any_batches_give_the_same_money(pieces: list[Piece], chance: random.Random) -> None:
    expected = received(pieces).money
    for _ in range(3):
        order = chance.sample(pieces, len(pieces))
        cut = chance.randint(0, len(order))
        assert received(order[:cut], *([one] for one in order[cut:])).money == expected


@settings(max_examples=500, deadline=None)
@given(evidence())
def test_more_evidence_never_takes_back_a_credit(pieces: list[Piece]) -> None:
    books = Books()
    before: Counter[tuple[str, ...]] = Counter()
    for one in pieces:
        books.receive([one])
        assert all(books.money[named] >= count for named, count in before.items() if named)
        before = books.money


def test_what_one_sender_told_and_answered_under_two_numbers_are_two_payments() -> None:
    told, answered = piece(1, "callback:7", ["HP7K3M9Q2XAT"], "A"), piece(2, "poll:7", ["HP7K3M9Q2XAT"], "B")
    assert [len(group.pieces) for group in pair([told, answered])] == [1, 1]
    same = piece(3, "poll:7", ["HP7K3M9Q2XAT"], "A")
    assert [len(group.pieces) for group in pair([told, same])] == [2]
    line = piece(4, STATEMENT, ["HP7K3M9Q2XAT"], "B")
    assert [len(group.pieces) for group in pair([told, line])] == [2], "a statement may print another number"


def together(*pieces: Piece) -> list[list[int]]:
    return sorted(sorted(one.evidence_id for one in group.pieces) for group in pair(pieces))


def test_money_on_two_pupils_own_accounts_is_two_payments_whatever_else_is_equal():
    assert together(piece(1, own=1), piece(2, OTHER_BANK, own=2)) == [[1], [2]]
    assert together(piece(1, bank="FT1", own=1), piece(2, OTHER_BANK, bank="FT1", own=2)) == [[1], [2]]
    assert together(piece(1, references=["R"], own=1), piece(2, OTHER_BANK, ["R"], own=2)) == [[1], [2]]
    lines = piece(3, STATEMENT), piece(4, STATEMENT, day=1)
    assert len(together(piece(1, own=1), piece(2, OTHER_BANK, own=2), *lines)) == 2


def test_the_statement_s_line_without_a_name_is_the_other_half_of_money_on_an_own_account():
    assert together(piece(1, own=1), piece(2, STATEMENT)) == [[1, 2]]
    assert together(piece(1, own=1), piece(2, OTHER_BANK, own=1), piece(3, STATEMENT)) == [[1, 2, 3]]


def test_a_transaction_on_an_own_account_stays_with_the_money_on_it():
    mine, line, theirs = piece(1, own=1, bank="FT1"), piece(2, STATEMENT, bank="FT2"), piece(3, own=2, bank="FT2")
    stands = Standing(7, (), free=True, own_account=1)
    pieces = [replace(mine, transaction_id=7), replace(line, transaction_id=7), theirs]
    plan = place(pair([*pieces, piece(4, STATEMENT, bank="FT1")]), [stands])
    placed = {one.transaction_id: sorted(member.evidence_id for member in one.pieces) for one in plan.placed}
    assert placed == {7: [1, 4], None: [2, 3]}
