"""Payment references in bank texts are marked for the eye; forged texts cannot lie to it."""

import pytest

from payments.console.queue.marking import pieces, readable


def marked(memo: str, references: list[str] | None = None) -> list[str]:
    return [piece.text for piece in pieces(memo, references) if piece.marked]


@pytest.mark.parametrize(
    ("memo", "references", "seen"),
    [
        ("MBVCB.123.HP7K3M9Q2XAT.CT tu 071", ["HP7K3M9Q2XAT"], ["HP7K3M9Q2XAT"]),
        ("hp 7k3m 9q2x at hoc phi", ["HP7K3M9Q2XAT"], ["hp 7k3m 9q2x at"]),
        ("HP0O0O0O0O0O0A", ["HP00000000000A"], ["HP0O0O0O0O0O0A"]),
        ("LOP 1A HP7K3M9Q2", [], ["HP7K3M9Q2"]),
        ("HP7K3M9Q2XA1 nop tien", None, ["HP7K3M9Q2XA1"]),
        ("NGUYEN VAN HPHUONG chuyen tien", None, []),
        ("", None, []),
    ],
)
def test_what_looks_like_a_reference_is_marked(memo: str, references: list[str] | None, seen: list[str]) -> None:
    assert marked(memo, references) == seen


def test_no_letter_is_lost_or_added() -> None:
    for memo in ("a HP7K3M9Q2XAT b HP7K3M9Q2 c", "HP1234567890", "không có mã"):
        assert "".join(piece.text for piece in pieces(memo)) == memo


def test_a_long_text_is_cut_with_a_sign() -> None:
    shown = "".join(piece.text for piece in pieces("x" * 5_000, [], 140))
    assert len(shown) == 140
    assert shown.endswith("…")


def test_characters_that_turn_or_hide_others_are_left_out() -> None:
    assert readable("nop \u202e000.05\u202c\u200b tien\r\nhoc\x07") == "nop 000.05 tien  hoc"
