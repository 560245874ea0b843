"""A file cut anywhere is refused, or holds whole lines only and does not claim to be complete.

Every sample of every format is cut at every row and at many bytes: the paths by which half a statement could pass for
one are the same as those of an interrupted download.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.model import Statement
from bank_adapters.statements.proof import prove
from bank_adapters.statements.read import read_statement

GOLDEN = Path(__file__).parent / "golden"
SAMPLES = {
    path.name: path.read_bytes()
    for path in sorted(GOLDEN.iterdir())
    if path.suffix in (".xml", ".txt", ".csv", ".html", ".xls", ".xlsx")
}
WHOLE = {name: read_statement(data, name) for name, data in SAMPLES.items()}


def bare_lines(statement: Statement) -> list:
    """Lines without their numbers, which count from the first that is there."""
    return [replace(line, line_no=0, raw="", balance_after_vnd=None) for line in statement.lines]


WHOLE_LINES = {name: [bare_lines(statement) for statement in whole] for name, whole in WHOLE.items()}


def check(name: str, data: bytes) -> bool:
    """Whether what is left was read; fails when a line of it is no line of the whole, or it claims to be whole."""
    try:
        found = read_statement(data, name)
    except StatementError as error:
        if error.vi and error.en:
            return False
        raise
    whole = WHOLE_LINES[name]
    assert len(found) <= len(whole)
    for one, all_of_it in zip(found, whole, strict=False):
        lines = bare_lines(one)
        assert all(line in all_of_it for line in lines)
        if len(lines) < len(all_of_it):
            proof = prove(one)
            assert not (proof.ok and proof.closing_stated)
    return True


def row_ends(data: bytes) -> list[int]:
    """Where each line of a text ends, before and after its line end; nothing for containers."""
    if data.startswith((b"PK", b"\xd0")):
        return []
    return [at + shift for at, byte in enumerate(data) if byte == 10 for shift in (0, 1)]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_cut_at_a_row_is_refused_or_does_not_claim_to_be_whole(name):
    data = SAMPLES[name]
    cuts = sorted({*row_ends(data), *range(1, len(data), max(1, len(data) // 40))})
    read = [check(name, data[:cut]) for cut in cuts]
    assert not all(read)
    assert check(name, data)


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.endswith(".csv")])
def test_a_csv_is_cut_at_each_of_its_bytes(name):
    assert not all(check(name, SAMPLES[name][:cut]) for cut in range(len(SAMPLES[name])))


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(SAMPLES)), at=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_at_any_byte_is_refused_or_does_not_claim_to_be_whole(name, at):
    data = SAMPLES[name]
    check(name, data[: int(at * len(data))])


@pytest.mark.parametrize("name", ["acb.csv", "agribank.csv", "vietcombank.csv", "vietcombank_ngan.csv"])
def test_a_table_without_one_of_its_rows_breaks_its_proof(name):
    rows = SAMPLES[name].decode().split("\n")
    wanted = WHOLE[name][0]
    broken = 0
    for number in range(len(rows)):
        try:
            (one,) = read_statement("\n".join(rows[:number] + rows[number + 1 :]).encode(), name)
        except StatementError:
            broken += 1
            continue
        if len(one.lines) < len(wanted.lines):
            proof = prove(one)
            assert not proof.ok
            assert proof.first_break.expected_vnd != proof.first_break.found_vnd
            broken += 1
    assert broken >= len(wanted.lines)


def test_the_first_row_that_breaks_the_running_balance_is_named_with_both_figures():
    text = SAMPLES["agribank.csv"].decode().replace("11.489.000", "11.498.000")
    broken = prove(read_statement(text.encode(), "x.csv")[0]).first_break
    assert (broken.what, broken.place, broken.expected_vnd, broken.found_vnd) == (
        "running",
        "dòng 8",
        11_489_000,
        11_498_000,
    )


def test_half_an_amount_at_the_end_of_a_table_is_no_amount():
    head = "Ngày giao dịch,Số tham chiếu,Mô tả,Số tiền ghi nợ,Số tiền ghi có\n06/10/2025,1,a,,5\n"
    whole = head + "06/10/2025,2,b,,1500000"
    assert len(read_statement(f"{whole}\n".encode(), "x.csv")[0].lines) == 2
    for cut in range(len(whole) - 7, len(whole) + 1):
        with pytest.raises(StatementError) as caught:
            read_statement(whole[:cut].encode(), "x.csv")
        assert caught.value.place.startswith(("dòng 3", "A3", "D3", "E3"))


@pytest.mark.parametrize(
    ("amount", "vnd"), [("1.250.000", 1_250_000), ("1,250,000", 1_250_000), ("12..34", None), ("1.25.000", None)]
)
def test_an_amount_is_read_without_doubt_or_refused_with_its_cell(amount, vnd):
    data = f'Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả\n06/10/2025,1,,"{amount}",,a\n'
    if vnd is not None:
        assert read_statement(data.encode(), "x.csv")[0].lines[0].amount_vnd == vnd
        return
    with pytest.raises(StatementError) as caught:
        read_statement(data.encode(), "x.csv")
    assert (caught.value.code, caught.value.place) == ("bad_amount", "D2")


@pytest.mark.parametrize("day", ["31/02/2025", "06/10/1925", "06/10/2125", "2025-02-30", "00/10/2025"])
def test_a_day_that_is_none_or_of_another_century_is_refused_with_its_cell(day):
    data = f"Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả\n{day},1,,5,,a\n"
    with pytest.raises(StatementError) as caught:
        read_statement(data.encode(), "x.csv")
    assert (caught.value.code, caught.value.place) == ("bad_date", "A2")
