"""MT942 tells of the day while it lasts: its sums are checked, and it proves no day."""

from datetime import date

import pytest

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.proof import prove
from bank_adapters.statements.read import read_statement

SAMPLE = """{1:F01MAUVVNVXAXXX0000000000}{2:I942MAUVVNVXXXXXN}{4:
:20:TN251006
:25:970436/0071001234567
:28C:31/1
:34F:VND0,
:13D:2510061130+0700
:61:2510061006C1500000,NTRFNONREF//FT25279000001
:86:HP7K3M9Q2XAT nop tien
:61:2510061006C400000,NTRFNONREF//FT25279000003
:61:2510061006D11000,NCHGNONREF//FT25279000009
:90D:1VND11000,
:90C:2VND1900000,
:86:thong tin chung
-}
"""


def read_one(text: str):
    (statement,) = read_statement(text.encode(), "trong-ngay.txt")
    return statement


def code_of(text: str) -> str:
    with pytest.raises(StatementError) as caught:
        read_statement(text.encode(), "trong-ngay.txt")
    return caught.value.code


def test_its_lines_are_read_and_no_day_is_proved():
    statement = read_one(SAMPLE)
    assert [line.amount_vnd for line in statement.lines] == [1_500_000, 400_000, 11_000]
    assert (statement.format, statement.sequence, statement.account_number) == ("mt942", 31, "0071001234567")
    assert (statement.opening_vnd, statement.closing_vnd, statement.period_to) == (None, None, date(2025, 10, 6))
    assert not prove(statement).ok
    assert [notice.code for notice in statement.notices] == ["proves_no_day"]


def test_general_text_at_its_end_belongs_to_no_line():
    assert all("thong tin chung" not in line.description for line in read_one(SAMPLE).lines)


def test_a_sum_that_differs_from_the_lines_breaks_the_proof():
    proof = prove(read_one(SAMPLE.replace("2VND1900000,", "2VND1900001,")))
    assert (proof.first_break.what, proof.first_break.found_vnd) == ("credits", 1_900_001)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (":90C:2VND", ":90C:3VND", "bad_structure"),
        (":90D:1VND11000,", ":90D:1VND11.000", "bad_amount"),
        (":90D:1VND", ":90D:1USD", "bad_currency"),
        (":34F:VND0,", ":34F:EUR0,", "bad_currency"),
        (":13D:251006", ":13D:251306", "bad_structure"),
        ("C400000,", "C400.000,", "bad_amount"),
    ],
)
def test_what_is_not_exact_refuses_the_file(old, new, code):
    assert old in SAMPLE
    assert code_of(SAMPLE.replace(old, new, 1)) == code


def test_entries_below_a_floor_limit_may_be_counted_and_are_told_of():
    text = SAMPLE.replace(":34F:VND0,", ":34F:VND50000,").replace(":90C:2VND1900000,", ":90C:5VND1950000,")
    statement = read_one(text)
    assert (statement.credits_vnd, statement.debits_vnd) == (None, 11_000)
    assert [notice.code for notice in statement.notices] == ["proves_no_day", "below_floor_limit"]


def test_a_sum_below_the_lines_is_a_break_also_with_a_floor_limit():
    text = SAMPLE.replace(":34F:VND0,", ":34F:VND50000,").replace(":90C:2VND1900000,", ":90C:2VND1800000,")
    assert not prove(read_one(text)).ok
    assert prove(read_one(text)).first_break.what == "credits"


def test_a_report_without_sums_must_end_as_a_message_ends():
    bare = SAMPLE.replace(":90D:1VND11000,\n:90C:2VND1900000,\n", "")
    assert len(read_one(bare).lines) == 3
    assert code_of(bare.replace("-}\n", "")) == "bad_structure"


def test_a_report_cut_anywhere_is_refused_or_holds_every_line():
    for cut in range(SAMPLE.index(":25:") + 4, len(SAMPLE)):
        try:
            statement = read_one(SAMPLE[:cut])
        except StatementError:
            continue
        assert len(statement.lines) == 3
        assert not prove(statement).ok
