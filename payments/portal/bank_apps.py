"""Links that open a bank's app on the phone that shows the page; pure but for reading the table once.

``bank_apps.csv`` says what is known of each bank, and from where: its code at the link service (``bank_code``, for
money to it), its app there (``app``, ``link``), whether the app fills in the transfer (``autofill``, ``fields``), and
when somebody tried that on a phone (``verified_on``, empty: nobody of the project has). Source mark ``S``: an excerpt
of the service's own lists, not tried (facts on the parent's page, 1.3; on VietQR, deep links).

The service (dl.vietqr.io) is a third party. A link tells it the account, the amount and the memo, all of which the QR
says too, and never a name; to an app that would not read them it tells nothing but which app is wanted.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from urllib.parse import quote, urlencode

from payments.portal.payable import Payable

HOST = "dl.vietqr.io"
FILLABLE = ("ba", "am", "tn")
"""What a link may carry: account@bank, amount in đồng, memo."""
_BIN = re.compile("[0-9]{6}")
_CODE = re.compile("[a-z0-9-]+")
_LINK = re.compile(rf"https://{re.escape(HOST)}/[a-z]+")
_COLUMNS = ("bin", "name", "bank_code", "app", "link", "autofill", "fields", "verified_on", "source")


@dataclass(frozen=True, slots=True)
class BankApp:
    """One bank of the table; texts are empty where nothing is known."""

    bin: str
    name: str
    bank_code: str
    app: str
    link: str
    fields: tuple[str, ...]
    """What the app fills in from a link; nothing: it opens, and the payer scans the saved picture."""
    verified_on: date | None
    source: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A link into one bank's app for one payable."""

    app: str
    name: str
    url: str
    autofill: bool


def offers(payable: Payable, enabled: bool) -> list[Offer]:  # noqa: FBT001 - the school's own switch, and nothing else
    """The apps that may be opened for a payable: first those that fill in the transfer, then by name.

    None where the school has not switched the links on, or where the service has no name for the receiving bank.
    """
    receiving = shipped().get(payable.bin)
    if not enabled or receiving is None or not receiving.bank_code:
        return []
    known = {
        "ba": f"{payable.account_number}@{receiving.bank_code}",
        "am": str(payable.amount_vnd),
        "tn": payable.memo,
    }
    made = [Offer(one.app, one.name, _url(one, known), bool(one.fields)) for one in shipped().values() if one.app]
    return sorted(made, key=lambda offer: (not offer.autofill, offer.name.lower()))


def _url(one: BankApp, known: Mapping[str, str]) -> str:
    told = {"app": one.app} | {field: known[field] for field in one.fields}
    return f"{one.link}?{urlencode(told, safe='@', quote_via=quote)}"


@cache
def shipped() -> Mapping[str, BankApp]:
    """The table that comes with the program, by BIN, in the order of the file."""
    text = files("payments.portal").joinpath("bank_apps.csv").read_text(encoding="utf-8")
    return read_table(text.splitlines())


def read_table(lines: Iterable[str]) -> Mapping[str, BankApp]:
    """Read the whole table or refuse it. Raises ValueError that names every line with a fault."""
    reader = csv.DictReader(lines, strict=True)
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise ValueError(f"the columns are {', '.join(_COLUMNS)}")
    rows = [(reader.line_num, {key: value or "" for key, value in row.items()}) for row in reader]
    problems = [f"line {number}: {fault}" for number, row in rows for fault in _faults(row)]
    for key in ("bin", "app"):
        named = [row[key] for _, row in rows if row[key]]
        problems += [f"{key} {value} stands twice" for value in sorted({one for one in named if named.count(one) > 1})]
    if problems:
        raise ValueError("; ".join(problems))
    return {row["bin"]: _bank_app(row) for _, row in rows}


def _bank_app(row: Mapping[str, str]) -> BankApp:
    return BankApp(
        bin=row["bin"],
        name=row["name"],
        bank_code=row["bank_code"],
        app=row["app"],
        link=row["link"],
        fields=tuple(row["fields"].split()),
        verified_on=date.fromisoformat(row["verified_on"]) if row["verified_on"] else None,
        source=row["source"],
    )


def _faults(row: Mapping[str, str]) -> Iterator[str]:
    if not _BIN.fullmatch(row["bin"]):
        yield "bin: six digits"
    for key in ("name", "source"):
        if not row[key].strip():
            yield f"{key}: empty"
    for key in ("bank_code", "app"):
        if row[key] and not _CODE.fullmatch(row[key]):
            yield f"{key}: small letters, digits and hyphens"
    if bool(row["app"]) != bool(_LINK.fullmatch(row["link"])):
        yield f"link: an address of {HOST}, exactly where there is an app"
    fields = tuple(row["fields"].split())
    if fields not in {(), FILLABLE}:
        yield f"fields: «{' '.join(FILLABLE)}», or nothing"
    if row["autofill"] != ("" if not row["app"] else "yes" if fields else "no"):
        yield "autofill: yes with fields, no without, empty without an app"
    try:
        date.fromisoformat(row["verified_on"] or "2000-01-01")
    except ValueError:
        yield "verified_on: YYYY-MM-DD, or empty"
