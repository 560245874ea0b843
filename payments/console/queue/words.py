"""The words of the queue in both languages: reasons, states and deeds, the same on screen and in files. Pure."""

from collections.abc import Mapping

from payments.i18n import Language, Text
from payments.money import format_number

CHIPS: Mapping[str, Text] = {
    "named": Text("Mã khoản thu", "Reference"),
    "near_reference": Text("Mã gần đúng (1 ký tự)", "Near reference (1 character)"),
    "own_account": Text("TK ảo", "Virtual account"),
    "sector_id": Text("Mã định danh trong nội dung", "Identifier in the memo"),
    "cut_reference": Text("Mã bị cắt", "Cut reference"),
    "name_and_class": Text("Tên + lớp", "Name + class"),
    "whole_class": Text("Đủ cả lớp", "Whole class"),
    "pupil_named": Text("Tên học sinh", "Pupil named"),
    "payer_reported": Text("Phụ huynh báo mã giao dịch", "Payer gave the bank's number"),
    "payer_known": Text("Người nộp từng nộp cho HS này", "Paid for this pupil before"),
    "same_amount": Text("Đúng số tiền", "Same amount"),
    "open_sum": Text("Đúng tổng nhiều khoản", "Sum of several"),
    "class_named": Text("Tên lớp", "Class named"),
    "in_time": Text("Trong hạn", "In time"),
    "same_account": Text("Đúng tài khoản", "Same account"),
}
"""Why a hint is one (payments/settlement/reasons.py)."""
AGAINST: Mapping[str, Text] = {
    "amount_differs": Text("Sai số tiền", "Other amount"),
    "rivals": Text("Nhiều ứng viên", "Several candidates"),
    "paid_up": Text("HS đã nộp đủ", "Paid up"),
}
"""Why it may be wrong."""
OUTCOMES: Mapping[str, Text] = {
    "damaged": Text("mã bị hỏng", "damaged"),
    "unknown": Text("không rõ", "unknown"),
    "lump": Text("nộp chung cả lớp", "lump sum"),
    "several": Text("nhiều mã", "several"),
    "other_pupil": Text("mã ghi của em khác", "names another pupil"),
    "assigned": Text("đã gán", "assigned"),
    "excluded": Text("đã loại", "excluded"),
    "refund": Text("hoàn trả", "refund"),
}
DEEDS: Mapping[str, Text] = {
    "assign": Text("Đã gán", "Assigned"),
    "split": Text("Đã tách", "Split"),
    "exclude": Text("Đã loại", "Excluded"),
    "refund": Text("Đã đề nghị hoàn trả", "Refund proposed"),
    "refund_approved": Text("Đã duyệt hoàn trả", "Refund approved"),
    "refund_rejected": Text("Không duyệt hoàn trả", "Refund rejected"),
    "refund_confirmed": Text("Ngân hàng đã hoàn trả", "Refund sent by the bank"),
    "note": Text("Ghi chú", "Note"),
    "undo": Text("Đã hoàn tác", "Undone"),
}


def word(vocabulary: Mapping[str, Text], key: str, language: Language = "vi") -> str:
    """The word for a key; a key that has none is shown as it is."""
    found = vocabulary.get(key)
    return key if found is None else found.in_(language)


def against(key: str, differs_vnd: int, rivals: int, language: Language = "vi") -> str:
    """A reason against a hint with its figure: «Sai số tiền (−50.000)», «2 ứng viên»."""
    if key == "rivals" and rivals > 1:
        return Text(f"{rivals} ứng viên", f"{rivals} candidates").in_(language)
    told = word(AGAINST, key, language)
    if key != "amount_differs" or not differs_vnd:
        return told
    sign = "+" if differs_vnd > 0 else "−"
    return f"{told} ({sign}{format_number(abs(differs_vnd))})"
