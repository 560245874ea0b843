"""What people send in the forms of exceptions, read strictly."""

from collections.abc import Mapping

from payments.errors import DomainError, NotFoundError
from payments.web.context import row_id
from reconciliation.exceptions.filters import ME
from reconciliation.exceptions.rules import Resolution

Form = Mapping[str, str]


def resolution(form: Form) -> Resolution:
    """The chosen end. Raises DomainError ``no_such_end``."""
    try:
        return Resolution(form.get("resolution", ""))
    except ValueError:
        raise DomainError("no_such_end", "Hãy chọn cách xử lý.", "Choose how it ends.") from None


def assignee(form: Form, actor_id: int) -> int | None:
    """Who gets the work: ``me``, an id, or nobody (None)."""
    return actor_id if form.get("assignee") == ME else number(form, "assignee")


def number(form: Form, name: str) -> int | None:
    """A number; None for none. Raises NotFoundError for what no row can have."""
    found = numbers(form.get(name, ""))
    return found[0] if found else None


def numbers(text: str) -> list[int]:
    """Numbers with commas between them. Raises NotFoundError for anything else."""
    try:
        return [row_id(part) for part in text.split(",") if part]
    except ValueError:
        raise NotFoundError("Không tìm thấy ngoại lệ này.", "There is no such exception.") from None
