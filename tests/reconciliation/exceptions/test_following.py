"""Which exception a finding continues: pure, whatever the order; nothing is lost and nothing is doubled."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from reconciliation.exceptions.following import Found, Known, changes, follow, is_material
from reconciliation.exceptions.rules import Resolution, State

DAY = date(2025, 9, 10)


def found(number: int, *keys: str, primary_class: str = "missing_bank", amount_vnd: int = 100, flags=()) -> Found:
    return Found(number, 1, primary_class, tuple(flags), amount_vnd, DAY, keys)


def known(number: int, *keys: str, state: State = State.OPEN, former=(), resolution=None, **more) -> Known:
    values = {"primary_class": "missing_bank", "flags": (), "amount_vnd": 100, "day": DAY, "assignee_id": None} | more
    if state is State.RESOLVED and resolution is None:
        resolution = Resolution.BANK_CONFIRMED
    current = frozenset(keys)
    return Known(id=number, state=state, resolution=resolution, current=current, former=frozenset(former), **values)


def test_the_same_facts_continue_the_same_exception():
    plan = follow([found(1, "a")], [known(7, "a"), known(8, "b")])
    assert [(step.found.item_id, step.known.id) for step in plan.steps] == [(1, 7)]
    assert (plan.new, [one.id for one in plan.gone]) == ([], [8])


def test_two_cases_that_become_one_leave_the_one_furthest_in_its_work():
    plan = follow([found(1, "a", "b")], [known(7, "a"), known(8, "b", state=State.PROPOSED)])
    [step] = plan.steps
    assert (step.known.id, [one.id for one in step.merged]) == (8, [7])


def test_a_case_that_falls_apart_goes_on_where_most_of_its_facts_are():
    plan = follow([found(1, "a"), found(2, "b", "c")], [known(7, "a", "b", "c")])
    assert [(step.found.item_id, step.known.id) for step in plan.steps] == [(2, 7)]
    [(rest, origin)] = plan.new
    assert (rest.item_id, origin.id) == (1, 7)


def test_a_fact_that_a_case_once_had_counts_less_than_one_that_it_has():
    plan = follow([found(1, "a"), found(2, "b")], [known(7, "b", former=["a"])])
    assert [(step.found.item_id, step.known.id) for step in plan.steps] == [(2, 7)]
    assert [(one.item_id, origin.id) for one, origin in plan.new] == [(1, 7)]


def test_live_work_comes_before_finished_work():
    done = known(3, "a", state=State.RESOLVED)
    plan = follow([found(1, "a", "b")], [done, known(9, "b")])
    [step] = plan.steps
    assert (step.known.id, [one.id for one in step.merged]) == (9, [3])


def test_what_a_night_closed_is_not_merged():
    closed = known(3, "a", state=State.RESOLVED, resolution=Resolution.MATCHED_SINCE)
    plan = follow([found(1, "a", "b")], [closed, known(9, "b")])
    assert ([step.merged for step in plan.steps], [one.id for one in plan.gone]) == ([()], [3])


def test_changes_are_named_and_only_what_matters_opens_a_decision_again():
    before = known(1, "a", flags=("date_cutoff",))
    assert changes(found(1, "a", flags=("date_cutoff",)), before) == {}
    lost_flag = changes(found(1, "a"), before)
    assert lost_flag == {"flags_removed": ["date_cutoff"]}
    assert not is_material(lost_flag)
    for other in (
        found(1, "a", primary_class="amount_diff"),
        found(1, "a", amount_vnd=99),
        found(1, "a", "b"),
        found(1, "a", flags=("missing_ledger",)),
    ):
        assert is_material(changes(other, before))


KEYS = st.sampled_from("abcdefgh")


@st.composite
def scenes(draw):
    """Findings that share no fact with each other, and exceptions that share none; facts once had may overlap."""
    findings, knowns, used, owned = [], [], set(), set()
    for number in range(draw(st.integers(0, 5))):
        keys = draw(st.sets(KEYS, min_size=1, max_size=3)) - used
        used |= keys
        if keys:
            findings.append(found(number + 1, *sorted(keys)))
    for number in range(draw(st.integers(0, 5))):
        keys = draw(st.sets(KEYS, max_size=3)) - owned
        owned |= keys
        state = draw(st.sampled_from(State))
        how = draw(st.sampled_from([Resolution.MATCHED_SINCE, Resolution.BOOKED])) if state is State.RESOLVED else None
        knowns.append(known(number + 1, *sorted(keys), state=state, resolution=how))
    return findings, knowns


def told(plan):
    steps = [(step.found.item_id, step.known.id, [one.id for one in step.merged]) for step in plan.steps]
    new = [(one.item_id, origin.id if origin else None) for one, origin in plan.new]
    return steps, new, [one.id for one in plan.gone]


@given(scenes(), st.randoms(use_true_random=False))
def test_every_finding_and_every_exception_ends_in_one_place_whatever_the_order(scene, random):
    findings, knowns = scene
    plan = follow(findings, knowns)
    placed = [step.found.item_id for step in plan.steps] + [one.item_id for one, _ in plan.new]
    assert sorted(placed) == [one.item_id for one in findings]
    kept = [step.known.id for step in plan.steps] + [one.id for step in plan.steps for one in step.merged]
    assert sorted(kept + [one.id for one in plan.gone]) == [one.id for one in knowns]
    mixed, others = findings.copy(), knowns.copy()
    random.shuffle(mixed)
    random.shuffle(others)
    assert told(follow(mixed, others)) == told(plan)


@given(scenes())
def test_an_exception_never_ends_while_a_finding_still_has_one_of_its_facts(scene):
    findings, knowns = scene
    plan = follow(findings, knowns)
    facts = {key for one in findings for key in one.keys}
    live_and_gone = [one for one in plan.gone if one.state is not State.RESOLVED and one.current & facts]
    # Only where each of its findings goes on as somebody else's: then it is merged, not gone. A new finding is never
    # shared with it.
    assert live_and_gone == []
