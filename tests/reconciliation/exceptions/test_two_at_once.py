"""Two people decide at once: one wins, the other one hears of it in words, and nothing is written twice."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from payments.access.models import Grant, Role, User
from payments.db import session_scope
from payments.errors import ConflictError
from reconciliation.exceptions import service
from reconciliation.exceptions.rules import Resolution
from tests.payments.setting import OPENED
from tests.reconciliation.exceptions.setting import Nights


def test_of_two_principals_who_decide_at_once_one_wins(engine):
    with session_scope(engine) as session:
        nights = Nights(session)
        nights.night(nights.item("missing_bank", said=[nights.said()]))
        deputy = User(username="pho.1", full_name="Phó (mẫu)", password_hash="-", created_at=OPENED)
        session.add(deputy)
        session.flush()
        session.add(
            Grant(user_id=deputy.id, role=Role.PRINCIPAL, organisation_id=nights.school.id, valid_from=OPENED.date())
        )
        school, [number] = nights.school, nights.ids()
        service.propose(session, school.id, number, school.accountant, resolution=Resolution.REVERSED)
    gate = Barrier(2)

    def decide(who: int, yes: bool) -> str:
        work = service.approve if yes else service.reject
        try:
            with session_scope(engine) as opened:
                gate.wait(30)
                work(opened, school.id, number, who, said="x")
        except ConflictError as error:
            return f"{error.code}: {error.vi}"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(decide, (school.principal, deputy.id), (True, False)))
    assert sorted(told)[1] == "done"
    assert sorted(told)[0].startswith("decided_already: ")
    assert "tải lại trang" in sorted(told)[0]
    with session_scope(engine) as session:
        nights.session = session
        assert nights.kinds(number)[:2] == ["seen", "proposed"]
        assert len(nights.kinds(number)) == 3
        assert nights.kinds(number)[2] == ("approved" if told[0] == "done" else "rejected")
