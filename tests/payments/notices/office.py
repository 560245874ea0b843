"""A school that writes to its parents: pupils with guardians, a round, and a worker that is told when to run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Engine, select, text

from payments.celery import engine as task_engine
from payments.celery import make_celery
from payments.db import session_scope
from payments.notices import service, tasks
from payments.notices.models import Campaign, Notice
from payments.notices.outside import Outside
from payments.notices.rules import Channel, Kind
from payments.notices.service import Choice
from payments.schools.models import Guardian
from payments.settings import Settings, generated_environment
from payments.settlement.settling import settle_transactions
from tests.payments.setting import SchoolSetting, make_pupil, make_school
from tests.payments.settlement.setting import Issued, arrive, issue, open_round

NOON = datetime(2025, 9, 10, 5, tzinfo=UTC)
"""12:00 in Viet Nam, ten days before the round is due."""
LATE = datetime(2025, 9, 25, 5, tzinfo=UTC)
"""Five days after."""


@dataclass
class Office:
    """What a test of notices needs."""

    engine: Engine
    outside: Outside
    school: SchoolSetting
    round_id: int

    def pupil(self, name: str, email: str | None, *, meals_vnd: int = 100_000, club_vnd: int = 0, **said) -> Issued:
        """A pupil with a guardian and an open invoice of the round."""
        with session_scope(self.engine) as session:
            pupil = make_pupil(session, self.school.id, self.school.class_room, name)
            session.add(Guardian(school_id=self.school.id, pupil_id=pupil, relation="guardian", email=email, **said))
            return issue(session, self.school, meals_vnd, club_vnd, pupil=pupil, round_id=self.round_id)

    def start(self, kind: Kind = Kind.NEW_ROUND, channel: Channel = Channel.EMAIL, language: str = "vi") -> int:
        with session_scope(self.engine) as session:
            choice = Choice(round_id=self.round_id, kind=kind, channel=channel, language=language)
            return service.start(session, self.outside, self.school.id, self.school.accountant, choice).id

    def pay(self, amount_vnd: int, invoice: Issued) -> None:
        with session_scope(self.engine) as session:
            transaction = arrive(session, self.school, amount_vnd, invoice.reference)
            settle_transactions(session, self.school.id, [transaction])

    def work(self) -> int:
        """The worker runs once."""
        return tasks.send_due()

    def states(self) -> dict[str, int]:
        with session_scope(self.engine) as session:
            rows = session.execute(text("SELECT state, count(*) FROM notice GROUP BY state"))
            return {row[0]: row[1] for row in rows}

    def problems(self) -> list[str | None]:
        with session_scope(self.engine) as session:
            return list(session.scalars(select(Notice.problem).order_by(Notice.id)))

    def campaign(self, campaign_id: int) -> Campaign:
        with session_scope(self.engine) as session:
            return session.get_one(Campaign, (self.school.id, campaign_id))

    def do(self, function, *args, **kwargs):
        """Call a use case of the school in a transaction of its own."""
        with session_scope(self.engine) as session:
            return function(session, *args, **kwargs)


@contextmanager
def office(engine: Engine, database_url: str, smtp_url: str | None, **environment: str) -> Iterator[Office]:
    given = {"DATABASE_URL": database_url, **generated_environment(), **environment}
    if smtp_url:
        given |= {"HOCPHI_SMTP_URL": smtp_url}
    given.setdefault("HOCPHI_BASE_URL", "https://hocphi.example")
    given.setdefault("HOCPHI_MAIL_FROM", "Học phí <thong-bao@hocphi.example>")
    settings = Settings.from_env(given)
    make_celery(settings, {})
    with session_scope(engine) as session:
        school = make_school(session)
        round_id = open_round(session, school)
    yield Office(engine, Outside.of(settings), school, round_id)
    task_engine().dispose()


def guardian(office: Office, invoice: Issued, relation: str, email: str) -> None:
    """A second guardian of the invoice's pupil."""
    with session_scope(office.engine) as session:
        pupil = session.scalar(text("SELECT pupil_id FROM invoice WHERE id = :id"), {"id": invoice.id})
        session.add(Guardian(school_id=office.school.id, pupil_id=pupil, relation=relation, email=email))


DUE = date(2025, 9, 20)
