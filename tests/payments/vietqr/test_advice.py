"""Warnings tell what may go wrong; they never refuse."""

from dataclasses import replace

import pytest

from payments.vietqr import VietQR, advise, decode, encode, shipped
from tests.payments.vietqr.support import vectors

QR = VietQR(bin="970436", account="0011001932418", amount_vnd=1_250_000, memo="HP7K3M9Q2XAT")


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, []),
        ({"amount_vnd": 499_999_999}, []),
        ({"amount_vnd": 500_000_000}, ["amount_over_limit"]),
        ({"bin": "970999"}, ["unknown_bin"]),
        ({"memo": "A" * 20}, ["memo_over_19"]),
        ({"memo": "A" * 26}, ["memo_over_25"]),
        ({"memo": "HP1/2"}, ["memo_characters"]),
        ({"memo": "học phí"}, ["memo_characters"]),
        ({"service": "card", "account": "9704151234567890"}, []),
        ({"service": "card", "account": "9704151234567891"}, ["card_check_digit"]),
    ],
)
def test_warning_names_what_to_check(change, codes):
    found = advise(replace(QR, **change), shipped())
    assert [advice.code for advice in found] == codes
    assert all(advice.vi and advice.en and advice.path for advice in found)


def test_the_standards_own_card_example_is_written_though_its_check_digit_is_wrong():
    example = next(vector for vector in vectors("encode") if vector["fields"]["service"] == "QRIBFTTC")
    qr = decode(example["payload"])
    assert [advice.code for advice in advise(qr, shipped())] == ["card_check_digit"]
    assert encode(replace(qr, raw={})) == example["payload"]
