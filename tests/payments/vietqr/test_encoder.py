"""Writing: byte for byte what the standard asks, or a clear refusal; never a shortened or repaired value."""

import copy
import pickle
import random
from dataclasses import FrozenInstanceError, asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.vietqr import VietQR, VietQRError, decode, encode, encode_transfer
from payments.vietqr import encoder as encoder_module
from payments.vietqr.errors import SENTENCES
from tests.payments.vietqr.support import qr_of, seal, tlv, vectors

QR = VietQR(bin="970436", account="0011001932418", amount_vnd=1_250_000, memo="HP7K3M9Q2XAT")
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=25)


def code(qr, **options):
    with pytest.raises(VietQRError) as caught:
        encode(qr, **options)
    return caught.value.code


@pytest.mark.parametrize("vector", vectors("encode"), ids=lambda vector: vector["id"])
def test_vector_is_written_byte_for_byte(vector):
    qr = qr_of(vector["input"])
    memo = qr.memo or ""
    if len(memo) > 25 or not memo.isascii():
        assert code(qr) == ("memo_too_long" if memo.isascii() else "memo_not_ascii")
    else:
        assert encode(qr) == vector["payload"]
    assert encode(qr, allow_long=True, allow_unicode=True) == vector["payload"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"bin": None}, "bad_bin"),
        ({"bin": ""}, "bad_bin"),
        ({"bin": "97043"}, "bad_bin"),
        ({"bin": "9704361"}, "bad_bin"),
        ({"bin": "９70436"}, "bad_bin"),
        ({"bin": 970436}, "bad_bin"),
        ({"bin": "970436\n"}, "bad_bin"),
        ({"account": None}, "bad_account"),
        ({"account": ""}, "bad_account"),
        ({"account": 11001932418}, "bad_account"),
        ({"account": ["0011"]}, "bad_account"),
        ({"account": "0011 0019"}, "bad_account"),
        ({"account": "0011\n"}, "bad_account"),
        ({"account": "Đ0011"}, "bad_account"),
        ({"account": "1" * 20}, "account_too_long"),
        ({"service": "card", "account": "97041512345678"}, "bad_account"),
        ({"service": "card", "account": "970415123456789A"}, "bad_account"),
        ({"service": "wallet"}, "bad_service"),
        ({"service": None}, "bad_service"),
        ({"amount_vnd": 0}, "bad_amount"),
        ({"amount_vnd": -1}, "bad_amount"),
        ({"amount_vnd": True}, "bad_amount"),
        ({"amount_vnd": 10_000.0}, "bad_amount"),
        ({"amount_vnd": "10000"}, "bad_amount"),
        ({"amount_vnd": 10**13}, "amount_too_long"),
        ({"amount_vnd": 10**5000}, "amount_too_long"),
        ({"memo": ""}, "zero_length"),
        ({"memo": "A" * 26}, "memo_too_long"),
        ({"memo": "học phí"}, "memo_not_ascii"),
        ({"memo": "a\nb"}, "memo_not_ascii"),
        ({"memo": "a\x7f"}, "memo_not_ascii"),
        ({"memo": b"HP1"}, "memo_not_ascii"),
        ({"memo": "\ud800"}, "memo_not_ascii"),
        ({"bill_number": "B" * 26}, "bad_text"),
        ({"merchant_name": "TRƯỜNG"}, "bad_text"),
        ({"merchant_name": "T" * 26}, "bad_text"),
        ({"city": "C" * 16}, "bad_text"),
        ({"city": ""}, "zero_length"),
        ({"mcc": "821"}, "bad_text"),
        ({"mcc": 8211}, "bad_text"),
        ({"reusable": "yes"}, "bad_init"),
        ({"raw": {"x": "1"}}, "bad_structure"),
        ({"raw": {"26": "1", "26.01": "2"}}, "bad_structure"),
        ({"raw": {"80": "1" * 100}}, "bad_text"),
        ({"raw": {"80": ""}}, "zero_length"),
        ({"raw": {"26": "not an object"}}, "bad_length"),
    ],
)
def test_wrong_value_is_refused(change, expected):
    assert code(replace(QR, **change)) == expected


def test_wrong_value_is_refused_also_beside_other_fields():
    for change in (
        {"amount_vnd": True},
        {"amount_vnd": 0},
        {"account": "1" * 20},
        {"bin": None},
        {"memo": "A" * 26},
    ):
        assert code(replace(QR, bill_number="B1", **change)) == code(replace(QR, **change))


def test_refusal_names_the_field():
    with pytest.raises(VietQRError) as caught:
        encode(replace(QR, memo="A" * 26))
    assert caught.value.path == "62.08"
    assert caught.value.offset is None
    assert "25" in caught.value.vi
    assert "25" in caught.value.en


def test_every_sentence_is_in_two_languages():
    assert all(vi and en and vi != en for vi, en in SENTENCES.values())


def test_long_and_unicode_memo_need_permission_each():
    assert code(replace(QR, memo="Đ" * 26), allow_long=True) == "memo_not_ascii"
    assert code(replace(QR, memo="Đ" * 26), allow_unicode=True) == "memo_too_long"
    assert decode(encode(replace(QR, memo="Đ" * 26), allow_long=True, allow_unicode=True)).memo == "Đ" * 26


def test_memo_never_wraps_the_length_of_field_62():
    assert encode(replace(QR, memo="A" * 95), allow_long=True)
    for length in (96, 99, 100, 120, 1000):
        assert code(replace(QR, memo="A" * length), allow_long=True) == "memo_too_long"
    assert code(replace(QR, memo="A" * 90, bill_number="B1"), allow_long=True) == "memo_too_long"


