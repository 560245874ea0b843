"""Who hears of a night: accountants see what needs them, once for each account, day and class."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from payments import clock
from payments.access.models import Role, User
from payments.access.queries import users_of_each
from payments.banking.models import ReceivingAccount
from payments.notifications.service import enqueue_message
from reconciliation.models import ReconcileRun

SUBJECTS = {
    "missing_gateway": "Kết nối ngân hàng không gửi báo có",
    "missing_bank": "Báo có không có trong sao kê",
    "balance_break": "Sao kê lệch số dư",
}
ADVICE = {
    "missing_gateway": "Tiền đã được ghi nhận theo sao kê. Hãy kiểm tra kết nối báo có với ngân hàng.",
    "missing_bank": "Chưa đảo bút toán nào. Hãy hỏi ngân hàng; việc đảo cần hai người duyệt.",
    "balance_break": "Tiền chỉ có trong tệp lệch số dư chưa được ghi nhận. Hãy xuất lại sao kê và nhập lại.",
}


def alert(session: Session, runs: Sequence[ReconcileRun]) -> None:
    """Tell the schools' accountants of silent connections, unproved credits and broken statements."""
    told = [run for run in runs if any(run.exceptions.get(key, 0) for key in SUBJECTS)]
    schools = {run.school_id for run in told}
    people = users_of_each(session, schools, Role.ACCOUNTANT, clock.today()) if told else {}
    for run in told:
        if run.school_id in people:
            _tell(session, run, people[run.school_id])


def _tell(session: Session, run: ReconcileRun, people: Sequence[User]) -> None:
    account = session.get_one(ReceivingAccount, (run.school_id, run.account_id))
    for key, subject in SUBJECTS.items():
        count = run.exceptions.get(key, 0)
        if not count:
            continue
        told = f"Tài khoản {account.fund} (…{account.number[-4:]}), ngày {run.day:%d/%m/%Y}: {count} trường hợp."
        for user in people:
            enqueue_message(
                session,
                run.school_id,
                dedup_key=f"night:{key}:{run.account_id}:{run.day}:{user.id}",
                kind=key,
                subject=f"{subject}: {run.day:%d/%m/%Y}",
                body=f"{told} {ADVICE[key]}",
                recipient_user_id=user.id,
                email=user.email,
            )
