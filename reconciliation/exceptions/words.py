"""The words of exceptions in Vietnamese and English: owners, states, next steps, ends, events. One for each key."""

from collections.abc import Mapping
from typing import Any

from payments.i18n import Text
from payments.money import format_number
from reconciliation import words as night_words
from reconciliation.exceptions.filters import Filter
from reconciliation.exceptions.rules import Action, Kind, Owner, Resolution, State

OWNERS: Mapping[Owner, Text] = {
    Owner.ACCOUNTANT: Text("Kế toán", "Accountant"),
    Owner.PRINCIPAL: Text("Hiệu trưởng", "Principal"),
    Owner.OPERATOR: Text("Quản trị hệ thống", "Operator"),
}
STATES: Mapping[State, Text] = {
    State.OPEN: Text("Mới", "Open"),
    State.ASSIGNED: Text("Đã giao", "Assigned"),
    State.PROPOSED: Text("Chờ người thứ hai", "Waits for a second person"),
    State.RESOLVED: Text("Đã xử lý", "Resolved"),
}
STATE_GROUPS: Mapping[str, Text] = {
    "live": Text("Chưa xong", "Not finished"),
    **{state.value: text for state, text in STATES.items()},
    "all": Text("Tất cả", "All"),
}
CHIPS: Mapping[State, str] = {
    State.OPEN: "warn",
    State.ASSIGNED: "",
    State.PROPOSED: "danger",
    State.RESOLVED: "ok",
}
ACTIONS: Mapping[Action, Text] = {
    Action.REIMPORT_STATEMENT: Text(
        "Xuất lại sao kê của ngân hàng rồi nhập lại; tiền chỉ có trong tệp lệch chưa được ghi.",
        "Export the bank's statement again and import it; money that only the broken file shows is not recorded yet.",
    ),
    Action.BOOK_IN_OPEN_PERIOD: Text(
        "Ghi vào kỳ đang mở, dẫn chiếu ngày gốc; chỉ mở lại kỳ khi hiệu trưởng đồng ý.",
        "Book it in the open period with a reference to its day; only the principal reopens a period.",
    ),
    Action.CHECK_DUPLICATE: Text(
        "Kiểm tra có phải một khoản được ghi hai lần trong cùng một nguồn không.",
        "Check whether one movement was written twice in one source.",
    ),
    Action.CHOOSE: Text(
        "Một người chọn khoản đúng: hệ thống không đoán.", "A person chooses the right one: nothing is guessed."
    ),
    Action.COMPARE_DOCUMENTS: Text(
        "So chứng từ ngân hàng với báo có và sổ kế toán.", "Compare the bank's document with callback and books."
    ),
    Action.WAIT_THEN_ASK_BANK: Text(
        "Chờ sao kê; sau 2 ngày làm việc thì hỏi ngân hàng; không đảo bút toán nếu chưa đủ hai người.",
        "Wait for the statement; after 2 business days ask the bank; nothing is reversed without two people.",
    ),
    Action.CHECK_CONNECTION: Text(
        "Đã ghi nhận từ sao kê; kiểm tra kết nối báo có với ngân hàng.",
        "Recorded from the statement; check the connection that should have called.",
    ),
    Action.POST_DRAFT: Text(
        "Ghi sổ theo bút toán đề nghị (tải ở trang của đêm đối soát).",
        "Book it by the proposed posting (download it from the night's page).",
    ),
    Action.FIND_DOCUMENT: Text(
        "Tìm chứng từ ngân hàng, hoặc sửa bút toán ghi nhầm.", "Find the bank's document, or correct the entry."
    ),
    Action.MARK_CASH: Text(
        "Tiền mặt: xác nhận «tiền mặt»; khoản này tính vào tỷ lệ chưa chuyển khoản.",
        "Cash: confirm it as cash; it counts against the goal of no cash.",
    ),
    Action.BOOK_FEE: Text(
        "Ghi phí vào chi phí theo bút toán đề nghị; không ghi có lần thứ hai.",
        "Book the fee as an expense by the proposed posting; do not credit a second time.",
    ),
    Action.BOOK_BY_BANK_DAY: Text(
        "Ghi theo ngày của ngân hàng; báo cáo theo cả hai ngày.", "Book by the bank's day; report by both days."
    ),
}
RESOLUTIONS: Mapping[Resolution, Text] = {
    Resolution.MATCHED_SINCE: Text("Đã khớp về sau", "Matched since"),
    Resolution.NO_LONGER_FOUND: Text("Không còn là ngoại lệ", "No exception any more"),
    Resolution.MERGED: Text("Gộp vào ngoại lệ khác", "Merged into another exception"),
    Resolution.BOOKED: Text("Đã ghi sổ", "Booked"),
    Resolution.CORRECTED_IN_BOOKS: Text("Đã sửa sổ kế toán", "Corrected in the books"),
    Resolution.BANK_CONFIRMED: Text("Ngân hàng đã xác nhận", "Confirmed by the bank"),
    Resolution.ACCEPTED_DIFFERENCE: Text("Chấp nhận chênh lệch", "Difference accepted"),
    Resolution.CASH: Text("Tiền mặt", "Cash"),
    Resolution.REFUND: Text("Hoàn tiền", "Refunded"),
    Resolution.REVERSED: Text("Đảo bút toán", "Reversed"),
    Resolution.WRITTEN_OFF: Text("Xóa khoản này", "Written off"),
    Resolution.OTHER: Text("Khác (ghi rõ)", "Other (say what)"),
}
KINDS: Mapping[Kind, Text] = {
    Kind.SEEN: Text("Đêm đối soát phát hiện", "Found by a night"),
    Kind.CHANGED: Text("Số liệu thay đổi", "Its facts changed"),
    Kind.ASSIGNED: Text("Giao việc", "Assigned"),
    Kind.PROPOSED: Text("Đề nghị", "Proposed"),
    Kind.APPROVED: Text("Duyệt", "Approved"),
    Kind.REJECTED: Text("Từ chối", "Rejected"),
    Kind.WITHDRAWN: Text("Rút đề nghị", "Proposal withdrawn"),
    Kind.RESOLVED: Text("Xử lý xong", "Resolved"),
    Kind.REOPENED: Text("Mở lại", "Opened again"),
    Kind.NOTED: Text("Ghi chú", "Note"),
    Kind.MATCHED_SINCE: Text("Đêm đối soát đóng lại", "Closed by a night"),
    Kind.MERGED: Text("Gộp", "Merged"),
}
AGES: Mapping[str, Text] = {
    "0-1": Text("0–1 ngày", "0–1 days"),
    "2-3": Text("2–3 ngày", "2–3 days"),
    "4-7": Text("4–7 ngày", "4–7 days"),
    "8-30": Text("8–30 ngày", "8–30 days"),
    "31-": Text("trên 30 ngày", "over 30 days"),
}
DUE: Mapping[str, Text] = {
    "overdue": Text("Quá hạn", "Overdue"),
    "today": Text("Hôm nay", "Today"),
    "week": Text("Trong 7 ngày", "Within 7 days"),
}
SORTS: Mapping[str, Text] = {
    "due": Text("Hạn xử lý", "Due date"),
    "age": Text("Cũ nhất", "Oldest"),
    "amount": Text("Số tiền", "Amount"),
    "class": Text("Loại", "Class"),
}
BECAUSE: Mapping[str, Text] = {
    "matched": Text("các nguồn đã khớp", "the sources match now"),
    "not_due": Text("nguồn còn thiếu chưa đến hạn", "the silent source is not due yet"),
    "gone": Text("đêm mới không còn thấy", "the newer night finds it no more"),
    "match_lost": Text("không còn khớp nữa", "the match was lost"),
    "facts_changed": Text("số liệu đã thay đổi", "its facts have changed"),
    "split": Text("tách từ một ngoại lệ đã giao", "it fell off an assigned exception"),
    "merged": Text("nhận lại từ ngoại lệ đã gộp", "taken over from a merged exception"),
}


