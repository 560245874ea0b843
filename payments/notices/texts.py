"""Texts that a school may edit safely: plain text, a closed list of placeholders, no link and no account but ours.

A placeholder is replaced by one pass over the text: no template language reads what people write, and a value that
looks like a placeholder stays as it is. What a lock screen shows of a letter (subject and first lines) never names a
child; no notice says an amount: the page behind the link does, and it is right at the moment it is opened.
"""

import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from payments.errors import DomainError
from payments.i18n import Language, Text
from payments.notices.rules import Kind

PLACEHOLDERS: Final[Mapping[str, Text]] = {
    "ten_truong": Text("tên trường", "name of the school"),
    "dot_thu": Text("tên đợt thu", "name of the round"),
    "han_nop": Text("hạn nộp", "due date"),
    "lop": Text("lớp", "class"),
    "ten_rut_gon": Text("tên học sinh viết tắt", "pupil's name, shortened"),
    "duong_dan": Text("đường dẫn riêng của gia đình", "the family's own link"),
    "tra_cuu": Text("trang tra cứu chung", "the look-up page for everybody"),
    "ngay_nhan": Text("ngày nhận tiền", "day the money came"),
    "dien_thoai": Text("điện thoại của trường (mục Cài đặt)", "the school's telephone (see Settings)"),
}
_EVERYWHERE: Final = frozenset({"ten_truong", "dien_thoai"})
_PER_PUPIL: Final = _EVERYWHERE | {"dot_thu", "han_nop", "lop", "ten_rut_gon", "duong_dan"}
ALLOWED: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.NEW_ROUND: _PER_PUPIL,
    Kind.REMINDER: _PER_PUPIL,
    Kind.OVERDUE: _PER_PUPIL,
    Kind.RECEIVED: _EVERYWHERE | {"ngay_nhan", "lop", "ten_rut_gon", "duong_dan"},
    # A group is read by everybody in it: nothing there is about one child.
    Kind.GROUP: _EVERYWHERE | {"dot_thu", "han_nop", "lop", "tra_cuu"},
}
IN_SUBJECTS: Final = frozenset({"ten_truong", "dot_thu", "han_nop", "ngay_nhan"})
"""A lock screen shows a subject to whoever is near: no child, no class, no link."""
REQUIRED: Final[Mapping[Kind, str]] = {kind: "tra_cuu" if kind is Kind.GROUP else "duong_dan" for kind in Kind}
MOST_SUBJECT: Final = 120
MOST_BODY: Final = 1_200
MOST_CHAT: Final = 2_000
"""Characters of a message of a Zalo bot."""
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}", re.ASCII)
_LINK: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://|\bwww\.|\b(?:mailto|tel|javascript|data|zalo|intent):"
    r"|[\w-]\.[\w-]{2,}/|[^\s@]@[^\s@]"
    r"|[\w-]\.(?:com|net|org|vn|info|biz|io|me|xyz|top|site|online|shop|store|club|app|link|live|ly|cc|co|tv|ru|cn"
    r"|asia|pro|vip|win|page|web|dev|tk|ml|ga|gd|to|us|gl)\b"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b",
    re.IGNORECASE,
)
_LONG_NUMBER: Final = re.compile(r"\d(?:[ .\-]?\d){8,}")
_HOST_DOTS: Final = str.maketrans("。．｡", "...")
OPENING: Final = Text(
    "Kính gửi phụ huynh, đây là thông báo tự động của {ten_truong}. Số tiền và thông tin của con chỉ hiện khi"
    " phụ huynh mở đường dẫn bên dưới; xin không chuyển tiếp thư này cho người ngoài gia đình.",
    "Dear parent, this is an automatic notice of {ten_truong}. Amounts and details of your child are shown only when"
    " you open the link below; please do not forward this letter outside your family.",
)
"""The first lines of every letter, which a preview shows: longer than a preview, and about nobody."""
CLOSING: Final = Text(
    "Chi phí gửi tin này: {phi}. Nộp bằng chuyển khoản VietQR: xem phí từng kênh trên trang.\n"
    "Kiểm tra thông báo có thật là của trường: {kiem_tra}\n"
    "Nhà trường không bao giờ hỏi mật khẩu, mã OTP, số thẻ.",
    "Cost of sending this notice: {phi}. Paying by VietQR transfer: the page shows what each channel costs.\n"
    "Check that this notice is the school's: {kiem_tra}\n"
    "The school never asks for passwords, OTP codes or card numbers.",
)
SHORT_CLOSING: Final = Text(
    "Chi phí gửi tin này: {phi}; phí từng kênh nộp tiền: xem trên trang.\nKiểm tra: {kiem_tra}",
    "Cost of this notice: {phi}; what each way of paying costs: see the page.\nCheck: {kiem_tra}",
)
STOPPING: Final = Text("Không muốn nhận thư nữa: {ngung}", "To get no more letters: {ngung}")


@dataclass(frozen=True, slots=True)
class Template:
    """A subject (empty for texts without one) and a body with placeholders."""

    subject: str
    body: str


def cleaned(template: Template) -> Template:
    """The same text as it is kept: NFC, line ends as ``\\n``, no blanks at the ends."""
    body = unicodedata.normalize("NFC", template.body).replace("\r\n", "\n").replace("\r", "\n")
    return Template(unicodedata.normalize("NFC", template.subject).strip(), body.strip())


