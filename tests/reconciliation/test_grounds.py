"""Every join says by which rule, between whom and on what it rests; in the store, on the page, in workbook and JSON."""

import io
import json

import msgspec
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from payments.banking.rules import Tariff
from reconciliation import grounds, reasons
from reconciliation.movements import MATCHED
from reconciliation.reports import content, workbook
from tests.reconciliation.desk import line, row
from tests.reconciliation.makers import NO_BOOKS, bank, gateway, judged, ledger
from tests.reconciliation.test_matching_properties import facts
from tests.reconciliation.worlds import TARIFF, world_of

X, Y = "HP7K3M9Q2XAT", "HPAAAAAAAAA1"


def why(*given_facts, **more) -> list[str]:
    return [reasons.why_vi(json.loads(grounds.as_json(case.grounds))) for case in judged(*given_facts, **more)]


def test_one_bank_reference_is_told_with_its_number():
    [told] = why(bank(500_000, number="FT1"), gateway(500_000, number="FT1"), ledger(500_000, document=""))
    assert told == (
        "Sao kê – báo có: cùng số tham chiếu ngân hàng FT1 và số tiền 500.000 đồng (T0). "
        "Sổ kế toán: khoản duy nhất cùng số tiền 500.000 đồng trong những ngày đó (T2)."
    )


def test_payment_references_documents_and_days_are_told():
    [told] = why(bank(5_000, X, number="FT0000001"), gateway(5_000, X), ledger(5_000, X, day=8))
    assert told == (
        f"Sao kê – báo có: cùng mã thanh toán {X} và số tiền 5.000 đồng (T1). "
        f"Sổ kế toán: cùng mã thanh toán {X} và số tiền 5.000 đồng, sau 2 ngày (T1)."
    )
    told = why(bank(5_000, number="FT0000001"), gateway(5_000), ledger(5_000, document="FT0000001"))
    assert "Sổ kế toán: cùng số tham chiếu ngân hàng FT0000001 và số tiền 5.000 đồng (T0)." in told[0]


def test_what_the_inbox_attached_is_told_as_such():
    paid = gateway(5_000, X)
    [told] = why(bank(5_000, X, transaction_id=paid.id), paid, scope=NO_BOOKS)
    assert told.startswith("Sao kê – báo có: đã gắn vào một giao dịch ngân hàng; cùng mã thanh toán")
    assert told.endswith(f"{X} và số tiền 5.000 đồng (T1).")


def test_fees_are_told_with_who_knows_them():
    payments = [gateway(500_000, X), gateway(300_000, Y)]
    [told] = why(bank(795_600, day=7), *payments, scope=NO_BOOKS, tariffs=[Tariff(1_000, 30)])
    assert "một dòng cho 2 khoản, cộng 800.000 đồng, trừ phí 4.400 đồng (theo biểu phí) (T3)" in told
    [told] = why(gateway(500_000, X), bank(489_000, day=7, stated_fee_vnd=11_000), scope=NO_BOOKS)
    assert "trừ phí 11.000 đồng (dòng sao kê ghi rõ)" in told


def test_several_that_make_one_are_told():
    paid = (bank(5_000, X), gateway(5_000, X))
    assert f"2 phần cùng mã {X} cộng thành 5.000 đồng (T3)" in why(*paid, ledger(2_000, X), ledger(3_000, X))[0]
    both = [fact for name in (X, Y) for fact in (bank(5_000, name), gateway(5_000, name))]
    assert f"một dòng nêu mã {X}, {Y} cho 2 khoản, cộng 10.000 đồng (T3)" in why(*both, ledger(10_000, X, Y))[0]
    assert "ghi gộp theo ngày, 3 dòng, cộng 10.000 đồng (T3)" in why(*both, ledger(10_000))[0]
    halves = (bank(2_000, X), bank(3_000, X), gateway(5_000, X))
    assert f"Sao kê – báo có: 2 phần cùng mã {X} cộng thành 5.000 đồng (T3)." in why(*halves, scope=NO_BOOKS)[0]


def test_what_stands_together_without_being_a_match_says_why():
    assert why(bank(500, X), gateway(505, X), scope=NO_BOOKS) == [
        f"Sao kê – báo có: cùng mã thanh toán {X} nhưng khác số tiền."
    ]
    [told] = why(bank(500), gateway(500, X), gateway(500, Y), scope=NO_BOOKS)
    assert told == "Sao kê – báo có: 3 dòng đều có thể, không có căn cứ để chọn."
    lines = [bank(500, X, number="FT1") for _ in range(2)]
    told = why(*lines, gateway(500, X, number="FT1"), scope=NO_BOOKS)
    assert f"Sao kê: ghi lại lần nữa số tham chiếu ngân hàng FT1 và mã thanh toán {X}." in told


