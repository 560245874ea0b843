"""Error pages: a sentence for a person, a code for support, nothing about the inside."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from flask import Flask, Response, current_app, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from payments.errors import DomainError, TooManyTriesError
from payments.web.context import API, language, say

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
AWAY = (
    "Hệ thống tạm thời gián đoạn. Tiền đã chuyển không bị mất và không cần chuyển lại; vui lòng thử lại sau ít phút.",
    "The system is not available at the moment. No transfer is lost, none has to be repeated; please try again soon.",
)
RETRY_S = 30
MACHINES = (API, "/developers/api/simulations")
"""Callers under these paths are programs."""


def install(app: Flask) -> None:
    """Answer errors as pages, or as problem documents (RFC 9457) under /api/."""
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(CSRFError, _form_expired)
    app.register_error_handler(HTTPException, _http_error)
    for away in (OperationalError, InterfaceError, PoolTimeoutError):
        app.register_error_handler(away, database_away)
    app.register_error_handler(500, _broken)


def _domain_error(error: DomainError) -> ResponseReturnValue:
    answer = make_response(_answer(error.status, error.code, say(error.vi, error.en)))
    if isinstance(error, TooManyTriesError):
        answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer


def _form_expired(_error: CSRFError) -> ResponseReturnValue:
    text = say(
        "Biểu mẫu đã hết hạn. Vui lòng tải lại trang rồi gửi lại.", "The form has expired. Please reload the page."
    )
    return _answer(400, "form_expired", text)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400 and error.response is not None:
        return error.response
    answer = make_response(_answer(status, f"http_{status}", say(*TEXTS.get(status, BROKEN))))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return answer


def _broken(_error: Exception) -> ResponseReturnValue:
    return _answer(500, "internal", say(*BROKEN))


def database_away(error: Exception) -> ResponseReturnValue:
    """The database does not answer: told as such, so that a load balancer and a parent may come again."""
    current_app.logger.error("the database is away: %s", type(error).__name__)
    answer = make_response(_answer(503, "database_away", say(*AWAY)))
    answer.headers["Retry-After"] = str(RETRY_S)
    return answer


def _answer(status: int, code: str, text: str) -> ResponseReturnValue:
    if request.path.startswith(MACHINES):
        return problem(status, code, text)
    return render_template("web/error.html", status=status, code=code, text=text, before=_page_before()), status


def problem(status: int, code: str, text: str, errors: Sequence[Mapping[str, str]] = ()) -> Response:
    """A problem document (RFC 9457) for programs; ``errors`` tell the places."""
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": text}
    response = jsonify({**told, "errors": list(errors)} if errors else told)
    response.status_code = status
    response.content_type = "application/problem+json"
    response.headers["Content-Language"] = language()
    response.vary.add("Accept-Language")
    return response


def _page_before() -> str | None:
    """The page whose form was sent, so that a refusal is no dead end; browsers are asked not to tell it themselves.

    Forms are sent to their own page, or to «page/deed»: the folder of a deed is its page. None where there is none.
    """
    pages = current_app.create_url_adapter(request)
    if request.method != "POST" or pages is None:
        return None
    folder = request.path.rpartition("/")[0] + "/"
    return next((page for page in (request.path, folder) if pages.test(page, "GET")), None)
