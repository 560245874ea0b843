"""What a person joined or parted is replayed by every later run, in any order, for ever, and never moves money."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from payments import clock
from payments.errors import ConflictError, DomainError, NotFoundError
from reconciliation import matching
from reconciliation.decisions import queries, service
from reconciliation.decisions.rules import Hand
from reconciliation.matching import DECISION_LOST
from reconciliation.service import set_book_account
from tests.reconciliation.desk import DAY, OPENING, line, row

X_VND = 100_000


def facts_of(item) -> list[str]:
    named = (("bank", item.bank_line_ids), ("evidence", item.evidence_ids), ("ledger", item.ledger_row_ids))
    return [f"{source}:{number}" for source, ids in named for number in ids]


def decide(desk, how, *args, **more) -> int:
    with desk.session() as session:
        made = how(session, desk.school.id, *args, desk.school.accountant, **more)
        service.replay(session, desk.school.id, made)
        return made


def standing(desk):
    """Classes of the run that stands, with their flags, and the run."""
    run = desk.night()
    return sorted((item.primary_class, list(item.flags)) for item in desk.items(run)), run


def money(desk):
    return desk.rows("""
        SELECT (SELECT count(*) FROM bank_transaction), (SELECT count(*) FROM allocation),
               (SELECT coalesce(sum(paid_vnd), 0)::bigint FROM invoice_balance), (SELECT count(*) FROM ledger_entry)
    """)


@pytest.fixture
def books(desk):
    """Which account the books mean is known, whatever their rows name."""
    with desk.session() as session:
        set_book_account(session, desk.school.id, "1121", desk.school.account)


@pytest.fixture
def tie(desk):
    """One line without reference, two callbacks that it may be: an ambiguous case."""
    paid = [desk.issue(X_VND) for _ in range(2)]
    for number, one in enumerate(paid):
        desk.pay(X_VND, one.reference, f"FT{number}")
    desk.state(line(X_VND, "NGUYEN VAN MAU chuyen tien"))
    [item] = desk.items(desk.night())
    assert item.primary_class == "ambiguous"
    return desk, f"bank:{item.bank_line_ids[0]}", [f"evidence:{number}" for number in item.evidence_ids]


def test_a_join_is_replayed_by_every_later_run_and_undone_at_any_time(tie):
    desk, bank, told = tie
    before = money(desk)
    made = decide(desk, service.join, [bank, told[1]], note="hỏi ngân hàng")
    found, run = standing(desk)
    assert found == [("matched", []), ("missing_bank", [])]
    [matched] = [item for item in desk.items(run) if item.primary_class == "matched"]
    assert (matched.rule, matched.grounds[0]["decision"], matched.evidence_ids) == (
        "person",
        made,
        [int(told[1].partition(":")[2])],
    )
    # More facts arrive, a statement comes again: the decision holds.
    desk.state(line(X_VND, "NGUYEN VAN MAU chuyen tien"))
    desk.book(row(X_VND, "Thu"))
    assert standing(desk)[1].proof["decisions"] == {"replayed": 1, "lost": []}
    assert money(desk) == before
    decide(desk, service.undo, made)
    assert "ambiguous" in {key for key, _ in standing(desk)[0]}
    with pytest.raises(ConflictError, match="already_undone"):
        decide(desk, service.undo, made)


def test_parting_a_candidate_makes_a_tie_clear(tie):
    desk, bank, told = tie
    decide(desk, service.part, [bank, told[0]])
    found, run = standing(desk)
    assert found == [("matched", []), ("missing_bank", [])]
    [matched] = [item for item in desk.items(run) if item.primary_class == "matched"]
    assert (matched.rule, f"evidence:{matched.evidence_ids[0]}") == ("T2", told[1])


def test_what_the_night_matched_can_be_parted(desk):
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT1")
    desk.state(line(X_VND, one.reference, "FT1"))
    desk.book(row(X_VND, f"Thu {one.reference}"))
    [item] = desk.items(desk.night())
    before = money(desk)
    decide(desk, service.part, facts_of(item))
    assert sorted(key for key, _ in standing(desk)[0]) == ["missing_bank", "missing_gateway", "only_ledger"]
    assert money(desk) == before


@pytest.mark.usefixtures("books")
def test_several_lines_and_a_row_of_the_books_are_joined(desk):
    paid = [desk.issue(X_VND + number) for number in range(3)]
    for number, one in enumerate(paid):
        desk.pay(X_VND + number, one.reference, f"FT{number}")
    desk.state(*(line(X_VND + number, one.reference, f"FT{number}") for number, one in enumerate(paid)))
    desk.book(row(2 * X_VND + 1, "Thu hai em"))
    items = desk.items(desk.night())
    row_id = next(item.ledger_row_ids[0] for item in items if item.primary_class == "only_ledger")
    lines = [item.bank_line_ids[0] for item in items if item.amount_vnd in {X_VND, X_VND + 1}]
    decide(desk, service.join, [f"ledger:{row_id}", *(f"bank:{number}" for number in lines)])
    found, run = standing(desk)
    assert found == [("matched", []), ("missing_ledger", [])]
    assert run.proof["ok"]


@pytest.mark.usefixtures("books")
def test_a_join_whose_sums_differ_is_no_match(desk):
    desk.state(line(X_VND, "x", "FT1"))
    desk.book(row(X_VND - 1, "Thu"))
    items = desk.items(desk.night())
    decide(desk, service.join, [fact for item in items for fact in facts_of(item)])
    found, run = standing(desk)
    assert found == [("amount_diff", ["missing_gateway"])]
    assert run.proof["ok"]


@pytest.mark.usefixtures("books")
def test_a_decision_whose_facts_have_gone_is_reported(desk):
    """A statement that contradicts itself counts until a true one comes, which tells of other lines."""
    desk.state(line(X_VND, "x", "FT1"), closing_vnd=OPENING + X_VND + 7)
    desk.book(row(X_VND - 1, "Thu"))
    items = [item for item in desk.items(desk.night()) if item.primary_class != "balance_break"]
    made = decide(desk, service.join, [fact for item in items for fact in facts_of(item)])
    assert ("amount_diff", ["missing_gateway"]) in standing(desk)[0]
    desk.state(line(X_VND + 7, "x", "FT2"))
    found, run = standing(desk)
    assert ("only_ledger", [DECISION_LOST]) in found
    assert run.proof["decisions"] == {"replayed": 0, "lost": [{"id": made, "why": "gone"}]}
    [note] = [item.note for item in desk.items(run) if item.primary_class == "only_ledger"]
    assert note == f"decision_gone={made}"


@pytest.mark.usefixtures("books")
def test_the_true_line_takes_the_place_of_the_doubtful_one_in_a_decision(desk):
    desk.state(line(X_VND, "x", "FT1"), closing_vnd=OPENING + X_VND + 7)
    desk.book(row(X_VND, "Thu", day=DAY.replace(day=1)))
    items = [item for item in desk.items(desk.night()) if item.bank_line_ids]
    with desk.session() as session:
        [(row_id,)] = session.execute(text("SELECT id FROM ledger_row")).all()
    decide(desk, service.join, [*facts_of(items[0]), f"ledger:{row_id}"])
    desk.state(line(X_VND, "x", "FT1"))
    found, run = standing(desk)
    assert found == [("missing_gateway", ["date_cutoff"])] or found == [("missing_gateway", [])]
    assert run.proof["decisions"] == {"replayed": 1, "lost": []}


def test_decisions_that_contradict_are_refused(tie):
    desk, bank, told = tie
    first = decide(desk, service.join, [bank, told[0]])
    for how, facts in ((service.join, [bank, told[1]]), (service.part, [bank, told[0]])):
        with pytest.raises(ConflictError, match="decided_before"):
            decide(desk, how, facts)
    decide(desk, service.undo, first)
    decide(desk, service.part, [bank, told[0]])
    with pytest.raises(ConflictError, match="decided_before"):
        decide(desk, service.join, [bank, *told])


@pytest.mark.parametrize("facts", [[], ["bank:1"], ["bank:x", "bank:2"], ["cash:1", "bank:2"], ["bank:-1", "bank:2"]])
def test_facts_must_be_named_well(desk, facts):
    with pytest.raises(DomainError, match="bad_facts"):
        decide(desk, service.join, facts)


def test_facts_of_nobody_are_not_found_and_money_in_is_not_money_out(desk):
    with pytest.raises(NotFoundError):
        decide(desk, service.join, ["bank:99", "bank:98"])
    desk.state(line(X_VND, "x", "FT1"), line(X_VND, "y", "FT2", direction="debit"))
    items = desk.items(desk.night())
    with pytest.raises(DomainError, match="never_one"):
        decide(desk, service.join, [fact for item in items for fact in facts_of(item)])


def test_a_signed_period_takes_no_decision(tie):
    desk, bank, told = tie
    made = decide(desk, service.join, [bank, told[0]])
    with clock.turned_to(datetime(2025, 9, 20, tzinfo=UTC)):
        desk.sign(DAY)
    with pytest.raises(DomainError, match="closed_period"):
        decide(desk, service.undo, made)


def test_decisions_are_events_that_nobody_changes(tie):
    desk, bank, told = tie
    decide(desk, service.join, [bank, told[0]], note="vì sao")
    for statement in ("UPDATE reconcile_decision SET kind = 'part'", "DELETE FROM reconcile_decision"):
        with pytest.raises(IntegrityError, match="append-only"), desk.session() as session:
            session.execute(text(statement))
    with desk.session() as session:
        [found] = queries.decisions(session, desk.school.id)
    assert (found.kind, found.note, found.stands) == ("join", "vì sao", True)
    assert desk.rows("SELECT action FROM audit_event WHERE action LIKE 'reconcile.%'") == [("reconcile.join",)]


def test_without_the_replay_a_decision_is_forgotten(tie, monkeypatch):
    desk, bank, told = tie
    monkeypatch.setattr(matching, "hand_of", lambda *_: Hand())
    decide(desk, service.join, [bank, told[1]])
    assert standing(desk)[0] == [("ambiguous", [])]
