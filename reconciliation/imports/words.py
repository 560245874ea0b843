"""What states, phases and columns are called on the pages."""

from datetime import date, timedelta

from payments.i18n import Text
from payments.money import format_number
from reconciliation.doubts import SameLines
from reconciliation.imports.models import ImportKind, JobState

KINDS = {ImportKind.STATEMENT: Text("Sao kê", "Statement"), ImportKind.LEDGER: Text("Sổ kế toán", "Books")}
STATES = {
    JobState.READING: Text("đang đọc", "being read"),
    JobState.MAPPING: Text("cần xác nhận cột", "columns to be confirmed"),
    JobState.READY: Text("chờ ghi", "waits for you"),
    JobState.WRITING: Text("đang ghi", "being written"),
    JobState.DONE: Text("đã ghi", "written"),
    JobState.REFUSED: Text("chưa nhập được", "refused"),
    JobState.DROPPED: Text("đã bỏ", "dropped"),
}
CHIPS = {JobState.DONE: "ok", JobState.REFUSED: "danger", JobState.READY: "warn", JobState.MAPPING: "warn"}
PHASES = {
    "read": Text("Đọc", "Read"),
    "check": Text("Kiểm tra", "Check"),
    "preview": Text("Xem trước", "Preview"),
    "write": Text("Ghi", "Write"),
}
PHASE_STATES = {"done": Text("xong", "done"), "now": Text("đang làm", "now"), "next": Text("chưa", "next")}
ROLES = {
    "booked_on": Text("Ngày giao dịch / ghi sổ", "Booking date"),
    "value_date": Text("Ngày hiệu lực", "Value date"),
    "debit": Text("Ghi nợ (sổ kế toán: Phát sinh Nợ)", "Debit"),
    "credit": Text("Ghi có (sổ kế toán: Phát sinh Có)", "Credit"),
    "amount": Text("Số tiền (một cột)", "Amount (one column)"),
    "side": Text("Nợ/Có (D/C, +/-)", "Debit or credit (D/C, +/-)"),
    "balance": Text("Số dư", "Balance"),
    "bank_reference": Text("Số tham chiếu / bút toán", "Reference"),
    "description": Text("Nội dung / diễn giải", "Description"),
    "counterparty": Text("Đối tác", "Counterparty"),
    "document_no": Text("Số chứng từ", "Document number"),
    "document_date": Text("Ngày chứng từ", "Document date"),
    "account": Text("Tài khoản", "Account"),
    "contra_account": Text("TK đối ứng", "Contra account"),
    "reference": Text("Mã thanh toán", "Payment reference"),
    "method": Text("Hình thức", "Method"),
    "payer": Text("Người nộp", "Payer"),
    "balance_debit": Text("Số dư Nợ", "Debit balance"),
    "balance_credit": Text("Số dư Có", "Credit balance"),
}
REASONS = {
    "words": Text("theo tên cột", "by its name"),
    "values": Text("theo giá trị", "by its values"),
    "balance": Text("số dư chạy đúng", "the balance runs"),
}

SAME_LINES = {
    SameLines.KNOWN: Text("giao dịch đã có (không ghi thêm)", "known payments (nothing is added)"),
    SameLines.NEW: Text("giao dịch khác (ghi thêm)", "other payments (they are added)"),
}


def day_of(text: str) -> str:
    """An ISO day as readers write it."""
    return f"{date.fromisoformat(text):%d/%m/%Y}"


def money(value: int | None) -> str:
    """Đồng, or a dash where nothing is stated."""
    return "—" if value is None else format_number(value)


def left(value: timedelta | None) -> str:
    """Minutes and seconds that are left."""
    if value is None:
        return "—"
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    return f"{minutes}:{seconds:02d}"
