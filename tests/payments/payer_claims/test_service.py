"""Taking and closing claims: once each, few of each pupil, by nobody for another's invoice."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from payments import clock
from payments.audit.models import AuditEvent
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.payer_claims import queries
from payments.payer_claims.models import PayerClaim
from payments.payer_claims.rules import LIVES, MOST_A_DAY, MOST_OPEN, TooManyClaimsError
from payments.payer_claims.service import claim, close
from tests.payments.setting import make_pupil, make_school
from tests.payments.settlement.setting import issue

pytestmark = pytest.mark.db
NUMBER = "FT25253123456"


def kept(session) -> int:
    return session.scalar(select(func.count()).select_from(PayerClaim))


def test_the_same_number_again_is_the_same_claim_and_keeps_its_amount(session, school) -> None:
    for amount in (115_000, 200_000):
        claim(session, school.id, school.pupil, NUMBER, amount_vnd=amount)
    claim(session, school.id, school.pupil, f"00{NUMBER}")
    [found] = queries.of_pupil(session, school.id, school.pupil)
    assert (found.bank_reference, found.amount_vnd) == (NUMBER, 115_000)


def test_two_pupils_may_give_the_same_number(session, school) -> None:
    other = make_pupil(session, school.id, school.class_room, "Bình")
    for pupil in (school.pupil, other):
        claim(session, school.id, pupil, NUMBER)
    assert kept(session) == 2


def test_an_invoice_of_another_pupil_is_as_unknown_as_none(session, school) -> None:
    other = issue(session, school, pupil=make_pupil(session, school.id, school.class_room, "Bình"))
    for invoice_id in (other.id, 999_999):
        with pytest.raises(NotFoundError):
            claim(session, school.id, school.pupil, NUMBER, invoice_id=invoice_id)
    assert kept(session) == 0


def test_a_day_and_a_pupil_hold_only_so_many(session, school) -> None:
    start = clock.now()
    for day in range(MOST_OPEN // MOST_A_DAY):
        with clock.turned_to(start + timedelta(days=2 * day)):
            for number in range(MOST_A_DAY):
                claim(session, school.id, school.pupil, f"FT{day}{number:09d}9")
            with pytest.raises(TooManyClaimsError) as refused:
                claim(session, school.id, school.pupil, "FT99999999999")
            assert refused.value.status == 429
            claim(session, school.id, school.pupil, "FT00000000009")  # said before: taken, and nothing is added
    with clock.turned_to(start + timedelta(days=30)), pytest.raises(TooManyClaimsError):
        claim(session, school.id, school.pupil, "FT99999999999")
    assert kept(session) == MOST_OPEN
    with clock.turned_to(start + LIVES + timedelta(days=9)):
        claim(session, school.id, school.pupil, "FT99999999999")
    assert kept(session) == MOST_OPEN + 1


def test_a_person_closes_it_with_a_note_once_and_it_is_on_record(session, school) -> None:
    claim(session, school.id, school.pupil, NUMBER)
    [waiting] = queries.waiting(session, school.id)
    with pytest.raises(DomainError, match="note"):
        close(session, school.id, waiting.id, "  ", school.accountant)
    close(session, school.id, waiting.id, " chuyển vào  tài khoản khác ", school.accountant)
    assert queries.waiting(session, school.id) == []
    assert queries.of_pupil(session, school.id, school.pupil)[0].state == "answered"
    with pytest.raises(ConflictError):
        close(session, school.id, waiting.id, "lần nữa", school.accountant)
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "payer_claim.closed")).one()
    assert (event.actor_id, event.detail) == (school.accountant, {"pupil_id": school.pupil})


def test_no_school_closes_the_claim_of_another(session, school) -> None:
    claim(session, school.id, school.pupil, NUMBER)
    [waiting] = queries.waiting(session, school.id)
    stranger = make_school(session)
    with pytest.raises(NotFoundError):
        close(session, stranger.id, waiting.id, "x", stranger.accountant)
    assert queries.waiting(session, stranger.id) == []


def test_the_database_itself_refuses_what_is_no_number(session, school) -> None:
    with pytest.raises(IntegrityError, match="reference_shape"), session.begin_nested():
        session.execute(
            text(
                "INSERT INTO payer_claim (school_id, pupil_id, bank_reference, claimed_at) VALUES (:s, :p, 'x', now())"
            ),
            {"s": school.id, "p": school.pupil},
        )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payer_claim SET amount_vnd = 1 WHERE closed_at IS NULL",
        "UPDATE payer_claim SET bank_reference = 'FT00000000000001' WHERE closed_at IS NULL",
        "UPDATE payer_claim SET closing_note = 'khác' WHERE closed_at IS NOT NULL",
        "DELETE FROM payer_claim",
        "TRUNCATE payer_claim",
    ],
)
def test_the_database_keeps_what_a_payer_said_and_what_was_found(session, school, change) -> None:
    for number in (NUMBER, "FT88888888888"):
        claim(session, school.id, school.pupil, number, amount_vnd=115_000)
    first = session.scalar(select(func.min(PayerClaim.id)))
    close(session, school.id, first, "Đã tìm thấy", school.accountant)
    session.flush()
    with pytest.raises(IntegrityError):
        session.execute(text(change))
