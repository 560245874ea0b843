"""The mass of a night is judged in SQL: with the rest it gives what the matcher gives alone, whatever the facts."""

from dataclasses import asdict
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from payments.business_days import BusinessDays
from payments.db import make_engine, session_scope
from payments.invoices.reference import generate
from reconciliation import queries
from reconciliation.bulk import judging, statements
from reconciliation.bulk.rules import ALPHABET, Mass, Rest, gaps, reference_of
from reconciliation.reports import content
from reconciliation.together import reconcile_day
from tests.reconciliation.desk import DAY, Desk, line, row

NUMBERS = [f"FT2525300000{place}" for place in range(10, 16)]
NEXT = DAY + timedelta(days=1)

amounts = st.sampled_from([100_000, 100_000, 250_000])
payments = st.fixed_dictionaries(
    {
        "name": st.integers(0, 3),
        "amount": amounts,
        "number": st.sampled_from(NUMBERS),
        "bank": st.sampled_from(["no", "yes", "yes", "yes", "nameless", "both", "tomorrow", "taken back"]),
        "sent": st.sampled_from(["no", "yes", "yes", "yes", "nameless", "late", "other number", "again"]),
        "booked": st.sampled_from(["no", "yes", "yes", "yes", "nameless", "both", "twice", "by document", "less"]),
    }
)


def put(desk: Desk, world: list[dict]) -> None:
    """Let the sources say what a drawn world says."""
    names = [desk.issue(100_000).reference for _ in range(4)]
    lines, rows = [], []
    for place, one in enumerate(world):
        name, other, vnd = names[one["name"]], names[(one["name"] + 1) % 4], one["amount"]
        number = one["number"] if place % 3 else f"FT99{place:08d}"
        if one["sent"] != "no":
            memo = "NOP TIEN" if one["sent"] == "nameless" else name
            sent_number = f"XX77{place:08d}" if one["sent"] == "other number" else number
            for _ in range(2 if one["sent"] == "again" else 1):
                desk.pay(vnd, memo, sent_number, at="23:30:00" if one["sent"] == "late" else "08:00:00")
        if one["bank"] not in {"no"}:
            memo = {"nameless": "NOP TIEN", "both": f"{name} {other}"}.get(one["bank"], name)
            day = NEXT if one["bank"] == "tomorrow" else DAY
            lines.append(line(vnd, memo, number, day=day))
            if one["bank"] == "taken back":
                back = line(vnd, f"HOAN TRA {number}", number, day=NEXT, direction="debit", reversal=True)
                lines.append(back)
        if one["booked"] != "no":
            memo = {"nameless": "Thu tiền", "both": f"{name} {other}"}.get(one["booked"], name)
            booked_vnd = vnd - 1_000 if one["booked"] == "less" else vnd
            document = number if one["booked"] == "by document" else f"BC{place:06d}"
            times = 2 if one["booked"] == "twice" else 1
            rows += [row(booked_vnd, memo, document=document)] * times
    desk.settle()
    desk.state(*lines, days=(DAY, NEXT))
    if rows:
        desk.book(*rows, period=(DAY, NEXT))


def shown(desk: Desk, monkeypatch: pytest.MonkeyPatch, least: int) -> tuple[list, int, tuple]:
    """The report of a run without what it is called, how much of it is in blocks, and its proof; nothing is kept."""
    with monkeypatch.context() as patch, session_scope(desk.engine) as session:
        patch.setattr(judging, "LEAST", least)
        run = reconcile_day(session, desk.school.id, desk.school.account, NEXT)
        report = content.build(session, run.id)
        unnamed = {"id", "age_days"}
        found = [{key: value for key, value in asdict(one).items() if key not in unnamed} for one in report.entries]
        bulk = session.scalar(text("SELECT coalesce(sum(size), 0) FROM reconcile_block"))
        told = (report.matched, report.matched_vnd, report.not_due, report.exceptions, report.proof, report.state)
        session.rollback()
    return found, bulk, told


