"""What went wrong with a request, as RFC 9457 tells it: a stable code, a sentence, and the place in what was sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from payments.errors import DomainError
from payments.i18n import Language, Text


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: at a JSON pointer of the body (RFC 6901), or in a parameter."""

    code: str
    text: Text
    pointer: str | None = None
    parameter: str | None = None

    def to_json(self, language: Language) -> dict[str, str]:
        """As a member of ``errors``."""
        told = {"code": self.code, "detail": self.text.in_(language)}
        if self.parameter is not None:
            return {**told, "parameter": self.parameter}
        return told if self.pointer is None else {**told, "pointer": self.pointer}


class RequestError(DomainError):
    """A request that cannot be taken as it is; nothing was done."""

    def __init__(self, status: int, code: str, text: Text, faults: Sequence[Fault] = ()) -> None:
        super().__init__(code, text.vi, text.en)
        self.status = status
        self.faults = tuple(faults)


def invalid(*faults: Fault) -> RequestError:
    """What was sent does not have the form that the description asks for."""
    return RequestError(
        422,
        "invalid_request",
        Text("Yêu cầu chưa đúng mẫu; xem «errors».", "The request has not the form it must have; see `errors`."),
        faults,
    )


def no_key() -> RequestError:
    """No key, an unknown one, one that has ended: one answer for all."""
    return RequestError(
        401,
        "invalid_key",
        Text(
            "Thiếu khóa, hoặc khóa không đúng, đã hết hạn hay bị thu hồi.",
            "There is no key, or it is unknown, expired or revoked.",
        ),
    )


def scope_missing(scope: str) -> RequestError:
    """The key may not do this."""
    return RequestError(
        403, "scope_missing", Text(f"Khóa này không có quyền {scope}.", f"This key has not the scope {scope}.")
    )


def malformed(code: str) -> RequestError:
    """The body is no JSON as we take it."""
    return RequestError(
        400,
        "malformed_json",
        Text(f"Nội dung không phải JSON hợp lệ ({code}).", f"The body is not JSON as we take it ({code})."),
    )


def wrong_media_type() -> RequestError:
    """Only JSON is taken."""
    return RequestError(
        415,
        "unsupported_media_type",
        Text("Hãy gửi Content-Type: application/json.", "Send Content-Type: application/json."),
    )


def bad_idempotency_key() -> RequestError:
    """Every POST carries a key of its own, so that it can be repeated."""
    return RequestError(
        400,
        "idempotency_key_required",
        Text(
            "Mỗi POST cần tiêu đề Idempotency-Key: 1–100 ký tự ASCII không có khoảng trắng.",
            "Every POST needs a header Idempotency-Key: 1-100 ASCII characters without blanks.",
        ),
        (Fault("idempotency_key_required", Text("Thiếu hoặc sai.", "Missing or wrong."), parameter="Idempotency-Key"),),
    )


def key_reused() -> RequestError:
    """The same idempotency key came with another request before."""
    return RequestError(
        422,
        "idempotency_key_reused",
        Text(
            "Idempotency-Key này đã dùng cho một yêu cầu khác. Hãy dùng khóa mới cho mỗi yêu cầu mới.",
            "This Idempotency-Key was used for another request. Take a new one for each new request.",
        ),
    )


def busy() -> RequestError:
    """Somebody else works on the same rows, or on the same request; nothing was done."""
    return RequestError(
        409,
        "busy",
        Text(
            "Một yêu cầu khác đang xử lý cùng dữ liệu. Hãy gửi lại sau vài giây với cùng Idempotency-Key.",
            "Another request works on the same data. Send it again in some seconds with the same Idempotency-Key.",
        ),
    )
