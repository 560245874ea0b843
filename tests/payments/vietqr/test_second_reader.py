"""Two independent readers agree about what is right and what is wrong first; the right is written back as it was."""

import random
from dataclasses import replace

import pytest

from payments.vietqr import VietQRError, decode, encode
from tests.payments.vietqr import second_reader
from tests.payments.vietqr.support import seal, tlv, vectors
from tests.payments.vietqr.test_decoder import BROKEN

ANS = "ABCDEFGHJKLMNPQRSTVWXYZ0123456789abc .-_/#*@"
WIDE = ANS + "Đđấộ\u0301é😀"
STRANGE = "0123456789Đ０ \n\x00\ud800😀Az.-+²"


def verdict(text):
    try:
        decode(text)
    except VietQRError as fault:
        return fault.code
    return None


@pytest.mark.parametrize("vector", vectors("encode", "decode", "invalid"), ids=lambda vector: vector["id"])
def test_second_reader_knows_the_vectors(vector):
    expected = vector.get("error")
    assert second_reader.judge(vector["payload"]) == (None if expected == "memo_too_long" else expected)


@pytest.mark.parametrize("name", BROKEN)
def test_readers_agree_about_every_example(name):
    assert second_reader.judge(BROKEN[name]) == verdict(BROKEN[name])


class Maker:
    """Payloads as banks, wallets and utilities make them, and what can happen to them."""

    def __init__(self, seed):
        self._draw = random.Random(seed)

    def fields(self):
        """Root fields of a payload by the rules, ids ascending, templates too."""
        draw = self._draw
        found = {"00": "01", "53": "704", "58": "VN"}
        if draw.random() < 0.95:
            found["01"] = draw.choice(["11", "12"])
        if draw.random() < 0.8:
            found["38"] = self._receiver()
        if "38" not in found or draw.random() < 0.1:
            found[draw.choice(["02", "15", "26", "27", "51"])] = tlv(("00", self._text(10)), ("01", self._text(20)))
        optional = {
            "52": draw.choice(["8211", "82", "x"]),
            "54": draw.choice(["1", "50000", "50000.", "0050000", "9999999999999"]),
            "55": "01",
            "59": self._text(40, WIDE),
            "60": self._text(20),
            "61": "170000",
            "62": self._template(["01", "02", "03", "04", "05", "06", "07", "08", "09", "50", "99"], 26),
            "64": self._template(["00", "01", "02"], 15),
            "65": self._text(30, WIDE),
            "80": "046",
            "99": self._text(60),
        }
        found |= {id_: value for id_, value in optional.items() if draw.random() < 0.4}
        return sorted(found.items())

    def shuffled(self, fields):
        """Another legal order: 00 stays first."""
        first, *others = fields
        return [first, *self._draw.sample(others, len(others))]

    def damaged(self, text):
        """The text with one to three slips: digits changed, pieces lost, doubled, added, the end cut off."""
        for _ in range(self._draw.randint(1, 3)):
            at, length = self._draw.randrange(len(text) + 1), self._draw.randint(1, 9)
            piece = self._draw.choice(
                [
                    self._draw.choice("0123456789") + text[at + 1 :],
                    self._draw.choice(STRANGE) + text[at + 1 :],
                    text[at + length :],
                    text[at : at + length] + text[at:],
                    tlv((f"{self._draw.randint(0, 99):02d}", self._text(5))) + text[at:],
                    "",
                ]
            )
            text = text[:at] + piece
        return text

    def _receiver(self):
        draw = self._draw
        account = "".join(draw.choices(ANS.replace(" ", ""), k=draw.randint(1, 19)))
        bank = [("00", "".join(draw.choices("0123456789", k=6))), ("01", account), ("77", self._text(3))]
        service = ("02", draw.choice(["QRIBFTTA", "QRIBFTTC"]))
        return tlv(("00", "A000000727"), ("01", bank[: draw.choice([2, 2, 2, 3])]), service)

    def _template(self, ids, longest):
        chosen = sorted(self._draw.sample(ids, self._draw.randint(1, 3)))
        return tlv(*((id_, self._text(longest, WIDE)) for id_ in chosen))

    def _text(self, longest, letters=ANS):
        return "".join(self._draw.choices(letters, k=self._draw.randint(1, longest)))


def _compare(count, seed):
    make = Maker(seed)
    for _ in range(count):
        fields = make.fields()
        text = seal(tlv(*fields))
        assert verdict(text) is second_reader.judge(text) is None, text
        assert encode(decode(text)) == text
        other = seal(tlv(*make.shuffled(fields)))
        assert encode(decode(other)) == text
        for broken in (make.damaged(text), _sealed(make.damaged(text[:-8])), make.damaged(text[:-4] + "abcd")):
            assert verdict(broken) == second_reader.judge(broken), repr(broken)
            if verdict(broken) is None:
                read = decode(broken)
                assert replace(decode(encode(read)), raw={}) == replace(read, raw={})


def _sealed(text):
    try:
        return seal(text)
    except UnicodeEncodeError:
        return text


def test_readers_agree_about_made_and_damaged_payloads():
    _compare(600, seed=1)


@pytest.mark.slow
def test_readers_agree_about_forty_thousand_payloads():
    _compare(8_000, seed=2)
