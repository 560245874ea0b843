"""Slips on one core: ours beside reportlab with qrcode, and beside what there is to reach (no QR, QR alone).

In processor time: typst sets pages on as many threads as there are cores, and all of them are counted.
"""

import io
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from benchmarks.measuring import Results, Run, Sample, alternate
from benchmarks.report import Goal, Table
from payments.invoices import reference
from payments.paper.document import Surroundings, join, payable_of, set_slips
from payments.paper.queries import Channel, Round
from payments.paper.rules import Kind, Line, Open, Slip, slips
from payments.vietqr.bulk import symbol_svg

CLASS = 48
CLASSES = 2
OURS = "slips: words, two codes, joined"
MATRICES = "the two codes alone"
PEER = "reportlab, two codes by qrcode, no words"
GOAL_A_SECOND = 100.0

_ROUND = Round(
    1, "T", "Thu tháng 11", "issued", datetime(2025, 11, 1, tzinfo=UTC), 1, "Trường Tiểu học Hoa Phượng", "north"
)
_CHANNELS = {1: [Channel("VietQR", 0, 0, "bank")]}


def some_slips(count: int) -> list[Slip]:
    """Slips of a class that nobody has seen before: three mandatory lines and a voluntary one."""
    due = date(2025, 11, 30)
    bank = ("970998", "Ngân hàng Mẫu", "1900000012", "TRUONG TIEU HOC HOA PHUONG", "")
    return slips(
        [
            Open(
                (
                    Line("Tiền ăn bán trú: 22 ngày × 30.000", mandatory=True, amount_vnd=660_000 + number),
                    Line("Học phí tháng 11", mandatory=True, amount_vnd=110_000),
                    Line("Nước uống", mandatory=True, amount_vnd=15_000),
                    Line("Kỹ năng sống", mandatory=False, amount_vnd=150_000),
                ),
                number,
                f"Nguyễn Thị Minh Anh {number}",
                "3A",
                reference.generate(),
                due,
                785_000 + number,
                0,
                1,
                *bank,
            )
            for number in range(1, count + 1)
        ]
    )


def addresses(made: Sequence[Slip]) -> dict[int, str]:
    """A parent's address each, as long as a real one."""
    return {slip.invoice.pupil_id: f"https://hocphi.example.vn/p/{reference.generate() * 3:.32}" for slip in made}


def ours(made: Sequence[Slip], links: dict[int, str]) -> None:
    """As the command prints a school: class by class, joined."""
    around = Surroundings(_ROUND, _CHANNELS, links)
    join([set_slips(Kind.SLIPS, around, "3A", made[at : at + CLASS]) for at in range(0, len(made), CLASS)])


def matrices(made: Sequence[Slip], links: dict[int, str]) -> None:
    """The codes as SVG, and no paper."""
    for slip in made:
        symbol_svg(payable_of(slip).payload)
        symbol_svg(links[slip.invoice.pupil_id], "L")


def peer() -> Callable[[Sequence[Slip], dict[int, str]], None] | None:
    """reportlab with qrcode's best mask, codes as vectors, where it is installed: the codes without any words."""
    try:
        from reportlab.pdfgen import canvas  # noqa: PLC0415 - an extra of this folder alone
    except ImportError:
        return None
    from qrcode import QRCode, constants  # noqa: PLC0415 - as above

    def draw(sheet: Any, text: str, left: float, top: float, side: float) -> None:
        code = QRCode(error_correction=constants.ERROR_CORRECT_M, border=0)
        code.add_data(text)
        code.make(fit=True)
        unit = side / len(code.modules)
        path = sheet.beginPath()
        for y, row in enumerate(code.modules):
            for x, dark in enumerate(row):
                if dark:
                    path.rect(left + x * unit, top - y * unit, unit, unit)
        sheet.drawPath(path, stroke=0, fill=1)

    def run(made: Sequence[Slip], links: dict[int, str]) -> None:
        sheet = canvas.Canvas(io.BytesIO(), pagesize=(595, 842))
        for number, slip in enumerate(made):
            left, top = 24 + number % 2 * 298, 700 - number // 2 % 2 * 421
            draw(sheet, payable_of(slip).payload, left, top, 102)
            draw(sheet, links[slip.invoice.pupil_id], left + 200, top - 200, 48)
            if number % 4 == 3:
                sheet.showPage()
        sheet.save()

    return run


def timed(work: Callable[[Sequence[Slip], dict[int, str]], None]) -> Run:
    def run() -> Sample:
        made = some_slips(CLASS * CLASSES)  # New ones each time: typst remembers what it has set before.
        links = addresses(made)
        began = time.process_time()
        work(made, links)
        return {"rate": len(made) / (time.process_time() - began)}

    return run


def run() -> list[Table]:
    """Two classes of 48 in each round."""
    contenders = {OURS: timed(ours), MATRICES: timed(matrices)}
    other = peer()
    if other:
        contenders[PEER] = timed(other)
    ours(some_slips(4), addresses(some_slips(4)))  # Fonts are loaded once a process.
    found = alternate(contenders)
    rows = [
        [
            name,
            found.median(name),
            found.ratio(name, PEER) if other else "not installed here",
            found.ratio(name, MATRICES),
        ]
        for name in contenders
    ]
    notes = [f"{CLASS * CLASSES} new slips a run; a second of processor time, all threads counted"]
    return [Table("Slips on paper", ["", "a second", "× reportlab", "× codes"], rows, _goals(found), notes)]


def _goals(found: Results) -> list[Goal]:
    cause = "the machine had other work, or typst sets the words more slowly than it did"
    return [Goal("slips a second of one core", GOAL_A_SECOND, found.median(OURS), cause, "a second")]
