"""Invented Vietnamese names: common parts put together by chance, so that no list of real people is behind them."""

import random
from dataclasses import dataclass

from payments.schools.rules import Sex

SURNAMES = {
    "Nguyễn": 380,
    "Trần": 110,
    "Lê": 95,
    "Phạm": 70,
    "Hoàng": 50,
    "Phan": 45,
    "Vũ": 40,
    "Đặng": 20,
    "Bùi": 20,
    "Đỗ": 14,
    "Hồ": 13,
    "Ngô": 13,
    "Dương": 10,
    "Đinh": 10,
    "Đoàn": 10,
    "Trịnh": 10,
    "Mai": 10,
    "Lương": 10,
    "Đào": 10,
}
"""Surname -> weight, roughly as common as they are."""

MIDDLE = {
    Sex.MALE: ("Văn", "Đức", "Minh", "Quang", "Hữu", "Gia", "Thành", "Tuấn", "Anh", "Bảo", "Công", "Đình"),
    Sex.FEMALE: ("Thị", "Ngọc", "Thu", "Minh", "Khánh", "Phương", "Bảo", "Hà", "Thùy", "Mai", "Diệu", "Quỳnh"),
}
GIVEN = {
    Sex.MALE: (
        *("An", "Bách", "Bình", "Cường", "Dũng", "Duy", "Đạt", "Hải", "Hiếu", "Hoàng", "Huy", "Hưng", "Khang"),
        *("Khoa", "Khôi", "Kiên", "Lâm", "Long", "Minh", "Nam", "Nghĩa", "Nguyên", "Nhật", "Phong", "Phúc"),
        *("Quân", "Quang", "Sơn", "Tài", "Thắng", "Thịnh", "Tiến", "Toàn", "Trí", "Trung", "Tú", "Tùng", "Việt"),
    ),
    Sex.FEMALE: (
        *("An", "Ánh", "Châu", "Chi", "Diệp", "Dung", "Giang", "Hà", "Hạnh", "Hân", "Hiền", "Hoa", "Hương"),
        *("Huyền", "Khuê", "Lan", "Linh", "Ly", "Mai", "My", "Nga", "Ngân", "Nhi", "Nhung", "Như", "Oanh"),
        *("Quyên", "Tâm", "Thảo", "Thư", "Thủy", "Trà", "Trang", "Trúc", "Tuyết", "Uyên", "Vân", "Vy", "Yến"),
    ),
}


@dataclass(frozen=True, slots=True)
class Special:
    """A name that every school must cope with."""

    full_name: str
    sex: Sex


SPECIAL = (
    Special("Nguyễn Ngọc Anh", Sex.FEMALE),
    Special("Nguyễn Ngọc Anh", Sex.FEMALE),
    Special("Đỗ Đình Đạt", Sex.MALE),
    Special("Nguyễn Hoàng Phương Thảo Vy", Sex.FEMALE),
    Special("Vàng A Súa", Sex.MALE),
    Special("H'Hen Niê", Sex.FEMALE),
    Special("Trần Thị Thùy Dương", Sex.FEMALE),
    Special("Anna Müller", Sex.FEMALE),
    Special("Lê Minh Khôi", Sex.MALE),
    Special("Lê Minh Khoa", Sex.MALE),
)
"""Two of one name, Đ and đ, five words, two of other peoples, one whose file is NFD, a foreigner, twins."""
SAVED_AS_NFD = "Trần Thị Thùy Dương"
TWINS = (8, 9)
"""Places of the twins in ``SPECIAL``."""


def surname(chance: random.Random) -> str:
    """Draw a surname."""
    return chance.choices(list(SURNAMES), weights=list(SURNAMES.values()))[0]


def full_name(chance: random.Random, family: str, sex: Sex) -> str:
    """Draw middle and given name to a surname; one girl in three has two middle names."""
    middle = [chance.choice(MIDDLE[sex])]
    given = chance.choice(GIVEN[sex])
    if sex is Sex.FEMALE and middle[0] == "Thị" and chance.random() < 1 / 3:
        middle.append(chance.choice(MIDDLE[sex][1:]))
    return " ".join((family, *(part for part in middle if part != given), given))
