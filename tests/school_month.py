"""A month of one school with 1,200 pupils, played in this process by the demo's own generator.

Two banks (three accounts), callbacks through the door, 3 % inexact payments, statements in two formats and books as
from MISA. Nothing of it is imported yet: that is the accountant's work.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path

from celery.app import app_or_default
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from operations.demo import deliveries, paper
from operations.demo.accounts import AccountPlan
from operations.demo.draw import at_second, bank_reference
from operations.demo.facts import Movement
from operations.demo.founding import FoundedSchool
from operations.demo.month import Billed, bill_province
from operations.demo.presets import CALENDAR, PRIMARY, Preset
from operations.demo.world import World
from payments import clock
from payments.app import create_app
from payments.celery import make_celery
from payments.clearing.tasks import clear_due
from payments.clock import VIETNAM, turned_to
from payments.crypto import FieldCipher
from payments.settings import Settings, generated_environment
from payments.settlement.tasks import settle_due
from reconciliation.panels import PANELS
from tests.payments.inbox.callers import as_a_bank

SEED = 20251008
MONTH_ENDS = date(2025, 10, 31)
THE_DAY_AFTER = datetime(2025, 11, 1, 8, 0, tzinfo=VIETNAM)
"""When the accountant sits down: the night over the last day of the month has begun."""
FORMATS = {"Dịch vụ và bán trú": "mt940", "Thu hộ bảo hiểm": "vietcombank", "Tài trợ": "vietcombank"}
"""Purpose of the account -> format of its bank: one bank for the first and the third, another for the second."""
NOON_S = 12 * 3600
INTEREST_VND, STRANGE_VND = 41_250, 777_000
"""Two credits that pay no fee: interest of the bank, of which no callback tells, and a stranger's mistake."""


@dataclass(frozen=True, slots=True)
class SchoolMonth:
    """What a walk through the month end needs."""

    app: Flask
    engine: Engine
    settings: Settings
    billed: Billed
    accounts: Sequence[AccountPlan]

    @property
    def school(self) -> FoundedSchool:
        """The school."""
        return self.billed.province.schools[PRIMARY.code]

    def papers(self) -> list[paper.Paper]:
        """A statement for each account up to the end of the month, then the books."""
        plan = self.billed.plan
        return [*map(self._statement, self.accounts), *paper.ledgers(plan, self.accounts)]

    def _statement(self, one: AccountPlan) -> paper.Paper:
        stated = [movement for movement in self.billed.plan.movements if movement.account == one.account]
        whole = replace(paper.statement_of(one.account, stated), period_to=MONTH_ENDS)
        name = f"sao-ke-{one.account.number}.{paper.EXTENSIONS[one.statement_format]}"
        data = paper.write_statement(whole, one.statement_format)
        return paper.Paper(PRIMARY.code, one.account, name, data, len(whole.lines))


@contextmanager
def school_month(engine: Engine, database_url: str, folder: Path) -> Iterator[SchoolMonth]:
    """The school on the morning after its month: bills issued, callbacks taken and settled, no file imported."""
    settings = Settings.from_env({"DATABASE_URL": database_url, **generated_environment()})
    world = World(settings, {}, engine, FieldCipher(settings.field_keys), folder, port=0)
    before = app_or_default()
    make_celery(settings, {})
    app = create_app(settings, PANELS)
    try:
        with turned_to(THE_DAY_AFTER):
            billed = bill_province(world, Preset("school", (PRIMARY,)), SEED)
            accounts = [
                replace(one, statement_format=FORMATS[one.purpose], books_name_bank=False) for one in billed.accounts
            ]
            _add(billed, INTEREST_VND, "TRA LAI TIEN GUI THANG 10", called=False)
            _add(billed, STRANGE_VND, "chuyen nham tai khoan xin nhan lai", called=True)
            _call(app.test_client(), billed)
            settle_due()
            clear_due()
            yield SchoolMonth(app, engine, settings, billed, accounts)
    finally:
        app.extensions["hocphi"].engine.dispose()
        before.set_current()
        before.set_default()


def _add(billed: Billed, amount_vnd: int, memo: str, *, called: bool) -> None:
    """A credit of the first account that no bill asks for; the books have it, too."""
    movements = billed.plan.movements
    number, moment = len(movements) + 1, at_second(CALENDAR.due, NOON_S)
    movements.append(
        Movement(
            number=number,
            account=billed.accounts[0].account,
            amount_vnd=amount_vnd,
            memo=memo,
            bank_reference=bank_reference(moment, number),
            occurred_at=moment,
            booked_on=moment.date(),
            called=called,
            kind="strange",
        )
    )


def _call(client: FlaskClient, billed: Billed) -> None:
    """The banks report through the door."""
    for call in deliveries.plan_calls(billed.plan, billed.province.doors, SEED):
        request = call.request(clock.now(), "")
        path = f"/callbacks/{call.door.token}" + (f"/{request.path}" if request.path else "")
        sent = {"method": request.method, "data": request.body, "headers": dict(request.headers)}
        as_a_bank(partial(client.open, path, **sent))
