"""Reading: every valid payload is understood, every broken one is named, nothing else is ever raised."""

import random
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.vietqr import VietQRError, decode, encode
from payments.vietqr.errors import SENTENCES
from tests.payments.vietqr.support import FIELDS, RECEIVER, payload, seal, tlv, vectors

PAYLOAD = payload()
PLACES = {
    "bin": "bin",
    "account": "account",
    "memo": "memo",
    "bill": "bill_number",
    "mobile": "mobile",
    "store": "store",
    "reference": "reference",
    "customer": "customer",
    "terminal": "terminal",
    "mcc": "mcc",
    "merchant_name": "merchant_name",
    "city": "city",
}
RAW_PLACES = {
    "guid": "38.00",
    "currency": "53",
    "country": "58",
    "crc": "63",
    "amount": "54",
    "init": "01",
    "service": "38.02",
}


def error(text, **options):
    with pytest.raises(VietQRError) as caught:
        decode(text, **options)
    return caught.value


def code(text):
    return error(text).code


@pytest.mark.parametrize("vector", vectors("encode", "decode"), ids=lambda vector: vector["id"])
def test_valid_vector_is_read_and_written_back(vector):
    qr = decode(vector["payload"])
    fields = dict(vector["fields"])
    for sub_id, value in fields.pop("tag26", {}).items():
        assert qr.raw[f"26.{sub_id}"] == value
    for id_, value in fields.pop("extra", {}).items():
        assert qr.raw[id_] == value
    for name, value in fields.items():
        assert qr.raw[RAW_PLACES[name]] == value if name in RAW_PLACES else getattr(qr, PLACES[name]) == value
    assert qr.amount_vnd == (int(fields["amount"]) if "amount" in fields else None)
    assert qr.reusable is (fields["init"] == "11")
    assert encode(qr) == vector["payload"]


@pytest.mark.parametrize("vector", vectors("invalid"), ids=lambda vector: vector["id"])
def test_invalid_vector_is_named(vector):
    strict_only = vector["error"] == "memo_too_long"
    assert error(vector["payload"], strict=strict_only).code == vector["error"]


