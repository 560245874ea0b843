"""Natural keys survive re-saving and sorting, and never merge two true payments."""

import random
from dataclasses import replace
from datetime import date

from bank_adapters.statements.keys import natural_keys
from bank_adapters.statements.model import StatementLine


def line(number: int, amount_vnd: int = 150_000, reference: str | None = "FT001", text: str = "nộp học phí"):
    return StatementLine(
        line_no=number,
        value_date=date(2025, 10, 6),
        booked_on=date(2025, 10, 6),
        amount_vnd=amount_vnd,
        direction="credit",
        bank_reference=reference,
        description=text,
        raw="",
    )


def test_two_equal_lines_stay_two():
    assert [occurrence for _, occurrence in natural_keys([line(1), line(2)])] == [1, 2]


def test_without_a_reference_the_text_tells_lines_apart():
    keys = natural_keys([line(1, reference=None, text="a"), line(2, reference=None, text="b")])
    assert keys[0][0] != keys[1][0]
    assert [occurrence for _, occurrence in keys] == [1, 1]


def test_a_key_holds_no_text_of_the_payer():
    assert "NGUYEN" not in natural_keys([line(1, reference=None, text="Nguyễn Văn Mẫu")])[0][0].upper()


def test_spreadsheet_programs_may_drop_leading_zeros_marks_and_blanks():
    before = [line(1, reference="00123 45"), line(2, reference=None, text="Nộp tiền  ăn\nđợt 1")]
    after = [line(1, reference="12345"), line(2, reference=None, text="nop tien an dot 1")]
    assert natural_keys(before) == natural_keys(after)


def test_sorting_the_lines_leaves_each_line_its_key():
    rng = random.Random(7)
    lines = [
        line(number, 1000 * (1 + number % 3), rng.choice(["FT1", "FT2", None]), rng.choice(["a", "b"]))
        for number in range(60)
    ]
    expected = sorted(zip(natural_keys(lines), (item.description for item in lines), strict=True))
    rng.shuffle(lines)
    shuffled = sorted(zip(natural_keys(lines), (item.description for item in lines), strict=True))
    assert shuffled == expected
    assert len({key for key, _ in shuffled}) == 60


def test_another_day_or_direction_is_another_key():
    first = line(1)
    others = [replace(first, booked_on=date(2025, 10, 7)), replace(first, direction="debit")]
    assert len({key for key, _ in natural_keys([first, *others])}) == 3
