"""The desk reads all claims at once, the payer's page one by one: both understand every memo alike."""

from datetime import datetime, time, timedelta
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.payer_claims import queries
from payments.payer_claims.rules import LIVES
from payments.payer_claims.service import claim
from payments.settlement.settling import settle_transactions
from tests.payments.setting import SchoolSetting, make_pupils
from tests.payments.settlement.setting import PAID_ON, arrive, issue

pytestmark = pytest.mark.db
ONE_BY_ONE = text(f"""
    SELECT c.id, became.transaction_id FROM payer_claim c {queries._BECAME}
    WHERE c.school_id = :school_id AND c.closed_at IS NULL AND c.claimed_at > :since
      AND (became.transaction_id IS NOT NULL OR NOT became.matched)
    ORDER BY c.claimed_at, c.id
""")
NUMBERS = ("FT25253123456", "12345678", "7K3M9Q2X", "MB123456", "ABCDEFGH1", "1234567", "0009876543210")
AROUND = (
    "{} nop tien",
    "nop tien {}",
    "MBVCB.99.{}.CT tu 0011",
    "chuyen-{}-hoc phi",
    "Đóng tiền {}ữ",
    "ữ{} hoc",
    "x{}",
    "{}9",
    "0{} dau",
    "000{}",
    "_{}_",
    "a_{} b",
    "{}{}",
    "(({}))",
    "học phí «{}», lớp 3A",
    "không có gì",
    "",
)
AMOUNTS = (115_000, 120_000)


def fill(session: Session, school: SchoolSetting, random: Random) -> None:
    """Claims and transfers of every kind, some with money of the same pupil."""
    make_pupils(session, school, 40)
    pupils = list(session.scalars(text("SELECT id FROM pupil WHERE school_id = :id"), {"id": school.id}))
    named: dict[int, str] = {}
    for pupil in pupils:
        for number in random.sample(NUMBERS, 2):
            amount_vnd = random.choice((*AMOUNTS, None)) if pupil in named else AMOUNTS[0]
            named.setdefault(pupil, number)
            claim(session, school.id, pupil, number, amount_vnd=amount_vnd)
    for around in AROUND:
        for number in NUMBERS:
            memo = around.format(*[random.choice((number, number.lower()))] * 2)
            own = random.choice((None, number.lstrip("0"), None))
            day = PAID_ON - random.choice((timedelta(), LIVES + timedelta(days=2)))
            transaction = arrive(session, school, random.choice(AMOUNTS), memo, day=day, bank_reference=own)
            state = random.choice(("new", "unmatched", "unmatched", "credited"))
            session.execute(
                text("UPDATE bank_transaction SET state = :state WHERE id = :id"), {"state": state, "id": transaction}
            )
    for pupil in pupils[:8]:
        paid = issue(session, school, 115_000, pupil=pupil)
        memo = f"{paid.reference} {named[pupil]}"
        settle_transactions(session, school.id, [arrive(session, school, 115_000, memo)])


@pytest.mark.parametrize("seed", range(2))
def test_all_at_once_and_one_by_one_say_the_same(session: Session, school: SchoolSetting, seed: int) -> None:
    with clock.turned_to(datetime.combine(PAID_ON, time(12), clock.VIETNAM)):
        fill(session, school, Random(seed))
        values = {"school_id": school.id, "since": clock.now() - LIVES}
        expected = [tuple(row) for row in session.execute(ONE_BY_ONE, values)]
        listed = queries.waiting(session, school.id)
        assert [(one.id, one.transaction_id) for one in listed] == expected
        assert queries.count_waiting(session, school.id) == len(expected)
    found = {transaction is not None for _, transaction in expected}
    assert found == {True, False}
    claims = session.scalar(text("SELECT count(*) FROM payer_claim WHERE school_id = :id"), {"id": school.id})
    assert len(expected) < claims, "some are the pupil's own by now"


def test_a_reader_that_split_words_at_marks_only_would_be_noticed(
    session: Session, school: SchoolSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The teeth: were every letter beyond a to z taken for a gap, «1234ữ» would be the number 1234."""
    wrong = queries._COUNT.text.replace(r"'\W+'", "'[^0-9A-Za-z]+'")
    assert wrong != queries._COUNT.text
    monkeypatch.setattr(queries, "_LISTED", text(queries._LISTED.text.replace(r"'\W+'", "'[^0-9A-Za-z]+'")))
    with pytest.raises(AssertionError):
        test_all_at_once_and_one_by_one_say_the_same(session, school, 0)
