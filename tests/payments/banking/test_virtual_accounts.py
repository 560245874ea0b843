"""Numbers for pupils: drawn under the bank's prefix, once each, listed for the bank, revoked for good."""

import pytest
from sqlalchemy import text
from stdnum import luhn

from payments.banking import virtual_accounts
from payments.banking.models import ConnectionAccount, ReceivingAccount
from payments.banking.virtual_accounts import assign, generate, listed, numbers_of_pupil, revoke
from payments.errors import ConflictError, DomainError, NotFoundError
from tests.payments.inbox.evidence import make_connection
from tests.payments.setting import make_pupil

pytestmark = pytest.mark.db


@pytest.fixture
def account(session, school):
    return session.get_one(ReceivingAccount, (school.id, school.account))


def list_prefix(session, school, prefix):
    session.add(
        ConnectionAccount(
            connection_id=make_connection(session),
            school_id=school.id,
            account_id=school.account,
            kind="virtual_prefix",
            identifier=prefix,
        )
    )
    session.flush()


@pytest.mark.parametrize(("prefix", "length"), [("962", 13), ("96247", 15), ("VQR962", 16), ("9" * 12, 19)])
def test_a_number_is_the_prefix_drawn_digits_and_a_check_digit(prefix, length):
    number = generate(prefix)
    assert number.startswith(prefix)
    assert len(number) == length <= 19
    assert luhn.is_valid("".join(character for character in number if character.isdigit()))
    assert number != generate(prefix)


@pytest.mark.parametrize("prefix", ["", "96", "9" * 13, "96-2", "Đ962"])
def test_a_prefix_that_leaves_no_room_or_is_none_is_refused(prefix):
    with pytest.raises(DomainError, match="bad_prefix"):
        generate(prefix)


def test_every_pupil_who_studies_gets_one_number_and_no_second(session, school, account):
    other = make_pupil(session, school.id, school.class_room, "Bình")
    list_prefix(session, school, "96247")
    assert (assign(session, account), assign(session, account)) == (2, 0)
    newcomer = make_pupil(session, school.id, school.class_room, "Chi")
    assert assign(session, account) == 1
    numbers = {numbers_of_pupil(session, school.id, key)[account.id] for key in (school.pupil, other, newcomer)}
    assert len(numbers) == 3
    logged = text("SELECT detail FROM audit_event WHERE action = 'virtual_accounts.assigned' ORDER BY id")
    assert session.scalars(logged).all() == [{"numbers": 2, "prefix": "96247"}, {"numbers": 1, "prefix": "96247"}]


def test_a_number_that_somebody_has_is_drawn_again(session, school, account, monkeypatch):
    assign(session, account, prefix="96247")
    taken = numbers_of_pupil(session, school.id, school.pupil)[account.id]
    draws = iter(["962470000000018", taken, account.number, "962470000000026"])
    monkeypatch.setattr(virtual_accounts, "generate", lambda _: next(draws))
    newcomer = make_pupil(session, school.id, school.class_room, "Chi")
    assert assign(session, account, prefix="96247") == 1
    assert numbers_of_pupil(session, school.id, newcomer)[account.id] == "962470000000026"


def test_the_prefix_must_be_one_that_a_connection_lists(session, school, account):
    with pytest.raises(DomainError, match="no_prefix"):
        assign(session, account)
    list_prefix(session, school, "96247")
    with pytest.raises(DomainError, match="foreign_prefix"):
        assign(session, account, prefix="888")
    assert assign(session, account, prefix="96247-12") == 1
    list_prefix(session, school, "888")
    with pytest.raises(DomainError, match="no_prefix"):
        assign(session, account)


def test_a_revoked_number_is_listed_on_demand_and_its_pupil_gets_another(session, school, account):
    assign(session, account, prefix="96247")
    [first] = listed(session, school.id)
    revoke(session, school.id, f" {first.number[:4]} {first.number[4:]}")
    assert listed(session, school.id) == []
    with pytest.raises(ConflictError, match="already_revoked"):
        revoke(session, school.id, first.number)
    with pytest.raises(NotFoundError):
        revoke(session, school.id, "96247000")
    assert assign(session, account, prefix="96247") == 1
    rows = listed(session, school.id, everything=True)
    assert [row.revoked_at is None for row in rows] == [False, True]
    assert rows[0].number != rows[1].number
