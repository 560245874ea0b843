"""Whoever asks a family for money asks for the same amount: page, picture, bundle, family, look-up, slip, notice,
counter, order and school software say one number for one notice.
"""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import Engine, text

from payments.api.rules import Scope
from payments.api.service import add_key
from payments.db import session_scope
from payments.errors import ConflictError
from payments.inbox.billing import OWED, Known
from payments.invoices.models import InvoiceState
from payments.invoices.payer_codes import ensure_payer_codes
from payments.money import format_vnd
from payments.notices import class_texts
from payments.notices.audience import Question, due_on
from payments.notices.outside import Outside
from payments.notices.rules import Channel, Kind
from payments.orders.service import _asked_for
from payments.paper import queries as paper
from payments.paper.rules import slips
from payments.vietqr import VietQR, decode
from tests.payments.inbox.callers import make_sender
from tests.payments.portal.homes import Homes, homes
from tests.payments.settlement.setting import Issued, issue, open_round, take_out

pytestmark = pytest.mark.db
MEALS_VND, CLUB_VND, BESIDE_VND = 100_000, 15_000, 80_000
BORN = "02/03/2019"


@dataclass
class Everywhere:
    """All places that ask for the money of one notice of An."""

    home: Homes
    invoice: Issued
    round_id: int
    connection_id: int
    key: str
    family: str

    def scanned(self, address: str) -> VietQR | None:
        answer = self.home.client.get(address)
        if answer.status_code == 404:
            return None
        return decode(zxingcpp.read_barcodes(Image.open(io.BytesIO(answer.data)))[0].text)

    def row(self, statement: str) -> str:
        with session_scope(self.home.faces.engine) as session:
            return str(session.scalar(text(statement), {"id": self.invoice.id, "pupil": self.home.here.pupil}))

    def page(self) -> int:
        page = self.home.page(f"/p/{self.home.an}")
        part = page.split(f'id="r{self.invoice.id}"')[1].split("</article>")[0]
        copied = re.findall(r'data-copy="(\d+)"[^>]*>[^<]*<[^>]*>[^<]*\d\.\d{3}|data-copy="(\d{4,7})"', part)
        return max((int(one or other) for one, other in copied), default=0)

    def picture(self) -> int:
        return self.amount(self.scanned(f"/p/{self.home.an}/qr/{self.invoice.reference}.png"))

    def bundle(self) -> int:
        beside = self.home.dues["an2"].reference
        address = self.home.together(self.home.an, self.invoice.reference, beside)
        return max(self.amount(self.scanned(f"{address}/qr.png")) - BESIDE_VND, 0)

    def family_page(self) -> int:
        mark = f'value="{self.invoice.reference}"'
        page = self.home.page(f"/p/{self.family}")
        if mark not in page:
            return 0
        return int(re.sub(r"\D", "", re.findall(r'class="money">([^<]+)<', page.split(mark)[1])[0]))

    def look_up(self) -> int:
        token = self.home.page("/tra-cuu").split('name="csrf_token" value="')[1].split('"')[0]
        given = {"csrf_token": token, "code": self.invoice.reference, "born": BORN}
        assert self.home.client.post("/tra-cuu", data=given).status_code == 303
        return self.amount(self.scanned(f"/tra-cuu/qr/{self.invoice.id}.png"))

    def software(self) -> int:
        told = self.home.client.get(
            f"/api/v1/invoices/{self.invoice.reference}", headers={"Authorization": f"Bearer {self.key}"}
        ).get_json()
        asked = self.amount(decode(told["qr_payload"]) if told["qr_payload"] else None)
        assert asked in {0, told["owed_vnd"]}
        return asked

    def slip(self) -> int:
        here = self.home.here
        with session_scope(self.home.faces.engine) as session:
            mine = slips(paper.invoices(session, here.id, self.round_id, here.class_room, here.pupil))
        return sum(one.invoice.due_vnd for one in mine if one.invoice.reference == self.invoice.reference)

    def counter(self) -> int:
        with session_scope(self.home.faces.engine) as session:
            code = session.scalar(
                text("SELECT code FROM payer_code WHERE pupil_id = :id"), {"id": self.home.here.pupil}
            )
            asked = text(OWED.replace("$1", ":connection").replace("$2", ":code"))
            rows = session.execute(asked, {"connection": self.connection_id, "code": code}).all()
        return sum(one.amount_vnd for one in Known.of(rows).to_pay.bills if one.bill_id == self.invoice.reference)

    def order(self) -> int:
        with session_scope(self.home.faces.engine) as session:
            try:
                return _asked_for(session, self.home.here.id, self.invoice.id)[1]
            except ConflictError:
                return 0

    def is_reminded(self) -> bool:
        with session_scope(self.home.faces.engine) as session:
            asked = Question(self.home.here.id, self.round_id, Kind.OVERDUE, Channel.EMAIL, self.home.here.pupil)
            return due_on(session, asked) is not None

    def class_text(self) -> str:
        faces = self.home.faces
        with session_scope(faces.engine) as session:
            about, languages = class_texts.for_paste(self.home.here.id, self.round_id, "both")
            outside = Outside.of(faces.settings)
            told = class_texts.texts_for(session, outside, about, self.home.here.class_room, languages)
        return told.group + "".join(line.text for line in told.lines)

    @staticmethod
    def amount(seen: VietQR | None) -> int:
        return 0 if seen is None else seen.amount_vnd or 0


