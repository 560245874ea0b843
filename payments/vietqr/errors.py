"""What can be wrong with a payload: a closed list of codes, each with two sentences."""

from payments.errors import DomainError

SENTENCES: dict[str, tuple[str, str]] = {
    # Reading: the structure of the text.
    "empty": ("Mã QR trống.", "The QR text is empty."),
    "leading_space": (
        "Mã QR bắt đầu bằng khoảng trắng; hãy bỏ khoảng trắng ở đầu.",
        "The QR text starts with white space; remove it.",
    ),
    "not_emv": (
        "Đây không phải mã QR thanh toán theo chuẩn EMVCo.",
        "This is not an EMVCo payment QR.",
    ),
    "truncated": (
        "Mã QR bị cắt cụt; hãy quét hoặc sao chép lại cho đủ.",
        "The QR text is cut off; scan or copy it again in full.",
    ),
    "bad_length": (
        "Độ dài ghi trong mã không khớp với nội dung.",
        "A length in the code does not fit what follows.",
    ),
    "zero_length": ("Một trường có độ dài bằng 0.", "A field is empty; leave it out instead."),
    "duplicate_id": ("Một trường xuất hiện hai lần.", "A field occurs twice."),
    "bad_order": (
        "Trường 00 phải đứng đầu và trường 63 phải đứng cuối.",
        "Field 00 must come first and field 63 last.",
    ),
    "missing_crc": ("Thiếu mã kiểm tra CRC (trường 63).", "The CRC (field 63) is missing."),
    "bad_crc_length": ("Mã kiểm tra CRC phải có đúng 4 ký tự.", "The CRC must have exactly 4 characters."),
    "bad_crc": (
        "Mã kiểm tra CRC sai: nội dung đã bị thay đổi hoặc chép nhầm.",
        "The CRC is wrong: the text was altered or copied wrongly.",
    ),
    "trailing_data": (
        "Có ký tự thừa sau mã kiểm tra CRC; hãy bỏ phần thừa.",
        "There are characters after the CRC; remove them.",
    ),
    # Reading and writing: the fields.
    "not_vietqr": (
        "Mã này không chứa tài khoản nhận tiền theo chuẩn VietQR.",
        "The code names no VietQR receiver.",
    ),
    "bad_version": ("Phiên bản (trường 00) phải là 01.", "The format version (field 00) must be 01."),
    "bad_init": (
        "Phương thức khởi tạo (trường 01) phải là 11 (dùng nhiều lần) hoặc 12 (dùng một lần).",
        "The initiation method (field 01) must be 11 (reusable) or 12 (for one payment).",
    ),
    "bad_bin": ("Mã BIN của ngân hàng phải gồm đúng 6 chữ số.", "The bank's BIN must be exactly 6 digits."),
    "bad_account": (
        "Số tài khoản có 1–19 chữ không dấu hoặc số, không có khoảng trắng; số thẻ có 16 hoặc 19 số.",
        "An account has 1-19 letters or digits without blanks; a card has 16 or 19 digits.",
    ),
    "account_too_long": (
        "Số tài khoản dài quá 19 ký tự; hãy kiểm tra lại, hệ thống không tự cắt bớt.",
        "The account has more than 19 characters; check it, it is never cut.",
    ),
    "bad_service": (
        "Dịch vụ chuyển tiền phải là đến tài khoản (QRIBFTTA) hoặc đến thẻ (QRIBFTTC).",
        "The service must be to an account (QRIBFTTA) or to a card (QRIBFTTC).",
    ),
    "missing_service": ("Thiếu dịch vụ chuyển tiền (38.02).", "The transfer service (38.02) is missing."),
    "bad_structure": (
        "Trường 38.01 nuốt mất trường dịch vụ 38.02.",
        "Field 38.01 swallows the service field 38.02.",
    ),
    "bad_amount": (
        "Số tiền phải là số nguyên đồng lớn hơn 0, chỉ gồm chữ số.",
        "The amount must be a whole number of đồng above 0, digits only.",
    ),
    "amount_too_long": ("Số tiền dài quá 13 chữ số.", "The amount has more than 13 digits."),
    "bad_currency": (
        "Tiền tệ (trường 53) phải là 704 (đồng).",
        "The currency (field 53) must be 704 (đồng).",
    ),
    "missing_currency": ("Thiếu mã tiền tệ (trường 53).", "The currency (field 53) is missing."),
    "bad_country": ("Quốc gia (trường 58) phải là VN.", "The country (field 58) must be VN."),
    "missing_country": ("Thiếu mã quốc gia (trường 58).", "The country (field 58) is missing."),
    "memo_too_long": (
        "Nội dung chuyển khoản dài quá 25 ký tự; hãy rút ngắn, hệ thống không tự cắt bớt.",
        "The memo has more than 25 characters; shorten it, it is never cut.",
    ),
    "memo_not_ascii": (
        "Nội dung chuyển khoản chỉ được gồm chữ không dấu, chữ số và dấu thông thường.",
        "The memo may hold only plain ASCII letters, digits and punctuation.",
    ),
    # Writing: the other texts, and what no QR reader could show.
    "bad_text": (
        "Trường này có ký tự không được phép hoặc quá dài.",
        "This field has a character that is not allowed, or is too long.",
    ),
}


class VietQRError(DomainError):
    """A payload cannot be read or must not be written.

    ``path`` names the field ("62.08", "" for the whole text), ``offset`` the character where it starts
    in a text that was read (None when writing).
    """

    def __init__(self, code: str, path: str = "", offset: int | None = None) -> None:
        vi, en = SENTENCES[code]
        super().__init__(
            code,
            vi + _place(path, offset, "trường", "ký tự"),
            en + _place(path, offset, "field", "character"),
        )
        self.path = path
        self.offset = offset


def _place(path: str, offset: int | None, field: str, character: str) -> str:
    parts = [f"{field} {path}"] if path else []
    if offset is not None:
        parts.append(f"{character} {offset + 1}")
    return f" ({', '.join(parts)})" if parts else ""
