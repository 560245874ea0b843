"""What may be entered into the catalogue at all: pure checks that say in a sentence what is wrong."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from payments.errors import DomainError
from payments.fees.terms import Item, LegalGroup, Refusal, ReliefKind, Unit
from payments.money import MAX_VND

_CODE = re.compile(r"[0-9A-Z][0-9A-Z_-]{0,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewRegistration:
    """A pupil takes part in an item; ``quantity`` is units a round, or đồng for a free amount."""

    pupil_id: int
    fee_item_id: int
    valid_from: date
    valid_to: date | None = None
    quantity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExemption:
    """A reduction of a pupil: either ``percent`` (1-100) or ``fixed_vnd`` off each line of the items named."""

    pupil_id: int
    kind: ReliefKind
    category: str
    fee_codes: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    document: str
    percent: int | None = None
    fixed_vnd: int | None = None
    approved_by: int | None = None


def check_words(item: Item) -> None:
    """Check the texts of a fee item. Raises DomainError ``bad_code``, ``missing_text``."""
    if _CODE.fullmatch(item.code) is None:
        raise DomainError(
            "bad_code",
            "Mã khoản thu gồm 1–20 chữ cái in hoa không dấu, chữ số, gạch ngang, gạch dưới.",
            "A fee code has 1-20 upper-case ASCII letters, digits, hyphens or underscores.",
        )
    if not item.name:
        raise missing_text("tên khoản thu", "name")
    if not item.legal_basis:
        raise missing_text("căn cứ thu", "legal basis")


def check_registrations(
    given: Sequence[NewRegistration], wanted: Mapping[tuple[int, int, date], NewRegistration]
) -> None:
    """Check registrations, and that each of ``wanted`` is told one way only.

    Raises DomainError ``bad_dates``, ``bad_quantity``, ``registered_twice``.
    """
    for row in given:
        if row.valid_to is not None and row.valid_to < row.valid_from:
            raise bad_dates()
        if row.quantity < 0:
            raise DomainError("bad_quantity", "Số lượng không được âm.", "The quantity may not be negative.")
        if wanted[row.pupil_id, row.fee_item_id, row.valid_from] != row:
            raise DomainError(
                "registered_twice",
                "Một học sinh có hai đăng ký khác nhau cho cùng khoản thu, cùng ngày bắt đầu.",
                "A pupil has two different registrations for one item from one day.",
            )


def check_exemption(row: NewExemption, groups: Mapping[str, LegalGroup]) -> None:
    """Check a reduction against the legal groups of the fee codes it names.

    Raises DomainError ``bad_relief``, ``bad_dates``, ``missing_text``, ``unknown_fee``, ``exemption_is_for_tuition``.
    """
    percent_ok = row.percent is not None and 1 <= row.percent <= 100
    fixed_ok = row.fixed_vnd is not None and 0 < row.fixed_vnd <= MAX_VND
    if (row.percent is None) == (row.fixed_vnd is None) or not (percent_ok or fixed_ok):
        raise DomainError(
            "bad_relief",
            "Mức giảm là 1–100 % hoặc một số tiền lớn hơn 0, chọn một trong hai.",
            "A reduction is either 1-100 % or a sum above zero.",
        )
    if row.valid_to is not None and row.valid_to < row.valid_from:
        raise bad_dates()
    if not row.category.strip():
        raise missing_text("diện miễn giảm", "category")
    if not row.document.strip():
        raise missing_text("số văn bản, quyết định", "document")
    unknown = sorted(set(row.fee_codes) - set(groups))
    if unknown or not row.fee_codes:
        raise DomainError(
            "unknown_fee",
            f"Không có khoản thu mã {', '.join(unknown) or '(trống)'}.",
            f"There is no fee item with the code {', '.join(unknown) or '(empty)'}.",
        )
    if row.kind is ReliefKind.EXEMPTION and any(groups[code] is not LegalGroup.TUITION for code in row.fee_codes):
        raise DomainError(
            "exemption_is_for_tuition",
            "Miễn giảm theo luật chỉ áp dụng cho học phí. Với khoản khác, hãy chọn «trường giảm» (waiver)"
            " hoặc «hỗ trợ» (support).",
            "Exemptions by law cover tuition only. For other items choose a waiver of the school or support.",
        )


def raise_if(refusal: Refusal | None) -> None:
    """Turn a refusal into a DomainError of the same code."""
    if refusal is not None:
        raise DomainError(refusal.code, refusal.text.vi, refusal.text.en)


def missing_text(vi: str, en: str) -> DomainError:
    """Build the error for a text that must not be empty."""
    return DomainError("missing_text", f"Hãy nhập {vi}.", f"Give the {en}.")


def bad_dates() -> DomainError:
    """Build the error for a last day before the first."""
    return DomainError("bad_dates", "Ngày kết thúc đứng trước ngày bắt đầu.", "The last day stands before the first.")


def check_ceiling(unit: Unit, ceiling_vnd: int, valid_from: date, valid_to: date | None, document: str) -> None:
    """Check a ceiling. Raises DomainError ``bad_ceiling``, ``missing_text``."""
    if not document.strip():
        raise missing_text("văn bản quy định", "document")
    if ceiling_vnd < 0 or (valid_to is not None and valid_to < valid_from) or unit is Unit.FREE_AMOUNT:
        raise DomainError(
            "bad_ceiling",
            "Mức trần phải từ 0 đồng, ngày hết hiệu lực không trước ngày bắt đầu.",
            "A ceiling must not be below zero and must not end before it starts.",
        )
