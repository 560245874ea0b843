"""The texts that hocphi brings, polite and plain; a school may write its own (payments/notices/texts.py)."""

from collections.abc import Mapping

from payments.i18n import Language
from payments.notices.rules import Kind

DEFAULTS: Mapping[tuple[Kind, Language], tuple[str, str]] = {
    (Kind.NEW_ROUND, "vi"): (
        "{ten_truong}: thông báo thu tiền {dot_thu}",
        (
            "Nhà trường đã gửi thông báo thu tiền {dot_thu} của em {ten_rut_gon}, lớp {lop}. Hạn nộp: {han_nop}.\n\n"
            "Xem từng khoản và cách nộp (không mất phí, không cần cài ứng dụng):\n{duong_dan}\n\n"
            "Khoản tự nguyện ghi riêng trên trang, phụ huynh nộp hay không đều được."
        ),
    ),
    (Kind.NEW_ROUND, "en"): (
        "{ten_truong}: notice of fees, {dot_thu}",
        (
            "The school has issued the notice of fees {dot_thu} of {ten_rut_gon}, class {lop}. Due on {han_nop}.\n\n"
            "See each item and how to pay (no charge, no app to install):\n{duong_dan}\n\n"
            "Voluntary items are listed apart on the page; it is yours to choose."
        ),
    ),
    (Kind.REMINDER, "vi"): (
        "{ten_truong}: nhắc hạn nộp {dot_thu}",
        (
            "Thông báo thu tiền {dot_thu} của em {ten_rut_gon}, lớp {lop} đến hạn ngày {han_nop}.\n\n"
            "Xem khoản còn lại và cách nộp:\n{duong_dan}\n\n"
            "Nếu phụ huynh vừa chuyển, xin bỏ qua thư này, không cần nộp lại."
        ),
    ),
    (Kind.REMINDER, "en"): (
        "{ten_truong}: {dot_thu} is due soon",
        (
            "The notice of fees {dot_thu} of {ten_rut_gon}, class {lop}, is due on {han_nop}.\n\n"
            "See what is open and how to pay:\n{duong_dan}\n\n"
            "If you have just paid, please ignore this letter; there is no need to pay again."
        ),
    ),
    (Kind.OVERDUE, "vi"): (
        "{ten_truong}: {dot_thu} đã quá hạn nộp",
        (
            "Thông báo thu tiền {dot_thu} của em {ten_rut_gon}, lớp {lop} quá hạn từ {han_nop}, vẫn nộp được.\n\n"
            "Xem khoản còn lại và cách nộp:\n{duong_dan}\n\n"
            "Gia đình gặp khó khăn, xin trao đổi với nhà trường. Nếu phụ huynh vừa chuyển, xin bỏ qua thư này."
        ),
    ),
    (Kind.OVERDUE, "en"): (
        "{ten_truong}: {dot_thu} is overdue",
        (
            "The notice of fees {dot_thu} of {ten_rut_gon}, class {lop}, was due on {han_nop}; pay it still.\n\n"
            "See what is open and how to pay:\n{duong_dan}\n\n"
            "If it is hard for your family, please talk to the school. If you have just paid, ignore this letter."
        ),
    ),
    (Kind.RECEIVED, "vi"): (
        "{ten_truong}: đã nhận được tiền nộp",
        (
            "Nhà trường đã nhận được tiền nộp ngày {ngay_nhan} cho em {ten_rut_gon}, lớp {lop}. Cảm ơn phụ huynh.\n\n"
            "Xem và tải xác nhận đã thu:\n{duong_dan}"
        ),
    ),
    (Kind.RECEIVED, "en"): (
        "{ten_truong}: your payment has arrived",
        (
            "The school received your payment of {ngay_nhan} for {ten_rut_gon}, class {lop}. Thank you.\n\n"
            "See and download the receipt:\n{duong_dan}"
        ),
    ),
    (Kind.GROUP, "vi"): (
        "",
        (
            "Kính gửi phụ huynh lớp {lop}: nhà trường đã phát hành thông báo thu tiền {dot_thu}, hạn nộp {han_nop}.\n\n"
            "Mỗi gia đình có đường dẫn riêng, xin xem trong thư hoặc trên giấy của mình. "
            "Chưa có thì tra cứu bằng mã học sinh và ngày sinh tại:\n{tra_cuu}\n\n"
            "Xin không gửi ảnh chuyển khoản hay thông tin của các con vào nhóm. "
            "Phụ huynh đã nộp xin bỏ qua tin này."
        ),
    ),
    (Kind.GROUP, "en"): (
        "",
        (
            "Dear parents of class {lop}, the school has issued the notice of fees {dot_thu}, due on {han_nop}.\n\n"
            "Each family has a link of its own, in its letter or on its paper slip. "
            "Without one, look it up by pupil code and date of birth at:\n{tra_cuu}\n\n"
            "Please post no payment pictures or children's details in the group. "
            "If you have paid, please ignore this message."
        ),
    ),
}
"""(kind, language) -> (subject, body)."""
