"""Casso's API, which both versions of its callbacks share: transactions by day, oldest first.

Polling           GET https://oauth.casso.vn/v2/transactions with `Authorization: Apikey <api_key>`; `fromDate` and
                  `toDate` are days, `page` counts from 1. No limit is published: we keep to two requests a second.
Idempotency key   `id`, as callbacks have it; `tid` is the bank's reference.
Time zone         `when` in Viet Nam, a moment or only the day.
Source            developer.casso.vn («API lấy giao dịch»); `bankSubAccId` of an item from its samples.
Certified by the bank: no
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from bank_adapters import fields, polls
from bank_adapters.contract import (
    BankTransaction,
    OutgoingRequest,
    OutgoingResponse,
    Page,
    PollError,
    PollTerms,
    Status,
    Window,
)

TERMS: Final = PollTerms(budget="casso", calls=2, per_s=1.0, reach=timedelta(days=90), overlap=timedelta(hours=12))
_API: Final = "https://oauth.casso.vn/v2"
_PAGE_SIZE: Final = 100


def poll_request(window: Window, cursor: str | None, secret: Mapping[str, str]) -> OutgoingRequest:
    """A page of the days that the window touches."""
    begin, number = polls.place(cursor, _day(window))
    parameters: dict[str, str | int] = {
        "fromDate": begin,
        "toDate": polls.second(window.until)[:10],
        "page": number,
        "pageSize": _PAGE_SIZE,
        "sort": "ASC",
    }
    headers = {"Authorization": f"Apikey {secret['api_key']}", "Accept": "application/json"}
    return OutgoingRequest(
        method="GET", url=polls.url(f"{secret.get('api_url') or _API}/transactions", parameters), headers=headers
    )


def read_page(response: OutgoingResponse, window: Window, cursor: str | None) -> Page:
    """Read a page; once a page ends on a later day, the next one begins there."""
    document = polls.document_of(response)
    data = document.get("data")
    if document.get("error") != "0" or not isinstance(data, dict):
        raise PollError("unauthorised" if document.get("error") in ("401", "403") else "garbage")
    rows = polls.rows_of(data.get("records"))
    days = polls.in_order([str(row.get("when", ""))[:10] for row in rows])
    more = data.get("nextPage") not in (None, "", "0")
    if more and not days:
        raise PollError("garbage")
    next_cursor = polls.following(cursor, _day(window), days[-1]) if more else None
    return polls.page(*polls.read_rows(rows, _transaction), next_cursor)


def _day(window: Window) -> str:
    return polls.second(window.since)[:10]


def _transaction(row: dict[str, Any]) -> BankTransaction:
    direction, amount_vnd = fields.signed_amount_vnd(row, "amount")
    txn_id = fields.identifier(row, "id")
    when = fields.free_text(row, "when")
    return BankTransaction(
        provider_txn_id=txn_id,
        bank_reference=fields.optional_identifier(row, "tid"),
        amount_vnd=amount_vnd,
        direction=direction,
        status=Status.test if txn_id == "0" else Status.settled,
        occurred_at=fields.moment({"when": f"{when} 00:00" if len(when) == 10 else when}, "when"),
        description=fields.free_text(row, "description"),
        account_number=fields.optional_identifier(row, "bankSubAccId"),
        virtual_account=fields.optional_identifier(row, "virtualAccount"),
        counterparty=fields.counterparty(row, "corresponsiveName", "corresponsiveAccount", "corresponsiveBankName"),
        dedup_key=txn_id,
    )
