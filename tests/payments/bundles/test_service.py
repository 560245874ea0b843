"""Making a bundle: one for the same list, a reference that nobody else has, and not too many of them."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from payments import clock
from payments.bundles import rules
from payments.bundles.service import Payer, make_bundle
from payments.db import session_scope
from payments.errors import DomainError
from payments.invoices import reference
from tests.payments.setting import make_pupil, make_school
from tests.payments.settlement.setting import issue

pytestmark = pytest.mark.db


def refused(code, *asked):
    with pytest.raises(DomainError) as error:
        make_bundle(*asked)
    return error.value.code == code


def test_the_same_list_in_any_order_is_the_same_bundle(session, school):
    first, second = issue(session, school), issue(session, school)
    payer = Payer(pupil_id=school.pupil)
    made = make_bundle(session, school.id, payer, [first.id, second.id])
    assert reference.is_valid(made)
    assert make_bundle(session, school.id, payer, [second.id, first.id, first.id]) == made
    third = issue(session, school)
    assert make_bundle(session, school.id, payer, [first.id, second.id, third.id]) != made
    assert session.scalar(text("SELECT count(*) FROM bundle_line")) == 5


def test_another_payer_has_another_reference_for_the_same_list(session, school):
    ids = [issue(session, school).id for _ in range(2)]
    other = make_pupil(session, school.id, school.class_room, "Bình")
    assert make_bundle(session, school.id, Payer(pupil_id=school.pupil), ids) != make_bundle(
        session, school.id, Payer(pupil_id=other), ids
    )


def test_invoices_of_two_accounts_of_another_school_or_one_alone_make_none(session, school):
    payer = Payer(pupil_id=school.pupil)
    here, there = issue(session, school), issue(session, school, account=school.other_account)
    assert refused("not_one_account", session, school.id, payer, [here.id, there.id])
    assert refused("not_several", session, school.id, payer, [here.id, here.id])
    foreign = make_school(session)
    theirs = issue(session, foreign)
    assert refused("not_one_account", session, school.id, payer, [here.id, theirs.id])
    many = range(1, rules.MOST_INVOICES + 2)
    assert refused("too_many_invoices", session, school.id, payer, many)


def test_a_payer_cannot_make_any_number_of_them(session, school, monkeypatch):
    monkeypatch.setattr(rules, "MOST_IN_A_DAY", 2)
    payer = Payer(pupil_id=school.pupil)
    a, b, c = (issue(session, school).id for _ in range(3))
    made = make_bundle(session, school.id, payer, [a, b])
    make_bundle(session, school.id, payer, [a, c])
    assert refused("too_many_bundles", session, school.id, payer, [b, c])
    assert make_bundle(session, school.id, payer, [a, b]) == made
    other = make_pupil(session, school.id, school.class_room, "Bình")
    make_bundle(session, school.id, Payer(pupil_id=other), [a, b])
    monkeypatch.setattr(rules, "MOST_IN_A_DAY", 100)
    monkeypatch.setattr(rules, "MOST_OPEN", 2)
    assert refused("too_many_bundles", session, school.id, payer, [b, c])
    session.execute(text("UPDATE invoice_balance SET state = 'cancelled'"))
    make_bundle(session, school.id, payer, [b, c])


def test_a_drawn_reference_that_an_invoice_or_bundle_has_is_drawn_again(session, school, monkeypatch):
    a, b, c = (issue(session, school) for _ in range(3))
    payer = Payer(pupil_id=school.pupil)
    made = make_bundle(session, school.id, payer, [a.id, b.id])
    drawn = iter([a.reference, made, fresh := reference.generate()])
    monkeypatch.setattr(reference, "generate", lambda: next(drawn))
    assert make_bundle(session, school.id, payer, [a.id, c.id]) == fresh


def test_the_database_gives_no_reference_to_an_invoice_and_a_bundle(session, school):
    a, b = issue(session, school), issue(session, school)
    made = make_bundle(session, school.id, Payer(pupil_id=school.pupil), [a.id, b.id])
    copy = text("""
        INSERT INTO invoice (school_id, round_id, pupil_id, receiving_account_id, group_key, reference, amount_vnd,
                             mandatory_vnd, due_on, issued_at)
        SELECT school_id, round_id, pupil_id, receiving_account_id, 'again', :reference, amount_vnd, mandatory_vnd,
               due_on, issued_at
        FROM invoice WHERE school_id = :school AND id = :id
    """)
    with pytest.raises(IntegrityError, match="bundle already"), session.begin_nested():
        session.execute(copy, {"reference": made, "school": school.id, "id": a.id})
    named = text("""
        INSERT INTO bundle (school_id, receiving_account_id, reference, pupil_id, content_sha256, created_at)
        VALUES (:school, :account, :reference, :pupil, '', now())
    """)
    values = {"school": school.id, "account": school.account, "reference": a.reference, "pupil": school.pupil}
    with pytest.raises(IntegrityError, match="invoice already"), session.begin_nested():
        session.execute(named, values)
    # Teeth: without the trigger the database takes it.
    session.execute(text("ALTER TABLE bundle DISABLE TRIGGER one_reference"))
    session.execute(named, values)


def test_a_bundle_is_never_changed(session, school):
    make_bundle(session, school.id, Payer(pupil_id=school.pupil), [issue(session, school).id for _ in range(2)])
    for statement in ("UPDATE bundle SET reference = 'x'", "DELETE FROM bundle_line"):
        with pytest.raises(DBAPIError), session.begin_nested():
            session.execute(text(statement))


def test_two_taps_at_the_same_moment_make_one(engine):
    with session_scope(engine) as session:
        school = make_school(session)
        ids = [issue(session, school).id for _ in range(2)]
    made = []

    def tap():
        with session_scope(engine) as session:
            made.append(make_bundle(session, school.id, Payer(pupil_id=school.pupil), ids))

    taps = [threading.Thread(target=tap) for _ in range(4)]
    for one in taps:
        one.start()
    for one in taps:
        one.join()
    assert len(made) == 4
    assert len(set(made)) == 1


def test_the_day_of_the_limit_goes_by(session, school, monkeypatch):
    monkeypatch.setattr(rules, "MOST_IN_A_DAY", 1)
    payer = Payer(pupil_id=school.pupil)
    a, b, c = (issue(session, school).id for _ in range(3))
    make_bundle(session, school.id, payer, [a, b])
    assert refused("too_many_bundles", session, school.id, payer, [a, c])
    later = clock.now() + rules.DAY
    monkeypatch.setattr(clock, "now", lambda: later)
    make_bundle(session, school.id, payer, [a, c])
