"""A roster between its upload and the person's «yes»: kept sealed, one for each person and school, for a day.

What is shown is what is imported: the confirmation names the kept file, so no second file can slip in between.
"""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments import clock
from payments.crypto import FieldCipher
from payments.errors import DomainError, NotFoundError
from payments.schools.models import RosterUpload

PLACE = "roster_upload.content"
MAX_UPLOAD_BYTES = 4 * 1024 * 1024
"""Ten times the roster of the largest schools."""
KEPT_FOR = timedelta(hours=24)
MAX_FILE_NAME = 120


class Upload(NamedTuple):
    """A file that waits for its confirmation."""

    id: int
    file_name: str
    data: bytes


def keep_upload(
    session: Session, cipher: FieldCipher, school_id: int, actor_id: int, *, data: bytes, file_name: str
) -> int:
    """Keep a file for the person who sent it, in place of an earlier one, and return its id.

    Forgets what others left lying for a day. Raises DomainError ``no_file``, ``file_too_large``.
    """
    check_upload(data)
    session.execute(
        delete(RosterUpload).where(
            RosterUpload.school_id == school_id, RosterUpload.uploaded_at < clock.now() - KEPT_FOR
        )
    )
    forget_uploads(session, school_id, actor_id)
    statement = insert(RosterUpload).values(
        school_id=school_id,
        uploaded_by=actor_id,
        uploaded_at=clock.now(),
        file_name=file_name[-MAX_FILE_NAME:],
        content_sealed=cipher.seal(data, PLACE),
    )
    return session.execute(statement.returning(RosterUpload.id)).scalar_one()


def open_upload(session: Session, cipher: FieldCipher, school_id: int, actor_id: int, upload_id: int) -> Upload:
    """Open a kept file for the person who sent it. Raises NotFoundError when it is gone, old or somebody else's."""
    row = session.scalar(
        select(RosterUpload).where(
            RosterUpload.school_id == school_id,
            RosterUpload.id == upload_id,
            RosterUpload.uploaded_by == actor_id,
            RosterUpload.uploaded_at >= clock.now() - KEPT_FOR,
        )
    )
    if row is None:
        raise NotFoundError(
            "Tệp xem trước không còn (đã nhập, đã bỏ hoặc quá 24 giờ). Hãy tải tệp lên lại.",
            "The file is gone (imported, dropped, or a day old). Upload it again.",
        )
    return Upload(row.id, row.file_name, cipher.open(row.content_sealed, PLACE))


def forget_uploads(session: Session, school_id: int, actor_id: int) -> None:
    """Forget what a person has uploaded to a school."""
    session.execute(
        delete(RosterUpload).where(RosterUpload.school_id == school_id, RosterUpload.uploaded_by == actor_id)
    )


def check_upload(data: bytes) -> None:
    """Refuse nothing and too much. Raises DomainError ``no_file``, ``file_too_large``."""
    if not data:
        raise DomainError("no_file", "Hãy chọn một tệp có nội dung.", "Choose a file that is not empty.")
    if len(data) > MAX_UPLOAD_BYTES:
        raise DomainError(
            "file_too_large",
            f"Tệp lớn hơn {MAX_UPLOAD_BYTES // 1024 // 1024} MB. Hãy bỏ hình ảnh, trang tính không cần, rồi nộp lại.",
            f"The file is larger than {MAX_UPLOAD_BYTES // 1024 // 1024} MB. Remove pictures and other sheets.",
        )
