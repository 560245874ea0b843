"""What may stand in public: rounding, suppression and the judgement of a number."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.banking.standing import PublicAccount, Standing, last_change
from payments.errors import DomainError
from payments.transparency import rules
from payments.transparency.rules import Counted

NOW = datetime(2025, 9, 1, tzinfo=UTC)
BILLS = st.lists(st.integers(1_000, 9_000_000), min_size=1, max_size=60)


def counted(bills: list[int], paid: list[int], changed: int | None = None) -> Counted:
    largest = max([*bills, *paid])
    return Counted(1, 2, len(bills), sum(bills), len(paid), sum(paid), largest, (), changed)


def account(number: str, standing: Standing, day: int = 1) -> PublicAccount:
    moment = NOW.replace(day=day)
    ended = moment if standing is Standing.ENDED else None
    return PublicAccount(1, "970436", "VCB", number, "TRUONG", "Bán trú", standing, moment, ended)


@pytest.mark.parametrize(
    ("largest", "grain"), [(1, 5), (100, 500), (100_000, 500_000), (100_001, 1_000_000), (660_000, 5_000_000)]
)
def test_the_grain_outweighs_five_bills(largest: int, grain: int) -> None:
    assert rules.grain(largest) == grain


@given(BILLS)
def test_no_figure_stands_for_fewer_than_five_pupils(bills: list[int]) -> None:
    few = rules.figure(counted(bills, bills[:4]))
    assert few.collected_vnd is None
    if len(bills) < 5:
        assert few.billed_vnd is None


@given(BILLS, st.data())
def test_whoever_knows_all_other_payments_cannot_tell_one_pupil_from_five(
    bills: list[int], data: st.DataObject
) -> None:
    """The sums that round to the same figure span at least the five largest bills together."""
    paid = data.draw(st.lists(st.sampled_from(bills), max_size=len(bills)))
    shown = rules.figure(counted(bills, paid))
    if shown.collected_vnd is None:
        return
    assert shown.collected_vnd % shown.grain_vnd == 0
    assert shown.collected_vnd <= sum(paid) < shown.collected_vnd + shown.grain_vnd
    assert shown.grain_vnd >= sum(sorted(bills)[-5:])


@given(BILLS)
def test_the_one_who_has_not_paid_cannot_be_seen_in_the_remainder(bills: list[int]) -> None:
    """All but one have paid: what is billed less what is collected says nothing about that one's bill."""
    shown = rules.figure(counted(bills, bills[:-1]))
    if shown.billed_vnd is not None and shown.collected_vnd is not None:
        assert shown.billed_vnd - shown.collected_vnd in {0, shown.grain_vnd}


def test_a_gift_that_outweighs_the_others_is_not_shown() -> None:
    gifts = [50_000_000, 100_000, 100_000, 200_000, 50_000, 100_000]
    assert rules.figure(counted(gifts, gifts)).collected_vnd is None


@pytest.mark.parametrize(("changed", "may"), [(None, True), (0, False), (4, False), (5, True)])
def test_a_figure_in_public_changes_for_five_pupils_or_more(changed: int | None, may: bool) -> None:
    assert rules.may_replace(counted([1_000] * 9, [], changed)) is may


@pytest.mark.parametrize(
    "typed", ["0011002233", " 0011 002 233\n", "0011-002-233", "0011.002.233", "００１１００２２３３"]
)
def test_a_number_is_read_however_it_is_pasted(typed: str) -> None:
    assert rules.typed_number(typed) == "0011002233"


@pytest.mark.parametrize(
    "typed", ["", "abc", "VIETCOMBANK", "12", "1" * 20, "0011002233 NGUYEN VAN A ở VCB", "00110022'33", "1" * 4_000]
)
def test_what_is_no_number_is_told_so(typed: str) -> None:
    assert rules.find(rules.typed_number(typed), [account("0011002233", Standing.IN_USE)], own=False)[0] == "unreadable"


@pytest.mark.parametrize("number", ["0011002234", "011002233", "00110022330", "1002233", "0011002233A"])
def test_a_number_that_is_nearly_the_schools_is_not_the_schools(number: str) -> None:
    assert rules.find(number, [account("0011002233", Standing.IN_USE)], own=False)[0] == "not_ours"


@pytest.mark.parametrize(
    ("standing", "finding"),
    [(Standing.IN_USE, "ours"), (Standing.COMING, "coming"), (Standing.ENDED, "ended")],
)
def test_the_answer_is_the_standing_of_the_account(standing: Standing, finding: str) -> None:
    assert rules.find("0011002233", [account("0011002233", standing)], own=False)[0] == finding


def test_of_two_banks_with_one_number_the_account_in_use_counts() -> None:
    both = [account("0011002233", Standing.ENDED), account("0011002233", Standing.IN_USE)]
    assert rules.find("0011002233", both, own=False) == ("ours", [both[1]])


def test_the_first_account_is_no_change_and_each_later_one_is() -> None:
    first, second = account("1", Standing.IN_USE), account("2", Standing.IN_USE, day=5)
    assert last_change([first]) is None
    assert last_change([first, second]) == second.usable_at
    assert last_change([first, account("3", Standing.COMING, day=9)]) is None
    assert last_change([first, account("4", Standing.ENDED, day=7)]) == NOW.replace(day=7)


@pytest.mark.parametrize(
    ("phone", "email", "hours"),
    [
        ("gọi tôi", "", ""),
        ("12", "", ""),
        ("1" * 31, "", ""),
        ("", "a@b@c", ""),
        ("", "khong", ""),
        ("", "", "x" * 161),
    ],
)
def test_a_contact_that_nobody_could_use_is_refused(phone: str, email: str, hours: str) -> None:
    with pytest.raises(DomainError, match="bad_contact"):
        rules.check_contact(phone, email, hours)


def test_a_contact_may_be_told_in_part() -> None:
    rules.check_contact("(0220) 3123 456", "", "")
    rules.check_contact("", "vanthu@truong.edu.vn", "Phòng 2, thứ hai đến thứ sáu, 8:00–11:00")


def test_a_look_alike_begins_with_our_name_and_is_not_ours() -> None:
    assert rules.look_alike("hocphi.edu.vn:8000") == "hocphi.edu.vn.xac-minh.example"
