"""A message to the person whose file is ready, written or refused: the page may have been closed long ago."""

from sqlalchemy.orm import Session

from payments.access.models import User
from payments.notifications.service import enqueue_message
from reconciliation.imports.models import ImportJob, JobState

SUBJECTS = {
    JobState.READY: "Tệp đã đọc xong, chờ ghi",
    JobState.MAPPING: "Cần cho biết các cột của tệp",
    JobState.DONE: "Đã ghi xong tệp",
    JobState.REFUSED: "Tệp chưa nhập được",
}
BODIES = {
    JobState.READY: "Chưa ghi gì. Hãy xem trước rồi bấm «Ghi» ở trang Nhập tệp.",
    JobState.MAPPING: "Chưa có mẫu cột nào khớp. Hãy mở trang Nhập tệp và xác nhận các cột.",
    JobState.DONE: "Đối soát các ngày liên quan chạy lại trong vài phút.",
    JobState.REFUSED: "Chưa ghi dòng nào. Lý do và tệp đánh dấu dòng lỗi có ở trang Nhập tệp.",
}


def tell_end(session: Session, job: ImportJob) -> None:
    """Keep a message, once for each job and state; by e-mail, too, where the person has an address."""
    person = session.get(User, job.created_by)
    enqueue_message(
        session,
        job.school_id,
        dedup_key=f"import:{job.id}:{job.state.value}",
        kind=f"import_{job.state.value}",
        subject=f"{SUBJECTS[job.state]}: {job.file_name}",
        body=BODIES[job.state],
        recipient_user_id=job.created_by,
        email=person.email if person else None,
    )
