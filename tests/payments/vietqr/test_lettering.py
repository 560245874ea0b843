"""Vietnamese letters on a PNG carry their marks, without a font file."""

from itertools import combinations, pairwise

from PIL import Image

from payments.vietqr.lettering import write_line

LETTERS = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵdđ"


def drawn(text, size=34):
    sheet = Image.new("1", (120, 80), 1)
    write_line(sheet, text, 50, size)
    return sheet.tobytes()


def test_every_letter_looks_different():
    for letters in (LETTERS, LETTERS.upper()):
        pictures = {letter: drawn(letter) for letter in letters}
        assert not [pair for pair in combinations(letters, 2) if pictures[pair[0]] == pictures[pair[1]]]


def test_no_letter_is_the_box_of_a_missing_glyph():
    missing = drawn("\u4e00")
    assert all(drawn(letter) != missing for letter in LETTERS + LETTERS.upper())


def test_the_bar_of_a_letter_leaves_the_blank_before_it_free():
    """A bar that fills the blank reads as a dash: «THỊ-ĐỊNH»."""
    for size in (20, 24, 34):
        assert _widest_gap("H Đ", size) >= _widest_gap("H D", size) - size // 10


def _widest_gap(text, size):
    sheet = Image.new("1", (120, 80), 1)
    write_line(sheet, text, 50, size)
    inked = [x for x in range(120) if sheet.crop((x, 0, x + 1, 80)).getextrema()[0] == 0]
    return max(after - before for before, after in pairwise(inked))


def test_composed_and_decomposed_text_look_the_same():
    assert drawn("ế") == drawn("e\u0302\u0301")
