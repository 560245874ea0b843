"""Whose account a message names, and when two messages say the same."""

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from bank_adapters.contract import BankTransaction, Counterparty, Direction
from payments.clock import now
from payments.inbox.rules import Target, closed_list, content_sha256, may_call

FUND, OTHER_FUND, OTHER_SCHOOL = Target(1, 10), Target(1, 11), Target(2, 20)
LIST = closed_list(
    [
        ("number", "0011 002233", FUND),
        ("number", "9988", OTHER_SCHOOL),
        ("virtual_prefix", "962", OTHER_FUND),
        ("virtual_prefix", "96251", FUND),
        ("merchant", "TRUONGMAU", OTHER_FUND),
    ]
)


@pytest.mark.parametrize(
    ("number", "virtual", "expected"),
    [
        ("0011002233", None, FUND),
        ("0011.002.233", "", FUND),
        ("truongmau", None, OTHER_FUND),
        ("0011002233", "962HP01", OTHER_FUND),
        ("0011002233", "not ours", FUND),
        (None, "962HP01", OTHER_FUND),
        (None, "96251HP", FUND),
        ("962HP01", None, OTHER_FUND),
        ("5555", None, None),
        ("5555", "962HP01", None),
        ("9988", "962HP01", None),
        (None, None, None),
        ("", " ", None),
        ("962", None, OTHER_FUND),
    ],
)
def test_an_account_is_found_by_every_name_the_sender_may_use_and_by_no_other(
    number: str | None, virtual: str | None, expected: Target | None
) -> None:
    assert LIST.resolve(number, virtual) == expected


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