def test_several_lines_of_a_day_booked_for_each_fund_or_later_are_one_case():
    paid = [fact for vnd, name in ((1_000, X), (2_000, Y)) for fact in (bank(vnd, name), gateway(vnd, name))]
    for rows in ([ledger(1_500), ledger(1_500)], [ledger(2_999), ledger(1)], [ledger(3_000, day=8)]):
        [case] = judged(*paid, *rows)
        assert (case.primary_class, case.rules[-1], len(case.ledgers)) == ("matched", "T3", len(rows))
    # Two days with one total, or two rows of it: nobody can say which.
    later = [(1_400, X), (1_600, Y)]
    again = [fact for vnd, name in later for fact in (bank(vnd, name, day=7), gateway(vnd, name, day=7))]
    assert "matched" not in {case.primary_class for case in judged(*paid, *again, ledger(3_000, day=8))}
    assert "matched" not in {case.primary_class for case in judged(*paid, ledger(3_000), ledger(3_000))}


@given(
    st.sampled_from(["", "FT0001", "FT0002"]),
    st.sampled_from([(), (X,), (X, Y)]),
    st.sampled_from([(), (X,), (X, Y)]),
    st.booleans(),
    st.integers(6, 9),
)
def test_the_grounds_of_a_simple_case_follow_from_its_three_facts_alone(number, said, booked, linked, day):
    """What another writer of items may rely on."""
    paid = gateway(5_000, *said, number=number)
    stated = bank(5_000, *said, number=number, transaction_id=paid.id if linked else None)
    noted = ledger(5_000, *booked, document="FT0001", day=day)
    [*cases] = judged(stated, paid, noted)
    if len(cases) > 1 or {"T2"} & set(cases[0].rules) or cases[0].primary_class not in {"matched", "date_cutoff"}:
        return
    assert cases[0].grounds == grounds.triple(stated, paid, noted)


@given(facts)
def test_whatever_is_joined_has_a_ground_and_every_ground_has_words(given_facts):
    for case in judged(*given_facts):
        together = len(case.banks) + len(case.gateways) + len(case.ledgers)
        assert bool(case.grounds) >= (together > 1)
        assert case.rules == tuple(dict.fromkeys(one.rule for one in case.grounds if one.rule))
        assert reasons.why_vi(json.loads(grounds.as_json(case.grounds))) or together == 1


@pytest.mark.parametrize("seed", range(3))
def test_the_grounds_of_a_match_account_for_all_its_facts(seed):
    for case in judged(*world_of(seed, faults=0).facts, tariffs=[TARIFF]):
        if case.primary_class == MATCHED and case.banks and case.gateways:
            between = [one.between for one in case.grounds]
            assert grounds.MONEY in between
            assert (grounds.BOOKS in between) == bool(case.ledgers)


def test_the_stored_form_is_the_same_every_time_and_can_be_read_back():
    stored = grounds.as_json(judged(bank(5, X), gateway(5, X), scope=NO_BOOKS)[0].grounds)
    assert stored == f'[{{"rule":"T1","how":"names","between":"bank+gateway","amount_vnd":5,"names":["{X}"]}}]'
    assert grounds.as_json(msgspec.json.decode(stored, type=list[grounds.Ground])) == stored


def test_a_run_keeps_grounds_and_every_form_of_the_report_tells_them(desk):
    one = desk.issue(100_000)
    desk.pay(100_000, one.reference, "FT25253000001")
    desk.state(line(100_000, one.reference, "FT25253000001"))
    desk.book(row(100_000, f"Thu {one.reference}"))
    run = desk.night()
    [item] = desk.items(run)
    assert [(ground["rule"], ground["how"]) for ground in item.grounds] == [("T0", "attached"), ("T1", "names")]
    with desk.session() as session:
        report = content.build(session, run.id)
    told = json.loads(content.as_json(report))["entries"][0]
    assert told["grounds"] == item.grounds
    assert "cùng số tham chiếu ngân hàng FT25253000001" in told["why"]
    assert told["facts"] == ["bank:1", "evidence:1", "ledger:1"]
    book = openpyxl.load_workbook(io.BytesIO(workbook.write(report)))
    assert told["why"] in [cell.value for cells in book["Khớp"].iter_rows() for cell in cells]


def test_items_that_were_kept_before_grounds_tell_their_rule(desk):
    desk.state(line(100_000, "x", "FT1"))
    run = desk.night()
    with desk.session() as session:
        session.execute(text("ALTER TABLE reconcile_item DISABLE TRIGGER append_only"))
        session.execute(text("UPDATE reconcile_item SET grounds = '[]', rule = 'T0+T1'"))
        [found] = content.build(session, run.id).entries
    assert found.why == "T0 cùng số tham chiếu ngân hàng; T1 cùng mã thanh toán"
