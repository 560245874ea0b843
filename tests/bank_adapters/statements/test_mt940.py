"""MT940: one statement per block, exact fields, and the library's lenience caught."""

from datetime import date

import pytest

from bank_adapters.statements import mt940, mt940_fields
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.proof import prove
from bank_adapters.statements.read import read_statement

SAMPLE = """{1:F01MAUVVNVXAXXX0000000000}{2:I940MAUVVNVXXXXXN}{4:
:20:SK251006
:25:970436/0071001234567
:28C:279/1
:60F:C251005VND10000000,
:61:2510061006C1500000,NTRFTHAMCHIEU//FT25279000001
:86:MBVCB.123456.HP7K3M
9Q2XAT.CT tu 0011 toi 0071
:61:2510061006D11000,00NCHGNONREF
:86:Phi dich vu
:61:251006RC500000,NMSCABC
:62F:C251006VND10989000,
:64:C251006VND10989000,
:86:khong thuoc dong nao
-}
"""


def read_one(text: str):
    (statement,) = read_statement(text.encode(), "sao-ke.txt")
    return statement


def code_of(text: str) -> str:
    with pytest.raises(StatementError) as caught:
        mt940.read(text.encode())
    return caught.value.code


def test_a_block_is_a_statement_with_its_own_facts():
    statement = read_one(SAMPLE)
    assert (statement.account_number, statement.sequence, statement.page) == ("0071001234567", 279, 1)
    assert (statement.opening_vnd, statement.closing_vnd) == (10_000_000, 10_989_000)
    assert (statement.period_from, statement.period_to) == (date(2025, 10, 6), date(2025, 10, 6))
    assert prove(statement).ok


def test_lines_keep_reference_text_and_mark():
    first, second, third = read_one(SAMPLE).lines
    assert (first.bank_reference, first.payer_reference) == ("FT25279000001", "THAMCHIEU")
    assert first.description == "MBVCB.123456.HP7K3M\n9Q2XAT.CT tu 0011 toi 0071"
    assert (second.amount_vnd, second.direction, second.bank_reference) == (11_000, "debit", None)
    assert (third.direction, third.reversal, third.description) == ("debit", True, "")


def test_a_text_cut_into_subfields_is_put_together_again():
    cut = "166?00CHUYEN KHOAN?20SEVQR HP7K3M9Q2\n?21XAT hoc phi thang ?2210?30MAUVVNVX?310011?32NGUYEN VAN\n?33 MAU"
    line = read_one(SAMPLE.replace("MBVCB.123456.HP7K3M\n9Q2XAT.CT tu 0011 toi 0071", cut)).lines[0]
    assert (line.description, line.counterparty) == ("SEVQR HP7K3M9Q2XAT hoc phi thang 10", "NGUYEN VAN MAU")


def test_subfields_without_text_of_the_payer_are_kept_as_they_stand():
    line = read_one(SAMPLE.replace("Phi dich vu", "808?00PHI?10999")).lines[1]
    assert (line.description, line.counterparty) == ("808?00PHI?10999", None)


def test_text_after_the_closing_balance_belongs_to_no_line():
    assert all("khong thuoc" not in line.description for line in read_one(SAMPLE).lines)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing():
    data = b"\xef\xbb\xbf" + SAMPLE.replace("\n", "\r\n").encode()
    assert mt940.read(data) == mt940.read(SAMPLE.encode())


def test_a_line_without_type_code_is_not_overwritten_by_the_next():
    text = SAMPLE.replace("C1500000,NTRFTHAMCHIEU//FT25279000001", "C1500000,")
    statement = read_one(text)
    assert len(statement.lines) == 3
    assert prove(statement).ok


def test_without_our_type_code_the_library_loses_that_line(monkeypatch):
    monkeypatch.setattr(mt940_fields, "NO_TYPE", "")
    assert code_of(SAMPLE.replace("C1500000,NTRFTHAMCHIEU//FT25279000001", "C1500000,")) == "bad_structure"


