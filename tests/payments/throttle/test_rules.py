"""Whom tries are counted for."""

from datetime import timedelta

import pytest

from payments.throttle.rules import Limit, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        (None, "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_a_household_is_one_whatever_it_calls_itself(address: str | None, network: str) -> None:
    assert network_of(address) == network


def test_a_try_weighs_its_share_of_the_time() -> None:
    assert Limit("x", 10, timedelta(hours=1)).share == timedelta(minutes=6)
