"""On noisy memos not one đồng lands wrong, what reads beyond doubt lands, and people are shown the right invoice."""

import random

import pytest
from sqlalchemy import text

from benchmarks.accuracy import UNIFORM_VND, bring, judge, measured, negatives, open_school
from benchmarks.noise import DAMAGED, LOSSLESS, SHARES, memos
from payments.inbox import service as inbox
from payments.invoices import reference
from payments.invoices.near_references import NearReferences
from payments.settlement import settling
from payments.settlement.rules import Claim, Reading, read

pytestmark = pytest.mark.db


def test_the_shares_of_the_noise_are_those_that_others_were_measured_with():
    assert sum(SHARES.values()) == 100
    assert (SHARES["clean"], SHARES["no_code"], SHARES["truncated"], SHARES["two_codes"]) == (50, 7, 4, 4)


@pytest.mark.parametrize(
    ("seed", "payments", "uniform"),
    [(1, 1000, False), (2, 1000, True), (3, 300, False), (4, 300, True), (5, 300, True)],
)
def test_settlement_is_right_on_noisy_memos(session, seed, payments, uniform):
    score = measured(session, seed, pupils=payments * 5 // 4, payments=payments, uniform=uniform)
    assert score.memos.total() == payments
    assert score.wrong_vnd == 0
    assert score.precision == 1.0
    assert score.recall >= 0.89
    assert {kind: score.recall_of(kind) for kind in LOSSLESS} == dict.fromkeys(LOSSLESS, 1.0)
    assert score.suggested_of(*DAMAGED) >= 0.97
    assert score.automatic["no_code"] == 0


def small(session, seed=7, uniform=True):
    return measured(session, seed, pupils=260, payments=200, uniform=uniform)


def test_a_rule_that_guesses_by_the_amount_is_noticed(session, monkeypatch):
    """Teeth: where a tie is broken by guess, đồng lie on wrong invoices."""

    def guess(transfer, book):
        found = read(transfer, book)
        if found.decides:
            return found
        claims = tuple(Claim(transfer, invoice_id, transfer.amount_vnd) for invoice_id in sorted(book.invoices)[:1])
        return Reading(transfer, None, claims)

    monkeypatch.setattr(settling, "read", guess)
    assert small(session).precision < 1.0


def test_a_search_that_reads_clean_codes_only_is_noticed(session, monkeypatch):
    monkeypatch.setattr(
        inbox,
        "references_of_each",
        lambda lines: [" ".join(filter(reference.is_valid, line.description.split())) for line in lines],
    )
    assert small(session).recall < 0.89


def test_suggestions_without_near_references_are_noticed(session, monkeypatch):
    monkeypatch.setattr(settling.hunting, "suggest", lambda _: NearReferences((), ()))
    assert small(session).suggested_of(*DAMAGED) < 0.97


def test_equal_neighbours_that_changed_places_are_no_damage(session):
    chance = random.Random(3)
    school, targets = open_school(session, 30, chance, uniform=True)
    [memo] = [one for one in memos(targets, 1, chance) if one.kind == "clean"]
    bring(session, school, [(memo.text, memo.amount_vnd)])
    assert judge(session, school, [memo]).right["clean"] == 1


def test_bank_text_without_a_reference_of_ours_settles_nothing(session):
    """Two hundred thousand lines: what reads like a reference by chance belongs to no invoice."""
    chance = random.Random(11)
    school, targets = open_school(session, 1000, chance, uniform=True)
    texts = negatives(200_000, chance)
    issued = {target.code for target in targets}
    valid = [code for found in reference.find_each(texts) for code in found.split()]
    assert not issued & set(valid)
    # The check character lets some through, so the invoice table must have the last word.
    assert 0 < len(valid) < len(texts) // 100
    suspicious = [memo for memo in texts if "\0" not in memo and reference.find(memo)][:200]
    suspicious += [memo for memo in texts[:200] if "\0" not in memo]
    bring(session, school, [(memo, UNIFORM_VND) for memo in suspicious])
    states = "SELECT state, count(*) FROM bank_transaction WHERE school_id = :school GROUP BY state ORDER BY state"
    found = session.execute(text(states), {"school": school.id}).all()
    assert [tuple(row) for row in found] == [("unmatched", len(suspicious))]
