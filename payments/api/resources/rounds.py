"""Collection rounds: software drafts and proposes, a person approves at the desk."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from payments.api import queries
from payments.api.operation import Call, Line, Nothing, Operation, Page, Paged, Shape, at, given
from payments.api.problems import Fault, invalid
from payments.api.resources.roster import YearCode
from payments.api.rules import Scope
from payments.errors import DomainError, NotFoundError
from payments.fees.queries import found_items
from payments.fees.registration_file import UNKNOWN_FEE, UNKNOWN_PUPIL, FoundItem
from payments.i18n import Text
from payments.invoices.models import RoundState
from payments.invoices.queries import round_by_code
from payments.invoices.service import FeeOfRound, draft_round, preview_round, set_quantities
from payments.schools.identifiers import normalise_code
from payments.schools.problems import Kind
from payments.schools.queries import pupil_ids, year_by_code, year_on

BATCH = 1000
MOST_UNITS = 10_000
TWICE = Text("Học sinh này đã có số lượng của khoản này ở trên.", "This pupil has a quantity of this item above.")
Quantity = Annotated[int, Meta(ge=0, le=MOST_UNITS)]


class RoundFeeIn(Shape):
    """A fee item of a round."""

    fee_code: Line
    quantity: Annotated[Quantity, Meta(description="For every pupil; left out: as registered.")] | UnsetType = UNSET


class QuantityIn(Shape):
    """Another quantity for one pupil: 20 days of meals instead of 22."""

    sector_id: Line
    fee_code: Line
    quantity: Quantity


class QuantitiesIn(Shape):
    """A batch of quantities."""

    quantities: Annotated[list[QuantityIn], Meta(min_length=1, max_length=BATCH)]


class RoundIn(Shape):
    """A round to be drafted; prices, registrations and pupils are read as of `starts_on`."""

    code: Annotated[str, Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,39}$")]
    name: Annotated[Line, Meta(min_length=1)]
    starts_on: date
    due_on: date
    fees: Annotated[list[RoundFeeIn], Meta(min_length=1, max_length=50)]
    year: YearCode | UnsetType = UNSET
    quantities: Annotated[list[QuantityIn], Meta(max_length=BATCH)] | UnsetType = UNSET


class RoundFeeOut(Shape):
    """A fee item of a round; quantity null: as registered, else one."""

    fee_code: str
    quantity: int | None


class RoundOut(Shape):
    """A round with what its standing invoices add up to."""

    code: str
    name: str
    year: str
    starts_on: date
    due_on: date
    state: RoundState
    created_at: datetime
    approved_at: datetime | None
    issued_at: datetime | None
    planned_invoices: int
    issued_invoices: int
    invoices: int
    amount_vnd: int
    paid_vnd: int
    fees: list[RoundFeeOut]


class RoundPage(Page):
    """Rounds in the order in which they were drafted."""

    items: list[RoundOut]


class RoundQuery(Paged):
    """Which rounds."""

    state: RoundState | UnsetType = UNSET


class PlannedFee(Shape):
    """What one fee item adds up to."""

    fee_code: str
    lines: int
    relief_vnd: int
    amount_vnd: int


class Refusal(Shape):
    """Why the round may not be approved as it is."""

    code: str
    detail: str


class PlanOut(Shape):
    """What the round would issue now."""

    invoices: int
    amount_vnd: int
    fees: list[PlannedFee]
    refusals: list[Refusal]


class QuantitiesSet(Shape):
    """How many quantities were written."""

    written: int


def draft(call: Call[Nothing, RoundIn]) -> RoundOut:
    """Draft a round and ask for the approval of a second person."""
    body = call.body
    items = found_items(call.session, call.school_id)
    fees = [
        FeeOfRound(_item(items, fee.fee_code, f"/fees/{place}/fee_code").id, given(fee.quantity))
        for place, fee in enumerate(body.fees)
    ]
    round_id = draft_round(
        call.session,
        call.school_id,
        code=body.code,
        name=body.name,
        year_id=_year_id(call, given(body.year), body.starts_on),
        starts_on=body.starts_on,
        due_on=body.due_on,
        fees=fees,
        actor_id=call.holder.user_id,
    )
    if given(body.quantities):
        _set(call, round_id, given(body.quantities), items)
    return _one(call, body.code)


def set_(call: Call[Nothing, QuantitiesIn]) -> QuantitiesSet:
    """Give pupils other quantities."""
    found = round_by_code(call.session, call.school_id, call.path["code"])
    _set(call, found.id, call.body.quantities, found_items(call.session, call.school_id))
    return QuantitiesSet(written=len(call.body.quantities))


def show(call: Call[Nothing, None]) -> RoundOut:
    """One round."""
    return _one(call, call.path["code"])


def plan(call: Call[Nothing, None]) -> PlanOut:
    """What a round would issue."""
    found = round_by_code(call.session, call.school_id, call.path["code"])
    made = preview_round(call.session, call.school_id, found.id)
    codes = {item.id: code for code, item in found_items(call.session, call.school_id).items()}
    return PlanOut(
        invoices=len(made.drafts),
        amount_vnd=made.amount_vnd,
        fees=[
            PlannedFee(
                fee_code=codes[item_id], lines=total.lines, relief_vnd=total.relief_vnd, amount_vnd=total.amount_vnd
            )
            for item_id, total in made.by_fee().items()
        ],
        refusals=[Refusal(code=one.code, detail=one.text.in_(call.language)) for one in made.refusals],
    )


def list_rounds(call: Call[RoundQuery, None]) -> RoundPage:
    """A page of rounds."""
    state = given(call.query.state)
    rows = _rows(call, after=call.after()[0], limit=call.query.limit + 1, state=state, code=None)
    kept, cursor = call.cut(rows, lambda row: (row["id"],))
    return RoundPage(items=_shown(call, kept), next_cursor=cursor)


def _one(call: Call[Any, Any], code: str) -> RoundOut:
    shown = _shown(call, _rows(call, after=0, limit=1, state=None, code=code))
    if not shown:
        raise NotFoundError(f"Không có đợt thu mã {code}.", f"There is no collection round {code}.")
    return shown[0]


def _rows(call: Call[Any, Any], **wanted: Any) -> list[queries.Row]:
    return queries.listed(call.session, "rounds", call.school_id, **wanted)


def _shown(call: Call[Any, Any], rows: Sequence[queries.Row]) -> list[RoundOut]:
    fees = queries.parts(call.session, "fees", call.school_id, [row["id"] for row in rows])
    return [
        RoundOut(
            **{name: row[name] for name in ("code", "name", "year", "starts_on", "due_on")},
            **{name: row[name] for name in ("planned_invoices", "issued_invoices", "invoices")},
            **{name: row[name] for name in ("amount_vnd", "paid_vnd")},
            state=RoundState(row["state"]),
            created_at=at(row["created_at"]),
            approved_at=row["approved_at"] and at(row["approved_at"]),
            issued_at=row["issued_at"] and at(row["issued_at"]),
            fees=[RoundFeeOut(**fee) for fee in fees[row["id"]]],
        )
        for row in rows
    ]


def _set(call: Call[Any, Any], round_id: int, wanted: Sequence[QuantityIn], items: dict[str, FoundItem]) -> None:
    codes = [normalise_code(row.sector_id) for row in wanted]
    pupils = pupil_ids(call.session, call.school_id, set(codes))
    quantities: dict[tuple[int, int], int] = {}
    for place, (row, code) in enumerate(zip(wanted, codes, strict=True)):
        item = _item(items, row.fee_code, f"/quantities/{place}/fee_code")
        if code not in pupils:
            raise _unknown(UNKNOWN_PUPIL, f"/quantities/{place}/sector_id")
        if quantities.setdefault((pupils[code], item.id), row.quantity) != row.quantity:
            raise invalid(Fault("told_twice", TWICE, pointer=f"/quantities/{place}"))
    set_quantities(call.session, call.school_id, round_id, quantities, actor_id=call.holder.user_id)


def _item(items: dict[str, FoundItem], code: str, pointer: str) -> FoundItem:
    found = items.get(normalise_code(code))
    if found is None:
        raise _unknown(UNKNOWN_FEE, pointer)
    return found


def _unknown(kind: Kind, pointer: str) -> DomainError:
    return invalid(Fault(kind.code, kind.reason, pointer=pointer))


def _year_id(call: Call[Any, Any], code: str | None, day: date) -> int:
    year = year_by_code(call.session, call.school_id, code) if code else year_on(call.session, call.school_id, day)
    if year is None:
        raise DomainError(
            "unknown_year",
            "Trường chưa có năm học này; hãy gửi danh sách học sinh của năm học trước.",
            "The school has not this school year yet; send the year's roster first.",
        )
    return year.id


OPERATIONS = (
    Operation(
        name="list_rounds",
        method="GET",
        path="/rounds",
        scope=Scope.ROUNDS_READ,
        summary="Collection rounds",
        run=list_rounds,
        query=RoundQuery,
        answer=RoundPage,
    ),
    Operation(
        name="draft_round",
        method="POST",
        path="/rounds",
        scope=Scope.ROUNDS_WRITE,
        summary="Draft a round and propose it for approval",
        description="A principal of the school who is not the person of the key approves it at the desk; no key can.",
        run=draft,
        body=RoundIn,
        answer=RoundOut,
        status=201,
    ),
    Operation(
        name="show_round",
        method="GET",
        path="/rounds/{code}",
        scope=Scope.ROUNDS_READ,
        summary="One round",
        run=show,
        answer=RoundOut,
    ),
    Operation(
        name="show_plan",
        method="GET",
        path="/rounds/{code}/plan",
        scope=Scope.ROUNDS_READ,
        summary="What a round would issue now, and what forbids it",
        run=plan,
        answer=PlanOut,
    ),
    Operation(
        name="set_quantities",
        method="POST",
        path="/rounds/{code}/quantities",
        scope=Scope.ROUNDS_WRITE,
        summary="Give pupils other quantities in a round",
        description="A round that was approved needs another approval afterwards. All are written, or none.",
        run=set_,
        body=QuantitiesIn,
        answer=QuantitiesSet,
    ),
)
