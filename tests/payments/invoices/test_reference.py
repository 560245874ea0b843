"""References survive what banks and people do to them, and nothing else is taken for one."""

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import noise
from payments.invoices import reference
from payments.invoices.reference import ALPHABET, find, find_each, generate, is_valid

CODE = "HP7K3M9Q2XAT"


def _sealed(body):
    return f"HP{body}{reference.mod_37_2.calc_check_digit(body)}"


CODES = st.text(ALPHABET, min_size=9, max_size=9).map(_sealed).filter(is_valid)
WRAPPED = [
    "HELLO MBBANK- Ma GD ACSP/ Na453504 {}",
    "191723.101124.204104.{}",
    "MBVCB.7575327615.426726.{}.CT tu 0000000001 NGUYEN VAN MAU toi 0000000002 TRUONG MAU tai ACB",
    "NGUYEN VAN MAU chuyen tien {} FT24323362960955 GD 703855-111724 17:58:18",
    "SEVQR {}",
    "SEVQR{}",
    "TKP123 {}",
    "IBFT {}",
    "CT DEN:412345678901 {}",
    "{}-CHUYEN TIEN-OQCH0001abcd-MOMO",
    "SHGD:10001234.DD:260908.BO:NGUYEN VAN MAU.Remark:{}",
    "020097048809081200152024abcd123456.12345 .123456.{}",
    "Nguyễn Thị Đào lớp 1A nộp tiền ăn {} tháng 9",
]
WITHOUT_CODE = [
    "MBVCB.7575327615.426726.NOP HOC PHI.CT tu 0011001932418 NGUYEN VAN MAU toi 0000000002 TRUONG MAU",
    "NGUYEN VAN MAU chuyen tien FT24323362960955 GD 703855-111724 17:58:18",
    "Phụ huynh cháu Hà Phương lớp 3A2 nộp tiền ăn tháng 9/2026",
    "CK hoc phi HP T9 HS000123",
    "IBFT HP thang 10 con Nguyen Hoang Phuc 2A",
    "0" * 200,
    "HP" * 100,
    "",
]


def _blanks_inside(code):
    return f"{code[:5]} {code[5:8]}\n{code[8:]}"


MANGLED = {
    "lower case": str.lower,
    "mixed case": str.title,
    "blank and line break inside": _blanks_inside,
    "a blank between all": " ".join,
    "punctuation between all": ".".join,
    "dashes and slashes": lambda code: f"{code[:2]}-{code[2:6]}/{code[6:]}",
    "no-break and zero-width blanks": lambda code: f"{code[:4]}\u00a0{code[4:7]}\u200b{code[7:]}",
    "letter O for zero": lambda code: code.replace("0", "O"),
    "small o and l": lambda code: code.replace("0", "o").replace("1", "l"),
    "I for one": lambda code: code.replace("1", "I"),
    "D with a stroke": lambda code: code.replace("D", "Đ"),
    "diacritics composed": lambda code: code.replace("A", "Ấ").replace("E", "ệ"),
    "diacritics decomposed": lambda code: unicodedata.normalize("NFD", code.replace("A", "Ằ")),
    "full width": lambda code: "".join(chr(ord(character) + 0xFEE0) for character in code),
}


@pytest.mark.parametrize("wrapper", WRAPPED)
@pytest.mark.parametrize("mangle", MANGLED.values(), ids=MANGLED)
def test_reference_is_found_through_every_mangling_in_every_wrapper(mangle, wrapper):
    for code in (CODE, _sealed("01DEA0101"), _sealed("HPHPHP0A1"), _sealed("0DE1A0ADE")):
        if is_valid(code):
            assert code in find(wrapper.format(mangle(code)))


@pytest.mark.parametrize("text", WITHOUT_CODE)
def test_no_reference_is_invented(text):
    assert find(text) == []


def test_digit_noise_never_holds_a_reference():
    noise = random.Random(1)
    for _ in range(2_000):
        assert find("".join(noise.choices("0123456789. -/\n", k=120))) == []


def test_several_references_come_in_order_and_each_once():
    first, second = _sealed("ABCDEFGHJ"), _sealed("000000009")
    assert is_valid(first)
    assert is_valid(second)
    assert find(f"tra {second} va {first.lower()}, {second}") == [second, first]


