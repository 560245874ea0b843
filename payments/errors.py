"""Errors that a person reads: a code for machines, a sentence in Vietnamese and one in English."""


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


class ForbiddenError(DomainError):
    """The asker is known but may not do this."""

    status = 403

    def __init__(self, vi: str = "Bạn không có quyền làm việc này.", en: str = "You may not do this.") -> None:
        super().__init__("forbidden", vi, en)


class ConflictError(DomainError):
    """Somebody else changed it first, or its state does not allow this now."""

    status = 409
