"""What people read about closes, in Vietnamese and English."""

from reconciliation.closing.rules import Hindrance

ROLES = {"accountant": ("Kế toán", "Accountant"), "principal": ("Hiệu trưởng", "Principal")}
KINDS = {"close": ("Khóa sổ", "Close"), "reopen": ("Mở lại", "Reopening")}
STATES = {
    "open": ("chưa xử lý", "open"),
    "assigned": ("đã giao", "assigned"),
    "proposed": ("đã đề nghị", "proposed"),
    "resolved": ("đã xử lý", "resolved"),
}
VERDICTS = {
    "valid": ("HỢP LỆ: chữ ký đúng và lần khóa sổ này đang có hiệu lực.", "VALID: signed, and it stands."),
    "superseded": (
        "Chữ ký đúng, nhưng kỳ này đã được mở lại: lần khóa sổ không còn hiệu lực.",
        "Signed, but the period has been reopened: this close stands no more.",
    ),
    "altered": ("ĐÃ BỊ SỬA: nội dung không khớp chữ ký.", "ALTERED: the content does not fit the signature."),
    "unknown_key": (
        "KHÔNG RÕ KHÓA: không có khóa công khai nào của trường đã ký tệp này.",
        "UNKNOWN KEY: no public key of the school has signed this file.",
    ),
    "chain_broken": (
        "ĐỨT CHUỖI: chữ ký đúng nhưng tệp không nằm trong chuỗi khóa sổ của trường.",
        "CHAIN BROKEN: signed, but not a link of the school's chain of closes.",
    ),
}


def hindrance_vi(found: Hindrance) -> str:
    """One reason with the way out."""
    return _said(found)[0]


def hindrance_en(found: Hindrance) -> str:
    """One reason with the way out."""
    return _said(found)[1]


def _said(found: Hindrance) -> tuple[str, str]:
    days_vi, days_en = _days(found)
    account = found.account
    said = {
        "failed": (
            f"Tài khoản {account}, {days_vi}: số dư không khớp (lần đối soát {found.run_id}); nhập lại sao kê đúng.",
            f"Account {account}, {days_en}: balances do not prove (run {found.run_id}); import the right statement.",
        ),
        "waiting": (
            f"Tài khoản {account}, {days_vi}: chưa có sao kê; hãy nhập sao kê của những ngày này.",
            f"Account {account}, {days_en}: no statement; import the statement of these days.",
        ),
        "opening": (
            f"Tài khoản {account}: số dư đầu kỳ khác số dư cuối kỳ đã ký trước; hãy kiểm tra sao kê nối hai kỳ.",
            f"Account {account}: it does not open with the balance signed before; check the statement in between.",
        ),
        "unsettled": (
            f"Còn {found.count} khoản chưa ghi nhận được; hãy báo người vận hành (hocphi doctor).",
            f"{found.count} pieces of evidence could not be settled; tell the operator (hocphi doctor).",
        ),
        "nothing": (
            "Chưa tài khoản nào có sao kê; hãy nhập sao kê trước.",
            "No account has a statement; import one first.",
        ),
    }
    return said[found.code]


def _days(found: Hindrance) -> tuple[str, str]:
    if found.first is None or found.last is None:
        return "", ""
    if found.first == found.last:
        return f"ngày {found.first:%d/%m/%Y}", f"{found.first}"
    return f"từ {found.first:%d/%m/%Y} đến {found.last:%d/%m/%Y}", f"{found.first} to {found.last}"
