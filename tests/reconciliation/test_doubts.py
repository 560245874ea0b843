"""Where no balances tell, nobody is credited twice and no payment is lost: a person says what a line is."""

import random
import time
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.sample_files import write_camt053, write_mt940, write_vietcombank
from payments.errors import DomainError
from reconciliation import doubts, statement_comparing
from reconciliation.doubts import Answer, SameLines, form_of, pairs_in_doubt
from reconciliation.models import RunState
from reconciliation.told_otherwise import Told
from tests.payments.settlement.bank import Bank
from tests.reconciliation.desk import DAY, line, statement
from tests.reconciliation.test_statement_import import balanced

BARE = {"opening_vnd": None, "closing_vnd": None}
NUMBER = "12345678901234567"


def bare(account: str, *lines):
    """An export that states no balance."""
    return write_camt053([replace(statement(account, lines), **BARE)])


def swept(account: str, who: str, number: str | None):
    """A day that ends as it began."""
    return balanced(account, [line(100_000, who, number), line(100_000, "quet", f"{who}0", direction="debit")])


def test_an_export_without_balances_that_words_a_payment_otherwise_credits_nobody_before_a_person_says_so(desk):
    one = desk.issue(100_000)
    desk.bring(bare(desk.number, line(100_000, f"{one.reference} nop tien", "FT25253000017")))
    again = bare(desk.number, line(100_000, f"MBVCB {one.reference} NOP TIEN", "FT25253000017\\BNK"))
    with pytest.raises(DomainError, match="same_lines") as refused:
        desk.bring(again)
    assert "Stmt[1]/Ntry[1]" in refused.value.vi
    desk.settle()
    assert (desk.count("bank_line"), desk.count("evidence"), Bank.state(desk, one)) == (1, 1, ("paid", 100_000))
    report = desk.bring(again, answer=Answer(SameLines.KNOWN))
    desk.settle()
    assert (report.new_lines, len(report.doubts)) == (0, 1)
    assert (desk.count("bank_line"), desk.count("bank_transaction")) == (1, 1)


def test_a_person_may_say_that_it_is_another_payment(desk):
    desk.bring(bare(desk.number, line(100_000, "NGUYEN VAN MAU")))
    report = desk.bring(bare(desk.number, line(100_000, "TRAN THI MAU")), answer=Answer(SameLines.NEW))
    desk.settle()
    assert (report.new_lines, desk.count("bank_line"), desk.count("bank_transaction")) == (1, 2, 2)


def test_a_look_says_what_is_in_doubt_and_writes_nothing(desk):
    desk.bring(bare(desk.number, line(100_000, "a")))
    report = desk.bring(bare(desk.number, line(100_000, "b"), line(7_000, "c")), dry_run=True)
    [doubt] = report.doubts
    assert (doubt.amount_vnd, doubt.description, doubt.known_description, doubt.booked_on) == (100_000, "b", "a", DAY)
    assert desk.count("bank_line") == 1


def test_a_longer_export_of_the_same_day_is_in_no_doubt(desk):
    first = [line(500_000, "a"), line(500_000, "b")]
    desk.bring(bare(desk.number, *first))
    report = desk.bring(bare(desk.number, *first, line(500_000, "c"), line(500_000, "d")))
    assert (report.doubts, report.new_lines, desk.count("bank_line")) == ((), 2, 4)


def test_parts_of_a_day_whose_numbers_differ_are_in_no_doubt(desk):
    """What a bank tells hour by hour: each notification has only what is new."""
    for hour in range(3):
        report = desk.bring(bare(desk.number, line(500_000, "HOC PHI", f"FT2525300{hour}111")))
        assert (report.doubts, report.new_lines) == ((), 1)


def test_lines_of_two_invoices_are_in_no_doubt(desk):
    for _ in range(2):
        paid = desk.issue(100_000)
        assert desk.bring(bare(desk.number, line(100_000, paid.reference))).new_lines == 1
    desk.settle()
    assert desk.count("bank_transaction") == 2


