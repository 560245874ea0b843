"""A bank that asks for bills: what it is told, what a paid bill must be, and that it brings money once."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, text

from bank_adapters.contract import Answer, Request
from payments.db import session_scope
from payments.inbox import receiving
from payments.inbox.billing import short_name
from payments.invoices.payer_codes import PREFIX, ensure_payer_codes, generate
from payments.settings import Settings
from payments.settlement.service import settle_school
from tests.payments.inbox.callers import Sender, Shell, make_sender
from tests.payments.settlement.setting import Issued, issue, state_of

pytestmark = pytest.mark.db

SECRET = "biller-test-secret"
AMOUNT_VND = 115_000


@dataclass(frozen=True)
class Place:
    """A school whose bank asks for bills, and the one open bill of its pupil."""

    shell: Shell
    engine: Engine
    sender: Sender
    bill: Issued
    code: str

    def ask(self, code: str | None = None) -> dict[str, Any]:
        customer = code or self.code
        return self.call("getbill", {"customer_id": customer, "service_id": "HP"}, f"HP{customer}")

    def pay(self, txn_id: str, amount_vnd: int = AMOUNT_VND, **changed: str) -> dict[str, Any]:
        paid = {"trans_id": txn_id, "trans_date": "20250910081530", "customer_id": self.code, "service_id": "HP",
                "bill_id": self.bill.reference, "amount": str(amount_vnd), **changed}  # fmt: skip
        return self.call("paybill", paid, f"{paid['trans_id']}{paid['bill_id']}{paid['amount']}")

    def call(self, operation: str, document: dict[str, str], signed: str) -> dict[str, Any]:
        checksum = hashlib.md5((SECRET + signed).encode()).hexdigest()
        body = json.dumps({**document, "checksum": checksum}).encode()
        answer: Answer = self.shell.call(self.sender.url, Request("POST", operation, "", {}, body, "203.0.113.9"))
        return {"status": answer.status, **json.loads(answer.body)}

    def settled(self) -> tuple[str, int]:
        with session_scope(self.engine) as session:
            while settle_school(session, self.sender.school.id).taken:
                pass
        with session_scope(self.engine) as session:
            return state_of(session, self.sender.school, self.bill)

    def count(self, table: str) -> int:
        with self.engine.connect() as connection:
            return connection.scalar(
                text(f"SELECT count(*) FROM {table} WHERE school_id = :id"), {"id": self.sender.school.id}
            )


@pytest.fixture
def place(shell: Shell, door_engine: Engine, door_settings: Settings) -> Place:
    sender = make_sender(door_engine, door_settings, adapter="bidv_biller", secret={"secret": SECRET})
    with session_scope(door_engine) as session:
        bill = issue(session, sender.school, AMOUNT_VND)
        ensure_payer_codes(session, sender.school.id)
        assert ensure_payer_codes(session, sender.school.id) == 0
        code = session.scalar(
            text("SELECT code FROM payer_code WHERE school_id = :id AND pupil_id = :pupil"),
            {"id": sender.school.id, "pupil": sender.school.pupil},
        )
    return Place(shell, door_engine, sender, bill, code)


def test_a_counter_asks_for_what_is_mandatory_and_for_nothing_that_nobody_chose(place: Place) -> None:
    with session_scope(place.engine) as session:
        half = issue(session, place.sender.school, 60_000, 15_000)
        issue(session, place.sender.school, 0, 20_000)
    told = {bill["bill_id"]: bill["amount"] for bill in place.ask()["data"]}
    assert told == {place.bill.reference: AMOUNT_VND, half.reference: 60_000}


def test_the_bank_is_told_what_is_open_under_a_shortened_name(place: Place) -> None:
    told = place.ask()
    assert told["result_code"] == "000"
    assert told["data"] == [{"type": 1, "amount": AMOUNT_VND, "bill_id": place.bill.reference}]
    assert told["customer_name"].isascii()
    assert place.count("evidence") == 0


def test_a_paid_bill_brings_its_money_once(place: Place) -> None:
    assert place.pay("T1")["result_code"] == "000"
    assert place.settled() == ("paid", AMOUNT_VND)
    assert place.pay("T1")["result_code"] == "000"
    assert place.settled() == ("paid", AMOUNT_VND)
    assert place.count("bank_transaction") == 1
    assert place.ask()["result_code"] == "012"


def test_a_bill_that_is_paid_already_is_called_so_and_its_money_is_kept_as_credit(place: Place) -> None:
    place.pay("T1")
    place.settled()
    again = place.pay("T2")
    assert (again["status"], again["result_code"]) == (200, "023")
    place.settled()
    assert place.count("pupil_credit") == 1


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"customer_id": "KH0000000000"}, "011"),
        ({"bill_id": "HP0000000000"}, "021"),
        ({"amount": str(AMOUNT_VND + 1)}, "022"),
    ],
)
def test_what_does_not_belong_together_is_refused_before_the_payer_is_debited(
    place: Place, changed: dict[str, str], code: str
) -> None:
    refused = place.pay("T1", **changed)
    assert (refused["status"], refused["result_code"]) == (400, code)
    assert place.count("evidence") == 0
    assert place.settled() == ("open", 0)


def test_a_digit_moved_between_bill_and_amount_pays_nothing(place: Place) -> None:
    """The joined text is the same, so the checksum is right."""
    moved = place.pay("T1", bill_id=place.bill.reference[:-1], amount=f"{place.bill.reference[-1]}{AMOUNT_VND}")
    assert moved["status"] == 400
    assert place.count("evidence") == 0


def test_without_the_look_up_a_stranger_s_bill_would_be_paid(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Teeth: the signature alone says nothing of the customer."""
    monkeypatch.setattr(receiving, "judge", lambda paid, owed: receiving.Outcome.accepted)
    assert place.pay("T1", customer_id="KH0000000000")["result_code"] == "000"


