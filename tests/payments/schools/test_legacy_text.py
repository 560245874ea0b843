"""Texts in TCVN3 or VNI fonts, or read with the wrong table, are found; names of every people pass."""

import unicodedata

import pytest

from payments.schools.legacy_text import legacy_encoding

NAMES = [
    "Nguyễn Văn An",
    "Trần Thị Bình",
    "Hoàng Ngọc Ánh",
    "Phạm Minh Đức",
    "Đặng Thu Thảo",
    "Ngô Dương",
    "Nguyễn Hữu Phước",
    "Toàn Hoà Thuý",
    "Lò Văn Khoẻ",
    "Nghiêm Xuân Duy",
]
TCVN3 = [
    "NguyÔn V¨n An",
    "TrÇn ThÞ B×nh",
    "Hoµng Ngäc ¸nh",
    "Ph¹m Minh §øc",
    "§Æng Thu Th¶o",
    "Ng« D\u00ad¬ng",
    "NguyÔn H÷u Ph\u00adíc",
    "Toµn Hoµ Thuý",
    "Lß V¨n KhoÎ",
    "Nghiªm Xu©n Duy",
]
VNI = [
    "Nguyeãn Vaên An",
    "Traàn Thò Bình",
    "Hoaøng Ngoïc Aùnh",
    "Phaïm Minh Ñöùc",
    "Ñaëng Thu Thaûo",
    "Ngoâ Döông",
    "Nguyeãn Höõu Phöôùc",
    "Toaøn Hoaø Thuyù",
    "Loø Vaên Khoeû",
    "Nghieâm Xuaân Duy",
]
FOREIGN = [
    "H'Hen Niê",
    "Y Blôk Êban",
    "Anaïs Dubois",
    "Raphaël Noël",
    "Jürgen Müller",
    "María Ibáñez Muñoz",
    "Søren Åse Bjørn",
    "Seán O'Brien",
    "Françoise Renée",
    "Kim Min-jun",
]


@pytest.mark.parametrize("name", TCVN3)
def test_tcvn3_fonts_are_found(name):
    assert legacy_encoding(name) == "tcvn3"


@pytest.mark.parametrize("name", VNI)
def test_vni_fonts_are_found(name):
    assert legacy_encoding(name) == "vni"


@pytest.mark.parametrize("name", NAMES)
def test_utf8_read_as_windows_text_is_found(name):
    assert legacy_encoding(name.encode().decode("cp1252", "replace")) == "mojibake"


@pytest.mark.parametrize("name", NAMES + FOREIGN)
def test_unicode_names_pass_in_every_form_and_case(name):
    for form in ("NFC", "NFD"):
        for text in (name, name.upper(), name.lower()):
            assert legacy_encoding(unicodedata.normalize(form, text)) is None