def test_too_many_texts_for_field_62_are_refused():
    texts = dict.fromkeys(("bill_number", "mobile", "store", "customer"), "X" * 25)
    assert code(replace(QR, **texts)) == "bad_text"


def test_reusable_is_explicit_or_follows_the_amount():
    assert encode(QR)[6:12] == "010212"
    assert encode(replace(QR, amount_vnd=None))[6:12] == "010211"
    assert encode(replace(QR, reusable=True))[6:12] == "010211"
    assert encode(replace(QR, amount_vnd=None, reusable=False))[6:12] == "010212"


def test_value_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        QR.amount_vnd = 1


def test_a_changed_field_wins_over_what_was_read():
    read = decode(encode(replace(QR, bill_number="B1")))
    changed = replace(read, amount_vnd=5_000, memo=None, bill_number="B2", account="123")
    again = decode(encode(changed))
    assert (again.amount_vnd, again.memo, again.bill_number, again.account) == (5_000, None, "B2", "123")


def test_what_was_read_is_not_judged_again_but_changes_are():
    name = "EVN CONG TY DIEN LUC THANH XUAN"
    text = seal(tlv(("00", "01"), ("01", "11"), ("26", [("00", "00")]), ("53", "704"), ("58", "VN"), ("59", name)))
    assert encode(decode(text)) == text
    assert code(replace(decode(text), merchant_name=name + "X")) == "bad_text"


def test_forged_reading_cannot_smuggle_an_unreadable_receiver():
    raw = {"38.01.00": "97043X", "38.01.01": "1", "38.02": "QRIBFTTA"}
    assert code(VietQR(bin="97043X", account="1", raw=raw)) == "bad_bin"


def test_foreign_qr_stripped_of_its_receiver_is_refused():
    assert code(replace(decode(encode(QR)), bin=None, account=None)) == "bad_bin"


@given(
    st.text("0123456789", min_size=6, max_size=6),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=19),
    st.none() | st.integers(1, 10**13 - 1),
    st.none() | PRINTABLE,
    st.none() | st.booleans(),
    st.none() | PRINTABLE,
)
def test_what_is_written_is_read_back(bin_, account, amount_vnd, memo, reusable, store):
    qr = VietQR(bin=bin_, account=account, amount_vnd=amount_vnd, memo=memo, reusable=reusable, store=store)
    text = encode(qr)
    read = decode(text)
    names = ("bin", "account", "service", "amount_vnd", "memo", "store")
    assert all(getattr(read, name) == getattr(qr, name) for name in names)
    assert encode(read) == text


@given(st.integers(1, 10**13 - 1), PRINTABLE, st.none() | st.booleans())
def test_the_quick_way_writes_the_same_as_the_full_one(amount_vnd, memo, reusable):
    qr = replace(QR, amount_vnd=amount_vnd, memo=memo, reusable=reusable)
    assert encode(qr) == encoder_module._encode_any(qr, allow_long=False, allow_unicode=False)
    transfer = VietQR(bin=qr.bin, account=qr.account, amount_vnd=amount_vnd, memo=memo)
    full = encoder_module._encode_any(transfer, allow_long=False, allow_unicode=False)
    assert encode(transfer) == encode_transfer(qr.bin, qr.account, amount_vnd, memo) == full


def test_the_quick_way_refuses_the_same_as_the_full_one():
    values = {"bin": QR.bin, "account": QR.account, "amount_vnd": QR.amount_vnd, "memo": QR.memo}
    for name in values:
        for wrong in ("", "Đ", "A" * 26, 0, True, 10**13, -1, 1.5, [], None):
            changed = values | {name: wrong}
            full = _outcome(_encode_in_full, **changed)
            assert _outcome(encode_transfer, *changed.values()) == _outcome(_encode_fields, **changed) == full


def test_fields_with_their_defaults_are_the_same_as_none():
    transfer = VietQR(bin=QR.bin, account=QR.account, amount_vnd=QR.amount_vnd, memo=QR.memo)
    named = replace(transfer, service="account")  # names all sixteen
    assert transfer == named
    assert (hash(transfer), repr(transfer), asdict(transfer)) == (hash(named), repr(named), asdict(named))
    assert encode(transfer) == encode(named)
    assert pickle.loads(pickle.dumps(transfer)) == copy.deepcopy(transfer) == transfer
    assert VietQR().raw == {}
    assert VietQR().raw is not VietQR().raw


def test_a_field_that_does_not_exist_is_refused():
    with pytest.raises(TypeError, match="amount"):
        VietQR(bin=QR.bin, account=QR.account, amount=1)
    with pytest.raises(TypeError):
        VietQR(QR.bin)


def _encode_fields(**fields):
    return encode(VietQR(**fields))


def _encode_in_full(**fields):
    return encoder_module._encode_any(VietQR(**fields), allow_long=False, allow_unicode=False)


def _outcome(write, *args, **fields):
    try:
        return write(*args, **fields)
    except VietQRError as fault:
        return fault.code, fault.path


def test_random_values_raise_nothing_else():
    draw = random.Random(1)
    values = [
        None,
        "",
        "A",
        "970436",
        "A" * 26,
        "Đ",
        "\ud800",
        0,
        1,
        True,
        -1,
        10**13,
        1.5,
        b"x",
        [],
        {},
        object(),
    ]
    names = [name for name in VietQR.__dataclass_fields__ if name != "raw"]
    for _ in range(20_000):
        changes = {name: draw.choice(values) for name in draw.sample(names, draw.randrange(1, 4))}
        try:
            text = encode(replace(QR, **changes), allow_long=draw.random() < 0.5, allow_unicode=draw.random() < 0.5)
        except VietQRError:
            continue
        decode(text)
