"""Invented pupils and what they owe, for tests of paper."""

from datetime import UTC, date, datetime

from payments.invoices import reference
from payments.paper.document import Surroundings
from payments.paper.queries import Account, Channel, Round
from payments.paper.rules import Line, Open

BANK = ("970999", "Ngân hàng Mẫu Hai", "1900000012", "TRUONG TIEU HOC HOA PHUONG")
OTHER_BANK = ("970998", "Ngân hàng Mẫu Một", "9704229201234567", "TRUONG TIEU HOC HOA PHUONG")
ACCOUNTS = [
    Account("970999", "Ngân hàng Mẫu Hai", "1900000012", "TRUONG TIEU HOC HOA PHUONG", "Dịch vụ và bán trú"),
    Account("970998", "Ngân hàng Mẫu Một", "9704229201234567890", "TRUONG TIEU HOC HOA PHUONG", "Thu hộ BHYT"),
]
ROUND = Round(
    1,
    "T11",
    "Thu tháng 11, năm học 2025–2026",
    "issued",
    datetime(2025, 11, 1, 1, tzinfo=UTC),
    7,
    "Trường Tiểu học Hoa Phượng (mẫu)",
    "north",
)
CHANNELS = {1: [Channel("VietQR", 0, 0, "bank"), Channel("ví điện tử", 1_000, 50, "payer")]}
NAMES = (
    "Đặng Phương Quỳnh Chi",
    "Lương Thị Hồng Hạnh",
    "Nguyễn Thị Minh Anh",
    "Phạm Đức Trường",
    "Trần Lê Bảo Ngọc",
    "Vũ Hoàng Gia Huy",
    "Ứng Thị Ỷ Nhi",
)
MEALS = Line("Tiền ăn bán trú: 22 ngày × 30.000 − 2 ngày nghỉ × 30.000", True, 600_000)
TUITION = Line("Học phí tháng 11", True, 110_000)
CLUB = Line("Kỹ năng sống", False, 150_000)


def invoice(
    pupil_id: int,
    name: str,
    *lines: Line,
    paid_vnd: int = 0,
    bank: tuple[str, str, str, str] = BANK,
    prefix: str = "",
) -> Open:
    """An open invoice; its mandatory lines are a debt."""
    mandatory_vnd = sum(line.amount_vnd for line in lines if line.mandatory)
    bin_, bank_name, number, holder = bank
    code = reference.generate()
    due_on = date(2025, 11, 30)
    return Open(
        lines, pupil_id, name, "3A", code, due_on, mandatory_vnd, paid_vnd, 1, bin_, bank_name, number, holder, prefix
    )


def a_class(pupils: int) -> list[Open]:
    """A class in which every fifth pupil has a second invoice and every seventh has paid a part."""
    made = []
    for number in range(1, pupils + 1):
        name = f"{NAMES[number % len(NAMES)]}"
        lines = [MEALS, TUITION, CLUB][: 1 + number % 3]
        made.append(invoice(number, name, *lines, paid_vnd=0 if number % 7 else 200_000))
        if number % 5 == 0:
            second = Line("Bảo hiểm y tế học sinh 12 tháng", True, 680_400 + number)
            made.append(invoice(number, name, second, bank=OTHER_BANK, prefix="SEVQR"))
    return made


def around(pupils: int = 60) -> Surroundings:
    """What the slips of the round have in common."""
    token = "abcdefghijklmnopqrstuvwxyz23"
    addresses = {number: f"https://hocphi.example.vn/p/{token}{number:04d}" for number in range(1, pupils + 1)}
    return Surroundings(ROUND, CHANNELS, addresses)


def worst(pupil_id: int) -> Open:
    """All at its longest: names, holder, amount of twelve digits, lines and voluntary lines."""
    holder = "TRUONG PHO THONG DAN TOC NOI TRU TRUNG HOC CO SO VA TRUNG HOC PHO THONG MU CANG CHAI"
    long_line = "Dịch vụ chăm sóc bán trú, vệ sinh, nước uống tinh khiết và trông giữ ngoài giờ cho học sinh"
    lines = [Line(f"{long_line} {number}", True, 1_000_000) for number in range(9)]
    clubs = [Line("Tiếng Anh với người nước ngoài (tăng cường)", False, 450_000)] * 4
    first = Line(long_line, True, 999_999_999_999 - 9_000_000)
    return invoice(
        pupil_id,
        "Công Tằng Tôn Nữ Nguyễn Phước Quỳnh Như Hoàng Ngọc Diễm Thuỳ Trang",
        first,
        *lines,
        *clubs,
        paid_vnd=1_000,
        bank=("970998", "Ngân hàng Thương mại Cổ phần Mẫu Một", "9704229201234567890", holder),
        prefix="SEVQR",
    )