@settings(
    max_examples=12,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(world=st.lists(payments, min_size=3, max_size=12))
def test_mass_and_rest_give_what_the_matcher_gives_alone(postgres, world):
    made = postgres.new_database()
    engine = make_engine(postgres.url(made))
    desk = Desk(engine)
    patch = pytest.MonkeyPatch()
    try:
        put(desk, world)
        alone, none, told = shown(desk, patch, 10**9)
        together, _, told_together = shown(desk, patch, 1)
        assert none == 0
        assert together == alone
        assert told_together == told
    finally:
        desk.close()
        engine.dispose()


@pytest.fixture
def plain(desk, monkeypatch):
    """Five payments on which all sources agree, one without callback, one without row, and the run over them."""
    monkeypatch.setattr(judging, "LEAST", 1)
    issued = [desk.issue(100_000) for _ in range(7)]
    for place, one in enumerate(issued[:6]):
        desk.pay(100_000, one.reference, f"FT0000001{place}")
    desk.state(*(line(100_000, one.reference, f"FT0000001{place}") for place, one in enumerate(issued)))
    desk.book(*(row(100_000, one.reference) for one in (*issued[:5], issued[6])), period=(DAY, DAY))
    return desk, desk.night(), [one.reference for one in issued]


def test_what_agrees_is_kept_in_a_block_and_read_like_everything_else(plain):
    desk, run, references = plain
    assert desk.rows("SELECT size FROM reconcile_block") == [(5,)]
    assert desk.rows("SELECT primary_class FROM reconcile_item ORDER BY 1") == [
        ("missing_gateway",),
        ("missing_ledger",),
    ]
    items = desk.items(run)
    assert [item.position for item in items] == list(range(1, 8))
    assert [item.references[0] for item in items] == sorted(references)
    matched = [item for item in items if item.primary_class == "matched"]
    assert {item.rule for item in matched} == {"T0+T1"}
    assert (run.matched, run.matched_vnd, run.state) == (5, 500_000, "proved")
    with desk.session() as session:
        assert [item.id for item in queries.items(session, run, classes=["missing_gateway"])] != [None]
        assert len(queries.items(session, run, classes=["matched"])) == 5
        [case] = queries.cases_of(session, desk.school.id, matched[0].transaction_ids[0])
        assert case.references == matched[0].references
        behind = queries.behind(session, run)
        assert all(item.bank_line_ids[0] in behind.lines for item in items)
        assert all(item.ledger_row_ids[0] in behind.rows for item in matched)


def test_the_same_night_again_is_the_same_run_and_the_same_bytes(plain):
    desk, run, _ = plain
    with desk.session() as session:
        first = content.as_json(content.build(session, run.id))
    assert desk.night().id == run.id
    assert desk.count("reconcile_block") == 1
    with desk.session() as session:
        assert content.as_json(content.build(session, run.id)) == first


def test_another_fact_in_the_mass_is_another_run(plain):
    """The digest of the mass stands for what is in it: a payment more, and the inputs are others."""
    desk, run, _ = plain
    more = desk.issue(100_000)
    desk.pay(100_000, more.reference, "FT00000099")
    desk.state(line(100_000, more.reference, "FT00000099"), opening=10_700_000)
    desk.book(row(100_000, more.reference, document="PT1"), period=(DAY, DAY))
    assert desk.night().id != run.id
    assert desk.rows("SELECT size FROM reconcile_block ORDER BY id") == [(5,), (6,)]


def test_blocks_are_only_ever_added(plain):
    desk, _, _ = plain
    for change in ("UPDATE reconcile_block SET size = 4", "DELETE FROM reconcile_block", "TRUNCATE reconcile_block"):
        with pytest.raises(IntegrityError, match="append-only"), desk.session() as session:
            session.execute(text(change))


TEETH = {
    "a reference that is named twice": (
        "AND NOT g.crowded",
        [
            {"name": 0, "amount": 100_000, "bank": "yes", "sent": "yes", "booked": "twice", "number": NUMBERS[0]},
            {"name": 1, "amount": 100_000, "bank": "yes", "sent": "yes", "booked": "yes", "number": NUMBERS[2]},
        ],
    ),
    "a payment that was taken back": (
        "AND NOT (u.school_id, behind.transaction_id) IN (SELECT school_id, id FROM odd)",
        [
            {"name": 0, "amount": 100_000, "bank": "yes", "sent": "yes", "booked": "yes", "number": NUMBERS[0]},
            {"name": 1, "amount": 100_000, "bank": "taken back", "sent": "yes", "booked": "yes", "number": NUMBERS[1]},
        ],
    ),
    "an amount that differs in the books": (
        "min(amount_vnd) = max(amount_vnd)",
        [{"name": 0, "amount": 100_000, "bank": "yes", "sent": "yes", "booked": "less", "number": NUMBERS[0]}],
    ),
}

SECOND_GUARDS = ("behind.state IN ('new', 'credited', 'unmatched')", "behind.amount_vnd = g.amount_vnd")


@pytest.mark.parametrize("tooth", TEETH)
def test_without_a_condition_the_comparison_with_the_matcher_fails(desk, monkeypatch, tooth):
    condition, world = TEETH[tooth]
    whole = str(statements.JUDGE_ALL.text)
    assert condition in whole
    put(desk, world)
    assert shown(desk, monkeypatch, 1)[0] == shown(desk, monkeypatch, 10**9)[0]
    down = whole.replace(condition, "" if condition.startswith("AND") else "true")
    for second in SECOND_GUARDS:  # They would hold where the first one is down.
        assert second in whole
        down = down.replace(second, "true")
    monkeypatch.setattr(statements, "JUDGE_ALL", text(down))
    assert shown(desk, monkeypatch, 1)[0] != shown(desk, monkeypatch, 10**9)[0]


@pytest.mark.parametrize("statement", [statements.JUDGE_ALL, statements.JUDGE_NEW])
def test_a_row_with_the_number_of_a_message_is_for_the_matcher(desk, monkeypatch, statement):
    """Bank and sender number one transfer differently; a row of the books carries the sender's number."""
    monkeypatch.setattr(statements, "JUDGE_ALL", statement)
    one, other = desk.issue(100_000), desk.issue(100_000)
    desk.pay(100_000, one.reference, "XX77000001")
    desk.settle()
    desk.state(line(100_000, one.reference, "FT00000001"), days=(DAY, NEXT))
    booked = [row(100_000, one.reference, document="BC000001"), row(100_000, other.reference, document="XX77000001")]
    desk.book(*booked, period=(DAY, NEXT))
    alone, _, told = shown(desk, monkeypatch, 10**9)
    together, bulk, told_together = shown(desk, monkeypatch, 1)
    assert (together, told_together, bulk) == (alone, told, 0)


@given(st.text(alphabet=ALPHABET, min_size=10, max_size=10))
def test_a_number_is_its_reference(characters):
    key = 0
    for character in characters:
        key = key << 5 | ALPHABET.index(character)
    assert reference_of(key) == f"HP{characters}"


def test_the_database_and_the_program_number_references_alike(session):
    names = [generate() for _ in range(200)]
    keys = [session.scalar(text("SELECT reference_key(ARRAY[:name])"), {"name": name}) for name in names]
    assert [reference_of(key) for key in keys] == names
    assert sorted(names) == [reference_of(key) for key in sorted(keys)]
    for other in (["HP000000000"], ["HPOOOOOOOOOO"], names[:2], []):
        assert session.scalar(text("SELECT reference_key(CAST(:names AS text[]))"), {"names": other}) is None


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(0, 99)), max_size=30, unique=True), st.data()
)
def test_items_stand_where_they_would_stand_among_all(places, data):
    """Positions of the rest leave exactly the gaps that the mass fills, in the common order."""
    first = date(2025, 9, 1)
    order = sorted(places)
    mine = [data.draw(st.booleans()) for _ in order]
    bulk = [one for one, is_bulk in zip(order, mine, strict=True) if is_bulk]
    mass = Mass(Rest(), days=[one[0] for one in bulk], amounts=[one[1] for one in bulk], keys=[one[2] for one in bulk])
    others = [
        (first + timedelta(days=one[0]), one[1], (reference_of(one[2]),))
        for one, is_bulk in zip(order, mine, strict=True)
        if not is_bulk
    ]
    taken = mass.positions(others, first, 1)
    assert taken == [place for place, is_bulk in enumerate(mine, start=1) if not is_bulk]
    free = gaps(taken)
    assert [next(free) for _ in bulk] == [place for place, is_bulk in enumerate(mine, start=1) if is_bulk]


def test_the_last_due_day_is_the_first_after_whose_night_nothing_is_due_any_more():
    calendar = BusinessDays()
    friday, sunday = date(2025, 10, 31), date(2025, 11, 2)
    assert judging.last_due(calendar, friday) == friday
    assert judging.last_due(calendar, sunday) == friday
