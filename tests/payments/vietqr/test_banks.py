"""Banks are known by BIN; a name that means two banks is an error that lists both."""

from dataclasses import replace

import pytest

from payments.vietqr import AmbiguousBankError, Registry, UnknownBankError, diff, shipped

REGISTRY = shipped()


def test_shipped_list_has_every_bank_once():
    assert len(REGISTRY.banks) == 71
    assert len({bank.bin for bank in REGISTRY.banks}) == 71
    assert all(bank.name and bank.short_name for bank in REGISTRY.banks)


@pytest.mark.parametrize(
    ("asked", "bin_"),
    [
        ("970436", "970436"),
        ("VCB", "970436"),
        ("vietcombank", "970436"),
        ("BFTVVNVX", "970436"),
        ("Ngân hàng TMCP Ngoại Thương Việt Nam", "970436"),
        ("ngan hang tmcp ngoai thuong viet nam", "970436"),
        ("NH Ngoại thương", "970436"),
        ("AGRIBANK", "970405"),
        ("CTG", "970415"),
        ("DongA Bank", "970406"),
        ("Oceanbank", "970414"),
        ("LienVietPostBank", "970449"),
        ("bản việt", "970454"),
        ("Xăng dầu Petrolimex", "970430"),
    ],
)
def test_bank_is_found_by_any_of_its_names(asked, bin_):
    assert REGISTRY.lookup(asked).bin == bin_


@pytest.mark.parametrize(("asked", "bins"), [("BVB", {"970438", "970454"}), ("cimb", {"970459", "422589"})])
def test_ambiguous_name_lists_all_banks(asked, bins):
    with pytest.raises(AmbiguousBankError) as caught:
        REGISTRY.lookup(asked)
    assert {bank.bin for bank in caught.value.banks} == bins
    assert all(bin_ in caught.value.vi and bin_ in caught.value.en for bin_ in bins)


def test_every_bank_is_found_by_bin_and_no_name_is_silently_someone_elses():
    for bank in REGISTRY.banks:
        assert REGISTRY.lookup(bank.bin) == bank
        for alias in bank.aliases():
            assert bank in _named(alias)


def _named(alias):
    try:
        return (REGISTRY.lookup(alias),)
    except AmbiguousBankError as error:
        return error.banks


@pytest.mark.parametrize("asked", ["", " ", "Vietconbank", "970999", "()", "đ\ud800"])
def test_unknown_name_is_refused_with_a_hint(asked):
    with pytest.raises(UnknownBankError) as caught:
        REGISTRY.lookup(asked)
    assert ("Vietcombank" in caught.value.vi) is (asked == "Vietconbank")


def test_unknown_bin_is_no_error():
    assert REGISTRY.by_bin("970999") is None


def test_search_lists_banks_for_a_choice():
    assert {bank.bin for bank in REGISTRY.search("bvb")} == {"970438", "970454"}
    assert len(REGISTRY.search("")) == 71
    assert REGISTRY.search("??") == []


def test_diff_tells_added_removed_and_changed():
    first, second, *rest = REGISTRY.banks
    changes = diff(REGISTRY, Registry([replace(first, short_name="New"), *rest, replace(second, bin="970999")]))
    assert [bank.bin for bank in changes.added] == ["970999"]
    assert changes.removed == (second,)
    (change,) = changes.changed
    assert (change.bin, change.column, change.before, change.after) == (
        first.bin,
        "short_name",
        first.short_name,
        "New",
    )


def test_diff_with_itself_is_empty():
    assert diff(REGISTRY, REGISTRY) == diff(Registry([]), Registry([]))
