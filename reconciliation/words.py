"""What people read about a night: the classes, states and checks in Vietnamese, and what to do about each."""

import re
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from payments.money import format_number
from reconciliation.movements import MATCHED, PRECEDENCE

Value = TypeVar("Value")
UNEQUAL = re.compile(r"(-?\d+) ≠ (-?\d+)")


class Words(NamedTuple):
    """The name of a class, and the next step that we propose."""

    vi: str
    en: str
    advice: str = ""


CLASSES: dict[str, Words] = {
    "matched": Words("Khớp", "Matched"),
    "not_due": Words("Chưa đến hạn", "Not due yet", "Chờ sao kê hoặc sổ kế toán của ngày này."),
    "balance_break": Words(
        "Lệch số dư",
        "Balance break",
        "Xuất lại sao kê của ngân hàng rồi nhập lại; tiền chỉ có trong tệp lệch chưa được ghi.",
    ),
    "closed_period": Words("Kỳ đã khóa", "Closed period", "Ghi vào kỳ đang mở, dẫn chiếu ngày gốc."),
    "duplicate": Words("Ghi trùng", "Duplicate", "Kiểm tra: một khoản được ghi hai lần trong cùng một nguồn."),
    "ambiguous": Words("Nhiều cách ghép", "Ambiguous", "Một người chọn: hệ thống không đoán."),
    "amount_diff": Words("Lệch số tiền", "Amount differs", "So chứng từ ngân hàng với báo có và sổ kế toán."),
    "missing_bank": Words(
        "Thiếu ở ngân hàng", "Missing at the bank", "Hỏi ngân hàng; chỉ đảo bút toán khi hai người duyệt."
    ),
    "missing_gateway": Words(
        "Thiếu báo có", "Missing callback", "Đã ghi nhận tiền theo sao kê; kiểm tra kết nối báo có với ngân hàng."
    ),
    "missing_ledger": Words(
        "Chưa ghi sổ", "Missing in the books", "Ghi sổ kế toán; tải «bút toán đề nghị» rồi sửa nếu cần."
    ),
    "only_ledger": Words("Chỉ có trong sổ", "In the books only", "Tìm chứng từ ngân hàng, hoặc sửa bút toán ghi nhầm."),
    "fee_netted": Words(
        "Trừ phí trung gian",
        "Net of fee",
        "Ghi phí vào chi phí (tải «bút toán đề nghị»); không ghi có lần thứ hai cho dòng sao kê này.",
    ),
    "date_cutoff": Words("Lệch ngày", "Date cut-off", "Ghi theo ngày của ngân hàng; báo cáo theo cả hai ngày."),
}
FLAGS: dict[str, str] = {
    "cash": "tiền mặt",
    "reversed": "bị thu hồi",
    "decision_lost": "quyết định không còn áp dụng",
}
LOST: dict[str, str] = {
    "gone": "một dòng của quyết định không còn được tính",
    "contradicts": "trái với một quyết định trước đó",
    "unfit": "các dòng không thể là một khoản",
}
"""Why a decision about facts is not replayed."""
STATES: dict[str, Words] = {
    "waiting_statement": Words("Chờ sao kê", "Waiting for the statement"),
    "proved": Words("Đã chứng minh", "Proved"),
    "failed": Words("Không khớp số dư", "Does not prove"),
}
CHECKS: dict[str, str] = {
    "balance": "Đầu kỳ + phát sinh có − phát sinh nợ = cuối kỳ",
    "balance_inside": "Sao kê tự mâu thuẫn",
    "balance_unstated": "Sao kê không ghi số dư",
    "balance_gap": "Số dư đầu không nối số dư cuối của sao kê trước",
    "balance_sequence": "Thiếu một số thứ tự sao kê",
    "balance_overlap": "Hai sao kê cùng ngày không giống nhau",
    "balance_before": "Số dư đầu khác số dư đã chứng minh hôm trước",
    "total_bank": "Sao kê: khớp + ngoại lệ + chưa đến hạn = tổng số dòng",
    "total_gateway": "Báo có: khớp + ngoại lệ + chưa đến hạn = tổng số",
    "total_ledger": "Sổ kế toán: khớp + ngoại lệ + chưa đến hạn = tổng số dòng",
    "receipts_placed": "Tiền nhận = đã phân bổ + tiền thừa + chưa xác định + bị thu hồi",
    "books_zero": "Bảng cân đối thử bằng không",
}
FACTS: dict[str, str] = {"bank": "Sao kê", "evidence": "Báo có", "ledger": "Sổ kế toán"}
SOURCES: dict[str, str] = {"bank": "Sao kê", "gateway": "Báo có", "ledger": "Sổ kế toán"}
RULES: dict[str, str] = {
    "T0": "cùng số tham chiếu ngân hàng",
    "T1": "cùng mã thanh toán",
    "T2": "duy nhất cùng số tiền và ngày",
    "T3": "nhiều khoản cộng thành một",
}
PERSON = "người ghép tay"
"""In place of a tier."""


AGES = ((1, "0–1 ngày"), (3, "2–3 ngày"), (7, "4–7 ngày"), (30, "8–30 ngày"))
OLDEST = "trên 30 ngày"
NOTES: dict[str, str] = {
    "fee_vnd": "phí {} đồng",
    "payout_due": "đơn vị trung gian phải chuyển tiền trước hết ngày {}",
    "statement": "sao kê nhập số {}",
    "place": "{}",
    "expected": "phải là {}",
    "found": "tìm thấy {}",
    "decision_gone": "quyết định số {}: một dòng không còn được tính",
    "decision_contradicts": "quyết định số {}: trái với quyết định trước đó",
    "decision_unfit": "quyết định số {}: các dòng không thể là một khoản",
}


def note_vi(note: str | None) -> str:
    """What a case notes, in words: ``fee_vnd=4400`` -> «phí 4.400 đồng»."""
    parts = []
    for part in (note or "").split("; "):
        name, _, value = part.partition("=")
        shown = format_number(int(value)) if value.removeprefix("-").isdigit() and name != "statement" else value
        parts.append(NOTES[name].format(shown) if name in NOTES else CHECKS.get(part, part))
    return ", ".join(part for part in parts if part)


def grouped(told: str) -> str:
    """Where a statement contradicts itself, with its two amounts as people read them; files that are made again with
    equal bytes tell it as it was kept.
    """
    return UNEQUAL.sub(lambda found: " ≠ ".join(format_number(int(number)) for number in found.groups()), told)


def class_order(key: str) -> int:
    """Matched first, then by precedence, what is not due last."""
    return PRECEDENCE.index(key) if key in PRECEDENCE else -1 if key == MATCHED else len(PRECEDENCE)


def in_order(found: Mapping[str, Value]) -> list[tuple[str, Value]]:
    """What was found, by class, in the order of the classes."""
    return sorted(found.items(), key=lambda pair: class_order(pair[0]))


def age_vi(days: int) -> str:
    """How long a case has been open, in the buckets of an aging table."""
    return next((name for most, name in AGES if days <= most), OLDEST)


def class_vi(key: str) -> str:
    """The Vietnamese name of a class or flag."""
    return CLASSES[key].vi if key in CLASSES else FLAGS.get(key, key)


def rule_vi(rule: str | None) -> str:
    """The evidence behind a match, in words: ``T0+T1`` -> both."""
    parts = (rule or "").split("+")
    named = [f"{part} {RULES[part]}" if part in RULES else {"person": PERSON}.get(part, "") for part in parts]
    return "; ".join(filter(None, named))
