"""When two messages say the same, and who may call."""

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from bank_adapters.contract import BankTransaction, Counterparty, Direction
from payments.clock import now
from payments.inbox.rules import content_sha256, may_call

MESSAGE = BankTransaction(
    provider_txn_id="1",
    bank_reference="FT1",
    amount_vnd=1000,
    direction=Direction.credit,
    occurred_at=now(),
    description="nop tien",
    account_number="1",
    dedup_key="1",
)


def test_a_retry_says_the_same_though_its_moment_balance_and_blanks_are_new() -> None:
    retry = replace(
        MESSAGE,
        occurred_at=MESSAGE.occurred_at + timedelta(minutes=7),
        balance_after_vnd=5,
        counterparty=Counterparty(name="A"),
        description=" nop  tien ",
    )
    assert content_sha256(retry) == content_sha256(MESSAGE)


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_vnd": 1001},
        {"account_number": "2"},
        {"virtual_account": "2"},
        {"bank_reference": None},
        {"order_ref": "2"},
        {"customer_code": "2"},
        {"description": "nop tien 2"},
    ],
)
def test_another_fact_under_the_same_id_says_something_else(changed: dict[str, object]) -> None:
    assert content_sha256(replace(MESSAGE, **changed)) != content_sha256(MESSAGE)


@pytest.mark.parametrize(
    ("address", "networks", "allowed"),
    [
        ("203.0.113.9", [], True),
        (None, [], True),
        ("203.0.113.9", ["203.0.113.0/24"], True),
        ("::ffff:203.0.113.9", ["203.0.113.0/24"], True),
        ("198.51.100.1", ["203.0.113.0/24"], False),
        ("2001:db8::1", ["203.0.113.0/24", "2001:db8::/32"], True),
        ("not an address", ["0.0.0.0/0"], False),
        (None, ["0.0.0.0/0"], False),
    ],
)
def test_only_allowed_networks_may_call(address: str | None, networks: list[str], *, allowed: bool) -> None:
    assert may_call(address, [ip_network(text) for text in networks]) == allowed
