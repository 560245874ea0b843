"""Figures in public: what an attacker who looks every day can learn about one pupil, which is nothing."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.errors import ConflictError, NotFoundError
from payments.invoices.models import InvoiceState
from payments.transparency import counting, rules
from payments.transparency.service import show_round
from tests.payments.settlement.setting import issue, take_out
from tests.payments.transparency.publishing import Village, day, village

pytestmark = pytest.mark.db


def figures(town: Village) -> list[tuple[object, ...]]:
    """Everything that the page could be made of, as an attacker would note it."""
    rows = town.session.execute(
        text(
            "SELECT fee_item_id, counted_until, grain_vnd, billed_vnd, collected_vnd, prices_vnd FROM public_figure"
            " WHERE school_id = :id ORDER BY fee_item_id"
        ),
        {"id": town.school.id},
    )
    return [tuple(row) for row in rows]


def test_sums_are_rounded_down_and_carry_their_day(session: Session) -> None:
    town = village(session, 27, clubs=6)
    town.pay(0, 17, day(8))
    town.publish(day(9))
    meals, club = town.seen()["AN"], town.seen()["KNS"]
    assert (meals.billed_vnd, meals.collected_vnd, meals.grain_vnd) == (2_500_000, 1_500_000, 500_000)
    assert meals.counted_until == clock.day_starts(day(9).date())
    assert club.billed_vnd is None, "what was asked for a voluntary item would tell how many took part"


def test_nothing_of_today_is_counted(session: Session) -> None:
    town = village(session, 20)
    town.pay(0, 10, day(8))
    town.pay(10, 20, day(9))
    town.publish(day(9, hour=10))
    assert town.seen()["AN"].collected_vnd == 1_000_000


def attack(town: Village) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """One pupil pays, exactly where the sum would step over a multiple of the grain; the figures before and after."""
    town.pay(0, 9, day(8))
    town.publish(day(9))
    before = figures(town)
    town.pay(9, 10, day(9))
    town.night(day(10))
    return before, figures(town)


def test_the_difference_of_two_nights_never_shows_one_payment(session: Session) -> None:
    before, after = attack(village(session, 20))
    assert before == after, "not even the day of the figure may move: that would say that fewer have paid"


def test_without_the_rule_of_five_the_same_attack_succeeds(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "may_replace", lambda _: True)
    before, after = attack(village(session, 20))
    assert before != after


def test_five_pupils_move_a_figure(session: Session) -> None:
    town = village(session, 20)
    attack(town)
    town.pay(10, 14, day(10))
    town.night(day(11))
    meals = town.seen()["AN"]
    assert (meals.collected_vnd, meals.counted_until) == (1_000_000, clock.day_starts(day(11).date()))
    assert town.night(day(11)) == 0, "again on the same day changes nothing"


def reverse(town: Village) -> None:
    """One bill is replaced by a smaller one, as for a pupil with a reduction."""
    take_out(town.session, town.school, town.invoices[0], InvoiceState.REPLACED)
    town.session.execute(
        text("UPDATE invoice_balance SET changed_at = :at WHERE school_id = :school AND invoice_id = :id"),
        {"at": day(9), "school": town.school.id, "id": town.invoices[0].id},
    )
    with clock.turned_to(day(9)):
        issue(town.session, town.school, 50_000, round_id=town.round_id, replaces=town.invoices[0])


def hide_and_show(town: Village) -> None:
    """The round is taken off and published again, which must not open a new look."""
    town.pay(9, 10, day(9))
    town.publish(day(9), shown=False)
    town.publish(day(10))


@pytest.mark.parametrize("deed", [reverse, hide_and_show])
def test_no_detour_shows_one_pupil(session: Session, deed: Callable[[Village], None]) -> None:
    town = village(session, 20)
    town.pay(1, 9, day(8))
    town.publish(day(9))
    before = figures(town)
    deed(town)
    town.night(day(10))
    assert figures(town) == before


@pytest.mark.parametrize("pupils", [1, 4])
def test_a_round_of_a_few_pupils_shows_no_sum_and_no_price_of_theirs(session: Session, pupils: int) -> None:
    town = village(session, pupils)
    town.pay(0, pupils, day(8))
    town.publish(day(9))
    meals = town.seen()["AN"]
    assert (meals.billed_vnd, meals.collected_vnd) == (None, None)
    assert meals.prices_vnd == (30_000,), "the catalogue's price alone"


def test_the_last_pupil_who_has_not_paid_is_invisible(session: Session) -> None:
    one_owes, nobody_owes = village(session, 20), village(session, 20)
    one_owes.pay(0, 19, day(8))
    nobody_owes.pay(0, 20, day(8))
    for town in (one_owes, nobody_owes):
        town.publish(day(9))
    owing = one_owes.seen()["AN"]
    assert owing.billed_vnd is not None
    assert owing.collected_vnd is not None
    assert owing.billed_vnd - owing.collected_vnd == owing.grain_vnd, (
        "one to five pupils: which, the figure does not say"
    )


def test_a_draft_is_never_published_and_another_schools_round_is_unknown(session: Session) -> None:
    town, other = village(session, 1), village(session, 1)
    session.execute(text("UPDATE collection_round SET state = 'approved' WHERE id = :id"), {"id": town.round_id})
    with pytest.raises(ConflictError):
        town.publish(day(9))
    with pytest.raises(NotFoundError):
        show_round(session, town.school.id, other.round_id, shown=True, actor_id=town.school.principal)


def test_a_hidden_round_is_gone_and_the_night_leaves_it(session: Session) -> None:
    town = village(session, 20)
    town.publish(day(9))
    town.publish(day(9), shown=False)
    town.pay(0, 20, day(9))
    assert town.seen() == {}
    assert town.night(day(10)) == 0
    assert town.school.id not in counting.schools_that_publish(session)


def test_publishing_is_written_down(session: Session) -> None:
    town = village(session, 1)
    town.publish(day(9))
    town.publish(day(9), shown=False)
    deeds = session.execute(
        text("SELECT action, actor_id, subject_id FROM audit_event WHERE school_id = :id ORDER BY id"),
        {"id": town.school.id},
    ).all()
    assert [tuple(deed) for deed in deeds] == [
        ("public_round.shown", town.school.principal, town.round_id),
        ("public_round.hidden", town.school.principal, town.round_id),
    ]
