"""Evidence becomes bank transactions: once each, whatever the channel, the order and the number of deliveries."""

import itertools
import random
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from payments.errors import DomainError, NotFoundError
from payments.inbox.models import BankTransaction, Direction, EvidenceStatus, HeldEvidence, HeldReason, TransactionState
from payments.inbox.service import Attached, attach_evidence, decide_held, record_statement_evidence
from payments.invoices import reference
from payments.outbox import OutboxRow
from tests.payments.inbox.evidence import DAY, line, make_connection, tell
from tests.payments.setting import SchoolSetting

pytestmark = pytest.mark.db

CODE, OTHER_CODE = "HP7K3M9Q2XAT", reference.generate()


@pytest.fixture
def bank(session: Session) -> int:
    return make_connection(session)


def attach(session: Session, school: SchoolSetting, *evidence_ids: int) -> list[Attached]:
    """Attach, and let the deferred triggers speak."""
    attached = attach_evidence(session, school.id, evidence_ids)
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    return attached


def record(session: Session, school: SchoolSetting, *lines: object) -> list[int]:
    return record_statement_evidence(session, school.id, school.account, lines)


def money(session: Session, school: SchoolSetting, amount_vnd: int = 250_000) -> Counter[tuple[str, ...]]:
    found = session.scalars(
        select(BankTransaction.references).where(
            BankTransaction.school_id == school.id, BankTransaction.amount_vnd == amount_vnd
        )
    )
    return Counter(tuple(names) for names in found)


def test_a_callback_becomes_a_new_transaction_once(session: Session, school: SchoolSetting, bank: int) -> None:
    evidence_id = tell(session, school, bank, memo=f"nop {CODE}", bank_reference="FT1")
    (first,) = attach(session, school, evidence_id)
    (again,) = attach(session, school, evidence_id)
    assert (first.created, first.state, first.references) == (True, TransactionState.NEW, (CODE,))
    assert (again.transaction_id, again.created, again.learned) == (first.transaction_id, False, False)
    assert money(session, school) == {(CODE,): 1}


