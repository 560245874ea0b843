"""A parent who says «I have paid», the school's bank, and a worker: all through their own doors."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from operations.invariants import check_invariants
from payments import clock
from payments.banking.connections import AccountName
from payments.banking.models import AccountState, ReceivingAccount
from payments.banking.rules import COOLING_OFF
from payments.db import session_scope
from payments.portal.service import ensure_links, tokens
from payments.settlement.service import settle_school
from tests.payments.faces import Faces, faces
from tests.payments.inbox.callers import Sender, call_wsgi, make_sender, sepay_body, sepay_request
from tests.payments.setting import OPENED, make_pupil
from tests.payments.settlement.setting import Issued, issue

TOLD = "FT26331000000001"


@dataclass
class Story:
    """One school; its first pupil owes 115,000 đồng."""

    home: Faces
    sender: Sender
    serial: Iterator[int] = field(default_factory=lambda: count(1))

    def bank_tells(self, amount_vnd: int, memo: str = "chuyen tien hoc", reference: str = TOLD) -> None:
        """The bank calls the door; nobody has settled it yet."""
        day = clock.today().isoformat()
        body = sepay_body(
            self.sender.number,
            next(self.serial),
            amount_vnd,
            memo,
            referenceCode=reference,
            transactionDate=f"{day} 08:00:00",
        )
        for _ in range(5):  # As banks do: on a busy machine the door may ask for another try.
            answer = call_wsgi(self.home.client.application.wsgi_app, self.sender.url, sepay_request(body))
            if answer.status != 503:
                break
        assert answer.status == 200, answer

    def settle(self) -> None:
        """A worker does all that is due; every invariant holds afterwards."""
        while True:
            with session_scope(self.home.engine) as session:
                result = settle_school(session, self.home.school.id)
            assert not result.failed
            if not result.taken:
                break
        with self.home.engine.connect() as connection:
            assert [check for check in check_invariants(connection) if not check.ok] == []

    def tell(self, reference: str = TOLD, *, token: str = "", **form: object) -> TestResponse:
        """Send the form as a browser does."""
        path = f"/p/{token or self.home.token}/claims"
        csrf = self.home.page(path).split('name="csrf_token" value="')[1].split('"')[0]
        given = {"invoice": self.home.invoice.id, "amount": "115.000", **form}
        return self.home.client.post(path, data={"csrf_token": csrf, "bank_reference": reference, **given})

    def page(self, token: str = "", language: str = "vi") -> str:
        return self.home.page(f"/p/{token or self.home.token}", language=language)

    def neighbour(self, name: str = "Bình", amount_vnd: int = 115_000) -> tuple[str, Issued]:
        """Another pupil with an invoice: the link's token, and the invoice."""
        school = self.home.school
        with session_scope(self.home.engine) as session:
            pupil = make_pupil(session, school.id, school.class_room, name)
            issued = issue(session, school, amount_vnd, pupil=pupil)
            keys = self.home.settings.link_keys
            ensure_links(session, keys, school.id, clock.now().replace(year=2099))
            token = dict(tokens(session, keys, school.id))[pupil]
        return token, issued

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        with self.home.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]


def owe_at_vietcombank(home: Faces, amount_vnd: int = 230_000) -> Issued:
    """An invoice on an account at a bank that really exists: the demo's banks have no app."""
    school = home.school
    with session_scope(home.engine) as session:
        account = ReceivingAccount(
            school_id=school.id,
            bin="970436",
            number="0011001932418",
            holder_name="TRUONG TIEU HOC HOA PHUONG",
            fund="Học phí",
            state=AccountState.ACTIVE,
            proposed_by=school.accountant,
            proposed_at=OPENED - COOLING_OFF,
            approved_by=school.principal,
            usable_at=OPENED,
        )
        session.add(account)
        session.flush()
        return issue(session, school, amount_vnd, account=account.id)


@contextmanager
def story(engine: Engine, database_url: str) -> Iterator[Story]:
    """The application with a connection of the bank SePay."""
    with faces(engine, database_url) as home:
        with session_scope(engine) as session:
            number = session.get_one(ReceivingAccount, (home.school.id, home.school.account)).number
        accounts = [AccountName("970998", number)]
        yield Story(home, make_sender(engine, home.settings, school=home.school, accounts=accounts))
