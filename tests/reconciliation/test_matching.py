"""The keys of the vocabulary, each by the smallest case that shows it; and what is no exception."""

from datetime import date

from payments.banking.rules import Tariff
from reconciliation.facts import Days, Scope
from reconciliation.movements import PRECEDENCE
from tests.reconciliation.makers import MONTH, NO_BOOKS, bank, classes, gateway, judged, ledger, on

X, Y, Z = "HP7K3M9Q2XAT", "HPAAAAAAAAA1", "HPBBBBBBBBB2"


def test_a_clean_set_gives_no_alarm():
    sets = [
        (bank(500_000, X, number="FT1"), gateway(500_000, X, number="FT1"), ledger(500_000, X)),
        (bank(500_000, Y), gateway(500_000, Y), ledger(500_000, Y, day=8)),
        (bank(700_000), gateway(700_000), ledger(700_000)),
    ]
    assert classes(*(fact for facts in sets for fact in facts)) == ["matched"] * 3


def test_the_rule_of_a_match_says_its_evidence():
    assert judged(bank(5, number="A1"), gateway(5, number="A1"))[0].rules == ("T0",)
    assert judged(bank(5, X), gateway(5, X))[0].rules == ("T1",)
    assert judged(bank(5), gateway(5))[0].rules == ("T2",)
    parts = judged(bank(5, X), gateway(5, X), ledger(2, X), ledger(3, X))
    assert [case.rules for case in parts] == [("T1", "T3")]


def test_closed_period():
    case = judged(bank(5, X, after_close=True), gateway(5, X), ledger(5, X))[0]
    assert case.primary_class == "closed_period"


def test_duplicate_in_the_statement():
    twice = [bank(500_000, X, number="FT1"), bank(500_000, X, number="FT1")]
    assert classes(*twice, gateway(500_000, X, number="FT1"), scope=NO_BOOKS) == ["duplicate", "matched"]


def test_duplicate_at_the_gateway():
    twice = [gateway(500_000, X, number="FT1"), gateway(500_000, X, number="FT1")]
    assert classes(*twice, bank(500_000, X, number="FT1"), scope=NO_BOOKS) == ["duplicate", "matched"]


def test_duplicate_in_the_books():
    paid = (bank(500_000, X), gateway(500_000, X))
    assert classes(*paid, ledger(500_000, X), ledger(500_000, X, day=9)) == ["duplicate", "matched"]


def test_duplicate_in_the_books_without_reference():
    paid = (bank(500_000), gateway(500_000))
    assert classes(*paid, ledger(500_000), ledger(500_000, occurrence=2)) == ["duplicate", "matched"]


def test_ambiguous():
    facts = (bank(500_000), gateway(500_000, X), gateway(500_000, Y))
    cases = judged(*facts, ledger(500_000, X), ledger(500_000, Y))
    assert [case.primary_class for case in cases] == ["ambiguous"]
    assert (len(cases[0].gateways), len(cases[0].ledgers)) == (2, 2)


def test_ambiguous_in_the_books():
    paid = [fact for name in (X, Y, Z) for fact in (bank(500_000, name), gateway(500_000, name))]
    assert classes(*paid, ledger(500_000), ledger(500_000)) == ["ambiguous"]


def test_amount_diff_between_bank_and_gateway():
    assert classes(bank(550_000, X), gateway(500_000, X), ledger(550_000, X)) == ["amount_diff"]
    assert classes(bank(550_000, number="FT1"), gateway(500_000, number="FT1"), ledger(550_000)) == ["amount_diff"]


def test_amount_diff_between_bank_and_books():
    assert classes(bank(500_000, X), gateway(500_000, X), ledger(450_000, X)) == ["amount_diff"]


def test_amount_diff_said_by_the_sender_itself():
    assert classes(bank(500_000, X), gateway(500_000, X, conflicting=True), scope=NO_BOOKS) == ["amount_diff"]


def test_missing_bank():
    assert classes(gateway(500_000, X)) == ["missing_bank"]
    assert classes(gateway(500_000, X), ledger(500_000, X)) == ["missing_bank"]


def test_missing_bank_is_judged_by_proved_statements_only():
    assert classes(gateway(500_000, X), scope=Scope(*MONTH)) == ["not_due"]
    covered = Scope(*MONTH, bank_proved=Days(((on(1), on(6)),)))
    assert classes(gateway(500_000, X, due=on(7)), scope=covered) == ["not_due"]


