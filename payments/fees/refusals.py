"""Why a fee item may not be charged, in sentences that name the document and the way out."""

from datetime import date

from payments.fees.terms import UNIT_WORDS, Ceiling, Item, Refusal
from payments.i18n import Text
from payments.money import MAX_VND, format_number


def per_head_level(item: Item) -> Refusal:
    """Build the refusal of a sponsorship with a level for everybody."""
    return Refusal(
        "sponsorship_level",
        Text(
            f"Khoản «{item.name}»: tài trợ là tự nguyện, không chia bình quân, không đặt mức cho mọi học sinh"
            " (Thông tư 16/2018/TT-BGDĐT). Hãy chọn đơn vị «số tiền tự nguyện», thu theo đăng ký,"
            " và chỉ dùng đơn vị này cho tài trợ.",
            f"Item «{item.name}»: sponsorship is voluntary and has no level per head (Circular 16/2018/TT-BGDĐT)."
            " Use the unit free_amount, by registration, and that unit for sponsorship only.",
        ),
    )


def not_in_force(item: Item, day: date) -> Refusal:
    """Build the refusal of an item outside its dates."""
    return Refusal(
        "item_not_in_force",
        Text(
            f"Khoản «{item.name}» không có hiệu lực ngày {day:%d/%m/%Y}."
            " Hãy sửa ngày hiệu lực hoặc bỏ khoản này khỏi đợt thu.",
            f"Item «{item.name}» is not in force on {day:%d/%m/%Y}. Change its dates or leave it out of the round.",
        ),
    )


def no_rate(item: Item, grade: int | None, day: date) -> Refusal:
    """Build the refusal of an item without a price."""
    of_grade = Text("", "") if grade is None else Text(f" khối {grade}", f" of grade {grade}")
    return Refusal(
        "no_rate",
        Text(
            f"Khoản «{item.name}» chưa có đơn giá{of_grade.vi} ngày {day:%d/%m/%Y}. Hãy nhập đơn giá trước.",
            f"Item «{item.name}» has no price{of_grade.en} on {day:%d/%m/%Y}. Set its price first.",
        ),
    )


def public_tuition_ended(item: Item) -> Refusal:
    """Build the refusal of tuition in a public school."""
    return Refusal(
        "public_tuition",
        Text(
            f"Khoản «{item.name}»: trường công lập không thu học phí từ tháng 9/2025"
            " (Nghị quyết 217/2025/QH15, Nghị định 238/2025/NĐ-CP). Chỉ trường tư thục hoặc công lập chất lượng cao"
            " được thu; hãy đặt đơn giá 0 hoặc sửa loại hình trường.",
            f"Item «{item.name}»: public schools charge no tuition since September 2025 (Resolution 217/2025/QH15,"
            " Decree 238/2025). Set the price to 0, or correct the school's ownership.",
        ),
    )


def above_ceiling(item: Item, price_vnd: int, ceiling: Ceiling) -> Refusal:
    """Build the refusal of a price above its ceiling."""
    unit, price, most = UNIT_WORDS[item.unit], format_number(price_vnd), format_number(ceiling.ceiling_vnd)
    return Refusal(
        "above_ceiling",
        Text(
            f"Khoản «{item.name}»: đơn giá {price} đ/{unit.vi} vượt mức trần {most} đ/{unit.vi}"
            f" theo {ceiling.document}. Hãy hạ đơn giá.",
            f"Item «{item.name}»: the price of {price} đ is above the ceiling of {most} đ ({unit.en})"
            f" set by {ceiling.document}. Lower the price.",
        ),
    )


def other_unit(item: Item, ceiling: Ceiling) -> Refusal:
    """Build the refusal of an item counted in another unit than its ceiling, which could dodge it."""
    return Refusal(
        "ceiling_unit",
        Text(
            f"Khoản «{item.name}» tính theo {UNIT_WORDS[item.unit].vi}, nhưng {ceiling.document} quy định mức trần"
            f" {format_number(ceiling.ceiling_vnd)} đ/{UNIT_WORDS[ceiling.unit].vi}. Hãy dùng cùng đơn vị.",
            f"Item «{item.name}» is counted in {UNIT_WORDS[item.unit].en}, but {ceiling.document} sets a ceiling of"
            f" {format_number(ceiling.ceiling_vnd)} đ in {UNIT_WORDS[ceiling.unit].en}. Use the same unit.",
        ),
    )


def negative_quantity(item: Item) -> Refusal:
    """Build the refusal of a quantity below zero."""
    return Refusal(
        "bad_quantity",
        Text(
            f"Khoản «{item.name}»: số lượng không được âm.",
            f"Item «{item.name}»: the quantity may not be negative.",
        ),
    )


def too_large(item: Item) -> Refusal:
    """Build the refusal of an amount that no payment order can carry."""
    return Refusal(
        "too_large",
        Text(
            f"Khoản «{item.name}»: thành tiền lớn hơn {format_number(MAX_VND)} đ. Hãy kiểm tra số lượng và đơn giá.",
            f"Item «{item.name}»: the amount is above {format_number(MAX_VND)} đ. Check quantity and price.",
        ),
    )


def bad_dates(item: Item) -> Refusal:
    """Build the refusal of an item that ends before it starts."""
    return Refusal(
        "bad_dates",
        Text(
            f"Khoản «{item.name}»: ngày hết hiệu lực đứng trước ngày bắt đầu.",
            f"Item «{item.name}»: its last day stands before its first.",
        ),
    )


def parents_fund(item: Item) -> Refusal:
    """Build the refusal of the parents' committee's fund."""
    return Refusal(
        "parents_fund",
        Text(
            f"Khoản «{item.name}»: nhà trường không thu hộ quỹ Ban đại diện cha mẹ học sinh"
            " (Thông tư 55/2011/TT-BGDĐT).",
            f"Item «{item.name}»: a school does not collect the parents' committee's fund for it"
            " (Circular 55/2011/TT-BGDĐT).",
        ),
    )
