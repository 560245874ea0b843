"""Every key of the reconciliation vocabulary from real callbacks, statements and books; and each detector's teeth."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from payments import clock
from payments.banking.models import BorneBy, ChannelKind
from payments.banking.rules import Tariff
from payments.banking.service import add_channel
from reconciliation import balances, booking, matching, pairing, words
from reconciliation.models import RunState
from reconciliation.movements import PRECEDENCE
from tests.house import text_of
from tests.reconciliation.desk import DAY, OPENING, line, row
from tests.reconciliation.makers import SCOPE, bank, gateway, judged, ledger, on

X_VND = 100_000
NEXT = date(2025, 9, 11)


def classes(desk, run) -> dict[str, int]:
    return dict(Counter(item.primary_class for item in desk.items(run)))


def test_pages_list_what_is_matched_first_then_classes_by_precedence_then_what_is_not_due():
    found = dict.fromkeys(sorted([*PRECEDENCE, "matched", "not_due"]), 1)
    assert [key for key, _ in words.in_order(found)] == ["matched", *PRECEDENCE, "not_due"]


def test_amounts_of_a_statement_that_contradicts_itself_are_told_in_thousands():
    assert words.grouped("saoke.xlsx!dòng 28: 44870000 ≠ -44871000") == "saoke.xlsx!dòng 28: 44.870.000 ≠ -44.871.000"
    assert words.grouped("phí 4.400 đồng") == "phí 4.400 đồng"


def test_balance_break(desk):
    desk.state(line(X_VND, "x", "FT1"), closing_vnd=OPENING + X_VND + 7)
    run = desk.night()
    [item] = [item for item in desk.items(run) if item.primary_class == "balance_break"]
    assert (run.state, item.amount_vnd, run.proof["ok"]) == (RunState.FAILED, 7, False)


def test_closed_period(desk):
    one = desk.issue(X_VND)
    with clock.turned_to(datetime(2025, 9, 11, 1, tzinfo=UTC)):
        desk.state(opening=OPENING)
        signed = desk.night()
        desk.sign(DAY)
    with clock.turned_to(datetime(2025, 9, 12, 1, tzinfo=UTC)):
        desk.pay(X_VND, one.reference, "FT1")
        desk.state(line(X_VND, one.reference, "FT1", day=NEXT), days=(NEXT, NEXT))
        run = desk.night(NEXT)
    assert (run.state, run.exceptions) == (RunState.PROVED, {"closed_period": 1})
    assert [list(item.flags) for item in desk.items(run)] == [["date_cutoff"]]
    # The signed night stays as it was signed.
    assert desk.night().id == signed.id


def test_duplicate(desk):
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT1")
    desk.state(*[line(X_VND, one.reference, "FT1")] * 2)
    desk.book(*[row(X_VND, f"Thu {one.reference}", code="1121")] * 2)
    run = desk.night()
    assert classes(desk, run) == {"matched": 1, "duplicate": 1}
    desk.book(*[row(X_VND, f"Thu {one.reference}", code="1121")] * 3)
    assert classes(desk, desk.night()) == {"matched": 1, "duplicate": 2}


def test_ambiguous(desk):
    one, two = desk.issue(X_VND), desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT1")
    desk.pay(X_VND, two.reference, "FT2")
    desk.state(line(X_VND, "NGUYEN VAN MAU chuyen tien"))
    run = desk.night()
    assert run.exceptions == {"ambiguous": 1}
    [item] = desk.items(run)
    assert (len(item.bank_line_ids), len(item.transaction_ids)) == (1, 2)
    assert desk.rows("SELECT DISTINCT state FROM invoice_balance") == [("paid",)]


def test_amount_diff(desk):
    one, two = desk.issue(X_VND), desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT1")
    desk.call(X_VND, two.reference, txn_id=77, referenceCode="FT2")
    desk.call(X_VND + 9, two.reference, txn_id=77, referenceCode="FT2")
    desk.state(line(X_VND + 5, one.reference, "FT1"), line(X_VND, two.reference, "FT2"))
    run = desk.night()
    assert run.exceptions == {"amount_diff": 2}
    assert {len(item.evidence_ids) for item in desk.items(run)} == {1}


def test_missing_bank(desk):
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT1")
    desk.state(opening=OPENING)
    assert desk.night().exceptions == {"missing_bank": 1}


def test_missing_gateway(desk):
    desk.state(line(X_VND, desk.issue(X_VND).reference, "FT1"))
    assert desk.night().exceptions == {"missing_gateway": 1}


def test_missing_ledger(desk):
    one, two = desk.issue(X_VND), desk.issue(X_VND)
    for number, paid in enumerate((one, two)):
        desk.pay(X_VND, paid.reference, f"FT{number}")
    desk.state(*(line(X_VND, paid.reference, f"FT{number}") for number, paid in enumerate((one, two))))
    desk.book(row(X_VND, f"Thu {one.reference}", code="1121"))
    run = desk.night()
    assert (run.matched, run.exceptions) == (1, {"missing_ledger": 1})


def test_only_ledger(desk):
    one = desk.issue(X_VND)
    desk.state(opening=OPENING)
    desk.book(row(X_VND, f"Thu {one.reference}", code="1121"), row(5_000, "Tiền mặt", code="1111"))
    run = desk.night()
    assert run.exceptions == {"only_ledger": 2}
    assert sorted(list(item.flags) for item in desk.items(run)) == [[], ["cash"]]


def test_fee_netted(desk):
    paid = [desk.issue(vnd) for vnd in (500_000, 300_000)]
    with desk.session() as session:
        add_channel(
            session,
            desk.school.id,
            desk.school.account,
            name="Ví",
            kind=ChannelKind.WALLET,
            cost_per_10000=110,
            borne_by=BorneBy.SCHOOL,
            actor_id=desk.school.accountant,
        )
    for number, (vnd, one) in enumerate(zip((500_000, 300_000), paid, strict=True)):
        desk.pay(vnd, one.reference, f"W{number:06d}")
    desk.state(line(791_200, "VI DIEN TU QUYET TOAN", "FT9", day=NEXT), days=(DAY, NEXT))
    run = desk.night(NEXT)
    assert run.exceptions == {"fee_netted": 1}
    assert [(item.note, len(item.transaction_ids)) for item in desk.items(run)] == [("fee_vnd=8800", 2)]


def test_date_cutoff(desk):
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT1", at="23:40:00")
    desk.state(line(X_VND, one.reference, "FT1", day=NEXT), days=(DAY, NEXT))
    assert desk.night(NEXT).exceptions == {"date_cutoff": 1}


def test_a_reversal_is_matched_on_both_sides_and_no_exception(desk):
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT1")
    desk.state(line(X_VND, one.reference, "FT1"), line(X_VND, one.reference, "FT1", direction="debit", reversal=True))
    run = desk.night()
    assert (run.state, run.exceptions) == (RunState.PROVED, {})
    assert desk.rows("SELECT state FROM invoice_balance") == [("open",)]
    assert run.proof["money"]["reversed_vnd"] == X_VND


def test_every_key_stands_in_the_glossary_and_has_a_test_of_its_name():
    glossary, here = text_of("docs/glossary.md"), text_of("tests/reconciliation/test_vocabulary.py")
    for key in PRECEDENCE:
        assert f"| {key} |" in glossary
        assert f"def test_{key}(" in here


NAMES = [f"HP{number:09d}0" for number in range(20)]
OTHER = "HP9999999990"


def planted() -> list[object]:
    """Two weeks with one of each, and ordinary payments between them."""
    fine = [fact for name in NAMES[10:] for fact in (bank(9_000, name), gateway(9_000, name), ledger(9_000, name))]
    return [
        *fine,
        *(bank(10_000, NAMES[0], after_close=True), gateway(10_000, NAMES[0]), ledger(10_000, NAMES[0])),
        *(bank(11_000, NAMES[1], number="FTDUP1"), bank(11_000, NAMES[1], number="FTDUP1")),
        *(gateway(11_000, NAMES[1], number="FTDUP1"), ledger(11_000, NAMES[1])),
        *(bank(11_500, OTHER), gateway(11_500, OTHER), ledger(11_500, OTHER), ledger(11_500, OTHER, day=7)),
        *(bank(12_000), gateway(12_000, NAMES[2]), gateway(12_000, NAMES[3])),
        *(ledger(12_000, NAMES[2]), ledger(12_000, NAMES[3])),
        *(bank(13_000, NAMES[4]), gateway(13_500, NAMES[4]), ledger(13_000, NAMES[4])),
        *(gateway(14_000, NAMES[5]), ledger(14_000, NAMES[5])),
        *(bank(15_000, NAMES[6]), ledger(15_000, NAMES[6])),
        *(bank(16_000, NAMES[7]), gateway(16_000, NAMES[7])),
        *(ledger(17_000), ledger(17_500, is_cash=True)),
        *(gateway(18_000, NAMES[8], day=8), bank(17_820, day=9), ledger(18_000, NAMES[8], day=8)),
        *(gateway(19_000, NAMES[9], day=8), bank(19_000, NAMES[9], day=9), ledger(19_000, NAMES[9], day=9)),
    ]


def found() -> Counter[str]:
    return Counter(case.primary_class for case in judged(*planted(), scope=SCOPE, tariffs=[Tariff(0, 100)]))


EXPECTED = Counter(
    matched=12,
    closed_period=1,
    duplicate=2,
    ambiguous=1,
    amount_diff=1,
    missing_bank=1,
    missing_gateway=1,
    missing_ledger=1,
    only_ledger=2,
    fee_netted=1,
    date_cutoff=1,
)


def test_what_was_planted_is_found_and_nothing_else():
    assert found() == EXPECTED


def nothing(*_args: object, **_named: object) -> list[object]:
    return []


def unable(*_args: object, **_named: object) -> bool:
    return False


BLINDED = {
    "closed_period": (matching, "_after_close", unable),
    "duplicate in the statement": (pairing.Pool, "set_duplicates_aside", nothing),
    "duplicate in the books": (booking.Desk, "set_duplicates_aside", nothing),
    "ambiguous": (pairing.Pool, "claim", nothing),
    "amount_diff": (pairing.Pool, "differ", nothing),
    "missing and only": (matching, "_absences", nothing),
    "fee_netted": (pairing.Pool, "settle_batches", nothing),
    "date_cutoff": (matching, "_shifted", unable),
    "the books": (matching, "book", lambda movements, *_: movements),
}


@pytest.mark.parametrize("blinded", BLINDED)
def test_a_blinded_detector_is_noticed(blinded, monkeypatch):
    monkeypatch.setattr(*BLINDED[blinded])
    assert found() != EXPECTED


BROKEN = {
    "_own_break": [(1, 1, 10, 10, {"proved": False, "break_at": "x", "break_vnd": 1})],
    "_chain_breaks": [(1, 1, 10, 10, {}), (2, 2, 11, 11, {})],
    "_end_breaks": [(1, 1, 10, 12, {})],
}


@pytest.mark.parametrize("detector", BROKEN)
def test_a_blinded_balance_proof_is_noticed(detector, monkeypatch):
    statements = [statement_fact(*balances_of, **more) for *balances_of, more in BROKEN[detector]]
    assert [found.statement_id for found in balances.prove(on(1), on(2), statements, {}).breaks] != []
    others = {"_own_break": ["_end_breaks"], "_chain_breaks": ["_end_breaks"]}.get(detector, [])
    for name in (detector, *others):
        monkeypatch.setattr(balances, name, (lambda *_: None) if name == "_own_break" else nothing)
    assert balances.prove(on(1), on(2), statements, {}).ok


def statement_fact(first: int, last: int, opening: int, closing: int, **more) -> balances.StatementFact:
    values = {"sequence": None, "proved": True} | more
    return balances.StatementFact(first, on(first), on(last), opening, closing, **values)
