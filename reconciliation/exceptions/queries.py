"""Reads of exceptions: lists and counts, all by the same conditions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, func, or_, select
from sqlalchemy.orm import Session

from payments import clock
from payments.access.models import Grant, Role, User
from payments.banking.models import ReceivingAccount
from payments.schools.rules import search_key
from reconciliation.exceptions.filters import ALL_STATES, LIVE_STATES, ME, NOBODY, Filter
from reconciliation.exceptions.models import ExceptionEvent, ReconcileException
from reconciliation.exceptions.rules import AGES, HANDLING, State

_CASE = ReconcileException


_PLACES = {key: place for place, key in enumerate(HANDLING)}
"""Classes are listed by precedence."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many exceptions, and how much money they are about."""

    key: str
    count: int
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class Overview:
    """One page of a list with what the whole list holds."""

    rows: Sequence[Row[Any]]
    total: Bucket
    classes: Sequence[Bucket]
    """By class, under all other filters."""
    ages: Sequence[Bucket]
    """By age, under all other filters; every bucket, also an empty one."""


def counts(session: Session, school_id: int, actor_id: int | None = None) -> Mapping[str, int]:
    """Work that waits, by what the list shows under the same filter.

    ``open`` (all live), ``mine``, ``overdue``, ``second_person`` (every proposal that waits), and ``to_decide``
    (proposals of others than ``actor_id``: what a principal can decide). Without ``actor_id`` nothing is mine.
    """
    proposal = ExceptionEvent
    waits = _CASE.state == State.PROPOSED
    nobody = _CASE.id.is_(None)
    row = session.execute(
        select(
            func.count(),
            func.count().filter(nobody if actor_id is None else _CASE.assignee_id == actor_id),
            func.count().filter(_CASE.due_on < clock.today()),
            func.count().filter(waits),
            func.count().filter(waits if actor_id is None else and_(waits, proposal.actor_id != actor_id)),
        )
        .select_from(_CASE)
        .outerjoin(proposal, and_(proposal.school_id == _CASE.school_id, proposal.id == _CASE.proposal_id))
        .where(_CASE.school_id == school_id, _CASE.state != State.RESOLVED)
    ).one()
    return dict(zip(("open", "mine", "overdue", "second_person", "to_decide"), row, strict=True))


def overview(session: Session, school_id: int, chosen: Filter, actor_id: int, *, limit: int, offset: int) -> Overview:
    """A page of a list, and its counts by class and by age: all read by the same conditions."""
    wanted = _wanted(school_id, chosen, actor_id)
    total = session.execute(select(func.count(), func.coalesce(func.sum(_CASE.amount_vnd), 0)).where(*wanted)).one()
    ages = _buckets(session, _age_key(), _wanted(school_id, chosen, actor_id, without="age"))
    by_age = {bucket.key: bucket for bucket in ages}
    return Overview(
        rows(session, school_id, chosen, actor_id, limit=limit, offset=offset),
        Bucket("", total[0], int(total[1])),
        sorted(
            _buckets(session, _CASE.primary_class, _wanted(school_id, chosen, actor_id, without="primary_class")),
            key=lambda bucket: _PLACES[bucket.key],
        ),
        [by_age.get(key, Bucket(key, 0, 0)) for key, _, _ in AGES],
    )


def rows(
    session: Session,
    school_id: int,
    chosen: Filter,
    actor_id: int,
    *,
    limit: int | None = None,
    offset: int = 0,
) -> Sequence[Row[Any]]:
    """Exceptions with account and assignee; those that are due first come first."""
    orders: dict[str, tuple[Any, ...]] = {
        "due": (_CASE.due_on,),
        "age": (_CASE.day,),
        "amount": (_CASE.amount_vnd.desc(),),
        "class": (_CASE.primary_class, _CASE.due_on),
    }
    found: Any = session.execute(
        select(
            *(_CASE.id, _CASE.primary_class, _CASE.flags, _CASE.amount_vnd, _CASE.day, _CASE.item_id, _CASE.owner),
            *(_CASE.due_on, _CASE.first_seen_at, _CASE.last_run_id, _CASE.state, _CASE.resolution, _CASE.changed_at),
            _CASE.assignee_id,
            User.full_name.label("assignee"),
            User.username.label("assignee_name"),
            ReceivingAccount.bin,
            ReceivingAccount.number,
            ReceivingAccount.fund,
        )
        .join(
            ReceivingAccount,
            and_(ReceivingAccount.school_id == _CASE.school_id, ReceivingAccount.id == _CASE.account_id),
        )
        .outerjoin(User, User.id == _CASE.assignee_id)
        .where(*_wanted(school_id, chosen, actor_id))
        .order_by(*orders[chosen.sort], _CASE.id)
        .limit(limit)
        .offset(offset)
    ).all()
    return list(found)