def class_text(key: str) -> Text:
    """The name of a class or flag."""
    known = night_words.CLASSES.get(key)
    return Text(known.vi, known.en) if known else _FLAGS.get(key, Text(key, key))


_FLAGS: Mapping[str, Text] = {"cash": Text("tiền mặt", "cash"), "reversed": Text("bị thu hồi", "taken back")}


def detail_texts(detail: Mapping[str, Any]) -> list[Text]:
    """What an event tells beside its kind, in sentences; from codes and amounts, never from bank texts."""
    said: list[Text] = []
    if isinstance(detail.get("primary_class"), list):
        before, now = map(class_text, detail["primary_class"])
        said.append(Text(f"loại: {before.vi} → {now.vi}", f"class: {before.en} → {now.en}"))
    if isinstance(detail.get("amount_vnd"), list):
        before_vnd, now_vnd = map(format_number, detail["amount_vnd"])
        said.append(Text(f"số tiền: {before_vnd} → {now_vnd} đồng", f"amount: {before_vnd} → {now_vnd} đồng"))
    if "day" in detail:
        said.append(Text(f"ngày: {' → '.join(detail['day'])}", f"day: {' → '.join(detail['day'])}"))
    for key, vi, en in (("flags_added", "thêm", "added"), ("flags_removed", "bỏ", "removed")):
        for flag in detail.get(key, ()):
            name = class_text(flag)
            said.append(Text(f"{vi} dấu hiệu «{name.vi}»", f"flag {en}: {name.en}"))
    for key, vi, en in (
        ("facts_added", "thêm {} dòng", "{} facts joined"),
        ("facts_removed", "bớt {} dòng", "{} left"),
    ):
        if key in detail:
            many = len(detail[key])
            said.append(Text(vi.format(many), en.format(many)))
    if "split_from" in detail:
        said.append(Text(f"tách từ số {detail['split_from']}", f"split off {detail['split_from']}"))
    if "into" in detail:
        said.append(Text(f"gộp vào số {detail['into']}", f"merged into {detail['into']}"))
    said += [Text(f"gộp thêm số {number}", f"took over {number}") for number in detail.get("merged", ())]
    if detail.get("because") in BECAUSE:
        said.append(BECAUSE[detail["because"]])
    return said


def filter_vi(chosen: Filter) -> str:
    """A filter as a person reads it."""
    parts = [
        STATE_GROUPS[chosen.state].vi,
        class_text(chosen.primary_class).vi if chosen.primary_class else "",
        OWNERS[Owner(chosen.owner)].vi if chosen.owner else "",
        AGES[chosen.age].vi if chosen.age else "",
        DUE[chosen.due].vi if chosen.due else "",
        f"«{chosen.q}»" if chosen.q else "",
    ]
    return " · ".join(part for part in parts if part)
