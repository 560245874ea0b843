"""Who is told, counted again by other SQL: every state of money, every way to reach somebody, every wave."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy import TextClause, text

from payments import clock
from payments.db import session_scope
from payments.notices import addresses, audience
from payments.notices.addresses import Reach, mark_bounced, opt_out
from payments.notices.audience import Question
from payments.notices.rules import CAMPAIGN_KINDS, TELL_AGAIN_AFTER, Channel, Kind, Left
from payments.schools.models import Guardian
from payments.schools.roster.store import GUARDIAN_PHONE
from payments.settlement.correcting import cancel_invoice
from tests.payments.notices.office import LATE, NOON, Office
from tests.payments.setting import make_pupil
from tests.payments.settlement.setting import Issued, issue, open_round

pytestmark = [pytest.mark.db, pytest.mark.timeout(180)]

MEALS_VND, CLUB_VND = 100_000, 15_000
MONEY: Mapping[str, tuple[int, int, int]] = {
    # mandatory, voluntary, paid
    "nothing paid": (MEALS_VND, CLUB_VND, 0),
    "a part paid": (MEALS_VND, 0, 40_000),
    "mandatory paid, voluntary open": (MEALS_VND, CLUB_VND, MEALS_VND),
    "all paid": (MEALS_VND, CLUB_VND, MEALS_VND + CLUB_VND),
    "over": (MEALS_VND, 0, MEALS_VND + 50_000),
    "voluntary only": (0, CLUB_VND, 0),
    "waived": (MEALS_VND, CLUB_VND, 0),
    "waived after a part": (MEALS_VND, 0, 40_000),
    "credit and a second notice": (MEALS_VND, 0, MEALS_VND + 50_000),
    "another round only": (MEALS_VND, 0, 0),
}
GOOD, OPTED, BOUNCED, BAD = "good", "opted_out", "bounced", "bad"
WAYS: Mapping[str, tuple[str, ...]] = {
    "good": (GOOD,),
    "none": (),
    "opted out": (OPTED,),
    "bounces": (BOUNCED,),
    "no address at all": (BAD,),
    "two, one bounces": (BOUNCED, GOOD),
    "two, one wants none": (GOOD, OPTED),
    "two, neither": (OPTED, BOUNCED),
    "sibling": (GOOD,),
}
SITUATIONS = [
    *(("nothing paid", way) for way in WAYS),
    *((money, "good") for money in MONEY),
    *zip(MONEY, list(WAYS)[1:], strict=False),
]
"""Every way with a debt, every money with an address, and mixtures."""
RELATIONS = ("guardian", "mother")

# Other words than the room's own: every invoice is judged by sums, pupils are picked by set operations.
LEDGER = """
    CREATE TEMPORARY VIEW judged AS
    SELECT i.pupil_id, i.round_id, i.due_on, b.state NOT IN ('cancelled', 'replaced') AS stands,
        (SELECT coalesce(sum(amount_vnd), 0) FROM invoice_line l
         WHERE (l.school_id, l.invoice_id) = (i.school_id, i.id))
        - (SELECT coalesce(sum(amount_vnd), 0) FROM allocation a
           WHERE (a.school_id, a.invoice_id) = (i.school_id, i.id)) AS open_vnd,
        (SELECT coalesce(sum(l.amount_vnd), 0) FROM invoice_line l
         WHERE (l.school_id, l.invoice_id) = (i.school_id, i.id) AND l.mandatory)
        - (SELECT coalesce(sum(a.amount_vnd), 0) FROM allocation a
           JOIN invoice_line l ON (l.school_id, l.invoice_id, l.id) = (a.school_id, a.invoice_id, a.line_id)
           WHERE (a.school_id, a.invoice_id) = (i.school_id, i.id) AND l.mandatory) AS debt_vnd
    FROM invoice i JOIN invoice_balance b ON (b.school_id, b.invoice_id) = (i.school_id, i.id)
