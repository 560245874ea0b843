"""Invoices with all that a notice needs: reference, memo, VietQR payload, lines, and the parent's link."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from payments.api import queries
from payments.api.operation import Call, Nothing, Operation, Page, Paged, Shape, Word, at, given
from payments.api.resources.fees import AccountOut
from payments.api.rules import Scope
from payments.errors import NotFoundError
from payments.fees.terms import LegalGroup
from payments.invoices.models import InvoiceState
from payments.portal.service import links_of
from payments.vietqr import build_memo, encode_transfer

Since = Annotated[datetime, Meta(tz=True, description="RFC 3339 with offset.")]
PAYABLE = {InvoiceState.OPEN, InvoiceState.PARTIAL}


class LineOut(Shape):
    """`amount_vnd = quantity * unit_price_vnd - relief_vnd`."""

    fee_code: str
    description: str
    legal_group: LegalGroup
    mandatory: bool
    quantity: int
    unit_price_vnd: int
    relief_vnd: int
    amount_vnd: int
    legal_basis: str


class InvoiceOut(Shape):
    """A notice of what is due. What it says never changes; state and paid amount do."""

    reference: str
    round: str
    sector_id: str
    state: Annotated[
        InvoiceState,
        Meta(description="Money for a replaced or cancelled one lands on its successor, else becomes credit."),
    ]
    amount_vnd: int
    paid_vnd: int
    owed_vnd: Annotated[
        int, Meta(description="The mandatory part that is not paid; 0 when it is replaced or cancelled.")
    ]
    due_on: date
    issued_at: datetime
    changed_at: datetime
    replaces: Annotated[str | None, Meta(description="Reference of the invoice that this one replaces.")]
    account: AccountOut
    memo: Annotated[str, Meta(description="What stands in the transfer, to the letter.")]
    qr_payload: Annotated[
        str | None,
        Meta(
            description="VietQR of `owed_vnd`, as text to draw; null: nothing is owed, or the round is closed."
            " Voluntary lines are chosen by the parent, on the page behind `link`."
        ),
    ]
    link: Annotated[str | None, Meta(description="The parent's page; null without the scope links:read or a link.")]
    lines: list[LineOut]


class InvoicePage(Page):
    """Invoices in the order in which they were issued."""

    items: list[InvoiceOut]


class InvoiceQuery(Paged):
    """Which invoices."""

    round: Word | UnsetType = UNSET
    sector_id: Word | UnsetType = UNSET
    state: InvoiceState | UnsetType = UNSET
    changed_since: Since | UnsetType = UNSET


def list_invoices(call: Call[InvoiceQuery, None]) -> InvoicePage:
    """A page of invoices."""
    query = call.query
    rows = _rows(
        call,
        after=call.after()[0],
        limit=query.limit + 1,
        round=given(query.round),
        sector_id=given(query.sector_id),
        state=given(query.state),
        changed_since=given(query.changed_since),
    )
    kept, cursor = call.cut(rows, lambda row: (row["id"],))
    return InvoicePage(items=_shown(call, kept), next_cursor=cursor)


def show(call: Call[Nothing, None]) -> InvoiceOut:
    """One invoice."""
    shown = _shown(call, _rows(call, after=0, limit=1, reference=call.path["reference"]))
    if not shown:
        raise NotFoundError("Không có thông báo thu mang mã này.", "There is no invoice of this reference.")
    return shown[0]


def _rows(call: Call[Any, Any], **wanted: Any) -> list[queries.Row]:
    everything = dict.fromkeys(("reference", "round", "sector_id", "state", "changed_since"))
    return queries.listed(call.session, "invoices", call.school_id, **{**everything, **wanted})


def _shown(call: Call[Any, Any], rows: Sequence[queries.Row]) -> list[InvoiceOut]:
    lines = queries.parts(call.session, "lines", call.school_id, [row["id"] for row in rows])
    links = _links(call, {row["pupil_id"] for row in rows})
    return [_invoice(row, lines[row["id"]], links.get(row["pupil_id"])) for row in rows]


def _links(call: Call[Any, Any], pupils: set[int]) -> dict[int, str]:
    if Scope.LINKS_READ not in call.holder.scopes:
        return {}
    settings = call.services.settings
    found = links_of(call.session, settings.link_keys, call.school_id, pupils)
    return {pupil: f"{settings.base_url}/p/{token}" for pupil, token in found.items()}


def _invoice(row: queries.Row, lines: Sequence[dict[str, Any]], link: str | None) -> InvoiceOut:
    state = InvoiceState(row["state"])
    owed_vnd = row["owed_vnd"] if state in PAYABLE else 0
    memo = build_memo(row["reference"], prefix=row["memo_prefix"] or "").text
    asks = owed_vnd and not row["round_closed"]
    payload = encode_transfer(row["bin"], row["number"], owed_vnd, memo) if asks else None
    return InvoiceOut(
        **{name: row[name] for name in ("reference", "round", "sector_id", "amount_vnd", "paid_vnd", "due_on")},
        state=state,
        owed_vnd=owed_vnd,
        issued_at=at(row["issued_at"]),
        changed_at=at(row["changed_at"]),
        replaces=row["replaces"],
        account=AccountOut(**{name: row[name] for name in AccountOut.__struct_fields__}),
        memo=memo,
        qr_payload=payload,
        link=link,
        lines=[LineOut(**{**line, "legal_group": LegalGroup(line["legal_group"])}) for line in lines],
    )


OPERATIONS = (
    Operation(
        name="list_invoices",
        method="GET",
        path="/invoices",
        scope=Scope.INVOICES_READ,
        summary="Invoices with reference, QR payload, state and lines",
        run=list_invoices,
        query=InvoiceQuery,
        answer=InvoicePage,
    ),
    Operation(
        name="show_invoice",
        method="GET",
        path="/invoices/{reference}",
        scope=Scope.INVOICES_READ,
        summary="One invoice",
        run=show,
        answer=InvoiceOut,
    ),
)