BROKEN = {
    # structure
    "empty": "",
    "leading_space": " " + PAYLOAD,
    "leading_space newline": "\n" + PAYLOAD,
    "not_emv word": "vietqr",
    "not_emv full-width digits": "０００２01" + PAYLOAD[6:],
    "not_emv byte order mark": "\ufeff" + PAYLOAD,
    "not_emv too short": "000",
    "truncated in a header": PAYLOAD[:75],
    "truncated in 38": PAYLOAD[:60],
    "truncated before the crc value": PAYLOAD[:-4],
    "bad_crc_length cut": PAYLOAD[:-1],
    "bad_crc_length declared": PAYLOAD[:-8] + "6303" + PAYLOAD[-4:-1],
    "bad_length crc declared too long": seal(tlv(*FIELDS.items()))[:-8] + "6305" + PAYLOAD[-4:] + "0",
    "zero_length root": seal(tlv(*FIELDS.items()) + "5900"),
    "zero_length amount": payload(_54=""),
    "zero_length nested": payload(_62="0800"),
    "zero_length account": payload(_38=tlv(("00", "A000000727"), ("01", "00069704360100"), ("02", "QRIBFTTA"))),
    "bad_length counted in bytes": seal(tlv(*list(FIELDS.items())[:-1]) + "62190815Đóng góp quỹ"),
    "bad_length swallows the crc": seal(tlv(*list(FIELDS.items())[:-1]) + "62160812HP7K")[:],
    "bad_length later id not digits": seal(tlv(*FIELDS.items()) + "A10412AB"),
    "bad_length later length not digits": seal(tlv(*FIELDS.items()) + "81x412AB"),
    "bad_length later id not digits, crc wrong": PAYLOAD.replace("5802VN", "5B02VN"),
    "bad_length length a sign": PAYLOAD.replace("5802VN", "58+2VN"),
    "bad_length inside a foreign template": payload(_26="0010vn.za"),
    "bad_length inside 64": payload(_64="00"),
    "bad_length memo shorter than said": payload(_62="0813HP7K3M9Q2XAT"),
    "bad_length memo longer than said": payload(_62="0811HP7K3M9Q2XAT"),
    "bad_length receiver longer than said": payload(
        _38=tlv(("00", "A000000727")) + "0117" + tlv(("00", "970436"), ("01", "1"))
    ),
    "bad_length 62 wrapped": seal(tlv(*list(FIELDS.items())[:-1]) + "6204" + "0800" + "A" * 100),
    "duplicate_id root": seal(tlv(*FIELDS.items(), ("54", "1"))),
    "duplicate_id crc": PAYLOAD + PAYLOAD[-8:],
    "duplicate_id nested": payload(_62=[("08", "A"), ("08", "B")]),
    "duplicate_id receiver": payload(_38=[*RECEIVER, ("02", "QRIBFTTA")]),
    "bad_order 00 missing": payload(_00=None),
    "bad_order 00 second": seal(tlv(("01", "12"), ("00", "01"), *list(FIELDS.items())[2:])),
    "bad_order 63 before 62": seal(tlv(*list(FIELDS.items())[:-1])) + tlv(("62", FIELDS["62"])),
    "missing_crc": PAYLOAD[:-8],
    "bad_crc": PAYLOAD.replace("180000", "190000"),
    "bad_crc not hexadecimal": PAYLOAD[:-4] + "GHIJ",
    "bad_crc half a surrogate pair": payload().replace("HP7K3M9Q2XAT", "HP7K3M9Q2XA\ud800"),
    "trailing_data newline": PAYLOAD + "\n",
    "trailing_data blank": PAYLOAD + " ",
    "trailing_data word": PAYLOAD + "VND",
    "trailing_data copied twice": PAYLOAD + PAYLOAD,
    # fields
    "not_vietqr other guid": payload(_38=[("00", "A000000775"), ("01", "0123456789")]),
    "not_vietqr no guid": payload(_38=RECEIVER[1:]),
    "not_vietqr no template": payload(_38=None),
    "bad_version": payload(_00="02"),
    "bad_init": payload(_01="13"),
    "bad_bin letters": payload(_38=[RECEIVER[0], ("01", [("00", "97O436"), ("01", "1")]), RECEIVER[2]]),
    "bad_bin short": payload(_38=[RECEIVER[0], ("01", [("00", "97043"), ("01", "1")]), RECEIVER[2]]),
    "bad_bin none": payload(_38=[RECEIVER[0], RECEIVER[2]]),
    "bad_bin full-width": payload(_38=[RECEIVER[0], ("01", [("00", "９70436"), ("01", "1")]), RECEIVER[2]]),
    "bad_account none": payload(_38=[RECEIVER[0], ("01", [("00", "970436")]), RECEIVER[2]]),
    "bad_account letters": payload(_38=[RECEIVER[0], ("01", [("00", "970436"), ("01", "Đ1")]), RECEIVER[2]]),
    "account_too_long": payload(_38=[RECEIVER[0], ("01", [("00", "970436"), ("01", "1" * 20)]), RECEIVER[2]]),
    "bad_service": payload(_38=[*RECEIVER[:2], ("02", "QRIBFTTX")]),
    "missing_service": payload(_38=RECEIVER[:2]),
    "bad_structure": payload(_38=[RECEIVER[0], ("01", [*RECEIVER[1][1], RECEIVER[2]])]),
    "bad_amount zero": payload(_54="0"),
    "bad_amount zeros": payload(_54="000"),
    "bad_amount minus": payload(_54="-5"),
    "bad_amount plus": payload(_54="+5"),
    "bad_amount blank": payload(_54="50 000"),
    "bad_amount decimals": payload(_54="50000.5"),
    "bad_amount point zero": payload(_54="50000.0"),
    "bad_amount comma": payload(_54="50,000"),
    "bad_amount exponent": payload(_54="1e5"),
    "bad_amount other digits": payload(_54="١٢٣"),
    "amount_too_long": payload(_54="1" * 14),
    "bad_currency": payload(_53="840"),
    "missing_currency": payload(_53=None),
    "bad_country": payload(_58="US"),
    "missing_country": payload(_58=None),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_payload_is_named(name):
    assert code(BROKEN[name]) == name.split()[0]


def test_every_code_of_reading_has_an_example():
    written_only = {"bad_text", "memo_not_ascii", "memo_too_long"}
    assert {name.split()[0] for name in BROKEN} == set(SENTENCES) - written_only


def test_structure_is_judged_before_crc_and_crc_before_fields():
    assert code(payload(_54="0")[:-1]) == "bad_crc_length"
    assert code(payload(_54="0")[:-4] + "0000") == "bad_crc"
    assert code(payload(_54="0", _62="0800")[:-4] + "0000") == "zero_length"


def test_error_says_where_and_in_both_languages():
    fault = error(payload(_54="0"))
    assert (fault.path, fault.offset) == ("54", PAYLOAD.index("5406180000"))
    assert "trường 54" in fault.vi
    assert "field 54" in fault.en
    nested = error(payload(_62="0813HP7K3M9Q2XAT"))
    assert (nested.path, nested.offset) == ("62.08", PAYLOAD.index("0812HP"))


@pytest.mark.parametrize(
    ("changes", "path", "place"),
    [
        ({"_53": None}, "53", "6304"),
        ({"_38": None}, "38", "6304"),
        ({"_38": RECEIVER[:2]}, "38.02", "38"),
        ({"_38": [RECEIVER[0], RECEIVER[2]]}, "38.01.00", "38"),
        ({"_38": [RECEIVER[0], ("01", [("00", "970436")]), RECEIVER[2]]}, "38.01.01", "38"),
    ],
)
def test_a_missing_field_is_placed_where_it_should_have_come(changes, path, place):
    text = payload(**changes)
    fault = error(text)
    assert (fault.path, text[fault.offset :].startswith(place)) == (path, True)


def test_a_cut_payload_is_named_at_every_position():
    boundaries = {0}
    position = 0
    while position < len(PAYLOAD):
        position += 4 + int(PAYLOAD[position + 2 : position + 4])
        boundaries.add(position)
    for end in range(len(PAYLOAD)):
        expected = "missing_crc" if end in boundaries else "truncated"
        if end >= len(PAYLOAD) - 3:
            expected = "bad_crc_length"
        if end < 4:
            expected = "not_emv" if end else "empty"
        assert code(PAYLOAD[:end]) == expected, end


def test_every_single_wrong_character_is_refused():
    for position, right in enumerate(PAYLOAD):
        for wrong in set(string.printable + "Đ０") - {right}:
            if position < len(PAYLOAD) - 4 or wrong.upper() != right:
                assert code(PAYLOAD[:position] + wrong + PAYLOAD[position + 1 :]) in SENTENCES


def test_lower_case_crc_is_read_and_written_in_upper_case():
    lower = PAYLOAD[:-4] + PAYLOAD[-4:].lower()
    assert decode(lower).raw["63"] == PAYLOAD[-4:].lower()
    assert encode(decode(lower)) == PAYLOAD


def test_any_order_is_read():
    shuffled = seal(tlv(("00", "01"), *reversed(list(FIELDS.items())[1:])))
    assert encode(decode(shuffled)) == PAYLOAD


def test_length_counts_characters_not_bytes():
    assert decode(payload(_62=[("08", "Đóng góp quỹ")])).memo == "Đóng góp quỹ"


def test_unknown_fields_are_kept():
    extras = {"_04": "4111", "_26": [("00", "vn.zalopay"), ("02", "001"), ("05", "33")], "_61": "170000"}
    late = {
        "_62": [("04", "L1"), ("08", "HP1"), ("09", "ME"), ("50", "0004abcd")],
        "_64": [("00", "vi"), ("01", "Trường Mẫu")],
    }
    fields = FIELDS | {name[1:]: value for name, value in (extras | late | {"_80": "046", "_99": "x"}).items()}
    text = seal(tlv(*sorted(fields.items())))
    qr = decode(text)
    assert qr.raw["26.02"] == "001"
    assert qr.raw["64.01"] == "Trường Mẫu"
    assert encode(qr) == text


@pytest.mark.parametrize("amount", ["50000", "50000.", "0050000"])
def test_amount_is_read_as_whole_dong_and_written_as_it_was(amount):
    qr = decode(payload(_54=amount))
    assert qr.amount_vnd == 50_000
    assert encode(qr) == payload(_54=amount)


def test_foreign_qr_without_initiation_is_read():
    text = seal(tlv(("00", "01"), ("26", [("00", "A000000775")]), ("53", "704"), ("58", "VN")))
    qr = decode(text)
    assert (qr.bin, qr.account, qr.reusable) == (None, None, None)
    assert encode(qr) == text


def test_long_memo_is_read_unless_strict():
    text = payload(_62=[("08", "A" * 26)])
    assert encode(decode(text)) == text
    assert error(text, strict=True).code == "memo_too_long"


def test_reading_stays_linear_on_hostile_text():
    for text in (
        "0001" * 200_000,
        "99" * 500_000,
        "000201" + "9999" * 100_000,
        seal("000201" + "1001A" * 100_000),
    ):
        assert code(text) in SENTENCES


@given(st.text())
def test_any_text_is_read_or_named(text):
    fault = _fault(text)
    if fault is not None:
        assert fault.code in SENTENCES
        assert 0 <= fault.offset <= len(text)


def _fault(text):
    try:
        decode(text)
    except VietQRError as fault:
        return fault
    return None


def _fuzz(count, seed):
    draw = random.Random(seed)
    samples = [vector["payload"] for vector in vectors("encode", "decode", "invalid")]
    pool = string.printable + "Đđ０\ud800\u0301😀"
    for turn in range(count):
        text = list(draw.choice(samples))
        for _ in range(draw.randrange(1, 6)):
            at = draw.randrange(len(text) + 1)
            text[at : at + draw.randrange(4)] = draw.choices(pool if turn % 2 else string.digits, k=draw.randrange(4))
        sealed = "".join(text[:-4])
        for candidate in ("".join(text), sealed[:-4] and _sealed_or_same(sealed[:-4])):
            fault = _fault(candidate)
            if fault is None:
                qr = decode(candidate)
                assert decode(encode(qr)) == replace(qr, raw=decode(encode(qr)).raw)
            else:
                assert fault.code in SENTENCES


def _sealed_or_same(text):
    try:
        return seal(text)
    except UnicodeEncodeError:
        return text


def test_random_and_mutated_texts_raise_nothing_else():
    _fuzz(4_000, seed=1)


@pytest.mark.slow
def test_a_hundred_thousand_mutated_texts_raise_nothing_else():
    _fuzz(100_000, seed=2)