def test_overlapping_candidates_are_all_reported():
    pair = next(pair for pair in map(_overlapping, range(10_000)) if pair)
    outer, inner, text = pair
    assert find(f"x {text} y") == [outer, inner]


def _overlapping(seed):
    """Two valid references, the second of which starts inside the first."""
    draw = random.Random(seed)
    outer = _sealed("".join(draw.choices(ALPHABET, k=3)) + "HP" + "".join(draw.choices(ALPHABET, k=4)))
    inner = _sealed(outer[7:] + "".join(draw.choices(ALPHABET, k=4)))
    return (outer, inner, outer + inner[7:]) if is_valid(outer) and is_valid(inner) else None


def test_foreign_letters_do_not_join_what_stands_around_them():
    assert find(CODE[:5] + "Я" + CODE[5:]) == []


def test_only_canonical_form_is_valid():
    assert is_valid(CODE)
    for wrong in (
        CODE.lower(),
        f" {CODE}",
        f"{CODE}\n",
        CODE[:-1],
        CODE + "0",
        "",
        "HP٧K3M9Q2XAT",
        CODE.replace("7", "U"),
    ):
        assert not is_valid(wrong)


def test_generated_references_are_valid_and_differ():
    drawn = [generate() for _ in range(5_000)]
    assert len(set(drawn)) == len(drawn)
    assert all(is_valid(code) and find(code) == [code] for code in drawn)
    assert {character for code in drawn for character in code[2:]} == set(ALPHABET)


@given(CODES)
def test_every_single_wrong_character_is_noticed(code):
    for position in range(2, len(code)):
        for other in set(ALPHABET) - {code[position]}:
            assert not is_valid(code[:position] + other + code[position + 1 :])


@given(CODES)
def test_every_swap_of_neighbours_is_noticed(code):
    for position in range(2, len(code) - 1):
        swapped = code[:position] + code[position + 1] + code[position] + code[position + 2 :]
        assert swapped == code or not is_valid(swapped)


def test_a_check_without_weights_would_miss_swaps():
    """Teeth: the property above is the check character's doing, a plain sum does not have it."""

    def plain_sum(code):
        return sum(reference.mod_37_2.checksum(character) for character in code[2:]) % 37

    swapped = f"{CODE[:4]}{CODE[5]}{CODE[4]}{CODE[6:]}"
    assert swapped != CODE
    assert plain_sum(swapped) == plain_sum(CODE)
    assert not is_valid(swapped)


@given(st.text())
def test_any_text_gives_valid_references_or_none(text):
    assert all(map(is_valid, find(text)))


@given(CODES, st.text(max_size=40), st.text(max_size=40), st.sampled_from(list(MANGLED.values())))
def test_reference_is_found_between_any_texts(code, before, after, mangle):
    assert code in find(f"{before}{mangle(code)}\n{after}")


def test_find_stays_linear_on_hostile_text():
    for text in ("HP" * 200_000, "\u0301\u0323" * 200_000, "ﷺ" * 50_000, "\ud800" * 100_000):
        assert find(text) == []


def _fuzz(count, seed):
    draw = random.Random(seed)
    pool = ALPHABET + "HPhpoil .-\n\x00đĐ\u0301\ud800😀ﬁ½"
    for _ in range(count):
        text = "".join(draw.choices(pool, k=draw.randrange(60)))
        place = draw.randrange(len(text) + 1)
        assert all(map(is_valid, find(text)))
        assert CODE in find(f"{text[:place]}\n{CODE}{text[place:]}")


def test_random_text_never_breaks_find():
    _fuzz(5_000, seed=2)


@pytest.mark.slow
def test_a_hundred_thousand_random_texts_never_break_find():
    _fuzz(100_000, seed=3)


SHAPES = "HPhp0123ABCoilOILUuđĐ .-/\n\x00\u0301\ud800😀ﬁ½"
TEXTS = st.text(st.sampled_from(SHAPES + ALPHABET), max_size=60)
PIECES = st.one_of(CODES, CODES.map(lambda code: code[:-1]), CODES.map(lambda code: code[2:]), TEXTS)