def test_the_whole_day_of_another_form_after_a_part_without_balances_asks(desk):
    """MT940 in the evening, after a workbook within the day: the day is proved and nothing was credited twice."""
    one = desk.issue(100_000)
    desk.bring(bare(desk.number, line(100_000, f"{one.reference} nop tien", NUMBER)))
    whole = balanced(desk.number, [line(100_000, f"nop tien {one.reference}"), line(9_000, "phi", direction="debit")])
    data = write_mt940([replace(whole, sequence=1)])
    with pytest.raises(DomainError, match="same_lines"):
        desk.bring(data, "a.sta")
    assert desk.bring(data, "a.sta", answer=Answer(SameLines.KNOWN)).new_lines == 1
    run = desk.night()
    assert (run.state, desk.count("bank_transaction"), Bank.state(desk, one)) == (RunState.PROVED, 2, ("paid", 100_000))


def test_a_swept_day_that_is_worded_otherwise_asks(desk):
    desk.bring(write_vietcombank(swept(desk.number, "1", "FT25253000011")), "a.xlsx")
    again = write_mt940([replace(swept(desk.number, "2", None), sequence=1)])
    with pytest.raises(DomainError, match="same_lines"):
        desk.bring(again, "b.sta")
    assert desk.bring(again, "b.sta", answer=Answer(SameLines.KNOWN)).new_lines == 0
    assert (desk.count("bank_line"), desk.night().state) == (2, RunState.PROVED)


def test_three_parts_of_a_swept_day_are_three_however_alike(desk):
    found = [
        desk.bring(write_vietcombank(swept(desk.number, who, f"FT2525300{who}")), f"{who}.xlsx").new_lines
        for who in ("101", "202", "303")
    ]
    assert (found, desk.count("bank_line")) == ([2, 2, 2], 6)


def test_one_number_on_two_days_asks_and_a_short_one_does_not(desk):
    """Banks date a late payment otherwise in two exports; and count short numbers anew each day."""
    later = DAY + timedelta(days=1)
    desk.bring(bare(desk.number, line(100_000, "a", "FT25253000017"), line(100_000, "b", "5078")))
    report = desk.bring(
        bare(desk.number, line(100_000, "a", "FT25253000017", day=later), line(100_000, "c", "5078", day=later)),
        dry_run=True,
    )
    assert [(doubt.bank_reference, doubt.known_on) for doubt in report.doubts] == [("FT25253000017", DAY)]


def test_one_invoice_paid_as_much_on_another_day_without_number_asks(desk):
    """A weekend's payment: the bank's site has it on the Saturday, MT940 books it on the Monday."""
    one = desk.issue(100_000)
    paid = line(100_000, f"{one.reference} nop tien", "FT25253000017")
    desk.bring(write_vietcombank(balanced(desk.number, [paid])), "a.xlsx")
    monday = DAY + timedelta(days=2)
    booked = line(100_000, f"MBVCB {one.reference} nop tien", day=monday)
    data = write_mt940([replace(balanced(desk.number, [booked], days=(monday, monday)), sequence=1)])
    with pytest.raises(DomainError, match="same_lines"):
        desk.bring(data, "a.sta")
    desk.bring(data, "a.sta", answer=Answer(SameLines.KNOWN))
    desk.settle()
    assert (desk.count("bank_transaction"), Bank.state(desk, one)) == (1, ("paid", 100_000))


@pytest.mark.parametrize("named", [True, False], ids=["names an invoice", "names nobody"])
def test_the_known_payer_is_in_doubt_and_the_other_one_is_money(desk, named):
    """One known line, two of the file: it is hers whose words it has, whichever row comes first."""
    one = desk.issue(100_000)
    other = f"{one.reference} nop tien" if named else "TRAN THI B chuyen"
    desk.bring(bare(desk.number, line(100_000, "NGUYEN VAN A nop")))
    again = bare(desk.number, line(100_000, other), line(100_000, "MBVCB NGUYEN VAN A NOP TIEN"))
    report = desk.bring(again, answer=Answer(SameLines.KNOWN))
    desk.settle()
    assert [doubt.description for doubt in report.doubts] == ["MBVCB NGUYEN VAN A NOP TIEN"]
    assert desk.rows("SELECT description FROM bank_line ORDER BY id") == [("NGUYEN VAN A nop",), (other,)]
    assert Bank.state(desk, one) == (("paid", 100_000) if named else ("open", 0))