def test_long_texts_are_kept_whole():
    text = "\n".join(["x" * 65] * 30)
    statement = read_one(SAMPLE.replace("Phi dich vu", text))
    assert statement.lines[1].description == text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("C1500000,", "C1.500.000,"),
        ("C1500000,", "C1500000,50"),
        ("C1500000,", "C١٢٣,"),
        ("C1500000,", "X1500000,"),
        ("2510061006C", "251006C"[:5] + "C"),
        ("VND10000000,", "VND10.000.000"),
        ("VND10000000,", "VND99999999999999999999,"),
        ("VND10000000,", "USD10000000,"),
        ("C251006VND", "C251399VND"),
        (":61:2510061006C", ":61:2513991006C"),
        (":62F:C251006VND10989000,\n", ""),
        (":60F:", ":60F:C251005VND1,\n:60F:"),
        (":20:", ":2x:"),
    ],
)
def test_what_is_not_exact_refuses_the_file(old, new):
    assert old in SAMPLE
    assert code_of(SAMPLE.replace(old, new, 1)) in ("bad_amount", "bad_structure", "bad_currency", "bad_date")


def test_a_file_in_another_encoding_is_refused():
    with pytest.raises(StatementError) as caught:
        mt940.read(SAMPLE.encode().replace(b"Phi", b"Ph\xed"))
    assert caught.value.code == "bad_encoding"


def test_a_file_in_an_old_code_is_told_which():
    with pytest.raises(StatementError) as caught:
        mt940.read(SAMPLE.replace("Phi dich vu", "Nép tiÒn häc phÝ").encode("latin-1"))
    assert (caught.value.code, caught.value.place, "TCVN3" in caught.value.vi) == ("bad_encoding", "dòng 10", True)


def test_errors_repeat_no_text_of_the_file():
    with pytest.raises(StatementError) as caught:
        mt940.read(SAMPLE.replace("C1500000,", "C1.5,NGUYEN VAN MAU").encode())
    assert "NGUYEN" not in f"{caught.value} {caught.value.vi} {caught.value.place}"


def test_a_file_that_names_a_path_is_not_opened(tmp_path):
    path = tmp_path / "x"
    path.write_text(SAMPLE)
    with pytest.raises(StatementError):
        mt940.read(str(path).encode())


def test_the_thirtieth_of_february_is_refused_not_moved():
    assert code_of(SAMPLE.replace(":61:2510061006C", ":61:2502300230C")) == "bad_date"


def test_a_booking_at_new_year_lies_in_the_year_that_is_near():
    line = read_one(SAMPLE.replace(":61:2510061006C", ":61:2601021231C")).lines[0]
    assert (line.value_date, line.booked_on) == (date(2026, 1, 2), date(2025, 12, 31))


def page(number: int, opening: str, closing: str, lines: int = 1) -> str:
    moves = ":61:2510061006C1000,NTRFNONREF//FT\n" * lines
    return f":20:SK{number}\n:25:0071\n:28C:5/{number}\n:{opening}\n{moves}:{closing}\n-\n"


FIRST = page(1, "60F:C251006VND0,", "62M:C251006VND1000,")
MIDDLE = page(2, "60M:C251006VND1000,", "62M:C251006VND2000,")
LAST = page(3, "60M:C251006VND2000,", "62F:C251006VND3000,")


def test_pages_of_one_statement_are_one_statement():
    statement = read_one(FIRST + MIDDLE + LAST)
    assert (statement.opening_vnd, statement.closing_vnd, statement.sequence, statement.page) == (0, 3000, 5, 1)
    assert [(line.line_no, line.balance_after_vnd) for line in statement.lines] == [(1, 1000), (2, 2000), (3, None)]
    assert prove(statement).ok


@pytest.mark.parametrize("text", [FIRST, FIRST + MIDDLE, MIDDLE + LAST, FIRST + LAST, LAST])
def test_pages_without_the_others_prove_nothing_and_say_so(text):
    for statement in mt940.read(text.encode()):
        assert not prove(statement).ok
        assert [notice.code for notice in statement.notices] == ["page_missing"]


def test_a_page_that_does_not_begin_where_the_last_one_ended_is_refused():
    assert code_of(FIRST + MIDDLE.replace("60M:C251006VND1000,", "60M:C251006VND999,") + LAST) == "bad_structure"


def test_a_page_whose_lines_do_not_give_its_balance_is_named():
    proof = prove(read_one(FIRST.replace("C1000,", "C900,") + MIDDLE + LAST))
    assert (proof.first_break.what, proof.first_break.line_no) == ("running", 1)


def test_a_file_cut_anywhere_never_proves_what_it_lacks():
    whole = SAMPLE.index(":64:")
    for cut in range(SAMPLE.index(":25:") + 4, len(SAMPLE)):
        try:
            statements = mt940.read(SAMPLE[:cut].encode())
        except StatementError:
            continue
        assert all(len(one.lines) == 3 or not prove(one).ok for one in statements)
        assert cut >= whole - 2 or not any(prove(one).ok for one in statements)
