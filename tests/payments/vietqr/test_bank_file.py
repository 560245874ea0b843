"""A list of banks is imported whole or refused with the place of each fault."""

import random
from importlib.resources import files

import pytest

from payments.vietqr import BankFileError, diff, read_registry, shipped

SHIPPED = files("payments.vietqr").joinpath("banks.csv").read_bytes()


def problems(content):
    with pytest.raises(BankFileError) as caught:
        read_registry(content)
    return caught.value.problems


def test_shipped_file_is_what_is_loaded():
    assert diff(shipped(), read_registry(SHIPPED)).changed == ()


def test_byte_order_mark_line_ends_and_unknown_columns_do_not_matter():
    text = SHIPPED.decode().replace("\n", "\r\n")
    assert read_registry(b"\xef\xbb\xbf" + text.encode()).banks == shipped().banks
    (bank,) = read_registry("bin,code,short_name,name,x\n970436,VCB,Vietcombank,Ngân hàng,1\n".encode()).banks
    assert (bank.bin, bank.swift) == ("970436", "")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "bin"),
        (b"bin,code\n970436,VCB\n", "short_name"),
        (b"bin,code,short_name,name\n97043,A,B,C\n", "dòng 2, cột bin"),
        (b"bin,code,short_name,name\n970436,A,,C\n", "dòng 2, cột short_name"),
        (b"bin,code,short_name,name\n970436,A,B,C\n970436,A,B,D\n", "dòng 3: BIN 970436 đã có ở dòng 2"),
        (b"\xff\xfe", "UTF-8"),
        (b"bin,code,short_name,name\n" + b"x" * 200_000, "dòng"),
        (b"x" * 1_000_001, "byte"),
    ],
)
def test_faulty_file_is_refused_with_the_place(content, told):
    assert any(told in problem for problem in problems(content))


def test_mutated_files_raise_nothing_else():
    draw = random.Random(1)
    for _ in range(300):
        content = bytearray(SHIPPED)
        for _ in range(draw.randrange(1, 5)):
            at = draw.randrange(len(content))
            content[at : at + draw.randrange(3)] = draw.randbytes(draw.randrange(3))
        try:
            assert read_registry(bytes(content)).banks
        except BankFileError as error:
            assert error.problems  # noqa: PT017 - a refusal names at least one place
