"""Pictures of paper for the documentation: ``SCREENSHOTS=1`` keeps them, every run takes them."""

import os
from pathlib import Path

from payments.paper.document import set_poster, set_slips
from payments.paper.rules import Kind, slips
from tests.payments.paper.invented import ACCOUNTS, ROUND, a_class, around
from tests.payments.paper.reading import pictures

KEPT = Path(__file__).parents[3] / "docs" / "screenshots"
DPI = 80


def test_pictures_of_slips_sheet_and_poster(tmp_path: Path) -> None:
    folder = KEPT if os.environ.get("SCREENSHOTS") else tmp_path
    made = slips(a_class(7))
    for name, pdf in (
        ("slips", set_slips(Kind.SLIPS, around(), "3A", made[3:7])),
        ("class-sheet", set_slips(Kind.SHEETS, around(), "3A", made)),
        ("poster", set_poster(ROUND.school_name, ACCOUNTS, "https://hocphi.example.vn/s/HP0001", "a4")),
    ):
        pictures(pdf, DPI)[0].convert("P", colors=16).save(folder / f"{name}.png", optimize=True)
        assert (folder / f"{name}.png").stat().st_size > 5_000
