"""An accountant at the desk of a school whose parents have mailboxes."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from payments.celery import engine as task_engine
from payments.celery import make_celery
from payments.db import session_scope
from payments.invoices.models import Invoice
from payments.schools.models import Guardian
from tests.payments.faces import Faces, faces
from tests.payments.notices.mailbox import Mailbox, mail_server
from tests.payments.setting import make_pupil
from tests.payments.settlement.setting import issue


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as made:
        yield made


@pytest.fixture
def desk(engine: Engine, database_url: str, box: Mailbox) -> Iterator[Faces]:
    with faces(engine, database_url, HOCPHI_SMTP_URL=box.url, HOCPHI_MAIL_FROM="tb@hocphi.example") as made:
        make_celery(made.settings, {})
        made.log_in("accountant")
        yield made
    task_engine().dispose()


def parent(desk: Faces, name: str, email: str, **amounts: int) -> int:
    """A pupil of the round with a guardian who has a mailbox."""
    with session_scope(desk.engine) as session:
        pupil = make_pupil(session, desk.school.id, desk.school.class_room, name)
        session.add(Guardian(school_id=desk.school.id, pupil_id=pupil, relation="guardian", email=email))
        round_id = session.get_one(Invoice, (desk.school.id, desk.invoice.id)).round_id
        issue(session, desk.school, pupil=pupil, round_id=round_id, chosen=False, **amounts)
        return pupil
