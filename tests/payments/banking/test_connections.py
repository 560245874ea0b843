"""Connections: closed list of accounts, sealed secrets of which two may be live, opaque token."""

import os

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from payments.banking.connections import (
    AccountName,
    add_secret,
    change_settling,
    connection_token,
    create_connection,
    revoke_connection,
    revoke_secret,
)
from payments.banking.models import ReceivingAccount, Settles
from payments.banking.queries import DoorConnection, connection_by_token, connections
from payments.banking.rules import token_hash
from payments.banking.service import close_account
from payments.crypto import FieldCipher
from payments.errors import ConflictError, DomainError, NotFoundError
from tests.payments.inbox.evidence import make_connection, tell
from tests.payments.setting import SchoolSetting

pytestmark = pytest.mark.db

FIRST = {"secret": "first-secret"}
SECOND = {"secret": "second-secret"}


@pytest.fixture
def cipher() -> FieldCipher:
    return FieldCipher({1: os.urandom(32)})


def account(session: Session, school: SchoolSetting) -> ReceivingAccount:
    return session.get_one(ReceivingAccount, (school.id, school.account))


def create(session: Session, cipher: FieldCipher, school: SchoolSetting, **changed: object) -> tuple[int, str]:
    number = account(session, school).number
    arguments: dict[str, object] = {
        "adapter": "sepay",
        "accounts": [AccountName("970998", number), AccountName("970998", number, "virtual_prefix", "962hp")],
        "secret": FIRST,
        "actor_id": None,
        "networks": ["203.0.113.0/24"],
    }
    return create_connection(session, cipher, **(arguments | changed))


def door(session: Session, cipher: FieldCipher, token: str) -> DoorConnection | None:
    return connection_by_token(session, cipher, token_hash(token))


def test_the_door_learns_everything_in_one_statement(
    session: Session, cipher: FieldCipher, school: SchoolSetting
) -> None:
    connection_id, token = create(session, cipher, school)
    statements: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    found = door(session, cipher, token)
    assert len(statements) == 1
    assert found is not None
    assert (found.id, found.adapter, found.sandbox) == (connection_id, "sepay", False)
    assert found.secrets == (FIRST,)
    assert [str(network) for network in found.networks] == ["203.0.113.0/24"]
    assert found.accounts.resolve(None, "962HP0001") == (school.id, school.account)


def test_secrets_and_token_are_stored_sealed_and_never_printed(
    session: Session, cipher: FieldCipher, school: SchoolSetting
) -> None:
    connection_id, token = create(session, cipher, school)
    stored = session.scalar(
        text("""
            SELECT string_agg(connection::text || secret::text, '') FROM connection
            JOIN connection_secret AS secret ON secret.connection_id = connection.id WHERE connection.id = :id
        """),
        {"id": connection_id},
    )
    for hidden in (token, "first-secret"):
        assert hidden.encode().hex() not in stored
        assert hidden not in stored + repr(door(session, cipher, token))
    assert connection_token(session, cipher, connection_id, actor_id=None) == token


def test_tokens_are_long_and_differ(session: Session, cipher: FieldCipher, school: SchoolSetting) -> None:
    tokens = {create(session, cipher, school)[1] for _ in range(5)}
    assert len(tokens) == 5
    assert all(len(token) == 43 for token in tokens)
    assert door(session, cipher, "x" * 43) is None


def test_a_key_rotates_with_two_live_secrets_newest_first(
    session: Session, cipher: FieldCipher, school: SchoolSetting
) -> None:
    connection_id, token = create(session, cipher, school)
    add_secret(session, cipher, connection_id, SECOND, actor_id=None)
    found = door(session, cipher, token)
    assert found is not None
    assert found.secrets == (SECOND, FIRST)
    with pytest.raises(ConflictError, match="two_secrets"):
        add_secret(session, cipher, connection_id, {"secret": "third"}, actor_id=None)
    revoke_secret(session, connection_id, actor_id=None, at_once=True)
    found = door(session, cipher, token)
    assert found is not None
    assert found.secrets == (SECOND,)
    with pytest.raises(ConflictError, match="last_secret"):
        revoke_secret(session, connection_id, actor_id=None, at_once=True)


