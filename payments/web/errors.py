"""Error pages: a sentence for a person, a code for support, nothing about the inside."""

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from payments.errors import DomainError
from payments.web.context import say

TEXTS = {
    400: ("Yêu cầu chưa đúng.", "The request is not right."),
    403: ("Bạn không có quyền xem trang này.", "You may not see this page."),
    404: ("Không tìm thấy trang này.", "There is no such page."),
    405: ("Trang này không nhận cách gửi đó.", "This page does not take that method."),
    413: ("Tệp quá lớn.", "The file is too large."),
    429: ("Quá nhiều lần thử. Vui lòng đợi ít phút.", "Too many tries. Please wait a few minutes."),
}
BROKEN = (
    "Hệ thống gặp lỗi. Dữ liệu của bạn chưa bị thay đổi; vui lòng thử lại sau ít phút.",
    "Something went wrong. Nothing of yours was changed; please try again in a few minutes.",
)


def install(app: Flask) -> None:
    """Answer errors as pages, or as problem documents (RFC 9457) under /api/."""
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(CSRFError, _form_expired)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(500, _broken)


def _domain_error(error: DomainError) -> ResponseReturnValue:
    return _answer(error.status, error.code, say(error.vi, error.en))


def _form_expired(_error: CSRFError) -> ResponseReturnValue:
    text = say(
        "Biểu mẫu đã hết hạn. Vui lòng tải lại trang rồi gửi lại.", "The form has expired. Please reload the page."
    )
    return _answer(400, "form_expired", text)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400 and error.response is not None:
        return error.response
    return _answer(status, f"http_{status}", say(*TEXTS.get(status, BROKEN)))


def _broken(_error: Exception) -> ResponseReturnValue:
    return _answer(500, "internal", say(*BROKEN))


def _answer(status: int, code: str, text: str) -> ResponseReturnValue:
    if request.path.startswith("/api/"):
        problem = {"type": "about:blank", "status": status, "code": code, "detail": text}
        return problem, status, {"Content-Type": "application/problem+json"}
    return render_template("web/error.html", status=status, code=code, text=text), status