def test_missing_gateway():
    case = judged(bank(500_000, X))[0]
    assert case.keys == ("missing_gateway", "missing_ledger")


def test_money_out_without_callback_is_no_exception():
    assert classes(bank(11_000, way="debit"), scope=NO_BOOKS) == ["not_due"]


def test_missing_ledger():
    assert classes(bank(500_000, X), gateway(500_000, X)) == ["missing_ledger"]


def test_missing_ledger_is_judged_on_days_of_imported_books_only():
    books = Scope(*MONTH, bank_proved=Days((MONTH,)), ledger=Days(((on(1), on(5)),)))
    assert classes(bank(500_000, X), gateway(500_000, X), scope=books) == ["matched"]


def test_only_ledger():
    assert [case.keys for case in judged(ledger(500_000, X))] == [("only_ledger",)]


def test_only_ledger_marks_cash():
    paid = (bank(500_000, X), gateway(500_000, X))
    cases = judged(*paid, ledger(500_000, X, is_cash=True))
    assert sorted(case.keys for case in cases) == [("missing_ledger",), ("only_ledger", "cash")]


def test_fee_netted_by_tariff():
    payments = [gateway(500_000, X), gateway(300_000, Y)]
    cases = judged(bank(795_600, day=7), *payments, scope=NO_BOOKS, tariffs=[Tariff(1_000, 30)])
    assert [(case.primary_class, case.note) for case in cases] == [("fee_netted", "fee_vnd=4400")]


def test_fee_netted_as_the_line_states():
    paid = (gateway(500_000, X), bank(489_000, day=7, stated_fee_vnd=11_000))
    assert classes(*paid, scope=NO_BOOKS) == ["fee_netted"]


def test_fee_netted_leaves_out_the_one_payment_that_did_not_arrive():
    payments = [gateway(vnd, f"HP{vnd:09d}0") for vnd in (500_000, 300_000, 200_000, 200_000)]
    tariff = Tariff(0, 100)
    cases = judged(bank(693_000, day=7), *payments, scope=NO_BOOKS, tariffs=[tariff])
    assert sorted((case.primary_class, len(case.gateways)) for case in cases) == [
        ("fee_netted", 3),
        ("missing_bank", 1),
    ]
    # Which of two equal payments is absent, nobody can say.
    cases = judged(bank(990_000, day=7), *payments, scope=NO_BOOKS, tariffs=[tariff])
    assert "fee_netted" not in {case.primary_class for case in cases}


def test_fee_netted_is_never_guessed():
    assert classes(gateway(500_000, X), bank(489_000, day=7), scope=NO_BOOKS) == ["missing_bank", "missing_gateway"]
    rivals = [bank(489_000, day=7, stated_fee_vnd=11_000) for _ in range(2)]
    assert classes(gateway(500_000, X), *rivals, scope=NO_BOOKS).count("fee_netted") == 0


def test_fee_netted_takes_the_books_before_the_fee():
    paid = (gateway(500_000, X), bank(489_000, X, day=7, stated_fee_vnd=11_000))
    assert [len(case.ledgers) for case in judged(*paid, ledger(500_000, X))] == [1]


def test_date_cutoff_on_another_business_day():
    facts = (bank(500_000, X, day=7), gateway(500_000, X, day=6, due=on(7)), ledger(500_000, X))
    assert classes(*facts) == ["date_cutoff"]


def test_date_cutoff_knows_weekends_and_holidays():
    facts = (bank(500_000, X, day=6), gateway(500_000, X, day=4), ledger(500_000, X))
    assert classes(*facts) == ["matched"]
    facts = (bank(500_000, X, day=8), gateway(500_000, X, day=7), ledger(500_000, X))
    assert classes(*facts, holidays=[on(7)]) == ["matched"]


def test_date_cutoff_of_books_in_another_month():
    facts = (bank(500_000, X, day=31), gateway(500_000, X, day=31))
    rows = [ledger(500_000, X, day=31)]
    assert classes(*facts, *rows) == ["matched"]
    late = [type(row)(row.id, date(2025, 11, 3), row.direction, row.amount_vnd, row.references) for row in rows]
    assert classes(*facts, *late) == ["date_cutoff"]


