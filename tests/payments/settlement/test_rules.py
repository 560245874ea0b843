"""What a transfer is meant for follows from its references and from nothing else."""

from datetime import UTC, date, datetime

from payments.settlement.rules import Book, Invoice, Line, SettlementOutcome, Transfer, read, split_in_order

DUE = date(2025, 9, 20)


def invoice(id_, amount=100, account=1, live=True, successor=None, pupil=7, closed=False) -> Invoice:
    line = Line(id_ * 10, 1, 1, "agency", True, amount)
    return Invoice(id_, pupil, account, f"R{id_}", amount, DUE, closed, live, successor, (line,))


def book(*invoices) -> Book:
    return Book({one.id: one for one in invoices}, {one.reference: one.id for one in invoices})


def transfer(amount, *references, account=1, day=10) -> Transfer:
    moment = datetime(2025, 9, day, tzinfo=UTC)
    return Transfer(1, account, amount, moment.date(), moment, references)


def claims(reading):
    return [(claim.invoice_id, claim.amount_vnd) for claim in reading.claims]


def test_one_reference_claims_the_whole_amount_whatever_it_is():
    for amount in (1, 100, 999_999):
        reading = read(transfer(amount, "R1"), book(invoice(1)))
        assert (reading.outcome, claims(reading)) == (None, [(1, amount)])


def test_references_that_no_invoice_has_are_passed_over():
    assert claims(read(transfer(100, "R8", "R1", "R9"), book(invoice(1)))) == [(1, 100)]
    assert read(transfer(100, "R8"), book(invoice(1))).claims == ()


def test_several_references_need_the_sum_of_their_amounts():
    known = book(invoice(1, 100), invoice(2, 50, pupil=8))
    assert claims(read(transfer(150, "R2", "R1"), known)) == [(2, 50), (1, 100)]
    for amount in (149, 151, 100, 50):
        reading = read(transfer(amount, "R1", "R2"), known)
        assert (reading.outcome, reading.claims) == (SettlementOutcome.SEVERAL, ())


def test_money_for_a_replaced_invoice_lands_on_the_last_successor():
    known = book(invoice(1, live=False, successor=2), invoice(2, live=False, successor=3), invoice(3))
    reading = read(transfer(100, "R1"), known)
    assert (reading.outcome, claims(reading)) == (SettlementOutcome.REPLACED, [(3, 100)])


def test_an_invoice_and_its_successor_in_one_memo_are_one_thing_to_pay():
    known = book(invoice(1, live=False, successor=2), invoice(2))
    assert claims(read(transfer(70, "R1", "R2"), known)) == [(2, 70)]


def test_the_printed_amounts_count_when_one_of_several_was_replaced():
    known = book(invoice(1, 100, live=False, successor=3), invoice(2, 50), invoice(3, 80))
    reading = read(transfer(150, "R1", "R2"), known)
    assert claims(reading) == [(3, 100), (2, 50)]
    assert reading.flags == ("replaced",)


def test_another_account_of_the_school_is_the_outcome_and_late_a_flag():
    reading = read(transfer(100, "R1", account=2, day=25), book(invoice(1)))
    assert (reading.outcome, reading.flags) == (SettlementOutcome.WRONG_FUND, ("late",))


def test_a_closed_round_makes_a_transfer_late_and_the_due_day_does_not():
    assert read(transfer(100, "R1", day=20), book(invoice(1))).flags == ()
    assert read(transfer(100, "R1"), book(invoice(1, closed=True))).flags == ("late",)


def test_an_amount_is_split_in_order_and_the_last_takes_the_rest():
    assert split_in_order(100, [60, 60]) == [60, 40]
    assert split_in_order(100, [100, 50]) == [100, 0]
    assert split_in_order(100, [30, 30]) == [30, 70]
    assert split_in_order(100, [0]) == [100]