def test_a_statement_that_contradicts_itself_keeps_its_own_keys_whatever_is_said_of_a_true_one(desk):
    desk.bring(bare(desk.number, line(100_000, "a")))
    true = balanced(desk.number, [line(100_000, "b")])
    false = write_camt053([replace(true, closing_vnd=5)])
    desk.bring(false)
    both = write_camt053([replace(true, closing_vnd=5), true])
    desk.bring(both, answer=Answer(SameLines.KNOWN))
    desk.settle()
    assert (desk.count("bank_line"), desk.count("bank_transaction"), desk.night().state) == (2, 1, RunState.PROVED)


def test_a_proved_day_told_with_one_more_pair_credits_what_was_known_once(desk):
    """A correction and its reversal that only the second export shows: the rest is known, worded otherwise."""
    one = desk.issue(100_000)
    paid = line(100_000, f"{one.reference} nop tien", NUMBER)
    desk.bring(write_vietcombank(balanced(desk.number, [paid])), "a.xlsx")
    known = replace(paid, bank_reference=NUMBER[:15] + "00")
    pair = [line(5_000, "sai", "FT25253000001"), line(5_000, "sửa", "FT25253000002", direction="debit")]
    report = desk.bring(write_vietcombank(balanced(desk.number, [known, *pair])), "b.xlsx")
    desk.settle()
    assert (report.new_lines, desk.count("bank_line"), desk.count("evidence")) == (2, 3, 3)
    assert Bank.state(desk, one) == ("paid", 100_000)


def test_without_the_question_the_second_export_would_be_money_again(desk, monkeypatch):
    monkeypatch.setattr(statement_comparing, "doubtful", lambda *_: [])
    desk.bring(bare(desk.number, line(100_000, "a")))
    desk.bring(bare(desk.number, line(100_000, "b")))
    desk.settle()
    assert desk.count("bank_transaction") == 2, "the first test would see it"


def test_an_answer_that_is_not_heard_would_be_money_again(desk, monkeypatch):
    monkeypatch.setattr(statement_comparing, "_renamed", lambda one, _: one)
    with pytest.raises(AssertionError):
        test_an_export_without_balances_that_words_a_payment_otherwise_credits_nobody_before_a_person_says_so(desk)


def told(key: str, number: str | None, names=(), words: str = "x", form: str = "camt.052", day: int = 0) -> Told:
    return Told(key, DAY + timedelta(day), "credit", 500_000, words, number, tuple(names), form)


@pytest.mark.parametrize(
    ("ours", "theirs", "one_fact"),
    [
        ("FT25253000017", "FT25253000018", False),
        ("FT25253000017ABCD0", "FT25253000017ABCD0", True),
        ("FT25253000017", "FT25253000017BNK", True),
        (NUMBER, NUMBER[:15] + "00", True),
        (NUMBER, "12345678901234600", True),
        (NUMBER, "12345678901234400", False),
        (NUMBER, "1,23457E+16", True),
        (NUMBER, None, True),
        (None, None, True),
        ("1234567", "12345678", False),
    ],
)
def test_numbers_of_one_form_say_two_unless_one_is_cut_rounded_or_lost(ours, theirs, one_fact):
    sides = [told(key, number, form="vietcombank/2") for key, number in (("f", ours), ("s", theirs))]
    assert bool(pairs_in_doubt(sides[:1], sides[1:])) is one_fact