def test_two_true_equal_payments_stay_two():
    facts = [fact for _ in range(2) for fact in (bank(500_000, X), gateway(500_000, X), ledger(500_000, X))]
    assert classes(*facts) == ["matched", "matched"]
    nameless = [fact for _ in range(2) for fact in (bank(500_000), gateway(500_000), ledger(500_000))]
    assert classes(*nameless) == ["matched", "matched"]


def test_the_second_of_two_equal_payments_can_miss_its_callback():
    lines = [bank(500_000, X, number="FT1"), bank(500_000, X, number="FT2")]
    facts = [*lines, gateway(500_000, X, number="FT2"), ledger(500_000, X), ledger(500_000, X)]
    cases = judged(*facts)
    assert sorted(case.primary_class for case in cases) == ["matched", "missing_gateway"]
    [matched] = [case for case in cases if case.primary_class == "matched"]
    assert matched.banks[0].bank_reference == "FT2"


def test_a_class_that_pays_one_amount_without_codes_in_the_books_is_matched():
    names = [f"HP{number:09d}0" for number in range(30)]
    paid = [fact for name in names for fact in (bank(500_000, name), gateway(500_000, name))]
    assert classes(*paid, *(ledger(500_000) for _ in names)) == ["matched"] * 30


def test_one_posting_for_a_day_books_all_of_it():
    paid = [fact for vnd, name in ((1_000, X), (2_000, Y)) for fact in (bank(vnd, name), gateway(vnd, name))]
    [case] = judged(*paid, ledger(3_000))
    assert (case.primary_class, case.rules, len(case.banks)) == ("matched", ("T1", "T3"), 2)


def test_a_reversal_that_the_books_do_not_show_is_no_exception():
    paid, back = bank(500_000, X, transaction_id=901), bank(500_000, X, way="debit", reverses_id=901)
    cases = judged(paid, gateway(500_000, X), back)
    assert sorted(case.keys for case in cases) == [("matched", "reversed"), ("not_due", "reversed")]


def test_a_reversal_is_missing_in_books_that_show_the_payment():
    paid, back = bank(500_000, X, transaction_id=902), bank(500_000, X, way="debit", reverses_id=902)
    cases = judged(paid, gateway(500_000, X), back, ledger(500_000, X))
    assert sorted(case.keys for case in cases) == [("matched", "reversed"), ("missing_ledger", "reversed")]


def test_what_the_inbox_attached_is_one_movement():
    paid = gateway(500_000, X, day=1)
    line = bank(500_000, Y, day=28, transaction_id=paid.id)
    assert [len(case.banks) + len(case.gateways) for case in judged(line, paid, scope=NO_BOOKS)] == [2]


def test_the_primary_class_is_the_first_that_applies():
    case = judged(bank(5, X, after_close=True))[0]
    assert case.keys == ("closed_period", "missing_gateway", "missing_ledger")
    assert list(case.keys) == sorted(case.keys, key=PRECEDENCE.index)


# --- bundles: the bank names the bundle, the books what it paid


def test_the_books_may_name_each_invoice_that_a_bundle_paid():
    rows = [ledger(60_000, "A", bundles=("B",)), ledger(40_000, "C", bundles=("B",))]
    [case] = judged(bank(100_000, "B"), gateway(100_000, "B"), *rows)
    assert (case.primary_class, len(case.ledgers)) == ("matched", 2)
    assert classes(bank(100_000, "B"), gateway(100_000, "B"), ledger(100_000, "B")) == ["matched"]
    assert classes(bank(100_000, "B"), gateway(100_000, "B"), ledger(100_000, "A", "C", bundles=("B",))) == ["matched"]


def test_a_row_of_a_direct_payment_stays_with_it_though_a_bundle_lists_its_invoice():
    direct = [bank(60_000, "A"), gateway(60_000, "A"), ledger(60_000, "A", bundles=("B",))]
    pooled = [bank(40_000, "B"), gateway(40_000, "B"), ledger(40_000, "C", bundles=("B",))]
    assert classes(*direct, *pooled) == ["matched", "matched"]


def test_teeth_rows_that_come_to_another_sum_are_not_put_on_a_bundle():
    assert classes(bank(100_000, "B"), gateway(100_000, "B"), ledger(60_000, "A", bundles=("B",))) == [
        "missing_ledger",
        "only_ledger",
    ]