def test_a_late_push_attaches_to_the_transaction_that_a_statement_created(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    (on_statement,) = record(session, school, line(f"CT DEN {CODE}", bank_reference="FT 1"))
    (created,) = attach(session, school, on_statement)
    (pushed,) = attach(session, school, tell(session, school, bank, memo=CODE, bank_reference="ft1"))
    assert (pushed.transaction_id, pushed.created) == (created.transaction_id, False)


def test_the_same_line_again_is_the_same_evidence_and_no_new_work(session: Session, school: SchoolSetting) -> None:
    lines = [line(CODE, bank_reference="FT1"), line(CODE, bank_reference="FT1", line_no=2)]
    first = record(session, school, *lines)
    second = record(session, school, *reversed(lines))
    assert len(set(first)) == 2
    assert set(first) == set(second)
    work = session.scalars(select(OutboxRow.subject_id).where(OutboxRow.school_id == school.id)).all()
    assert sorted(work) == sorted(first)


def test_two_equal_payments_of_one_parent_stay_two_through_both_channels(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    callbacks = [tell(session, school, bank, memo=CODE) for _ in range(2)]
    lines = record(session, school, line(CODE), line(CODE, line_no=2))
    for evidence_id in (callbacks[0], *lines, callbacks[1]):
        attach(session, school, evidence_id)
    assert money(session, school) == {(CODE,): 2}


def test_what_is_not_money_never_becomes_a_transaction(session: Session, school: SchoolSetting, bank: int) -> None:
    ids = [
        tell(session, school, bank, memo=CODE, status=EvidenceStatus.FAILED),
        tell(session, school, bank, memo=CODE, status=EvidenceStatus.TEST),
        tell(session, school, bank, memo=CODE, sandbox=True),
        tell(session, school, bank, memo=CODE, conflicting=True),
    ]
    assert attach(session, school, *ids) == []
    assert money(session, school) == {}


def test_evidence_of_another_school_is_not_touched(session: Session, school: SchoolSetting, bank: int) -> None:
    other = tell(session, school, bank, memo=CODE)
    assert attach_evidence(session, school.id + 1, [other]) == []
    assert money(session, school) == {}


def test_an_ambiguous_line_is_held_where_a_person_sees_it_and_released_by_later_evidence(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    attach(session, school, *(tell(session, school, bank, memo=code) for code in (CODE, OTHER_CODE)))
    (nameless,) = record(session, school, line("CHUYEN TIEN"))
    assert attach(session, school, nameless) == []
    held = session.scalars(select(HeldEvidence.reason).where(HeldEvidence.evidence_id == nameless)).all()
    assert held == [HeldReason.AMBIGUOUS]
    attach(session, school, *record(session, school, line(CODE), line(OTHER_CODE)))
    assert money(session, school) == {(CODE,): 1, (OTHER_CODE,): 1, (): 1}
    assert session.scalars(select(HeldEvidence).where(HeldEvidence.school_id == school.id)).all() == []


def test_a_guess_waits_for_the_rest_of_its_statement(session: Session, school: SchoolSetting, bank: int) -> None:
    """A line whose call was lost, and the nameless call of another payment, whose own line comes a batch later."""
    attach(session, school, tell(session, school, bank, memo="tien hoc", bank_reference="FT2"))
    named, nameless = record(
        session, school, line(CODE, bank_reference="FT1"), line("tien hoc", bank_reference="FT2", line_no=2)
    )
    attach(session, school, named)
    attach(session, school, nameless)
    told = session.execute(
        select(BankTransaction.bank_reference, BankTransaction.references).where(BankTransaction.school_id == school.id)
    )
    assert {row.bank_reference: row.references for row in told} == {"FT1": [CODE], "FT2": []}


def test_an_unmatched_transaction_learns_the_reference_that_a_callback_brings(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    (created,) = attach(session, school, *record(session, school, line("CHUYEN TIEN")))
    session.get_one(BankTransaction, (school.id, created.transaction_id)).state = TransactionState.UNMATCHED
    session.flush()
    (learned,) = attach(session, school, tell(session, school, bank, memo=CODE))
    assert (learned.transaction_id, learned.learned, learned.references) == (created.transaction_id, True, (CODE,))
    assert learned.state is TransactionState.UNMATCHED


def test_a_void_takes_back_the_payment_with_its_id_in_either_order(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    for number, void_first in enumerate((False, True)):
        key = f"V{number}"
        paid = tell(session, school, bank, memo=CODE, key=key, amount_vnd=500_000 + number)
        void = tell(session, school, bank, key=key, amount_vnd=500_000 + number, status=EvidenceStatus.VOID)
        order = (void, paid) if void_first else (paid, void)
        attached = [one for evidence_id in order for one in attach(session, school, evidence_id)]
        credit = next(one for one in attached if one.direction is Direction.CREDIT)
        debit = next(one for one in attached if one.direction is Direction.DEBIT)
        assert debit.reverses_id == credit.transaction_id
        assert (debit.created, debit.amount_vnd) == (True, 500_000 + number)


def test_a_void_of_an_unknown_payment_is_held_and_moves_no_money(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    void = tell(session, school, bank, key="nobody", status=EvidenceStatus.VOID)
    assert attach(session, school, void) == []
    held = session.scalars(select(HeldEvidence.reason).where(HeldEvidence.evidence_id == void)).all()
    assert held == [HeldReason.NO_ORIGINAL]


def test_a_void_and_the_reversal_line_of_the_statement_are_one_reversal(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    paid = tell(session, school, bank, memo=CODE, key="P1", bank_reference="FT1")
    attach(session, school, paid)
    (reversal,) = record(
        session,
        school,
        line(f"HOAN {CODE}", bank_reference="FT1", direction="debit", reversal=True, day=DAY + timedelta(days=2)),
    )
    void = tell(session, school, bank, memo=CODE, key="P1", bank_reference="FT1", status=EvidenceStatus.VOID)
    attach(session, school, reversal)
    attach(session, school, void)
    debits = session.scalars(
        select(BankTransaction).where(
            BankTransaction.school_id == school.id, BankTransaction.direction == Direction.DEBIT
        )
    ).all()
    assert len(debits) == 1
    assert debits[0].reverses_id is not None


def test_a_reversal_line_finds_its_payment_when_that_arrives_later(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    lines = record(session, school, line(f"HOAN {CODE}", direction="debit", reversal=True))
    (debit,) = attach(session, school, *lines)
    assert debit.reverses_id is None
    credit, linked = sorted(
        attach(session, school, tell(session, school, bank, memo=CODE)), key=lambda one: one.direction.value
    )
    assert (linked.transaction_id, linked.reverses_id, linked.learned) == (
        debit.transaction_id,
        credit.transaction_id,
        True,
    )


def reversal_line(memo: str = "", **more: object) -> object:
    return line(memo, direction="debit", reversal=True, day=DAY + timedelta(days=1), **more)


def reversed_by(session: Session, school: SchoolSetting) -> dict[int, int | None]:
    """Debit -> the payment that it takes back."""
    found = session.execute(
        select(BankTransaction.id, BankTransaction.reverses_id).where(
            BankTransaction.school_id == school.id, BankTransaction.direction == Direction.DEBIT
        )
    )
    return {row.id: row.reverses_id for row in found}


def test_a_void_by_id_takes_back_a_payment_that_names_nothing(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    (paid,) = attach(session, school, tell(session, school, bank, key="N1"))
    attach(session, school, tell(session, school, bank, key="N1", status=EvidenceStatus.VOID))
    assert list(reversed_by(session, school).values()) == [paid.transaction_id]


def test_a_reversal_is_found_by_a_number_that_only_the_second_channel_told(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    (paid,) = attach(session, school, tell(session, school, bank, memo=CODE))
    attach(session, school, *record(session, school, line(CODE, bank_reference="FT9")))
    attach(session, school, *record(session, school, reversal_line(bank_reference="FT9")))
    assert list(reversed_by(session, school).values()) == [paid.transaction_id]


def test_a_number_that_stands_beside_an_invoice_by_count_alone_takes_nothing_back(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    """The line of another payment was taken for the callback's other half; the rest of the evidence parts them."""
    (paid,) = attach(session, school, tell(session, school, bank, memo=CODE, bank_reference="FT0"))
    attach(session, school, *record(session, school, line("CHUYEN TIEN", bank_reference="FT5")))
    attach(session, school, *record(session, school, reversal_line(bank_reference="FT5")))
    attach(session, school, *record(session, school, line(CODE, bank_reference="FT0")))
    (taken_back,) = reversed_by(session, school).values()
    assert taken_back not in {None, paid.transaction_id}


def test_a_reversal_of_a_batch_is_no_guess(session: Session, school: SchoolSetting, bank: int) -> None:
    for code in (CODE, OTHER_CODE):
        attach(session, school, tell(session, school, bank, memo=code, bank_reference="BATCH"))
    attach(session, school, *record(session, school, reversal_line(bank_reference="BATCH")))
    assert list(reversed_by(session, school).values()) == [None]


def test_a_reversal_of_a_batch_that_names_its_invoice_is_that_one_s(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    paid = [
        attach(session, school, tell(session, school, bank, memo=code, bank_reference="BATCH"))[0].transaction_id
        for code in (CODE, OTHER_CODE)
    ]
    attach(session, school, *record(session, school, reversal_line(CODE, bank_reference="BATCH")))
    assert list(reversed_by(session, school).values()) == [paid[0]]


def test_a_reversal_line_without_words_learns_its_payment_from_the_void(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    attach(session, school, *record(session, school, reversal_line()))
    void = tell(session, school, bank, memo=CODE, key="P1", status=EvidenceStatus.VOID)
    attach(session, school, void)
    (debit,) = reversed_by(session, school)
    session.get_one(BankTransaction, (school.id, debit)).state = TransactionState.DEBIT
    attached = attach(session, school, tell(session, school, bank, memo=CODE, key="P1"))
    (paid,) = (one.transaction_id for one in attached if one.direction is Direction.CREDIT)
    assert reversed_by(session, school) == {debit: paid}
    assert session.scalars(select(HeldEvidence).where(HeldEvidence.school_id == school.id)).all() == []


def test_a_void_waits_no_longer_than_its_payment_is_held(session: Session, school: SchoolSetting, bank: int) -> None:
    """The payment finds its place by the way, when the lines of its neighbours come."""
    other = make_connection(session)
    attach(session, school, *(tell(session, school, bank, memo=code) for code in (CODE, OTHER_CODE)))
    nameless = tell(session, school, other, key="H1")
    attach(session, school, nameless)
    attach(session, school, tell(session, school, other, key="H1", status=EvidenceStatus.VOID))
    assert reversed_by(session, school) == {}
    attach(session, school, tell(session, school, other, memo=CODE), tell(session, school, other, memo=OTHER_CODE))
    assert None not in reversed_by(session, school).values()
    assert len(reversed_by(session, school)) == 1


AMOUNTS = itertools.count(1_000_001)
"""Each run of the property has payments of its own."""


def test_a_person_puts_held_evidence_behind_one_of_the_candidates_and_it_stays_there(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    both = attach(session, school, *(tell(session, school, bank, memo=code) for code in (CODE, OTHER_CODE)))
    chosen = next(one for one in both if one.references == (OTHER_CODE,)).transaction_id
    (nameless,) = record(session, school, line("CHUYEN TIEN"))
    attach(session, school, nameless)
    assert decide_held(session, school.id, nameless, chosen, actor_id=school.accountant) == chosen
    lines = record(session, school, line(CODE), line(OTHER_CODE, line_no=2))
    attach(session, school, *lines)
    assert money(session, school) == {(CODE,): 1, (OTHER_CODE,): 2}
    (still,) = attach(session, school, nameless)
    assert still.transaction_id == chosen


def test_a_person_may_say_that_held_evidence_is_money_of_its_own(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    attach(session, school, *(tell(session, school, bank, memo=code) for code in (CODE, OTHER_CODE)))
    (nameless,) = record(session, school, line("CHUYEN TIEN"))
    attach(session, school, nameless)
    own = decide_held(session, school.id, nameless, None, actor_id=school.accountant)
    assert money(session, school) == {(CODE,): 1, (OTHER_CODE,): 1, (): 1}
    attach(session, school, *record(session, school, line(CODE), line(OTHER_CODE, line_no=2)))
    assert money(session, school) == {(CODE,): 1, (OTHER_CODE,): 1, (): 1}
    (still,) = attach(session, school, nameless)
    assert (still.transaction_id, still.state) == (own, TransactionState.NEW)


def test_only_held_evidence_is_decided_and_only_for_the_same_movement(
    session: Session, school: SchoolSetting, bank: int
) -> None:
    (named, other) = attach(session, school, *(tell(session, school, bank, memo=code) for code in (CODE, OTHER_CODE)))
    (dearer,) = attach(session, school, tell(session, school, bank, memo=CODE, amount_vnd=1))
    (nameless,) = record(session, school, line("CHUYEN TIEN"))
    attach(session, school, nameless)
    with pytest.raises(DomainError, match="not_the_same_movement"):
        decide_held(session, school.id, nameless, dearer.transaction_id, actor_id=school.accountant)
    with pytest.raises(NotFoundError):
        decide_held(session, school.id, named.evidence_ids[0], other.transaction_id, actor_id=school.accountant)
    void = tell(session, school, bank, key="nobody", status=EvidenceStatus.VOID)
    attach(session, school, void)
    with pytest.raises(DomainError, match="no_original"):
        decide_held(session, school.id, void, None, actor_id=school.accountant)


TELLING = st.none() | st.tuples(st.booleans(), st.booleans(), st.integers(0, 1))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), TELLING, TELLING), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_same_facts_in_any_order_give_the_same_money(
    session: Session,
    school: SchoolSetting,
    bank: int,
    facts: list[tuple[bool, object, object]],
    chance: random.Random,
) -> None:
    projections = []
    for _ in range(2):
        amount_vnd = next(AMOUNTS)
        pieces = [piece for fact in enumerate(facts) for piece in evidence_of(session, school, bank, amount_vnd, fact)]
        order = chance.sample(pieces, len(pieces))
        cut = chance.randint(0, len(order))
        for batch in (order[:cut], *([one] for one in order[cut:])):
            attach(session, school, *batch)
        projections.append(money(session, school, amount_vnd))
    assert projections[0] == projections[1]


def evidence_of(
    session: Session, school: SchoolSetting, bank: int, amount_vnd: int, fact: tuple[int, tuple[bool, object, object]]
) -> list[int]:
    number, (first_code, by_callback, by_statement) = fact
    code = CODE if first_code else OTHER_CODE
    ids = []
    for telling, on_statement in ((by_callback, False), (by_statement, True)):
        if telling is None:
            continue
        named, with_bank, late = telling
        given = {
            "memo": code if named else "",
            "amount_vnd": amount_vnd,
            "bank_reference": f"FT{number}" if with_bank else None,
            "day": DAY + timedelta(days=late if on_statement else 0),
        }
        if on_statement:
            # Lines without anything of their own are told apart by occurrence, which one import would number.
            ids += record(session, school, line(**(given | {"memo": f"{given['memo']} l{number}"})))
        else:
            ids.append(tell(session, school, bank, **given))
    return ids
