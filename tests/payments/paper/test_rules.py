"""What a slip asks for and tells: the mandatory part that is open, and never a voluntary đồng."""

import pytest

from payments.paper.rules import BATCH, SHORTER, Line, batches, grouped, short, shown_lines, slips
from tests.payments.paper.invented import CLUB, MEALS, TUITION, a_class, invoice


def test_a_slip_asks_for_the_mandatory_part_alone_and_names_the_voluntary_lines() -> None:
    [slip] = slips([invoice(1, "An", MEALS, TUITION, CLUB)])
    assert slip.invoice.due_vnd == MEALS.amount_vnd + TUITION.amount_vnd
    assert slip.voluntary == (CLUB,)


def test_a_partly_paid_invoice_is_printed_for_the_rest() -> None:
    [slip] = slips([invoice(1, "An", MEALS, CLUB, paid_vnd=200_000)])
    assert slip.invoice.due_vnd == 400_000
    assert shown_lines(slip, 12)[-1] == ("Đã nộp", -200_000)


@pytest.mark.parametrize("paid_vnd", [600_000, 650_000])
def test_who_owes_nothing_mandatory_has_no_slip_whatever_is_voluntary(paid_vnd: int) -> None:
    assert slips([invoice(1, "An", MEALS, CLUB, paid_vnd=paid_vnd), invoice(2, "Bình", CLUB)]) == []


def test_slips_of_a_pupil_stay_together_and_say_one_of_two() -> None:
    other = Line("Bảo hiểm y tế", True, 5)
    made = slips(
        [invoice(1, "An", MEALS), invoice(2, "Bình", MEALS), invoice(2, "Bình", other), invoice(3, "Chi", other)]
    )
    assert [(slip.place, slip.number, slip.of) for slip in made] == [(1, 1, 1), (2, 1, 2), (2, 2, 2), (3, 1, 1)]


def test_an_invoice_of_voluntary_lines_alone_is_told_on_the_pupils_last_slip() -> None:
    made = slips([invoice(1, "An", MEALS), invoice(1, "An", CLUB), invoice(1, "An", TUITION)])
    assert [(slip.of, slip.voluntary) for slip in made] == [(2, ()), (2, (CLUB,))]


@pytest.mark.parametrize("most", SHORTER)
def test_the_lines_add_up_to_what_is_asked_however_few_are_shown(most: int) -> None:
    many = [Line(f"Khoản {number}", True, 1_000 + number) for number in range(20)]
    for slip in slips([*a_class(10), invoice(99, "Yên", *many, CLUB, paid_vnd=77)]):
        lines = shown_lines(slip, most)
        assert sum(amount_vnd for _, amount_vnd in lines) == slip.invoice.due_vnd
        assert len(lines) <= most + 1


def test_a_school_is_set_in_whole_pages() -> None:
    made = slips(a_class(500))
    parts = list(batches(made))
    assert [slip for part in parts for slip in part] == made
    assert all(len(part) == BATCH for part in parts[:-1])
    assert BATCH % 4 == BATCH % 16 == 0


def test_words_are_cut_after_a_word() -> None:
    assert short("Tiền ăn bán trú", 20) == "Tiền ăn bán trú"
    assert short("Tiền ăn bán trú", 13) == "Tiền ăn bán…"
    assert short("x" * 30, 10) == "x" * 9 + "…"
    assert grouped("1900000012") == "1900 0000 12"