def test_numbers_of_two_forms_say_nothing_and_of_one_family_they_do():
    assert pairs_in_doubt([told("f", "A2345678", form="mt940")], [told("s", "B2345678", form="camt.053")])
    assert not pairs_in_doubt([told("f", "A2345678", form="mt940")], [told("s", "B2345678", form="within-day mt942")])
    assert {name: form_of(name) for name in ("within-day camt.052", "vietcombank/2")} == {
        "within-day camt.052": "camt",
        "vietcombank/2": "vietcombank",
    }


def test_numbers_of_messages_that_are_unlike_each_other_say_nothing():
    """A camt.052 numbers its entries (NtryRef) or MT942 has the customer's reference, before there is the bank's."""
    for form in ("camt.052", "mt942"):
        assert pairs_in_doubt([told("f", "FT25253000017", form=form)], [told("s", "1", form=form)])


def test_a_word_in_place_of_a_number_is_none():
    """MT940 with «NOTPROVIDED» in each line of each day: equal fees of two days are two."""
    word = "NOTPROVIDED"
    assert not pairs_in_doubt([told("f", word, form="mt940")], [told("s", word, form="mt940", day=1)])


def test_a_number_or_an_invoice_on_two_days_says_one_within_ten_days():
    for number, names in (("FT25253000017", ()), (None, ("HP1",))):
        found = [bool(pairs_in_doubt([told("f", number, names)], [told("s", number, names, day=n)])) for n in (10, 11)]
        assert found == [True, False]
    assert not pairs_in_doubt([told("f", "FT25253000017", ["HP1"])], [told("s", "FT25253000018", ["HP1"], day=1)])


def test_the_line_of_the_same_invoice_or_with_the_same_words_is_tried_first():
    theirs = [told("s1", None, words="a"), told("s2", None, ["HP1"]), told("s3", None, words="B")]
    found = pairs_in_doubt([told("f1", None, ["HP1"]), told("f2", None, words="b")], theirs)
    assert {ours.key: known.key for ours, known in found} == {"f1": "s2", "f2": "s3"}


numbers = st.sampled_from([None, "FT250001", "FT250002", "FT250001X", "FT250003"])
sides = st.lists(
    st.tuples(numbers, st.sampled_from([(), ("HP1",), ("HP2",)]), st.sampled_from(["camt", "mt940"])), max_size=5
)


@given(sides, sides, st.randoms())
def test_as_many_lines_are_in_doubt_as_there_can_be(ours, theirs, rng: random.Random):
    """Held against every way there is to pair them: what is left over is new for certain."""
    mine = [told(f"f{n}", number, names, form=form) for n, (number, names, form) in enumerate(ours)]
    known = [told(f"s{n}", number, names, form=form) for n, (number, names, form) in enumerate(theirs)]
    may = {(one.key, other.key) for one in mine for other in known if pairs_in_doubt([one], [other])}
    few, many = sorted((mine, known), key=len)
    most = max(
        sum((one.key, other.key) in may or (other.key, one.key) in may for one, other in zip(few, order, strict=True))
        for order in permutations(many, len(few))
    )
    rng.shuffle(mine)
    rng.shuffle(known)
    found = [(one.key, other.key) for one, other in pairs_in_doubt(mine, known)]
    assert len(found) == most
    assert set(found) <= may
    assert len({key for pair in found for key in pair}) == 2 * most


def test_thousands_of_equal_amounts_of_one_day_are_compared_in_a_moment():
    """More lines than known ones, and all alike: what took minutes under the school's lock when each line was tried."""
    mine = [told(f"f{n}", None, words=f"NGUYEN VAN {n} nop") for n in range(4_000)]
    known = [told(f"s{n}", f"FT25253{n:06}", words=f"IBFT NGUYEN VAN {n}", form="mt940") for n in range(3_000)]
    begun = time.process_time()
    assert len(pairs_in_doubt(mine, known)) == 3_000
    assert time.process_time() - begun < 10
    assert doubts.LONG_NUMBER == 8