def chosen_rows(session: Session, school_id: int, ids: Sequence[int]) -> Sequence[ReconcileException]:
    """Some exceptions of a school by their ids, for a preview."""
    return session.scalars(
        select(_CASE).where(_CASE.school_id == school_id, _CASE.id.in_(ids)).order_by(_CASE.id)
    ).all()


def ids_of(session: Session, school_id: int, chosen: Filter, actor_id: int, *, limit: int) -> list[int]:
    """The ids of a whole list."""
    wanted = select(_CASE.id).where(*_wanted(school_id, chosen, actor_id)).order_by(_CASE.id).limit(limit)
    return list(session.scalars(wanted))


def _wanted(school_id: int, chosen: Filter, actor_id: int, *, without: str = "") -> list[ColumnElement[bool]]:
    """The conditions of a filter, but one."""
    limits: dict[str, list[ColumnElement[bool]]] = {
        "primary_class": [_CASE.primary_class == chosen.primary_class] if chosen.primary_class else [],
        "state": _states(chosen.state),
        "owner": [_CASE.owner == chosen.owner] if chosen.owner else [],
        "age": _aged(chosen.age),
        "assignee": _assigned(chosen.assignee, actor_id),
        "due": _due(chosen.due),
        "account": [_CASE.account_id == int(chosen.account)] if chosen.account else [],
        "q": [_CASE.search_key.contains(word, autoescape=True) for word in search_key(chosen.q).split()],
    }
    return [_CASE.school_id == school_id, *(one for name, group in limits.items() if name != without for one in group)]


def _states(state: str) -> list[ColumnElement[bool]]:
    if state == ALL_STATES:
        return []
    return [_CASE.state != State.RESOLVED if state == LIVE_STATES else _CASE.state == state]


def _aged(key: str) -> list[ColumnElement[bool]]:
    bounds = {name: (first, last) for name, first, last in AGES}
    if key not in bounds:
        return []
    first, last = bounds[key]
    newest = [_CASE.day <= clock.today() - timedelta(days=first)] if first else []
    return newest if last is None else [*newest, _CASE.day >= clock.today() - timedelta(days=last)]


def _assigned(assignee: str, actor_id: int) -> list[ColumnElement[bool]]:
    if assignee == NOBODY:
        return [_CASE.assignee_id.is_(None)]
    if assignee:
        return [_CASE.assignee_id == (actor_id if assignee == ME else int(assignee))]
    return []


def _due(due: str) -> list[ColumnElement[bool]]:
    today = clock.today()
    bounds: dict[str, list[ColumnElement[bool]]] = {
        "overdue": [_CASE.due_on < today],
        "today": [_CASE.due_on == today],
        "week": [_CASE.due_on.between(today, today + timedelta(days=7))],
    }
    return bounds.get(due, [])


def _age_key() -> ColumnElement[str]:
    """The bucket of a case by its day (``rules.age_of``)."""
    today = clock.today()
    steps = [(_CASE.day >= today - timedelta(days=last), key) for key, _, last in AGES if last is not None]
    return case(*steps, else_=AGES[-1][0])


def _buckets(session: Session, key: Any, wanted: Sequence[ColumnElement[bool]]) -> list[Bucket]:
    found = session.execute(
        select(key.label("key"), func.count().label("many"), func.sum(_CASE.amount_vnd).label("amount_vnd"))
        .where(*wanted)
        .group_by(key)
        .order_by(key)
    )
    return [Bucket(row.key, row.many, int(row.amount_vnd)) for row in found]


def staff(session: Session, school_id: int) -> Sequence[User]:
    """Who of the school can be given work, by name."""
    today: date = clock.today()
    return session.scalars(
        select(User)
        .join(Grant, Grant.user_id == User.id)
        .where(
            User.active,
            Grant.organisation_id == school_id,
            Grant.role.in_((Role.ACCOUNTANT, Role.PRINCIPAL)),
            Grant.valid_from <= today,
            or_(Grant.valid_to.is_(None), Grant.valid_to > today),
        )
        .distinct()
        .order_by(User.full_name, User.id)
    ).all()


def by_class(cases: Sequence[ReconcileException]) -> list[Bucket]:
    """Cases that were read already, counted by class."""
    keys = sorted({one.primary_class for one in cases}, key=lambda key: _PLACES[key])
    groups = {key: [one.amount_vnd for one in cases if one.primary_class == key] for key in keys}
    return [Bucket(key, len(amounts), sum(amounts)) for key, amounts in groups.items()]
