"""A new account takes two people, a day and a notice; nothing shortens it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.models import AuditEvent
from payments.banking.models import AccountState, BorneBy, ChannelKind, ReceivingAccount
from payments.banking.queries import readiness
from payments.banking.service import (
    activate_cooled,
    add_channel,
    approve_account,
    close_account,
    propose_account,
    switch_channel,
)
from payments.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from payments.notifications.models import Message
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db

MONDAY = datetime(2025, 9, 8, 3, tzinfo=UTC)


def propose(session: Session, school: SchoolSetting, number: str = "0011 002 233") -> ReceivingAccount:
    return propose_account(
        session,
        school.id,
        bank_bin="970999",
        number=number,
        holder_name="  TRUONG  TIEU HOC HOA PHUONG ",
        fund="Thu hộ BHYT",
        actor_id=school.accountant,
    )


def ready(session: Session, school: SchoolSetting, account: ReceivingAccount) -> tuple[bool, bool]:
    (row,) = readiness(session, school.id, [account.id], clock.now())
    return row.usable, row.has_free_channel


def test_an_account_is_usable_a_day_after_the_second_person_approved_it(
    session: Session, school: SchoolSetting
) -> None:
    with clock.turned_to(MONDAY):
        account = propose(session, school)
        assert ready(session, school, account) == (False, False)
        approve_account(session, school.id, account.id, school.principal)
        assert account.state is AccountState.COOLING
    with clock.turned_to(MONDAY + timedelta(hours=24, seconds=-1)):
        assert activate_cooled(session) == 0
        assert ready(session, school, account)[0] is False
    with clock.turned_to(MONDAY + timedelta(hours=24)):
        assert ready(session, school, account)[0] is True
        assert activate_cooled(session) == 1
        session.refresh(account)
        assert account.state is AccountState.ACTIVE


def test_number_and_holder_are_kept_plain(session: Session, school: SchoolSetting) -> None:
    account = propose(session, school)
    assert (account.number, account.holder_name) == ("0011002233", "TRUONG TIEU HOC HOA PHUONG")


def test_the_proposer_may_not_approve(session: Session, school: SchoolSetting) -> None:
    account = propose(session, school)
    with pytest.raises(ForbiddenError):
        approve_account(session, school.id, account.id, school.accountant)
    assert account.state is AccountState.PROPOSED


def test_the_database_refuses_one_person_for_both(session: Session, school: SchoolSetting) -> None:
    account = propose(session, school)
    with pytest.raises(IntegrityError, match="two_people"):
        session.execute(
            text("UPDATE receiving_account SET approved_by = proposed_by WHERE id = :id"), {"id": account.id}
        )


def test_approving_twice_does_not_start_the_day_again(session: Session, school: SchoolSetting) -> None:
    account = propose(session, school)
    approve_account(session, school.id, account.id, school.principal)
    with pytest.raises(ConflictError, match="account_state"):
        approve_account(session, school.id, account.id, school.principal)


def test_the_principal_is_told_once_with_the_last_digits_only(session: Session, school: SchoolSetting) -> None:
    account = propose(session, school)
    approve_account(session, school.id, account.id, school.principal)
    message = session.scalars(select(Message).where(Message.school_id == school.id)).one()
    assert message.recipient_user_id == school.principal
    assert "…2233" in message.body
    assert "0011002233" not in message.subject + message.body


def test_every_step_is_written_down(session: Session, school: SchoolSetting) -> None:
    account = propose(session, school)
    approve_account(session, school.id, account.id, school.principal)
    close_account(session, school.id, account.id, school.principal)
    events = session.execute(
        select(AuditEvent.action, AuditEvent.actor_id)
        .where(AuditEvent.school_id == school.id, AuditEvent.subject_id == account.id)
        .order_by(AuditEvent.id)
    ).all()
    assert [tuple(event) for event in events] == [
        ("account.proposed", school.accountant),
        ("account.approved", school.principal),
        ("account.closed", school.principal),
    ]


def test_a_closed_account_is_no_longer_usable_and_stays_closed(session: Session, school: SchoolSetting) -> None:
    account = propose(session, school)
    close_account(session, school.id, account.id, school.principal)
    assert ready(session, school, account)[0] is False
    with pytest.raises(ConflictError):
        close_account(session, school.id, account.id, school.principal)
    with pytest.raises(ConflictError):
        approve_account(session, school.id, account.id, school.principal)


def test_an_account_belongs_to_one_school_only(session: Session, school: SchoolSetting) -> None:
    propose(session, school)
    with pytest.raises(ConflictError, match="account_exists"):
        propose(session, make_school(session), "0011.002.233")


def test_bad_particulars_are_refused(session: Session, school: SchoolSetting) -> None:
    with pytest.raises(DomainError, match="bad_account"):
        propose(session, school, "12-é")


def test_another_schools_account_is_not_found(session: Session, school: SchoolSetting) -> None:
    stranger = make_school(session)
    with pytest.raises(NotFoundError):
        approve_account(session, stranger.id, propose(session, school).id, stranger.principal)


@pytest.mark.parametrize(
    ("cost_vnd", "borne_by", "free"),
    [(0, BorneBy.PAYER, True), (1_100, BorneBy.PAYER, False), (1_100, BorneBy.BANK, True)],
)
def test_a_channel_counts_as_free_only_when_the_payer_pays_nothing(
    session: Session, school: SchoolSetting, cost_vnd: int, borne_by: BorneBy, free: bool
) -> None:
    account = propose(session, school)
    add_channel(
        session,
        school.id,
        account.id,
        name="VietQR",
        kind=ChannelKind.BANK_TRANSFER,
        actor_id=school.accountant,
        cost_vnd=cost_vnd,
        borne_by=borne_by,
    )
    assert ready(session, school, account)[1] is free
    switch_channel(session, school.id, account.id, "VietQR", active=False, actor_id=school.accountant)
    assert ready(session, school, account)[1] is False


def test_a_channel_is_added_once(session: Session, school: SchoolSetting) -> None:
    with pytest.raises(ConflictError, match="channel_exists"):
        add_channel(
            session,
            school.id,
            school.account,
            name="VietQR",
            kind=ChannelKind.BANK_TRANSFER,
            actor_id=school.accountant,
        )


@pytest.mark.parametrize(
    "change",
    [
        "number = '999'",
        "bin = '970436'",
        "holder_name = 'KE GIAN'",
        "usable_at = usable_at - interval '1 second'",
        "usable_at = NULL, state = 'proposed'",
        "proposed_by = (SELECT max(id) FROM app_user)",
        "approved_by = NULL",
    ],
)
def test_the_database_refuses_another_number_and_a_shorter_day(
    session: Session, school: SchoolSetting, change: str
) -> None:
    account = propose(session, school)
    approve_account(session, school.id, account.id, school.principal)
    statement = text(f"UPDATE receiving_account SET {change} WHERE id = :id")
    with pytest.raises(IntegrityError, match="never changed"), session.begin_nested():
        session.execute(statement, {"id": account.id})
    session.execute(text("DROP TRIGGER keep_account ON receiving_account"))
    for guard in ("two_people", "approved", "cooled"):
        session.execute(text(f"ALTER TABLE receiving_account DROP CONSTRAINT ck__receiving_account__{guard}"))
    session.execute(statement, {"id": account.id})


@pytest.mark.parametrize(
    ("change", "guard"),
    [
        ("state = 'active', usable_at = proposed_at + interval '2 days'", "approved"),
        ("state = 'cooling', approved_by = :second", "approved"),
        ("state = 'active', approved_by = :second, usable_at = proposed_at + interval '1 hour'", "cooled"),
    ],
)
def test_the_database_uses_no_account_without_approval_and_a_whole_day(
    session: Session, school: SchoolSetting, change: str, guard: str
) -> None:
    account = propose(session, school)
    statement = text(f"UPDATE receiving_account SET {change} WHERE id = :id")
    with pytest.raises(IntegrityError, match=f"ck__receiving_account__{guard}"), session.begin_nested():
        session.execute(statement, {"id": account.id, "second": school.principal})
    session.execute(text(f"ALTER TABLE receiving_account DROP CONSTRAINT ck__receiving_account__{guard}"))
    session.execute(statement, {"id": account.id, "second": school.principal})


def test_a_closed_account_cannot_be_opened_again_by_hand(session: Session, school: SchoolSetting) -> None:
    close_account(session, school.id, school.account, school.principal)
    with pytest.raises(IntegrityError, match="never changed"), session.begin_nested():
        session.execute(text("UPDATE receiving_account SET state = 'active' WHERE id = :id"), {"id": school.account})