def test_a_revoked_connection_is_unknown_to_the_door(
    session: Session, cipher: FieldCipher, school: SchoolSetting
) -> None:
    connection_id, token = create(session, cipher, school)
    revoke_connection(session, connection_id, actor_id=None)
    assert door(session, cipher, token) is None
    assert [row.active for row in connections(session) if row.id == connection_id] == [False]


def test_a_closed_account_keeps_receiving_evidence(
    session: Session, cipher: FieldCipher, school: SchoolSetting
) -> None:
    _, token = create(session, cipher, school)
    close_account(session, school.id, school.account, school.principal)
    found = door(session, cipher, token)
    assert found is not None
    number = account(session, school).number
    assert found.accounts.resolve(number, None) == (school.id, school.account)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"adapter": "sepai"}, "unknown_adapter"),
        ({"secret": {}}, "bad_secret"),
        ({"secret": {"secret": ""}}, "bad_secret"),
        ({"secret": {"secret": "x", "sectret": "y"}}, "bad_secret"),
        ({"networks": ["203.0.113.7/24"]}, "bad_network"),
        ({"networks": ["anywhere"]}, "bad_network"),
        ({"accounts": []}, "no_accounts"),
    ],
)
def test_what_cannot_work_is_refused_with_a_reason(
    session: Session, cipher: FieldCipher, school: SchoolSetting, changed: dict[str, object], code: str
) -> None:
    with pytest.raises(DomainError, match=code):
        create(session, cipher, school, **changed)


def test_a_refusal_does_not_repeat_the_secret(session: Session, cipher: FieldCipher, school: SchoolSetting) -> None:
    with pytest.raises(DomainError) as refused:
        create(session, cipher, school, secret={"wrong_field": "hush-hush"})
    assert "hush-hush" not in refused.value.vi + refused.value.en


def test_an_unknown_account_and_a_short_prefix_are_refused(
    session: Session, cipher: FieldCipher, school: SchoolSetting
) -> None:
    with pytest.raises(NotFoundError):
        create(session, cipher, school, accounts=[AccountName("970998", "4711")])
    number = account(session, school).number
    with pytest.raises(DomainError, match="bad_identifier"):
        create(session, cipher, school, accounts=[AccountName("970998", number, "virtual_prefix", "96")])


def test_a_wallet_settles_later_by_itself_and_others_when_the_operator_says_so(session, cipher, school):
    def settling(adapter: str, secret: dict[str, str], **said) -> tuple[str, int | None]:
        names = [AccountName("970998", account(session, school).number)]
        made, _ = create_connection(
            session, cipher, adapter=adapter, accounts=names, secret=secret, actor_id=None, **said
        )
        row = next(row for row in connections(session) if row.id == made)
        return row.settles.value, row.payout_days

    momo, payos = {"access_key": "a", "secret_key": "b"}, {"checksum_key": "c"}
    assert settling("momo", momo) == ("batch", 1)
    assert settling("momo", momo, payout_days=3) == ("batch", 3)
    assert settling("payos", payos) == ("direct", None)
    assert settling("payos", payos, settles=Settles.BATCH, payout_days=2) == ("batch", 2)
    for wrong in ({"payout_days": 11}, {"payout_days": 0}, {"settles": Settles.DIRECT, "payout_days": 1}):
        with pytest.raises(DomainError) as caught:
            settling("momo", momo, **wrong)
        assert caught.value.code == "bad_payout_days"


def test_how_a_sender_settles_is_changed_before_its_first_message_only(session, school):
    made = make_connection(session)
    change_settling(session, made, Settles.BATCH, 2, actor_id=None)
    tell(session, school, made)
    change_settling(session, made, Settles.BATCH, 5, actor_id=None)
    with pytest.raises(ConflictError) as caught:
        change_settling(session, made, Settles.DIRECT, None, actor_id=None)
    assert caught.value.code == "has_reported"