def by_the_rules(text: str) -> list[str]:
    """What the rules say, letter by letter, with nothing of the code under test but the alphabet."""
    letters = []
    alike = {"đ": "D", "Đ": "D", "ð": "D", "Ð": "D", "ı": "I"}
    for character in text:
        for part in unicodedata.normalize("NFKD", alike.get(character, character)):
            if not part.isascii():
                part = "U" if unicodedata.category(part)[0] in "LN" else ""  # noqa: PLW2901 - the folded letter
            letters.append({"O": "0", "I": "1", "L": "1"}.get(part.upper(), part.upper()) if part.isalnum() else "")
    folded = "".join(letters)
    found: list[str] = []
    for start in range(len(folded) - 11):
        code = folded[start : start + 12]
        value = 0
        for character in code[2:]:
            value = (2 * value + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*".index(character)) % 37
        if code.startswith("HP") and set(code[2:]) <= set(ALPHABET) and value == 1 and code not in found:
            found.append(code)
    return found


@given(st.lists(PIECES, max_size=6).map("".join))
def test_what_is_found_is_what_the_rules_say(text):
    assert find(text) == by_the_rules(text)


@given(st.lists(st.one_of(st.lists(PIECES, max_size=4).map("".join), TEXTS), max_size=12))
def test_many_texts_together_give_what_each_gives_alone(texts):
    assert find_each(texts) == [" ".join(find(text)) for text in texts]


@given(st.integers(0), st.integers(1, 60))
def test_memos_with_the_noise_of_banks_give_the_same_in_every_way(seed, count):
    """Alone, together and by the rules: transfers of all kinds, and bank text that holds no reference of ours."""
    chance = random.Random(seed)
    targets = [noise.Target(place, _drawn(chance), 100_000) for place in range(2 * count)]
    texts = [memo.text for memo in noise.memos(targets, count, chance)]
    texts += [noise.bank_text(chance) for _ in range(count)] + chance.choices(noise.NASTY, k=5)
    chance.shuffle(texts)
    expected = list(map(by_the_rules, texts))
    assert list(map(find, texts)) == expected
    assert find_each(texts) == list(map(" ".join, expected))


def _drawn(chance):
    """A valid reference from a seed; two in five hold the prefix inside, so that candidates overlap."""
    while True:
        body = "".join(chance.choices(ALPHABET, k=9))
        place = chance.randrange(1, 18)
        code = _sealed(f"{body[:place]}HP{body[place + 2 :]}"[:9])
        if is_valid(code):
            return code


def test_more_texts_than_are_looked_through_at_once_keep_their_places():
    texts = [CODE if place % 7 == 0 else f"no {place}" for place in range(2 * reference.AT_ONCE + 3)]
    assert find_each(texts) == [CODE if place % 7 == 0 else "" for place in range(len(texts))]


def test_find_each_stays_linear_on_hostile_text():
    hostile = ["HP" * 200_000, "\u0301\u0323" * 200_000, CODE * 50_000, "\ud800" * 100_000]
    assert find_each(hostile) == ["", "", CODE, ""]


def test_many_texts_together_keep_overlapping_and_repeated_references():
    outer, inner, text = next(pair for pair in map(_overlapping, range(10_000)) if pair)
    texts = [text, f"{CODE} {CODE}", "", CODE[:-1] + "0", f"a\0{CODE[:4]}\0{CODE[4:]}", f"{CODE} {outer}", "Đ" + CODE]
    assert find_each(texts) == [f"{outer} {inner}", CODE, "", "", CODE, f"{CODE} {outer}", CODE]
    assert find_each([]) == []
    assert find_each([""]) == [""]


def test_many_texts_together_without_their_check_characters_would_invent_references(monkeypatch):
    """Teeth: what is found together passes a check of its own."""
    wrong = CODE[:-1] + "0"
    assert find_each([wrong, CODE]) == ["", CODE]
    monkeypatch.setattr(reference, "_are_right", lambda candidates: bytes([1] * len(candidates)))
    assert find_each([wrong, CODE]) == [wrong, CODE]
