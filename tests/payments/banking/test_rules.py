"""Whose account a sender means, and what a channel costs the payer."""

from datetime import UTC, datetime, timedelta

import pytest

from payments.banking import rules
from payments.banking.rules import Target, closed_list

FUND, OTHER_FUND, OTHER_SCHOOL = Target(1, 10), Target(1, 11), Target(2, 20)
LIST = closed_list(
    [
        ("number", "0011 002233", FUND),
        ("number", "9988", OTHER_SCHOOL),
        ("virtual_prefix", "962", OTHER_FUND),
        ("virtual_prefix", "88", OTHER_SCHOOL),
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
        ("0011002233", "8801", None),
        ("962HP01", None, None),
        ("5555", None, None),
        ("5555", "962HP01", None),
        ("9988", "962HP01", None),
        (None, None, None),
        ("", " ", None),
        ("962", None, None),
    ],
)
def test_an_account_is_found_by_every_name_the_sender_may_use_and_by_no_other(
    number: str | None, virtual: str | None, expected: Target | None
) -> None:
    assert LIST.resolve(number, virtual) == expected


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
