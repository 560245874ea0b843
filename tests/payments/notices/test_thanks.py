"""«Đã nhận được tiền nộp»: off by default, once for each payment and pupil, never for what was taken back."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from payments import clock
from payments.notices import service, tasks
from tests.payments.notices.mailbox import text_of
from tests.payments.notices.office import NOON

pytestmark = pytest.mark.db


def switch(office, *, on: bool) -> None:
    office.do(service.change_settings, office.school.id, None, thanks=on)


def test_nothing_is_confirmed_unless_the_school_wants_it(school_office, box):
    school_office.pay(100_000, school_office.pupil("An", "a@example.org"))
    assert tasks.thank_payers() == 0
    with clock.turned_to(NOON + timedelta(minutes=1)):
        switch(school_office, on=True)
        assert tasks.thank_payers() == 0, "what came before is not told"


def test_each_payment_is_confirmed_once(school_office, box):
    switch(school_office, on=True)
    invoice = school_office.pupil("Bảo Châu", "a@example.org")
    school_office.pay(60_000, invoice)
    assert tasks.thank_payers() == 1
    assert tasks.thank_payers() == 0
    school_office.work()
    school_office.pay(40_000, invoice)
    assert tasks.thank_payers() == 1
    school_office.work()
    assert len(box.letters) == 2
    letter = box.letters[0]
    assert letter["Subject"].endswith("đã nhận được tiền nộp")
    assert "10/09/2025" in text_of(letter)
    assert "60.000" not in text_of(letter)
    assert "Châu" not in text_of(letter)[:140]


def test_a_payment_that_was_taken_back_is_not_confirmed(school_office, box):
    switch(school_office, on=True)
    school_office.pay(60_000, school_office.pupil("An", "a@example.org"))
    tasks.thank_payers()
    school_office.do(lambda s: s.execute(text("UPDATE receipt SET revoked_at = issued_at")))
    school_office.work()
    assert box.letters == []
    assert school_office.problems() == ["revoked"]


def test_switched_off_what_waits_is_not_sent(school_office, box):
    switch(school_office, on=True)
    school_office.pay(60_000, school_office.pupil("An", "a@example.org"))
    tasks.thank_payers()
    switch(school_office, on=False)
    school_office.work()
    assert box.letters == []
    switch(school_office, on=True)
    school_office.pay(60_000, school_office.pupil("Bình", "b@example.org"))
    assert tasks.thank_payers() == 1
    school_office.work()
    assert box.recipients == ["b@example.org"]
