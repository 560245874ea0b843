"""Hints for a person: why each is one, a tie as a tie or not at all."""

from datetime import UTC, datetime

import pytest

from payments.settlement.rules import Transfer
from payments.settlement.suggestions import MANY, Near, OpenBook, OpenInvoice, hint_at, names_class, words

MOMENT = datetime(2025, 9, 10, tzinfo=UTC)


def transfer(amount: int, memo: str, account: int = 1) -> Transfer:
    return Transfer(1, account, amount, MOMENT.date(), MOMENT, (), memo)


def invoice(id_, open_vnd=100, pupil=None, key="nguyen mau an", class_name="3A2", account=1) -> OpenInvoice:
    return OpenInvoice(id_, f"R{id_}", pupil or id_, key, class_name, account, open_vnd)


NOTHING_NEAR = Near()


def hints(amount, memo, invoices, near=NOTHING_NEAR):
    outcome, found = hint_at(transfer(amount, memo), near, OpenBook(invoices))
    return outcome.value, [(hint["invoice_ids"], hint["chips"]) for hint in found]


@pytest.mark.parametrize(
    ("memo", "name"),
    [
        ("NOP TIEN LOP 3A2", "3A2"),
        ("lớp 3a2 tháng 9", "3A2"),
        ("LOP3A2", "3A2"),
        ("GVCN 6/4 nop ho", "6/4"),
        ("GVCN lop 3A2 nop tien 5 hs", "3A2"),
        ("GVCN LỚP 3 A2", "3A2"),
        ("be An lop La 2", "Lá 2"),
        ("LOP NHA TRE 24-36 THANG", "Nhà trẻ 24–36"),
    ],
)
def test_a_memo_names_a_class(memo, name):
    assert names_class(words(memo), name)


@pytest.mark.parametrize(
    ("memo", "name"),
    [("LOP 3A21", "3A2"), ("3A2", "3A2"), ("XE BUYT LOPEZ 3A2", "3A2"), ("LOP 3A", "3A2"), ("GVCN", "3A2")],
)
def test_a_memo_without_the_word_or_with_another_name_names_no_class(memo, name):
    assert not names_class(words(memo), name)


def test_a_near_reference_makes_it_damaged():
    assert hints(100, "x", [invoice(1), invoice(2, open_vnd=5)], Near(frozenset({1}))) == (
        "damaged",
        [([1], ["near_reference", "same_amount", "same_account"])],
    )


def test_a_near_reference_of_a_paid_invoice_is_a_hint_too():
    assert hints(7, "x", [], Near(frozenset({9}))) == ("damaged", [([9], ["near_reference"])])


def test_a_cut_reference_is_damaged_as_well():
    assert hints(7, "x", [], Near(cut=frozenset({9}))) == ("damaged", [([9], ["cut_reference"])])


def test_nothing_to_go_by_is_unknown_without_hints():
    assert hints(77, "chuyen tien", [invoice(1)]) == ("unknown", [])


def test_a_pupil_s_name_and_the_amount_are_hints_in_the_order_of_their_weight():
    invoices = [invoice(1, key="tran van binh"), invoice(2, key="le thi chi", open_vnd=50)]
    assert hints(100, "LE THI CHI nop hoc phi", invoices) == (
        "unknown",
        [([2], ["pupil_named", "same_account"]), ([1], ["same_amount", "same_account"])],
    )


def test_the_amount_alone_is_no_hint_where_too_many_have_it():
    invoices = [invoice(number, key=f"hoc sinh {number}", class_name="") for number in range(1, MANY + 2)]
    assert hints(100, "chuyen tien", invoices) == ("unknown", [])
    assert len(hints(100, "chuyen tien", invoices[:-1])[1]) == MANY


def test_more_than_one_pupil_owes_in_a_named_class_is_a_lump():
    invoices = [invoice(1), invoice(2), invoice(3, class_name="1B")]
    assert hints(200, "LOP 3A2 nop", invoices)[0] == "lump"
    assert hints(150, "LOP 3A2 nop", invoices)[0] == "lump"
    assert hints(100, "LOP 3A2 nop", invoices)[0] == "unknown", "one pupil's amount is one pupil's"


def test_all_that_a_class_owes_is_a_lump_without_its_name():
    invoices = [invoice(1, 60), invoice(2, 70), invoice(3, 80)]
    assert hints(210, "nop ho", invoices)[1][0] == ([1, 2, 3], ["whole_class"])
    assert hints(209, "nop ho", invoices)[0] == "unknown"
    assert hints(130, "nop ho", invoices[:2])[0] == "unknown", "two are too few to call it a class"


def test_what_one_invoice_asks_for_is_no_lump_by_chance():
    """A class owes as much in all as one pupil of another class owes alone; the memo names no class."""
    invoices = [*(invoice(number, open_vnd=70) for number in (1, 2, 3)), invoice(4, open_vnd=210, class_name="5A1")]
    assert hints(210, "nop ho", invoices)[0] == "unknown"
    assert hints(210, "LOP 3A2 nop", invoices)[0] == "lump"


def test_another_account_s_invoices_make_no_lump():
    invoices = [invoice(number, account=2) for number in (1, 2, 3)]
    assert hints(300, "LOP 3A2", invoices)[0] == "unknown"
