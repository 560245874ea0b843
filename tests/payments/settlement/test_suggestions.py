"""Hints for a person: why each is one, a tie as a tie or not at all."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.console.queue.conditions import SURE
from payments.settlement.payers import payer_marks
from payments.settlement.reasons import AGAINST, CHIPS, score
from payments.settlement.rules import Transfer
from payments.settlement.suggestions import MANY, Near, OpenBook, OpenInvoice, hint_at, names_class, words
from tests.house import text_of

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


def whole(amount, memo, invoices, near=NOTHING_NEAR, payers=(), reported=()):
    return hint_at(transfer(amount, memo), near, OpenBook(invoices), payers, reported)[1]


def test_an_identifier_in_the_memo_is_a_chip_and_a_short_number_is_none():
    pupils = [replace(invoice(1), sector_id="0123456789"), replace(invoice(2, key="b"), sector_id="77")]
    [found] = whole(50, "nop hoc phi 0123456789 77", pupils)
    assert (found["invoice_ids"], found["chips"]) == ([1], ["sector_id", "same_account"])


def test_name_and_class_are_one_chip_and_in_time_is_another():
    [found] = whole(100, "NGUYEN MAU AN lop 3A2", [replace(invoice(1), due_on=MOMENT.date())])
    assert found["chips"] == ["name_and_class", "same_amount", "in_time", "same_account"]
    assert (found["against"], found["score"]) == ([], 80)
    [late] = whole(100, "NGUYEN MAU AN lop 3A2", [replace(invoice(1), due_on=date(2025, 9, 9))])
    assert late["score"] == 75


def test_another_amount_speaks_against_and_says_by_how_much():
    [found] = whole(80, "NGUYEN MAU AN nop", [invoice(1)])
    assert (found["against"], found["differs_vnd"], found["score"]) == (["amount_differs"], -20, 30)


def test_of_whom_the_same_can_be_said_each_has_rivals():
    found = whole(100, "chuyen tien", [invoice(1, key="a"), invoice(2, key="b")])
    assert [(one["against"], one["rivals"], one["score"]) for one in found] == [(["rivals"], 2, 5)] * 2
    of_one_pupil = whole(100, "nop", [invoice(1, pupil=7, key="a"), invoice(2, pupil=7, key="a")])
    assert [one["against"] for one in of_one_pupil] == [[], []]


def test_a_near_reference_of_an_invoice_that_is_paid_says_so():
    [found] = whole(7, "x", [], Near(frozenset({9})))
    assert (found["against"], found["score"]) == (["paid_up"], 20)


def test_all_that_a_pupil_has_open_is_one_suggestion():
    mine = [invoice(1, 60, pupil=7, key="le thi chi"), invoice(2, 40, pupil=7, key="le thi chi")]
    found = whole(100, "LE THI CHI nop", mine)
    assert (found[0]["invoice_ids"], found[0]["chips"]) == ([1, 2], ["pupil_named", "open_sum", "same_account"])
    assert found[0]["score"] > max(one["score"] for one in found[1:])


def test_who_paid_before_leads_to_brothers_and_sisters_too():
    mine = [invoice(1, 60, pupil=7, key="a"), invoice(2, 40, pupil=8, key="b"), invoice(3, 40, pupil=9, key="c")]
    found = whole(100, "nop tien", mine, payers={7, 8})
    assert (found[0]["invoice_ids"], found[0]["chips"]) == ([1, 2], ["payer_known", "open_sum", "same_account"])
    assert {tuple(one["invoice_ids"]) for one in found} == {(1, 2), (1,), (2,)}


def test_a_payer_s_word_leads_to_what_it_names_and_is_never_sure_without_a_name():
    mine = [invoice(1, 100, pupil=7, key="a b"), invoice(2, 40, pupil=7, key="a b")]
    [named] = whole(100, "LOP 3A2", mine, reported=[(7, 1)])
    assert named["invoice_ids"] == [1]
    assert named["chips"] == ["payer_reported", "same_amount", "class_named", "same_account"]
    assert score([*named["chips"], "in_time"], []) < SURE
    either = whole(99, "x", mine, reported=[(7, None)])
    assert {one["invoice_ids"][0] for one in either} == {1, 2}
    assert {one["invoice_ids"][0] for one in whole(99, "x", mine, reported=[(7, 55)])} == {1, 2}, "paid since"
    [paid] = whole(99, "x", [], reported=[(7, 55)])
    assert (paid["invoice_ids"], paid["against"]) == ([55], ["paid_up"])
    assert whole(99, "x", [], reported=[(7, None)]) == []


@given(st.sets(st.sampled_from(sorted(CHIPS))), st.sets(st.sampled_from(sorted(AGAINST))))
def test_a_score_is_the_sum_of_its_points_and_never_certain(chips, against):
    points = sum(CHIPS[chip] for chip in chips) + sum(AGAINST[chip] for chip in against)
    assert score(chips, against) == min(99, max(0, points))


def test_every_chip_has_words_on_the_desk_and_in_the_glossary():
    screen, glossary = text_of("payments/console/templates/console/words.html"), text_of("docs/glossary.md")
    for chip in (*CHIPS, *AGAINST):
        assert f'"{chip}": say(' in screen
        assert f"| {chip} |" in glossary


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("MBVCB.757.426.HP.CT tu 0011001932418 NGUYEN VAN MAU toi 0000000002 TRUONG", {"0011001932418"}),
        ("SHGD:10001234.DD:260908.BO:NGUYEN VAN MAU.Remark:hoc phi", {"nguyen van mau"}),
        ("tu tk 123456789 nop tien", {"123456789"}),
        ("nop tien tu thang 10 den thang 12", set()),
        ("BO:MAU.", set()),
    ],
)
def test_a_text_says_who_paid(text, marks):
    assert payer_marks(text) == marks


def test_what_a_family_was_asked_for_fits_though_voluntary_lines_are_open():
    asked = OpenInvoice(1, "R1", 1, "nguyen mau an", "3A2", 1, 115, owed_vnd=100)
    (found,) = hint_at(transfer(100, "hoc phi nguyen mau an"), NOTHING_NEAR, OpenBook([asked]))[1]
    assert "same_amount" in found["chips"]
    assert "differs_vnd" not in found
    both = [asked, OpenInvoice(2, "R2", 2, "tran mau binh", "1A", 1, 50, owed_vnd=50)]
    near = Near(slips_of_bundles=((1, 2),))
    found = next(one for one in hint_at(transfer(150, "x"), near, OpenBook(both))[1] if one["invoice_ids"] == [1, 2])
    assert "open_sum" in found["chips"]
    assert "amount_differs" not in found["against"]