def check(kind: Kind, template: Template) -> None:
    """Raises DomainError that names what is wrong with a text and the way out."""
    _check_length(kind, template)
    if "\n" in template.subject or "\r" in template.subject:
        raise DomainError("subject_lines", "Tiêu đề chỉ có một dòng.", "The subject is one line.")
    for text in (template.subject, template.body):
        check_plain(text)
    _check_placeholders(template.subject, ALLOWED[kind] & IN_SUBJECTS, Text("Tiêu đề", "The subject"))
    _check_placeholders(template.body, ALLOWED[kind], Text("Nội dung", "The text"))
    if f"{{{REQUIRED[kind]}}}" not in template.body:
        wanted = f"{{{REQUIRED[kind]}}}"
        raise DomainError(
            "placeholder_missing",
            f"Nội dung phải có {wanted}: phụ huynh xem và nộp tiền qua đó.",
            f"The text must hold {wanted}: it is how parents see and pay.",
        )


def check_plain(text: str) -> None:
    """Raises DomainError unless a text is free of links, account numbers and characters that nobody sees."""
    hidden = [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Co", "Cn", "Zl", "Zp"} and c not in "\n\t"]
    if hidden:
        raise DomainError(
            "hidden_characters",
            "Có ký tự ẩn, thường do chép từ nơi khác; hãy gõ lại đoạn đó.",
            "There are invisible characters, often copied from elsewhere; type that part again.",
        )
    seen = unicodedata.normalize("NFKC", text).translate(_HOST_DOTS)
    link = _LINK.search(seen)
    if link:
        raise DomainError(
            "foreign_link",
            f"Không được viết đường dẫn hay địa chỉ thư («{link.group()}»): kẻ gian giả trường bằng cách đó. "
            "Dùng {duong_dan} hoặc {tra_cuu}.",
            f"Links and mail addresses may not be written («{link.group()}»): that is how the school is imitated. "
            "Use {duong_dan} or {tra_cuu}.",
        )
    if _LONG_NUMBER.search(seen):
        raise DomainError(
            "long_number",
            "Không được viết số tài khoản hay dãy số dài: tài khoản của trường chỉ hiện trên trang nộp tiền. "
            "Điện thoại của trường: dùng {dien_thoai}.",
            "Account numbers may not be written: the school's accounts are shown on the pay page only. "
            "For the school's telephone use {dien_thoai}.",
        )


def tamed(value: str) -> str:
    """A name out of the school's lists as a text may hold it: what ``check_plain`` refuses has lost its signs.

    Lists come from files that nobody reads line by line; a pupil called «https://…» would put a stranger's link into
    letters that we sign with the school's name.
    """
    try:
        check_plain(value)
    except DomainError:
        seen = unicodedata.normalize("NFKC", value)
        words = " ".join("".join(c if c.isalnum() else " " for c in seen).split())
        return _LONG_NUMBER.sub("…", words)
    return value


def _check_length(kind: Kind, template: Template) -> None:
    if kind is not Kind.GROUP and not 1 <= len(template.subject) <= MOST_SUBJECT:
        raise DomainError(
            "subject_length", f"Tiêu đề dài 1–{MOST_SUBJECT} ký tự.", f"A subject has 1–{MOST_SUBJECT} characters."
        )
    if kind is Kind.GROUP and template.subject:
        raise DomainError("subject_length", "Tin nhóm không có tiêu đề.", "A group text has no subject.")
    if not 1 <= len(template.body) <= MOST_BODY:
        raise DomainError(
            "body_length", f"Nội dung dài 1–{MOST_BODY} ký tự.", f"A text has 1–{MOST_BODY:,} characters."
        )


def _check_placeholders(text: str, allowed: frozenset[str], place: Text) -> None:
    """Every brace belongs to a placeholder of the list; anything else would surprise whoever wrote it."""
    usable = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS if name in allowed)
    for found in re.finditer(r"\{[^{}\n]*\}?|\}", text):
        name = found.group()[1:-1]
        if not _PLACEHOLDER.fullmatch(found.group()) or name not in allowed:
            raise DomainError(
                "unknown_placeholder",
                f"{place.vi} có «{found.group()[:40]}», không dùng được ở đây. Dùng được: {usable}.",
                f"{place.en} has «{found.group()[:40]}», which cannot be used here. Usable: {usable}.",
            )


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders replaced, in one pass; a name without a value stays as it is written."""
    return _PLACEHOLDER.sub(lambda found: values.get(found.group(1), found.group()), text)


def letter_text(
    templates: Mapping[Language, Template], languages: tuple[Language, ...], values: Mapping[str, str]
) -> str:
    """The plain text of a letter: opening, the school's text, closing; in each language."""
    parts = []
    for language in languages:
        said = [OPENING, Text(templates[language].body, templates[language].body), CLOSING]
        if values.get("ngung"):
            said.append(STOPPING)
        parts.append("\n\n".join(filled(one.in_(language), values) for one in said))
    return "\n\n———\n\n".join(parts) + "\n"


def chat_text(
    templates: Mapping[Language, Template], languages: tuple[Language, ...], values: Mapping[str, str]
) -> str:
    """A text to paste, post or send to a telephone: the school's text, what it costs and how to check it."""
    return "\n\n".join(
        filled(f"{templates[language].body}\n\n{SHORT_CLOSING.in_(language)}", values) for language in languages
    )


def as_html(text: str) -> str:
    """A small HTML part of a plain text: paragraphs, and our own addresses as links. Everything is escaped."""
    paragraphs = "".join(f"<p>{_linked(part)}</p>" for part in text.strip().split("\n\n"))
    return f'<!doctype html><html><head><meta charset="utf-8"></head><body>{paragraphs}</body></html>'


def _linked(text: str) -> str:
    """Lines that are or end in an address become links; nothing else does."""
    escaped = html.escape(text)
    linked = re.sub(r"(?<!\S)https?://[^\s<]+", lambda found: f'<a href="{found.group()}">{found.group()}</a>', escaped)
    return linked.replace("\n", "<br>\n")
