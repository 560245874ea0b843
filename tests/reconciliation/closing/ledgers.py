"""A school that signs: days with statements and callbacks, and a person who closes them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from payments.crypto import FieldCipher
from reconciliation import service
from reconciliation.closing import chain
from reconciliation.closing.models import PeriodClose
from reconciliation.service import Request
from tests.reconciliation.desk import DAY, OPENING, Desk, line

NEXT = DAY + timedelta(days=1)
SIGNING = datetime(2025, 10, 2, 3, tzinfo=UTC)
NOTE = "Đã biết, sẽ xử lý trong tháng 10"
BASE = "https://hocphi.example"


class Signer(Desk):
    """A desk whose accountant signs."""

    @property
    def cipher(self) -> FieldCipher:
        return FieldCipher(self.settings.field_keys)

    def day_of(self, day: date, *amounts: int, opening: int = OPENING, tell: bool = True) -> list[str]:
        """A day whose payments are told, stated and reconciled; returns their references."""
        names = []
        for number, vnd in enumerate(amounts):
            one = self.issue(vnd)
            names.append(one.reference)
            if tell:
                self.pay(vnd, one.reference, f"FT{day:%m%d}{number}", day=day)
        lines = [
            line(vnd, name, f"FT{day:%m%d}{number}", day=day)
            for number, (vnd, name) in enumerate(zip(amounts, names, strict=True))
        ]
        self.state(*lines, opening=opening, days=(day, day))
        self.night(day)
        return names

    def close(self, through: date = DAY, *, by: int | None = None, note: str | None = NOTE, **more: Any) -> PeriodClose:
        with self.session() as session:
            request = Request(by or self.school.accountant, note, base_url=BASE, **more)
            return service.close_period(session, self.cipher, self.school.id, through, request)

    def propose(self, sequence: int = 1, *, by: int | None = None, reason: str = "Sao kê ngày 10 nhập thiếu") -> int:
        with self.session() as session:
            return service.propose_reopening(
                session, self.school.id, sequence, actor_id=by or self.school.accountant, reason=reason
            )

    def approve(self, approval_id: int, *, by: int | None = None) -> PeriodClose:
        with self.session() as session:
            return service.approve_reopening(
                session, self.cipher, self.school.id, approval_id, actor_id=by or self.school.principal, base_url=BASE
            )

    def reopen(self, sequence: int = 1) -> PeriodClose:
        return self.approve(self.propose(sequence))

    def through(self) -> date | None:
        with self.session() as session:
            return chain.head(session, self.school.id).through
