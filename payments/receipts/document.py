"""A receipt as a PDF: values in, bytes out, the same bytes for the same values.

Set by typst with the fonts that its wheel carries, which have every Vietnamese letter: no font of the machine changes a
receipt, and none is kept here. Values reach the template as JSON and are text there, never markup.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Literal

import typst

from payments import clock
from payments.money import format_vnd
from payments.receipts.words import STYLES, in_words
from payments.vietqr.render import address_svg

Paper = Literal["a5", "a4"]
TEMPLATE = Path(str(files("payments.receipts"))) / "receipt.typ"


@dataclass(frozen=True, slots=True)
class Item:
    """What a part of the money was for."""

    description: str
    amount_vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All that a receipt says; the items add up to the amount."""

    school_name: str
    number: str
    pupil_name: str
    class_name: str | None
    amount_vnd: int
    received_on: date
    issued_at: datetime
    bank_reference: str | None
    items: tuple[Item, ...]
    words: str
    """A key of ``words.STYLES``."""
    revoked: bool
    verify_url: str


def render(contents: Contents, paper: Paper) -> bytes:
    """The PDF. Raises ValueError when the items do not add up to the amount."""
    if sum(item.amount_vnd for item in contents.items) != contents.amount_vnd:
        raise ValueError("the items of a receipt add up to its amount")
    values = asdict(contents) | {
        "paper": paper,
        "amount": format_vnd(contents.amount_vnd),
        "amount_in_words": in_words(contents.amount_vnd, STYLES[contents.words]),
        "received_on": f"{contents.received_on:%d/%m/%Y}",
        "issued_at": f"{contents.issued_at.astimezone(clock.VIETNAM):%H:%M ngày %d/%m/%Y}",
        "items": [{"description": item.description, "amount": format_vnd(item.amount_vnd)} for item in contents.items],
        "qr": address_svg(contents.verify_url),
    }
    pdf: bytes = typst.compile(
        str(TEMPLATE),
        root=str(TEMPLATE.parent),
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"receipt": json.dumps(values)},
        # The moment inside the file is the receipt's own: the same receipt is the same file.
        timestamp=int(contents.issued_at.timestamp()),
    )
    return pdf
