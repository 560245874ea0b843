"""The school's fee items with the prices and ceilings that hold today."""

from datetime import date
from typing import Annotated

from msgspec import Meta

from payments import clock
from payments.api.operation import Call, Nothing, Operation, Shape
from payments.api.rules import Scope
from payments.banking.queries import accounts_of
from payments.fees.queries import CatalogueRow, catalogue
from payments.fees.terms import LegalGroup, Unit


class AccountOut(Shape):
    """A receiving account of the school."""

    bin: str
    number: str
    holder_name: str
    fund: str


class RateOut(Shape):
    """A unit price from a day on, for one grade or (null) for all."""

    grade: int | None
    unit_price_vnd: int
    valid_from: date


class FeeItemOut(Shape):
    """A fee item; rates and ceiling are those of today."""

    code: str
    name: str
    legal_group: LegalGroup
    unit: Unit
    mandatory: bool
    by_registration: Annotated[bool, Meta(description="true: charged to registered pupils only.")]
    legal_basis: str
    valid_from: date
    valid_to: date | None
    rates: list[RateOut]
    ceiling_vnd: int | None
    ceiling_document: str | None
    registered: int
    account: AccountOut


class FeeItemList(Shape):
    """All fee items by code."""

    items: list[FeeItemOut]


def list_items(call: Call[Nothing, None]) -> FeeItemList:
    """The catalogue."""
    accounts = {
        row.id: AccountOut(bin=row.bin, number=row.number, holder_name=row.holder_name, fund=row.fund)
        for row in accounts_of(call.session, call.school_id)
    }
    rows = catalogue(call.session, call.school_id, clock.today())
    return FeeItemList(items=[_shown(row, accounts[row.receiving_account_id]) for row in rows])


def _shown(row: CatalogueRow, account: AccountOut) -> FeeItemOut:
    terms = row.terms
    return FeeItemOut(
        code=terms.code,
        name=terms.name,
        legal_group=terms.legal_group,
        unit=terms.unit,
        mandatory=terms.mandatory,
        by_registration=terms.by_registration,
        legal_basis=terms.legal_basis,
        valid_from=terms.valid_from,
        valid_to=terms.valid_to,
        rates=[
            RateOut(grade=rate.grade, unit_price_vnd=rate.unit_price_vnd, valid_from=rate.valid_from)
            for rate in row.rates
        ],
        ceiling_vnd=row.ceiling.ceiling_vnd if row.ceiling else None,
        ceiling_document=row.ceiling.document if row.ceiling else None,
        registered=row.registered,
        account=account,
    )


OPERATIONS = (
    Operation(
        name="list_fee_items",
        method="GET",
        path="/fee-items",
        scope=Scope.FEES_READ,
        summary="Fee items with today's prices and ceilings",
        run=list_items,
        answer=FeeItemList,
    ),
)
