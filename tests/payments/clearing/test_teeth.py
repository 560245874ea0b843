"""Each safeguard of payouts is taken away in turn, and a scenario that needs it must fail."""

from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from payments.clearing import explaining, service
from payments.clearing.explaining import Desk
from payments.clearing.rules import Explanation
from payments.inbox import attaching
from payments.ledger.models import LedgerRole
from payments.settlement import booking, payouts
from tests.payments.clearing import test_persons, test_reports, test_service

pytestmark = pytest.mark.db


def keep_all(self: Desk, hits: Sequence[Explanation]) -> None:
    """Whatever comes first wins."""
    for hit in hits:
        if hit.line_id in {line.id for line in self.lines}:
            self.found.append(hit)
            self.lines = [line for line in self.lines if line.id != hit.line_id]
            self.withhold(hit.item_ids)


def nothing(*_args: object, **_named: object) -> list[int]:
    return []


def everybody_is_direct(monkeypatch: pytest.MonkeyPatch) -> None:
    told = attaching.told
    monkeypatch.setattr(attaching, "told", lambda row: told(row._replace(clearing_id=None)))


def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A payout whose sum nobody looks at."""
    monkeypatch.setattr(service, "_require_fee", nothing)

    def amounts(session: Session, school_id: int, payout: payouts.NewPayout):
        rows = session.execute(payouts.ITEMS_BY_ID, {"school_id": school_id, "ids": sorted(payout.item_ids)})
        return {row.id: row.amount_vnd for row in rows}, "unknown"

    monkeypatch.setattr(payouts, "_checked", amounts)


SAFEGUARDS = {
    "no guess among several": (
        lambda patch: patch.setattr(Desk, "keep", keep_all),
        test_service.test_two_explanations_are_none,
    ),
    "what holds no longer is dissolved": (
        lambda patch: patch.setattr(service, "dissolve", nothing),
        test_service.test_a_later_fact_that_gives_another_explanation_dissolves_the_first,
    ),
    "the wallet's money is not the bank's": (
        lambda patch: patch.setattr(booking, "place_of", lambda _transfer: LedgerRole.BANK),
        test_service.test_a_payment_pays_its_invoice_at_once_and_is_owed_by_the_wallet,
    ),
    "a report is believed before a tariff": (
        lambda patch: patch.setattr(Desk, "withhold", nothing),
        test_reports.test_what_a_report_tells_of_is_never_explained_otherwise,
    ),
    "a parent's transfer is a parent's": (
        lambda patch: patch.setattr(explaining, "fee_of", lambda line, items, _tariffs: sum(
            item.amount_vnd for item in items) - line.amount_vnd or 1),
        test_service.test_a_parent_s_transfer_that_names_an_invoice_is_no_payout,
    ),
    "a payout that the bank took back is none": (
        lambda patch: patch.setattr(payouts, "dissolve_of", nothing),
        test_service.test_the_bank_takes_the_payout_itself_back,
    ),
    "a person's no is kept": (
        lambda patch: patch.setattr(
            service, "explain", lambda lines, owed, announced, tariffs, _refused: explaining.explain(
                lines, owed, announced, tariffs)),
        test_persons.test_what_a_machine_explained_and_a_person_dissolved_stays_dissolved,
    ),
    "wallet and bank never meet": (
        everybody_is_direct,
        test_service.test_a_payment_of_the_wallet_never_meets_a_line_of_the_same_amount,
    ),
    "a payout adds up": (
        unchecked,
        test_persons.test_what_does_not_go_together_is_refused_and_moves_nothing,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAFEGUARDS)
def test_without_a_safeguard_its_scenario_fails(street, monkeypatch, name):
    take_away, scenario = SAFEGUARDS[name]
    take_away(monkeypatch)
    with pytest.raises((AssertionError, DBAPIError, pytest.fail.Exception)):
        scenario(street)


BROKEN = [
    ("UPDATE payout SET fee_vnd = fee_vnd + 1", "line of 98900 đồng"),
    ("UPDATE payout SET dissolved_at = made_at", "is payout in 0 live payouts"),
    ("UPDATE payout_item SET live = false", "does not belong to its payout"),
    ("UPDATE connection SET settles = 'direct', payout_days = NULL", "settles direct"),
    ("ALTER TABLE payout DISABLE TRIGGER keep_payout", "keep_payout"),
    ("UPDATE bank_transaction SET clearing_id = NULL", "does not belong to its payout"),
]


@pytest.mark.parametrize(("damage", "said"), BROKEN)
def test_doctor_names_a_broken_payout(street, damage, said):
    street.pays(street.issue())
    street.line(98_900)
    street.work()
    street.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    street.session.execute(text("SET LOCAL session_replication_role = replica"))
    street.session.execute(text(damage))
    assert said in {check.name: check.detail for check in street.broken()}["clearing"]
