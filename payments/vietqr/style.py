"""How a QR picture looks: template, error correction, mask, and the words that are not in the QR itself."""

from dataclasses import dataclass
from typing import Literal, get_args

from payments.errors import DomainError

Template = Literal["qr_only", "compact", "slip"]
Level = Literal["L", "M", "Q", "H"]

TEMPLATES: tuple[Template, ...] = get_args(Template)
LEVELS: tuple[Level, ...] = get_args(Level)
MASKS = range(8)
BULK_MASK = 6  # reads at least as well as the best one and makes a picture in a third of the time
MAX_WORDS = 70


@dataclass(frozen=True)
class Style:
    """What a picture shows and how.

    ``level`` M suits screens and slips, L small labels. ``mask`` None searches for the best mask (print), a
    number fixes it (bulk). ``bank_name`` and ``holder_name`` stand on the slip: payers' apps look the
    holder up, the QR does not carry it. ``mark`` is printed beside the QR, «MẪU» on all demo pictures.

    Raises DomainError ``bad_style``.
    """

    template: Template = "qr_only"
    level: Level = "M"
    mask: int | None = None
    bank_name: str = ""
    holder_name: str = ""
    mark: str = ""

    def __post_init__(self) -> None:
        if self.template not in TEMPLATES or self.level not in LEVELS or self.mask not in (None, *MASKS):
            raise DomainError(
                "bad_style",
                f"Mẫu phải là {', '.join(TEMPLATES)}; mức sửa lỗi {', '.join(LEVELS)}; mặt nạ từ 0 đến 7.",
                f"The template is one of {', '.join(TEMPLATES)}; the level {', '.join(LEVELS)}; the mask 0 to 7.",
            )
        for words in (self.bank_name, self.holder_name, self.mark):
            if len(words) > MAX_WORDS or not words.isprintable():
                raise DomainError(
                    "bad_style",
                    f"Chữ in trên phiếu dài tối đa {MAX_WORDS} ký tự, trên một dòng.",
                    f"Words on the picture have at most {MAX_WORDS} characters, on one line.",
                )
