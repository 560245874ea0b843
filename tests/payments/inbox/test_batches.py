"""Several movements under one reference of the bank, told by several connections and a statement, in any order."""

import random
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.inbox import service as inbox
from payments.invoices import reference
from tests.payments.inbox.evidence import line, make_connection, tell
from tests.payments.setting import SchoolSetting

pytestmark = pytest.mark.db

NAMES = ["", "", *sorted(reference.generate() for _ in range(3))]
NUMBERS = {"FT 26-0301": "ft260301", "0007731": "7731"}
"""As a callback gives it, and as a statement prints it after a spreadsheet program had it."""


@dataclass(frozen=True)
class Payment:
    """A movement of money; the statement always tells of it, the connections may."""

    amount_vnd: int
    number: str
    name: str
    told_by: tuple[int, ...]


def payments(chance: random.Random) -> list[Payment]:
    """A few; no two of one amount and one number for one invoice, which nobody could tell apart from one."""
    drawn = [
        Payment(
            chance.choice([100_000, 200_000, 300_000]),
            chance.choice(list(NUMBERS)),
            chance.choice(NAMES),
            tuple(place for place in range(2) if chance.random() < 0.6),
        )
        for _ in range(chance.randint(2, 6))
    ]
    return list({(one.amount_vnd, one.number, one.name): one for one in drawn}.values())


class Telling:
    """Pieces of evidence about payments of one school, in the order in which they are told."""

    def __init__(self, session: Session, school: SchoolSetting) -> None:
        self.session = session
        self.school = school
        self.connections = [make_connection(session) for _ in range(2)]

    def push(self, payment: Payment, place: int) -> int:
        return tell(
            self.session, self.school, self.connections[place], memo=payment.name, amount_vnd=payment.amount_vnd,
            bank_reference=payment.number,
        )  # fmt: skip

    def lines(self, *paid: Payment) -> list[int]:
        told = [line(one.name, amount_vnd=one.amount_vnd, bank_reference=NUMBERS[one.number]) for one in paid]
        return inbox.record_statement_evidence(self.session, self.school.id, self.school.account, told)

    def hear(self, evidence_ids: list[int], chance: random.Random) -> None:
        """A worker comes by now and then."""
        batch: list[int] = []
        for evidence_id in evidence_ids:
            batch.append(evidence_id)
            if chance.random() < 0.5:
                self.attach(batch)
                batch = []
        self.attach(batch)

    def attach(self, evidence_ids: list[int]) -> None:
        inbox.attach_evidence(self.session, self.school.id, evidence_ids)
        self.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        self.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))

    def found(self) -> Counter[tuple[int, str]]:
        return Counter(
            (row.amount_vnd, " ".join(row.references))
            for row in self.session.execute(
                text('SELECT amount_vnd, "references" FROM bank_transaction WHERE school_id = :id'),
                {"id": self.school.id},
            )
        )

    def held(self) -> list[tuple[str, int]]:
        rows = self.session.execute(
            text(
                "SELECT h.reason, e.amount_vnd FROM held_evidence h JOIN evidence e ON e.id = h.evidence_id"
                " WHERE h.school_id = :id ORDER BY 1, 2"
            ),
            {"id": self.school.id},
        )
        return [(row.reason, row.amount_vnd) for row in rows]


@pytest.mark.parametrize("seed", range(60))
def test_a_batch_stays_as_many_payments_as_the_statement_tells(
    session: Session, school: SchoolSetting, seed: int
) -> None:
    chance = random.Random(seed)
    paid = payments(chance)
    telling = Telling(session, school)
    pieces = [telling.push(one, place) for one in paid for place in one.told_by] + telling.lines(*paid)
    chance.shuffle(pieces)
    telling.hear(pieces, chance)
    assert telling.found() == Counter((one.amount_vnd, one.name) for one in paid)
    assert telling.held() == []


RIGHT = Payment(100_000, "0007731", NAMES[-1], ())
WRONG = replace(RIGHT, amount_vnd=10_000)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("wrong_first", [False, True])
def test_a_number_is_the_same_however_a_statement_prints_it(
    session: Session, school: SchoolSetting, number: str, wrong_first: bool
) -> None:
    telling = Telling(session, school)
    right = replace(RIGHT, number=number)
    pieces = [*telling.lines(right), telling.push(replace(WRONG, number=number), 0)]
    for piece in reversed(pieces) if wrong_first else pieces:
        telling.attach([piece])
    first, second = (WRONG, RIGHT) if wrong_first else (RIGHT, WRONG)
    assert telling.found() == {(first.amount_vnd, first.name): 1}
    assert telling.held() == [("amount_diff", second.amount_vnd)]


def test_a_movement_is_known_by_every_number_that_its_sources_give(session: Session, school: SchoolSetting) -> None:
    """The callback that created the transaction has another number than the line that joined it by the invoice."""
    telling = Telling(session, school)
    telling.attach([telling.push(replace(RIGHT, number="OWN-1"), 0)])
    telling.attach(telling.lines(RIGHT))
    telling.attach([telling.push(replace(WRONG, name=""), 1)])
    assert telling.found() == {(RIGHT.amount_vnd, RIGHT.name): 1}
    assert telling.held() == [("amount_diff", WRONG.amount_vnd)]


@pytest.mark.parametrize("seed", range(30))
def test_one_movement_is_credited_once_whatever_amounts_are_told_of_it(
    session: Session, school: SchoolSetting, seed: int
) -> None:
    """Two connections and the statement tell one movement; one of them names another amount."""
    chance = random.Random(seed)
    telling = Telling(session, school)
    liar = chance.randrange(3)
    told = [WRONG if place == liar else RIGHT for place in range(3)]
    told = [one if chance.random() < 0.5 else replace(one, name="") for one in told]
    pieces = [telling.push(told[0], 0), telling.push(told[1], 1), *telling.lines(told[2])]
    order = chance.sample(range(3), 3)
    telling.hear([pieces[place] for place in order], chance)
    amounts = Counter(amount_vnd for amount_vnd, _ in telling.found().elements())
    assert max(amounts.values()) == 1
    assert amounts[RIGHT.amount_vnd] == 1
    # What stood before two others disproved it goes on standing; a person takes it back.
    assert not amounts[WRONG.amount_vnd] or order[2] != liar
    assert len(telling.held()) == 1 - amounts[WRONG.amount_vnd]


def test_a_line_that_waits_for_another_reason_bars_a_second_amount(session: Session, school: SchoolSetting) -> None:
    telling = Telling(session, school)
    nameless = replace(RIGHT, name="")
    others = [replace(RIGHT, number=f"FT{place}", name=NAMES[place]) for place in (-1, -2)]
    telling.attach([telling.push(one, 0) for one in others])
    telling.attach(telling.lines(nameless))
    assert telling.held() == [("ambiguous", RIGHT.amount_vnd)]
    telling.attach([telling.push(WRONG, 1)])
    assert telling.held() == [("ambiguous", RIGHT.amount_vnd), ("amount_diff", WRONG.amount_vnd)]
    telling.attach([telling.push(nameless, 0)])
    assert telling.held() == [("amount_diff", WRONG.amount_vnd)]
