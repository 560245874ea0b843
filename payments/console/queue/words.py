"""The words of the queue in both languages: reasons, states and deeds, the same on screen and in files. Pure."""

from collections.abc import Mapping

from payments.i18n import Language, Text

CHIPS: Mapping[str, Text] = {
    "near_reference": Text("mã gần giống", "near reference"),
    "cut_reference": Text("mã bị cắt", "cut reference"),
    "named": Text("có ghi mã", "reference named"),
    "own_account": Text("vào tài khoản riêng của em", "on the pupil's own account"),
    "pupil_named": Text("có tên học sinh", "pupil named"),
    "class_named": Text("có tên lớp", "class named"),
    "same_amount": Text("đúng số tiền", "same amount"),
    "open_sum": Text("đúng tổng còn lại", "sums up"),
    "whole_class": Text("đủ cả lớp", "whole class"),
    "same_account": Text("đúng tài khoản", "same account"),
}
"""Why a hint is one. A test compares the keys with what settlement writes."""
AGAINST: Mapping[str, Text] = {}
"""Why it may be wrong."""
OUTCOMES: Mapping[str, Text] = {
    "damaged": Text("mã bị hỏng", "damaged"),
    "unknown": Text("không rõ", "unknown"),
    "lump": Text("nộp gộp", "lump sum"),
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
