"""One fact through several channels is one transaction, whatever the order; two true equal transfers stay two.

The channels: a sender's callback, the same sender when we ask it, a bank that first asked for the bill (a hosted
biller, another connection), and the account's statement.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.inbox.models import HeldReason, Source
from payments.inbox.pairing import STATEMENT, Piece
from payments.inbox.queries import held
from payments.inbox.service import attach_evidence, record_statement_evidence
from payments.invoices import reference
from tests.payments.inbox.evidence import DAY, line, make_connection, tell
from tests.payments.inbox.test_pairing import BANK, OTHER_BANK, piece, received
from tests.payments.setting import SchoolSetting, make_school

CHANNELS = ("push", "poll", "biller", "statement")
ORDERS = list(permutations(CHANNELS))
FIRST, SECOND = reference.generate(), reference.generate()


@dataclass(frozen=True)
class Telling:
    """What one channel says of one fact."""

    memo: str = ""
    bank: str | None = None
    key: str | None = None
    late_days: int = 0
    amount_vnd: int = 250_000

    @property
    def day(self) -> date:
        return DAY + timedelta(days=self.late_days)


Fact = dict[str, Telling]


@dataclass
class Desk:
    """A school with two connections that report on its account."""

    session: Session
    school: SchoolSetting
    sender: int
    biller: int

    def record(self, channel: str, told: Telling) -> list[int]:
        if channel == "statement":
            # Lines of one day come in one file, so those of equal content are counted.
            lines = [line(told.memo, amount_vnd=told.amount_vnd, day=told.day, bank_reference=told.bank)]
            return record_statement_evidence(self.session, self.school.id, self.school.account, lines)
        return [
            tell(
                self.session,
                self.school,
                self.biller if channel == "biller" else self.sender,
                memo=told.memo,
                bank_reference=told.bank,
                key=told.key and f"{channel if channel == 'biller' else 'own'}-{told.key}",
                day=told.day,
                amount_vnd=told.amount_vnd,
                source=Source.POLL if channel == "poll" else Source.CALLBACK,
            )
        ]

    def attach(self, ids: Sequence[int]) -> None:
        attach_evidence(self.session, self.school.id, ids)

    @property
    def money(self) -> Counter[tuple[int, int]]:
        """(amount, pieces behind it) of each transaction."""
        found = self.session.execute(
            text(
                "SELECT t.amount_vnd, count(*) FROM bank_transaction t JOIN transaction_evidence l"
                " ON l.school_id = t.school_id AND l.transaction_id = t.id WHERE t.school_id = :id"
                " GROUP BY t.id, t.amount_vnd"
            ),
            {"id": self.school.id},
        )
        return Counter((row[0], row[1]) for row in found)

    @property
    def waiting(self) -> Counter[HeldReason]:
        return Counter(one.reason for one in held(self.session, self.school.id))


@pytest.fixture
def desk(session: Session) -> Callable[[], Desk]:
    def made() -> Desk:
        school = make_school(session)
        return Desk(session, school, make_connection(session, "sepay"), make_connection(session, "bidv_biller"))

    return made


def alike(memo: str = "", bank: str | None = None, key: str | None = None) -> Fact:
    return dict.fromkeys(CHANNELS, Telling(memo, bank, key))


SPELLED = {
    "push": Telling(FIRST, "MBVCB.3278907687", "1"),
    "poll": Telling(FIRST, "3278907687", "v2"),
    "biller": Telling(FIRST, "BIDV-0042"),
    "statement": Telling(f"CT DEN {FIRST}", "FT26061\\BNK"),
}
NAMELESS = {
    "push": Telling("", "MBVCB.3278907687", "1"),
    "poll": Telling("", "3278907687", "v2"),
    "biller": Telling("", "003278907687"),
    "statement": Telling("", "FT26061\\BNK"),
}
ONE_FACT: dict[str, Fact] = {
    "letters before the number, and nobody tells the memo": NAMELESS,
    "all tell the memo and the bank's number": alike(FIRST, "FT1"),
    "all tell the memo, nobody a number": alike(FIRST),
    "all tell the number, nobody the memo": alike("", "FT1"),
    "nobody tells either": alike(),
    "every channel spells the number otherwise": SPELLED,
    "the statement lost the memo and books two days later": alike(FIRST, "FT1")
    | {"statement": Telling("", "FT1", late_days=2)},
    "the callback lost the memo, the biller has no number": alike(FIRST, "FT1")
    | {"push": Telling("", "FT1"), "biller": Telling(FIRST)},
    "only the statement names the invoice": alike("", "FT1") | {"statement": Telling(FIRST, "FT1")},
    "the same id of the sender, days apart, and no number": alike(FIRST, "FT1")
    | {"push": Telling("", None, "7"), "poll": Telling("", "FT1", "7", late_days=3)},
    "the sender dates it a day later when asked": alike(FIRST, "FT1") | {"poll": Telling(FIRST, "FT1", late_days=1)},
}


@pytest.mark.parametrize("name", ONE_FACT)
def test_one_fact_through_four_channels_is_one_transaction_in_any_order(name: str, desk: Callable[[], Desk]) -> None:
    fact = ONE_FACT[name]
    for order in ORDERS:
        place = desk()
        for channel in order:
            place.attach(place.record(channel, fact[channel]))
        assert place.money == {(250_000, 4): 1}, order
        assert not place.waiting, order


@pytest.mark.parametrize("name", ONE_FACT)
def test_in_one_batch_it_is_the_same(name: str, desk: Callable[[], Desk]) -> None:
    for order in ORDERS[::5]:
        place = desk()
        ids = [number for channel in order for number in place.record(channel, ONE_FACT[name][channel])]
        place.attach(ids)
        assert place.money == {(250_000, 4): 1}, order


TWO_FACTS: dict[str, tuple[Fact, Fact]] = {
    "one parent pays twice, with two numbers of the bank": (alike(FIRST, "FT1"), alike(FIRST, "FT2")),
    "one parent pays twice and nobody tells a number": (alike(FIRST), alike(FIRST)),
    "two parents, two invoices, no number": (alike(FIRST), alike(SECOND)),
    "two nameless ones with numbers": (alike("", "FT1"), alike("", "FT2")),
    "two nameless ones without": (alike(), alike()),
    "one number of the bank for two invoices (a batch)": (alike(FIRST, "BATCH"), alike(SECOND, "BATCH")),
    "two invoices, every number spelled otherwise": (
        SPELLED,
        {channel: Telling(told.memo.replace(FIRST, SECOND), f"{told.bank}9") for channel, told in SPELLED.items()},
    ),
    "two nameless ones, letters before their numbers": (
        NAMELESS,
        {channel: Telling("", f"{told.bank}9", "9") for channel, told in NAMELESS.items()},
    ),
    "the sender has one id for both ways": (alike(FIRST, None, "1"), alike(FIRST, None, "2")),
}


def everything(place: Desk, facts: Sequence[Fact], chance: random.Random) -> list[list[int]]:
    """Pieces in a random order; the lines of a statement come from one file, as banks give them."""
    pieces: list[list[int]] = []
    lines = [
        line(told.memo, amount_vnd=told.amount_vnd, day=told.day, bank_reference=told.bank, line_no=number)
        for number, told in enumerate((fact["statement"] for fact in facts if "statement" in fact), start=1)
    ]
    if lines:
        ids = record_statement_evidence(place.session, place.school.id, place.school.account, lines)
        pieces += [[number] for number in ids]
    for fact in facts:
        for channel, told in fact.items():
            if channel != "statement":
                pieces.append(place.record(channel, told))
    chance.shuffle(pieces)
    return pieces


@pytest.mark.parametrize("name", TWO_FACTS)
def test_two_true_equal_transfers_stay_two_through_four_channels(name: str, desk: Callable[[], Desk]) -> None:
    for seed in range(25):
        place = desk()
        chance = random.Random(seed)
        pieces = everything(place, TWO_FACTS[name], chance)
        while pieces:
            size = chance.choice((1, 1, 2, 8))
            batch, pieces = pieces[:size], pieces[size:]
            place.attach([number for piece in batch for number in piece])
        assert place.money == {(250_000, 4): 2}, f"seed {seed}"
        assert not place.waiting, f"seed {seed}"


@pytest.mark.parametrize("missing", CHANNELS)
def test_a_channel_that_saw_one_of_the_two_makes_no_third(missing: str, desk: Callable[[], Desk]) -> None:
    first = alike(FIRST, "FT1")
    second = {channel: told for channel, told in alike(FIRST, "FT2").items() if channel != missing}
    for seed in range(10):
        place = desk()
        for ids in everything(place, (first, second), random.Random(seed)):
            place.attach(ids)
        assert place.money == {(250_000, 4): 1, (250_000, 3): 1}, f"seed {seed}"


def test_what_may_be_the_other_half_of_two_waits_for_a_person(desk: Callable[[], Desk]) -> None:
    place = desk()
    for memo in (FIRST, SECOND):
        place.attach(place.record("push", Telling(memo)))
    place.attach(place.record("poll", Telling()))
    assert place.money == {(250_000, 1): 2}
    assert place.waiting == {HeldReason.AMBIGUOUS: 1}


@pytest.mark.parametrize("order", [("push", "poll"), ("poll", "push")])
def test_another_amount_under_the_same_id_of_the_sender_is_credited_once(
    order: Sequence[str], desk: Callable[[], Desk]
) -> None:
    """VietinBank's file may differ from its notice, and neither may name a number of the bank."""
    place = desk()
    tellings = {"push": Telling(FIRST, None, "1"), "poll": Telling(FIRST, None, "1", amount_vnd=200_000)}
    for channel in order:
        place.attach(place.record(channel, tellings[channel]))
    assert sum(place.money.values()) == 1
    assert place.waiting == {HeldReason.AMOUNT_DIFF: 1}