def test_another_school_s_pupil_is_as_unknown_as_nobody(
    place: Place, shell: Shell, door_engine: Engine, door_settings: Settings
) -> None:
    other = make_sender(door_engine, door_settings, adapter="bidv_biller", secret={"secret": SECRET})
    stranger = Place(shell, door_engine, other, place.bill, place.code)
    assert stranger.ask() == stranger.ask("KH0000000000")
    assert stranger.pay("T1")["result_code"] == "011"
    assert place.settled() == ("open", 0)


def test_while_somebody_tries_codes_no_name_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell_of(place)._budget, "_per_hour", 5)
    name = place.ask()["customer_name"]
    refusals = {str(place.ask(generate())) for _ in range(6)}
    assert len(refusals) == 1
    told = place.ask()
    assert told["customer_name"] == "HOC SINH" != name
    assert told["data"] == [{"type": 1, "amount": AMOUNT_VND, "bill_id": place.bill.reference}]
    assert place.pay("T1")["result_code"] == "000"


def shell_of(place: Place) -> Any:
    """What the door of this process keeps in mind between requests."""
    door: Any = place.shell.door  # type: ignore[attr-defined]
    return door._shell() if callable(door._shell) else door._shell


def test_a_customer_code_is_drawn_and_names_nobody() -> None:
    codes = {generate() for _ in range(100)}
    assert len(codes) == 100
    assert all(code.startswith(PREFIX) and len(code) == 12 for code in codes)
    assert short_name("Nguyễn Thị Mỹ Bình") == "NGUYEN T. M. BINH"
    assert short_name("Đỗ An") == "DO AN"


def test_a_text_that_cannot_be_stored_is_refused_in_the_bank_s_words(place: Place) -> None:
    refused = place.pay("T\0", trans_date="20250910081530")
    assert (refused["status"], refused["result_code"]) == (400, "001")
    assert place.count("evidence") == 0
