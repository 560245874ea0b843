"""What each state says to a parent: what happened, what to do, and that nobody has to pay twice; pure.

Placeholders are filled by ``showing.py``: {paid} {open} {asked} {excess} {amount} (đồng with their sign; {open} is owed
and {asked} what the QR code asks for), {extra} (EXTRA where voluntary items were chosen), {due} {at} (dates), {fund}
(purpose of the account), {bank_references}, {ticket}, {other} (a reference), {when} (how soon the bank tells).
"""

from dataclasses import dataclass

from payments.i18n import Text
from payments.portal.states import Reporting, State


@dataclass(frozen=True, slots=True)
class Sentences:
    """A state in words; ``tone`` is a class of the style sheet, ``icon`` says the same without colour."""

    tone: str
    icon: str
    happened: Text
    to_do: Text
    once: Text


NOT_TWICE = Text("Đã chuyển rồi thì không cần chuyển lại.", "If you have paid already, please do not pay again.")
EXTRA = Text(", gồm {chosen} tự nguyện gia đình đã chọn", ", with {chosen} for voluntary items that you chose")
NOTHING_TO_DO = Text("Bạn không cần làm gì thêm.", "There is nothing left for you to do.")
NOT_LOST = Text(
    "Nếu bạn đã chuyển tiền, khoản tiền không mất: nhà trường giữ cho học sinh. Không cần chuyển lại.",
    "If you have paid, your money is not lost: the school keeps it for the pupil. Please do not pay again.",
)
SENTENCES: dict[State, Sentences] = {
    State.WAITING: Sentences(
        "",
        "○",
        Text("Đang chờ thanh toán – hạn nộp {due}", "Waiting for payment – due on {due}"),
        Text("Chọn một trong các cách dưới đây. {when}", "Choose one of the ways below. {when}"),
        NOT_TWICE,
    ),
    State.OVERDUE: Sentences(
        "warn",
        "!",
        Text("Đã quá hạn nộp ({due})", "Past its due date ({due})"),
        Text("Vẫn nộp được như bình thường. {when}", "You can still pay as usual. {when}"),
        NOT_TWICE,
    ),
    State.PARTIAL: Sentences(
        "warn",
        "◐",
        Text("Đã nhận {paid} – còn thiếu {open}", "Received {paid} – still due {open}"),
        Text(
            "Chỉ nộp phần còn thiếu: mã QR và số tiền bên dưới đã là {asked}{extra}, hạn {due}. {when}",
            "Pay the rest only: the QR code and the amount below are for {asked}{extra}, due on {due}. {when}",
        ),
        Text("Phần đã nộp không cần chuyển lại.", "What you have paid need not be paid again."),
    ),
    State.SEEN: Sentences(
        "warn",
        "…",
        Text(
            "Ngân hàng đã báo có tiền lúc {at}, nhà trường đang kiểm tra",
            "The bank reported money at {at}; the school is checking it",
        ),
        Text(
            "Nội dung chuyển khoản chưa khớp hẳn. Kế toán sẽ ghi nhận trong ngày làm việc; nếu cần hỏi, hãy đọc "
            "số {ticket}.",
            "The memo does not match exactly. The school's accountant records it within a working day; if you "
            "ask, name {ticket}.",
        ),
        Text("Không cần chuyển lại lần nữa.", "Please do not pay again."),
    ),
    State.REVERSED: Sentences(
        "danger",
        "↩",
        Text(
            "Ngân hàng đã thu hồi khoản chuyển {amount} lúc {at}", "The bank took the transfer of {amount} back at {at}"
        ),
        Text(
            "Khoản này còn phải nộp {open}. Hãy xem tiền đã về tài khoản của bạn chưa, rồi nộp lại. {when}",
            "{open} is due again. See that the money is back on your account, then pay anew. {when}",
        ),
        Text(
            "Nếu tiền chưa về tài khoản của bạn thì chưa cần chuyển lại; hãy hỏi ngân hàng.",
            "As long as the money is not back on your account do not pay again; please ask your bank.",
        ),
    ),
    State.CLOSED: Sentences(
        "warn",
        "■",
        Text("Đợt thu đã đóng", "This collection round is closed"),
        Text(
            "Không nộp trực tuyến được nữa. Nếu gia đình chưa nộp, vui lòng liên hệ nhà trường.",
            "It cannot be paid online any more. If you have not paid, please contact the school.",
        ),
        Text(
            "Tiền đã chuyển trước đó vẫn được ghi nhận; không cần chuyển lại.",
            "What you transferred before still counts; please do not pay again.",
        ),
    ),
    State.PAID: Sentences(
        "ok",
        "✓",
        Text("Đã thanh toán {paid}", "Paid {paid}"),
        NOTHING_TO_DO,
        Text("Không cần chuyển lại.", "Please do not pay again."),
    ),
    State.MANDATORY_PAID: Sentences(
        "ok",
        "✓",
        Text("Đã nộp đủ phần bắt buộc: {paid}", "All that is mandatory is paid: {paid}"),
        Text(
            "Bạn không cần làm gì thêm. Khoản tự nguyện bên dưới chỉ nộp khi gia đình muốn.",
            "There is nothing left for you to do. The voluntary items below are for those who want them.",
        ),
        Text("Không cần chuyển lại.", "Please do not pay again."),
    ),
    State.OVER: Sentences(
        "ok",
        "✓",
        Text("Đã thanh toán, thừa {excess}", "Paid, {excess} too much"),
        Text(
            "Số tiền thừa được giữ cho học sinh ở tài khoản «{fund}»: nhà trường trừ vào khoản sau, hoặc hoàn "
            "lại khi gia đình yêu cầu.",
            "The excess is kept for the pupil on the account «{fund}»: the school sets it off against the next "
            "fees, or pays it back "
            "when you ask.",
        ),
        Text("Không cần chuyển lại.", "Please do not pay again."),
    ),
    State.TWICE: Sentences(
        "warn",
        "2×",
        Text("Khoản này đã được nộp hai lần", "This has been paid twice"),
        Text(
            "{excess} nộp lần sau được giữ cho học sinh ở tài khoản «{fund}». Muốn nhận lại, hãy gửi nhà trường "
            "hai mã giao dịch: "
            "{bank_references}.",
            "{excess} of the second payment is kept for the pupil on the account «{fund}». To have it back, tell "
            "the school both bank "
            "references: {bank_references}.",
        ),
        Text("Không cần chuyển thêm lần nào nữa.", "Please do not pay once more."),
    ),
    State.VOLUNTARY: Sentences(
        "",
        "○",
        Text("Khoản tự nguyện – không bắt buộc nộp", "Voluntary – nothing is owed"),
        Text(
            "Chỉ nộp khi gia đình muốn tham gia; không nộp cũng không bị nhắc.",
            "Pay only if you want to take part; if you do not, nobody will remind you.",
        ),
        NOT_TWICE,
    ),
    State.WAIVED: Sentences(
        "ok",
        "✓",
        Text("Được miễn giảm – không phải nộp", "Waived – nothing to pay"),
        NOTHING_TO_DO,
        NOT_LOST,
    ),
    State.CANCELLED: Sentences(
        "",
        "✕",
        Text("Thông báo này đã được hủy – không phải nộp", "This notice was cancelled – nothing to pay"),
        Text(
            "Bạn không cần làm gì thêm. Có thắc mắc, vui lòng hỏi nhà trường.",
            "There is nothing left for you to do. If you wonder why, please ask the school.",
        ),
        NOT_LOST,
    ),
    State.REPLACED: Sentences(
        "",
        "→",
        Text("Đã được thay bằng thông báo {other}", "Replaced by the notice {other}"),
        Text("Vui lòng nộp theo thông báo mới.", "Please pay the new notice."),
        Text(
            "Tiền đã chuyển theo thông báo cũ được tính cho thông báo mới; không cần chuyển lại.",
            "What you paid on the old notice counts for the new one; please do not pay again.",
        ),
    ),
}
WHEN: dict[Reporting, Text] = {
    Reporting.LIVE: Text(
        "Trang tự cập nhật, thường dưới một phút sau khi chuyển.",
        "This page updates by itself, usually within a minute of your transfer.",
    ),
    Reporting.SLOW: Text(
        "Ngân hàng đang báo chậm hơn thường lệ; trang tự cập nhật khi có tin.",
        "The bank reports later than usual; this page updates as soon as it does.",
    ),
    Reporting.BY_STATEMENT: Text(
        "Nhà trường ghi nhận theo sao kê ngân hàng, thường trong một đến hai ngày làm việc.",
        "The school records payments from its bank statements, usually within one or two working days.",
    ),
}
SLOW = Text(
    "Ngân hàng đang cập nhật chậm. Nếu bạn đã chuyển tiền thì không cần chuyển lại: tiền vẫn được ghi "
    "nhận khi ngân hàng báo.",
    "The bank is slow to report at the moment. If you have paid, please do not pay again: your payment "
    "counts as soon as the bank reports it.",
)
SEVERAL = Text(
    "Có {count} khoản cần nộp, tổng cộng {total}. Mỗi khoản có mã QR riêng; nộp khoản nào trước cũng được.",
    "There are {count} notices to pay, {total} in all. Each has a QR code of its own; pay them in any order.",
)
NOTHING = Text("Hiện không có khoản nào cần nộp.", "There is nothing to pay at the moment.")
IN_APP = Text(
    "Bạn đang xem trong ứng dụng trò chuyện. Nếu nút không chạy: chạm ⋯ ở góc màn hình → «Mở bằng trình duyệt».",
    "You are inside a chat app. If a button does nothing: tap ⋯ in the corner → «Open in browser».",
)
REFUNDS = {
    "proposed": Text("nhà trường đang xét hoàn lại", "the school is deciding on a refund"),
    "approved": Text("nhà trường đã đồng ý hoàn lại", "the school agreed to pay it back"),
    "confirmed": Text("đã hoàn lại", "paid back"),
}