TELLING = st.none() | st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 1))
"""(names the invoice, gives the bank's number, the sender's id, days late)."""
SOURCES = {"push": BANK, "poll": "poll:1", "biller": OTHER_BANK, "statement": STATEMENT}


@st.composite
def pieces_of_facts(draw: st.DrawFn) -> list[Piece]:
    """Pieces about up to four equal payments, through all four channels."""
    pieces: list[Piece] = []
    for number in range(draw(st.integers(1, 4))):
        name, day = draw(st.sampled_from("AB")), draw(st.integers(0, 2))
        for channel, source in SOURCES.items():
            told = draw(TELLING)
            if told is not None:
                named, with_bank, with_id, late = told
                bank = f"{'MBVCB' if channel == 'push' else ''}FT00000{number}" if with_bank else ""
                one = piece(len(pieces) + 1, source, [name] if named else [], bank, day + late)
                own = f"1:{number}" if with_id and channel in ("push", "poll") else ""
                pieces.append(replace(one, sender_id=own))
    return pieces


def credited(pieces: Sequence[Piece], *rest: Sequence[Piece]) -> dict[tuple[str, ...], int]:
    """The money that names an invoice."""
    return {named: count for named, count in received(pieces, *rest).money.items() if named}


@settings(max_examples=1500)
@given(pieces_of_facts(), st.randoms(use_true_random=False))
def test_four_channels_in_any_order_and_any_batches_credit_the_same(pieces: list[Piece], chance: random.Random) -> None:
    """Where channels tell each another part, a nameless remainder may stand in the queue of a person in one order and
    not in another; what is credited never differs.
    """
    expected = credited(pieces)
    for _ in range(3):
        order = chance.sample(pieces, len(pieces))
        cut = chance.randint(0, len(order))
        assert credited(order[:cut], *([one] for one in order[cut:])) == expected


def test_what_one_fact_is_to_each_order_it_is_with_repetitions(desk: Callable[[], Desk]) -> None:
    fact = ONE_FACT["every channel spells the number otherwise"]
    place = desk()
    ids = [number for channel in CHANNELS for number in place.record(channel, fact[channel])]
    for _ in range(3):
        for number in ids:
            place.attach([number])
        place.attach(ids)
    assert place.money == {(250_000, 4): 1}
