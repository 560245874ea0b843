"""Kinds, channels, states and problems of notices in words."""

from collections.abc import Mapping

from payments.i18n import Text

KINDS: Mapping[str, Text] = {
    "new_round": Text("thông báo đợt thu mới", "a new round"),
    "reminder": Text("nhắc trước hạn", "reminder before the due date"),
    "overdue": Text("nhắc khoản quá hạn", "overdue"),
    "received": Text("xác nhận đã nhận tiền", "payment received"),
    "group": Text("tin cho nhóm lớp", "text for the class group"),
}
CHANNELS: Mapping[str, Text] = {
    "email": Text("thư điện tử", "e-mail"),
    "chat": Text("bot đăng vào nhóm lớp", "bot in the class group"),
    "zns": Text("Zalo ZNS", "Zalo ZNS"),
    "sms": Text("tin nhắn SMS", "SMS"),
}
CAMPAIGN_STATES: Mapping[str, Text] = {
    "running": Text("đang gửi", "running"),
    "paused": Text("tạm dừng", "paused"),
    "done": Text("đã xong", "done"),
    "cancelled": Text("đã hủy", "cancelled"),
}
STATES: Mapping[str, Text] = {
    "waiting": Text("chờ gửi", "waiting"),
    "retrying": Text("lỗi tạm thời, sẽ gửi lại", "put off, tried again"),
    "sent": Text("đã gửi", "sent"),
    "failed": Text("không gửi được", "failed"),
    "bad_address": Text("hỏng địa chỉ", "bad address"),
    "paid": Text("bỏ qua vì đã nộp", "left out, paid"),
    "skipped": Text("bỏ qua", "left out"),
}
LEFT: Mapping[str, Text] = {
    "no_address": Text("không có địa chỉ", "no address"),
    "bounced": Text("địa chỉ hỏng", "bad address"),
    "opted_out": Text("phụ huynh đã ngừng nhận", "opted out"),
    "told": Text("đã được báo gần đây", "told lately"),
}
LANGUAGES: Mapping[str, Text] = {
    "vi": Text("tiếng Việt", "Vietnamese"),
    "en": Text("tiếng Anh", "English"),
    "both": Text("hai thứ tiếng", "both languages"),
}
_PROBLEMS: Mapping[str, Text] = {
    "no_mail_server": Text("chưa cài máy chủ thư", "no mail server is set up"),
    "channel_off": Text("kênh đã tắt", "the channel is off"),
    "no_address": Text("không còn địa chỉ dùng được", "no usable address"),
    "no_link": Text("đường dẫn đã hết hạn", "the link has expired"),
    "revoked": Text("khoản nộp đã bị đảo lại", "the payment was taken back"),
    "paid": Text("đã nộp trước khi gửi", "paid before it was sent"),
    "cancelled": Text("đợt gửi đã hủy", "the campaign was cancelled"),
    "chat_refused": Text("nhóm hoặc bot từ chối", "the group or the bot refused"),
    "bad_chat": Text("mã nhóm không đúng", "the group's id is wrong"),
    "sealed_value_unreadable": Text("không đọc được dữ liệu đã mã hóa", "an encrypted value cannot be read"),
}


def problem_words(code: str | None) -> Text:
    """What went wrong, with the code for the operator where we have no words for it."""
    if not code:
        return Text("", "")
    if code in _PROBLEMS:
        return _PROBLEMS[code]
    if code.startswith(("smtp_4", "smtp_5", "dsn_")):
        return Text(f"máy chủ thư từ chối ({code})", f"refused by the mail server ({code})")
    return Text(f"máy chủ không trả lời ({code})", f"the server does not answer ({code})")