@pytest.fixture
def everywhere(engine: Engine, database_url: str) -> Iterator[Everywhere]:
    with homes(engine, database_url) as home:
        sender = make_sender(engine, home.faces.settings, school=home.here)
        with session_scope(engine) as session:
            round_id = open_round(session, home.here)
            invoice = issue(session, home.here, MEALS_VND, CLUB_VND, round_id=round_id, chosen=False)
            ensure_payer_codes(session, home.here.id)
            _, key = add_key(
                session, home.here.id, name="Phần mềm", scopes=list(Scope), user_id=home.here.accountant,
                lives=timedelta(days=3),
            )  # fmt: skip
        yield Everywhere(home, invoice, round_id, sender.connection_id, key, home.family(home.binh))


def untouched(place: Everywhere) -> int:
    return MEALS_VND


def partly_paid(place: Everywhere) -> int:
    place.home.pay(place.home.here, 40_000, place.invoice.reference)
    return MEALS_VND - 40_000


def mandatory_paid(place: Everywhere) -> int:
    place.home.pay(place.home.here, MEALS_VND, place.invoice.reference)
    return 0


def declined(place: Everywhere) -> int:
    line = place.row("SELECT id FROM invoice_line WHERE invoice_id = :id AND NOT mandatory")
    here = f"/p/{place.home.an}"
    assert place.home.send(f"{here}/voluntary/{line}", here, declined="yes").status_code == 303
    return MEALS_VND


def replaced(place: Everywhere) -> int:
    with session_scope(place.home.faces.engine) as session:
        take_out(session, place.home.here, place.invoice, InvoiceState.REPLACED)
        place.invoice = issue(
            session, place.home.here, 70_000, CLUB_VND, round_id=place.round_id, replaces=place.invoice, chosen=False
        )
    return 70_000


@pytest.mark.parametrize("situation", [untouched, partly_paid, mandatory_paid, declined, replaced])
def test_every_place_asks_for_the_same_amount(everywhere: Everywhere, situation: Callable[[Everywhere], int]) -> None:
    owed_vnd = situation(everywhere)
    asked = {
        "page": everywhere.page(),
        "picture": everywhere.picture(),
        "bundle": everywhere.bundle(),
        "family": everywhere.family_page(),
        "look-up": everywhere.look_up(),
        "software": everywhere.software(),
        "slip": everywhere.slip(),
        "counter": everywhere.counter(),
    }
    assert asked == dict.fromkeys(asked, owed_vnd)
    assert everywhere.order() == owed_vnd, "what nobody chose is in no order"
    assert everywhere.is_reminded() == bool(owed_vnd)
    said = everywhere.class_text()
    assert format_vnd(owed_vnd or CLUB_VND) not in said, "a text that many read holds no amount"
    token = everywhere.home.an
    shown = everywhere.home.page(f"/p/{token}").split('data-version="')[1].split('"')[0]
    assert shown == everywhere.home.client.get(f"/p/{token}/status").get_json()["version"]


def test_a_closed_round_is_asked_for_by_no_code_and_by_no_paper(everywhere: Everywhere) -> None:
    address = everywhere.home.together(
        everywhere.home.an, everywhere.invoice.reference, everywhere.home.dues["an2"].reference
    )
    with session_scope(everywhere.home.faces.engine) as session:
        session.execute(
            text("UPDATE collection_round SET state = 'closed' WHERE id = :id"), {"id": everywhere.round_id}
        )
    assert (everywhere.page(), everywhere.picture(), everywhere.look_up(), everywhere.software()) == (0, 0, 0, 0)
    assert everywhere.scanned(f"{address}/qr.png") is None
    assert "đã đóng" in everywhere.home.page(address)
    assert "đã đóng" in everywhere.home.page("/tra-cuu/ket-qua")
    assert everywhere.bundle() == 0, "a new choice leaves it out"
    assert everywhere.family_page() == 0


def test_what_a_family_chose_is_asked_for_on_its_own_page_and_by_nobody_else(everywhere: Everywhere) -> None:
    line = everywhere.row("SELECT id FROM invoice_line WHERE invoice_id = :id AND NOT mandatory")
    here = f"/p/{everywhere.home.an}"
    assert everywhere.home.send(f"{here}/voluntary/{line}", here, chosen="yes").status_code == 303
    own = (everywhere.page(), everywhere.picture(), everywhere.look_up(), everywhere.order())
    assert own == (MEALS_VND + CLUB_VND,) * 4
    others = (everywhere.bundle(), everywhere.software(), everywhere.slip(), everywhere.counter())
    assert others == (MEALS_VND,) * 4
    everywhere.home.pay(everywhere.home.here, MEALS_VND, everywhere.invoice.reference)
    own = (everywhere.page(), everywhere.picture(), everywhere.look_up(), everywhere.order())
    assert own == (CLUB_VND,) * 4
    assert (everywhere.bundle(), everywhere.software(), everywhere.slip(), everywhere.counter()) == (0,) * 4
    assert not everywhere.is_reminded()
