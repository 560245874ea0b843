"""Errors that a person reads: a code for machines, a sentence in Vietnamese and one in English."""

from datetime import timedelta
from math import ceil


class DomainError(Exception):
    """A rule refused the request; nothing was changed.

    ``code`` is stable and lower-case; ``vi`` and ``en`` name the place and the way out, and never
    contain secrets or pupils' data.
    """

    status = 422

    def __init__(self, code: str, vi: str, en: str) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.vi = vi
        self.en = en


class NotFoundError(DomainError):
    """No such thing within reach of the asker; the same answer for "unknown" and "not yours"."""

    status = 404

    def __init__(self, vi: str = "Không tìm thấy.", en: str = "Not found.") -> None:
        super().__init__("not_found", vi, en)


class TooManyTriesError(DomainError):
    """Somebody tries too often; said before anything is looked at, so it tells nothing about what was asked for.

    ``wait``: after so long at the latest the next try is heard.
    """

    status = 429

    def __init__(self, wait: timedelta) -> None:
        minutes = max(1, ceil(wait / timedelta(minutes=1)))
        super().__init__(
            "too_many_tries",
            "Quá nhiều lần thử từ mạng này (nhiều người có thể đang dùng chung một mạng với bạn)."
            f" Vui lòng đợi {minutes} phút rồi thử lại.",
            "Too many tries from this network (many people may share it with you)."
            f" Please wait {minutes} min and try again.",
        )
        self.retry_after_s = max(1, ceil(wait.total_seconds()))


class ForbiddenError(DomainError):
    """The asker is known but may not do this."""

    status = 403

    def __init__(self, vi: str = "Bạn không có quyền làm việc này.", en: str = "You may not do this.") -> None:
        super().__init__("forbidden", vi, en)


class ConflictError(DomainError):
    """Somebody else changed it first, or its state does not allow this now."""

    status = 409
