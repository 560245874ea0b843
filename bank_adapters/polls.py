"""What every poller needs: judging the status of an answer, and paging that rows coming or going cannot upset.

A page number counts rows, so a row that appears or vanishes before it moves the others across the border of two pages.
Where the sender filters by moment, the next page therefore begins at the moment of the last row that was read (that
row comes twice, which adds nothing); numbers serve only where one moment fills a whole page.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from bank_adapters.contract import BankTransaction, MalformedCallbackError, OutgoingResponse, Page, PollError
from bank_adapters.fields import VIETNAM

MOST_RETRY_AFTER_S: Final = 3600.0
"""No sender makes us wait longer for the next try than this."""
_SECONDS: Final = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,3})?", re.ASCII)
_CURSOR: Final = re.compile(r"([^|]{1,40})\|([0-9]{1,6})", re.ASCII)


def document_of(response: OutgoingResponse, *, wait_headers: Iterable[str] = ("retry-after",)) -> dict[str, Any]:
    """The JSON object of a successful answer. Raises PollError."""
    if response.status == 429:
        raise PollError("rate_limited", _wait(response, wait_headers))
    if response.status in (401, 403):
        raise PollError("unauthorised")
    if response.status >= 500:
        raise PollError("sender_failed", _wait(response, wait_headers))
    if response.status != 200:
        raise PollError("refused")
    try:
        return response.document
    except MalformedCallbackError:
        raise PollError("garbage") from None


def rows_of(value: Any) -> list[dict[str, Any]]:
    """A list of JSON objects. Raises PollError."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise PollError("garbage")
    return value


def read_rows(
    rows: Iterable[dict[str, Any]], read: Callable[[dict[str, Any]], BankTransaction | None]
) -> tuple[tuple[BankTransaction, ...], int]:
    """The transactions of the rows (None: not about money), and how many rows cannot be read."""
    found: list[BankTransaction] = []
    unreadable = 0
    for row in rows:
        try:
            transaction = read(row)
        except MalformedCallbackError:
            unreadable += 1
            continue
        if transaction is not None:
            found.append(transaction)
    return tuple(found), unreadable


def url(base: str, parameters: Mapping[str, str | int]) -> str:
    """An address with its query."""
    return f"{base}?{urlencode(parameters)}"


def place(cursor: str | None, start: str) -> tuple[str, int]:
    """Where a page begins and its number there; the first page for no cursor. Raises PollError for a foreign cursor."""
    if cursor is None:
        return start, 1
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise PollError("garbage")
    return found[1], int(found[2])


def following(cursor: str | None, start: str, last: str) -> str:
    """The cursor of the page after one whose last row stands at ``last``; times are written so that they sort."""
    begin, number = place(cursor, start)
    return f"{last}|1" if last > begin else f"{begin}|{number + 1}"


def in_order(moments: list[str]) -> list[str]:
    """Moments of a page's rows, oldest first as they were asked for. Raises PollError: else rows would be skipped."""
    if moments != sorted(moments):
        raise PollError("garbage")
    return moments


def page(transactions: tuple[BankTransaction, ...], unreadable: int, next_cursor: str | None) -> Page:
    """A page. Raises PollError ``garbage`` when none of its rows can be read: then the format has changed."""
    if unreadable and not transactions:
        raise PollError("garbage")
    return Page(transactions, next_cursor, unreadable)


def second(moment: datetime) -> str:
    """A moment as ``YYYY-mm-dd HH:MM:SS`` in Viet Nam."""
    return moment.astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M:%S")


def up_to(moment: datetime) -> datetime:
    """The next full second: a filter by seconds must not cut off the last one."""
    return moment if not moment.microsecond else moment.replace(microsecond=0) + timedelta(seconds=1)


def _wait(response: OutgoingResponse, names: Iterable[str]) -> float | None:
    for name in names:
        found = _SECONDS.fullmatch(response.headers.get(name, "").strip())
        if found:
            return min(float(found[0]), MOST_RETRY_AFTER_S)
    return None