"""
DUE = {
    Kind.NEW_ROUND: "open_vnd > 0",
    Kind.REMINDER: "debt_vnd > 0 AND due_on >= :today",
    Kind.OVERDUE: "debt_vnd > 0 AND due_on < :today",
}


class Town:
    """The school with every situation, and what the test itself knows of its addresses."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.reach: dict[int, tuple[str, ...]] = {}
        self.other_round = office.do(open_round, office.school)
        for number, (money, way) in enumerate(SITUATIONS):
            self.settle(money, self.pupil(number, way))

    def pupil(self, number: int, way: str) -> int:
        office, cipher = self.office, self.office.outside.cipher
        with session_scope(office.engine) as session:
            pupil = make_pupil(session, office.school.id, office.school.class_room, f"Bé {number}")
            for relation, state in zip(RELATIONS, WAYS[way], strict=False):
                name = "sibling" if way == "sibling" else f"p{number}{relation}"
                email = "không phải thư" if state == BAD else f"{name}@example.org"
                phone = None if state == BAD else cipher.seal(f"09{number:08d}".encode(), GUARDIAN_PHONE)
                written = email.upper() if number % 2 else email
                session.add(
                    Guardian(
                        school_id=office.school.id, pupil_id=pupil, relation=relation, email=written, phone_sealed=phone
                    )
                )
                if state in {OPTED, BOUNCED}:
                    reach = Reach(office.school.id, Channel.EMAIL, email)
                    opt_out(session, cipher, reach) if state == OPTED else mark_bounced(session, cipher, reach, "550")
        self.reach[pupil] = WAYS[way]
        return pupil

    def settle(self, money: str, pupil: int) -> None:
        office, school = self.office, self.office.school
        meals_vnd, club_vnd, paid_vnd = MONEY[money]
        round_id = self.other_round if money == "another round only" else office.round_id
        invoice: Issued = office.do(issue, school, meals_vnd, club_vnd, pupil=pupil, round_id=round_id)
        if paid_vnd:
            office.pay(paid_vnd, invoice)
        if money.startswith("waived"):
            office.do(cancel_invoice, school.id, invoice.id, school.accountant)
        if money.startswith("credit"):
            office.do(issue, school, 30_000, 0, pupil=pupil, account=school.other_account, round_id=round_id)

    def expected(self, kind: Kind, told: frozenset[int] = frozenset()) -> tuple[frozenset[int], dict[str, int]]:
        """Who gets a letter, and how many do not and why."""
        with session_scope(self.office.engine) as session:
            session.execute(text(LEDGER))
            asked = text(f"SELECT DISTINCT pupil_id FROM judged WHERE stands AND round_id = :round AND {DUE[kind]}")
            due = set(session.scalars(asked, {"round": self.office.round_id, "today": clock.today()}))
            session.execute(text("DROP VIEW judged"))
        get, left = set(), Counter()
        for pupil in due:
            states = {state for state in self.reach[pupil] if state != BAD}
            if pupil in told:
                left["told"] += 1
            elif GOOD in states:
                get.add(pupil)
            else:
                left["opted_out" if OPTED in states else "bounced" if states else "no_address"] += 1
        return frozenset(get), dict(left)

    def counted(self, kind: Kind) -> tuple[int, dict[str, int]]:
        question = Question(self.office.school.id, self.office.round_id, kind, Channel.EMAIL)
        found = self.office.do(audience.count, self.office.outside.cipher, question)
        return found.told, dict(found.left_out)

    def agrees(self, kind: Kind, told: frozenset[int] = frozenset()) -> frozenset[int]:
        """The audience, after both have counted the same."""
        get, left = self.expected(kind, told)
        assert self.counted(kind) == (len(get), left), kind
        return get

    def written(self, campaign_id: int) -> frozenset[int]:
        with session_scope(self.office.engine) as session:
            asked = text("SELECT pupil_id FROM notice WHERE campaign_id = :id")
            return frozenset(session.scalars(asked, {"id": campaign_id}))


@pytest.fixture
def town(school_office: Office) -> Town:
    return Town(school_office)


def agrees_everywhere(town: Town) -> None:
    for kind in CAMPAIGN_KINDS:
        town.agrees(kind)


def without(words: str) -> TextClause:
    """The question for addresses that may not be used, less a part of it."""
    assert words in addresses._SHUT.text
    return text(addresses._SHUT.text.replace(words, ""))


REASONS = {True: Left.OPTED_OUT, False: Left.BOUNCED}
MUTATIONS = {
    "voluntary items are dunned": ("l.mandatory\n", "true\n"),
    "what is paid is asked for again": ("b.state IN ('open', 'partial')", "b.state IN ('open', 'partial', 'paid')"),
    "what is waived is asked for": ("b.state IN ('open', 'partial')", "b.state IN ('open', 'partial', 'cancelled')"),
    "a part paid is taken for all": ("b.state IN ('open', 'partial')", "b.state IN ('open')"),
    "every round": ("i.round_id = :round_id", "true"),
    "due or not": ("i.due_on >= :today", "true"),
}
WRONG_WAYS = {
    "who wants none gets one": ("_SHUT", without(" OR opted_out_at IS NOT NULL")),
    "a dead address is used": ("_SHUT", without("bounced_at IS NOT NULL OR ")),
    "one bad address of two silences both": ("reason", lambda marks: next(filter(None, map(REASONS.get, marks)), None)),
}


def test_every_wave_goes_to_whom_other_sql_counts_and_a_wrong_count_is_noticed(town: Town, monkeypatch) -> None:
    agrees_everywhere(town)
    assert town.counted(Kind.OVERDUE) == (0, {})
    with clock.turned_to(LATE):
        overdue = town.agrees(Kind.OVERDUE)
        assert town.counted(Kind.REMINDER) == (0, {})
    first, reminded = town.agrees(Kind.NEW_ROUND), town.agrees(Kind.REMINDER)
    assert overdue == reminded < first
    for wrong, (ours, theirs) in MUTATIONS.items():
        assert ours in audience._PUPILS, wrong
        with monkeypatch.context() as patched:
            patched.setattr(audience, "_PUPILS", audience._PUPILS.replace(ours, theirs))
            moment = LATE if wrong == "due or not" else NOON
            with clock.turned_to(moment), pytest.raises(AssertionError):
                agrees_everywhere(town)
    for name, wrong_way in WRONG_WAYS.values():
        with monkeypatch.context() as patched:
            patched.setattr(addresses, name, wrong_way)
            with pytest.raises(AssertionError):
                agrees_everywhere(town)
    assert town.written(town.office.start(Kind.NEW_ROUND)) == first
    assert town.written(town.office.start(Kind.REMINDER)) == reminded
    for kind, told in ((Kind.NEW_ROUND, first), (Kind.REMINDER, reminded)):
        assert town.agrees(kind, told) == frozenset(), "a second wave finds nobody"
    assert town.office.work() > 0
    with session_scope(town.office.engine) as session:
        sent = set(session.scalars(text("SELECT pupil_id FROM notice WHERE state = 'sent'")))
    assert sent == first, "whoever is reminded is told of the round as well"
    with clock.turned_to(NOON + TELL_AGAIN_AFTER + timedelta(hours=1)):
        assert town.agrees(Kind.NEW_ROUND, first) == frozenset(), "a round is announced once"
        assert town.agrees(Kind.REMINDER) == reminded, "and may be reminded of again"
