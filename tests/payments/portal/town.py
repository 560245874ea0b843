"""A served application whose bank calls the real door: for tests of what a parent sees as money moves.

One school, one application and one server for a whole module; every state gets a pupil of its own.
"""

import io
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any

import zxingcpp
from PIL import Image
from playwright.sync_api import Locator, Page
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from bank_adapters.contract import Request
from payments import clock
from payments.banking.models import BorneBy, ChannelKind
from payments.banking.service import add_channel
from payments.db import session_scope
from payments.developers.orders import sepay_pg_void
from payments.developers.senders import Payment, signed_request
from payments.invoices.models import InvoiceState
from payments.portal.service import ensure_links, link_of
from payments.settlement.service import cancel_invoice, settle_school
from payments.vietqr import VietQR, decode
from tests.payments.faces import Faces, faces
from tests.payments.inbox.callers import SECRET, Sender, make_sender
from tests.payments.setting import make_pupil
from tests.payments.settlement.setting import DUE, Issued, issue, take_out

WITHIN_5_S = 5_000
GATEWAY = {
    "secret_key": "gateway-key",
    "merchant_id": "M1",
    "pay_url": "https://pay.example",
    "api_url": "https://a.example",
}
NEXT_MONTH = clock.today() + timedelta(days=30)
_serial = count(1)


@dataclass(frozen=True)
class Family:
    """A pupil with a link and the first notice."""

    pupil: int
    token: str
    url: str
    invoice: Issued


@dataclass
class Town:
    """A school, its bank, and a server."""

    home: Faces
    base: str
    bank: Sender
    gateway: Sender
    channel: int
    serial: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def engine(self) -> Engine:
        return self.home.engine

    @contextmanager
    def session(self) -> Iterator[Session]:
        with session_scope(self.engine) as session:
            yield session

    def family(self, meals_vnd: int = 100_000, club_vnd: int = 0, due_on: date = NEXT_MONTH) -> Family:
        school = self.home.school
        with self.session() as session:
            pupil = make_pupil(session, school.id, school.class_room, "An")
            invoice = issue(session, school, meals_vnd, club_vnd, pupil=pupil, due_on=due_on, chosen=False)
            ensure_links(session, self.home.settings.link_keys, school.id, clock.now().replace(year=2099))
            token = link_of(session, self.home.settings.link_keys, school.id, pupil)
        assert token is not None
        return Family(pupil, token, f"{self.base}/p/{token}", invoice)

    def run(self, statement: str, **values: Any) -> None:
        with self.session() as session:
            session.execute(text(statement), {"school": self.home.school.id, **values})

    def ring(self, amount_vnd: int, memo: str) -> str:
        """The bank reports a transfer, signed, and a worker settles it; the bank's reference."""
        number = next(self.serial)
        reference = f"FT26{number:06d}"
        payment = self._payment(number, amount_vnd, memo, reference)
        self._call(self.bank, signed_request("sepay", {"secret": SECRET}, payment, sent_at=clock.now()))
        return reference

    def pay_and_take_back(self, family: Family, amount_vnd: int) -> Iterator[None]:
        """A payment by an order of a service; after the next step the service takes it back."""
        order = self._order(family)
        number = next(self.serial)
        payment = self._payment(number, amount_vnd, order[1], f"PG{number}", order_ref=order[0])
        self._call(self.gateway, signed_request("sepay_pg", GATEWAY, payment, sent_at=clock.now()))
        yield
        self._call(self.gateway, sepay_pg_void(GATEWAY, payment, clock.now()))
        yield

    def close_round(self, family: Family) -> None:
        self.run(
            "UPDATE collection_round SET state = 'closed' WHERE school_id = :school"
            " AND id = (SELECT round_id FROM invoice WHERE school_id = :school AND id = :id)",
            id=family.invoice.id,
        )

    def cancel(self, family: Family) -> None:
        with self.session() as session:
            cancel_invoice(session, self.home.school.id, family.invoice.id, actor_id=self.home.school.accountant)

    def replace(self, family: Family, meals_vnd: int) -> Issued:
        """A successor for another amount."""
        with self.session() as session:
            take_out(session, self.home.school, family.invoice, InvoiceState.REPLACED)
            round_id = session.execute(
                text("SELECT round_id FROM invoice WHERE school_id = :school AND id = :id"),
                {"school": self.home.school.id, "id": family.invoice.id},
            ).scalar_one()
            session.execute(
                text("UPDATE invoice_balance SET changed_at = :now WHERE school_id = :school AND invoice_id = :id"),
                {"now": clock.now(), "school": self.home.school.id, "id": family.invoice.id},
            )
            return issue(
                session,
                self.home.school,
                meals_vnd,
                pupil=family.pupil,
                round_id=round_id,
                replaces=family.invoice,
                due_on=NEXT_MONTH,
            )

    def _payment(self, number: int, amount_vnd: int, memo: str, reference: str, **more: Any) -> Payment:
        return Payment(
            account_number=self.bank.number,
            amount_vnd=amount_vnd,
            memo=memo,
            bank_reference=reference,
            txn_id=str(1000 + number),
            occurred_at=clock.now(),
            **more,
        )

    def _order(self, family: Family) -> tuple[str, str]:
        """Reference and memo of an order that the family opens on its page."""
        client = self.home.client
        path = f"/p/{family.token}"
        csrf = client.get(path).get_data(as_text=True).split('name="csrf_token" value="')[1].split('"')[0]
        opened = client.post(f"{path}/pay/{family.invoice.reference}/{self.channel}", data={"csrf_token": csrf})
        assert opened.status_code == 303, opened.get_data(as_text=True)
        with self.session() as session:
            row = session.execute(text("SELECT order_ref, memo FROM payment_order ORDER BY id DESC LIMIT 1")).one()
        return row[0], row[1]

    def _call(self, sender: Sender, request: Request) -> None:
        sent = urllib.request.Request(
            self.base + sender.url, data=request.body, headers=dict(request.headers), method="POST"
        )
        with urllib.request.urlopen(sent) as answer:
            assert answer.status in {200, 201}
        with self.session() as session:
            settle_school(session, self.home.school.id)


