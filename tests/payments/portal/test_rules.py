"""Tokens that cannot be guessed, names that show little."""

from payments.portal.rules import TOKEN, derive_token, shown_name


def test_the_same_subject_gives_the_same_token_and_another_epoch_another() -> None:
    key = b"k" * 32
    first = derive_token(key, 7, 12, 1)
    assert derive_token(key, 7, 12, 1) == first
    assert TOKEN.fullmatch(first)
    others = {derive_token(key, 7, 12, 2), derive_token(key, 7, 13, 1), derive_token(key, 8, 12, 1)}
    assert len(others | {first, derive_token(b"j" * 32, 7, 12, 1)}) == 5


def test_the_parts_of_a_subject_cannot_slip_into_one_another() -> None:
    key = b"k" * 32
    assert derive_token(key, 1, 11, 1) != derive_token(key, 11, 1, 1)


def test_a_name_keeps_family_and_given_name_and_shortens_the_middle() -> None:
    assert shown_name("Nguyễn Thị Minh Anh") == "Nguyễn T. M. Anh"
    assert shown_name("H'Hen Niê") == "H'Hen Niê"
    assert shown_name("Anh") == "Anh"
