"""Whose account a sender means, and what a channel costs the payer."""

from datetime import UTC, datetime, timedelta

import pytest

from payments.banking import rules
from payments.banking.rules import ReportedAccount, resolve_account

LISTED = [
    ReportedAccount("number", "0011002233", 1, 10),
    ReportedAccount("number", "96247HP01", 1, 11),
    ReportedAccount("virtual_prefix", "962", 1, 12),
    ReportedAccount("virtual_prefix", "96251", 1, 13),
    ReportedAccount("merchant", "TRUONGMAU", 1, 14),
    ReportedAccount("virtual_prefix", "88", 2, 20),
]


@pytest.mark.parametrize(
    ("named", "account"),
    [
        ({"account_number": "0011002233"}, 10),
        ({"account_number": "00 1100.2233"}, 10),
        ({"virtual_account": "96247hp01"}, 11),
        ({"virtual_account": "96299"}, 12),
        ({"virtual_account": "9625100"}, 13),
        ({"merchant": "truongmau"}, 14),
        ({"account_number": "0011002233", "virtual_account": "9625100"}, 13),
        ({"account_number": "0011002233", "virtual_account": "555"}, 10),
        ({"account_number": "777", "merchant": "TRUONGMAU"}, 14),
    ],
)
def test_the_most_specific_listed_name_wins(named: dict[str, str], account: int) -> None:
    assert resolve_account(LISTED, **named) == (1, account)


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"account_number": ""},
        {"account_number": "0011002234"},
        {"account_number": "001100223"},
        {"virtual_account": "95"},
        {"merchant": "TRUONG"},
        {"account_number": "TRUONGMAU"},
    ],
)
def test_an_account_outside_the_list_is_nobodys(named: dict[str, str]) -> None:
    assert resolve_account(LISTED, **named) is None


def test_names_of_two_schools_contradict_each_other() -> None:
    assert resolve_account(LISTED, account_number="0011002233", virtual_account="8812") is None


@pytest.mark.parametrize(
    ("cost_vnd", "cost_per_10000", "borne_by", "free"),
    [
        (0, 0, "payer", True),
        (1_100, 0, "payer", False),
        (0, 5, "payer", False),
        (1_100, 5, "school", True),
        (1_100, 0, "bank", True),
    ],
)
def test_a_channel_is_free_when_somebody_else_bears_its_cost(
    cost_vnd: int, cost_per_10000: int, borne_by: str, free: bool
) -> None:
    assert rules.free_for_payer(cost_vnd, cost_per_10000, borne_by) is free


def test_an_account_cools_for_a_whole_day() -> None:
    assert rules.usable_from(datetime(2025, 9, 1, 8, tzinfo=UTC)) == datetime(2025, 9, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "hours", "usable"),
    [("cooling", 0, True), ("active", 0, True), ("cooling", 1, False), ("proposed", 0, False), ("closed", 0, False)],
)
def test_only_an_approved_and_cooled_account_is_usable(state: str, hours: int, usable: bool) -> None:
    moment = datetime(2025, 9, 2, 8, tzinfo=UTC)
    assert rules.is_usable(state, moment + timedelta(hours=hours), moment) is usable
    assert rules.is_usable(state, None, moment) is False


@pytest.mark.parametrize(
    ("bank_bin", "number", "holder", "fund", "prefix"),
    [
        ("97043", "1", "TRUONG A", "x", None),
        ("97043６", "1", "TRUONG A", "x", None),
        ("970436", "", "TRUONG A", "x", None),
        ("970436", "1" * 20, "TRUONG A", "x", None),
        ("970436", "12é", "TRUONG A", "x", None),
        ("970436", "1", "", "x", None),
        ("970436", "1", "TRUONG A", "", None),
        ("970436", "1", "TRUONG A", "x", "SEVQRRR"),
        ("970436", "1", "TRUONG A", "x", "SE QR"),
    ],
)
def test_particulars_that_no_bank_would_take_are_named(
    bank_bin: str, number: str, holder: str, fund: str, prefix: str | None
) -> None:
    assert rules.account_problem(bank_bin, number, holder, fund, prefix) is not None
    assert rules.account_problem("970436", "0011002233", "TRUONG A", "Bán trú", "SEVQR") is None


def test_the_nearest_complete_choice_of_secret_fields_is_named() -> None:
    choices = (("secret",), ("jwt_secret", "username", "password"))
    assert rules.missing_secret_fields(frozenset({"secret"}), choices) == ()
    assert rules.missing_secret_fields(frozenset({"jwt_secret", "password", "username"}), choices) == ()
    assert rules.missing_secret_fields(frozenset(), choices) == ("secret",)