@contextmanager
def town(engine: Engine, database_url: str) -> Iterator[Town]:
    """The town of a fresh database."""
    with faces(engine, database_url) as home:
        bank = make_sender(engine, home.settings, school=home.school, name="Ngân hàng mẫu")
        gateway = make_sender(
            engine, home.settings, adapter="sepay_pg", secret=GATEWAY, school=home.school, name="Cổng mẫu"
        )
        with session_scope(engine) as session:
            channel = add_channel(
                session,
                home.school.id,
                home.school.account,
                name="Cổng mẫu",
                kind=ChannelKind.WALLET,
                actor_id=None,
                connection_id=gateway.connection_id,
                borne_by=BorneBy.SCHOOL,
            )
        server = make_server("127.0.0.1", 0, home.client.application, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Town(home, f"http://127.0.0.1:{server.server_port}", bank, gateway, channel)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            home.client.application.wsgi_app.close()


def scanned(picture: Locator) -> VietQR:
    """What a bank's app reads from the screen, once the picture has come."""
    picture.scroll_into_view_if_needed()
    picture.evaluate("picture => picture.decode()")
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture.screenshot())))
    assert found, "no QR can be read"
    return decode(found[0].text)


def agrees(page: Page, notice: str, amount_vnd: int, reference: str) -> None:
    """Headline, QR on the screen, fields to copy and what the sentence says of them: one amount, account and memo."""
    part = page.locator(notice)
    qr = scanned(part.locator(".qr img"))
    copies = [button.get_attribute("data-copy") for button in part.locator(".copy").all()]
    headline = part.locator(".amount").first.inner_text()
    digits = "".join(character for character in headline if character.isdecimal())
    assert (digits, qr.amount_vnd, copies[2]) == (str(amount_vnd), amount_vnd, str(amount_vnd))
    assert (qr.memo, copies[3]) == (reference, reference)
    assert qr.account == copies[0]
    assert part.locator(".amount").count() == 1
    told = re.search(r"(?:bên dưới đã là|amount below are for) ([\d.]+)", part.inner_text())
    assert told is None or told[1].replace(".", "") == str(amount_vnd)


__all__ = ["DUE", "NEXT_MONTH", "WITHIN_5_S", "Family", "Town", "agrees", "scanned", "town"]
