import pytest

from payments.settlement.suggestions import names_class, words


@pytest.mark.parametrize(
    "memo",
    ["LOP 3A2 nop tien", "lop3a2", "lớp 3A2 đóng tiền", "GVCN 3A2", "GVCN lop 3A2 nop tien 5 hs", "GVCN LỚP 3 A2"],
)
def test_a_memo_names_a_class_in_the_words_teachers_use(memo):
    assert names_class(words(memo), "3A2")


@pytest.mark.parametrize("memo", ["3A2", "nop tien 3A2", "GVCN lop 3A1", "GVCN"])
def test_a_class_is_not_guessed_from_less(memo):
    assert not names_class(words(memo), "3A2")
