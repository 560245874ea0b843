"""Paper as PDF: values in, bytes out, the same bytes for the same values, so that a reprint can be compared.

Set by typst as receipts are (docs/adr/0014): with the fonts that its wheel carries, values as JSON that is text and
never markup. QR codes are vectors: sharp at every size, and no printer's driver smooths them. A school is set class by
class and joined by pikepdf, because typst holds a whole document in memory (docs/adr/0027).
"""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pikepdf
import typst

from payments.money import format_vnd
from payments.orders.rules import payers_cost_vnd
from payments.paper.queries import Account, Channel, Round
from payments.paper.rules import (
    SCHOOL_WORDS,
    SHORTER,
    VOLUNTARY_WORDS,
    Kind,
    Slip,
    grouped,
    is_tight,
    short,
    shown_lines,
)
from payments.portal.payable import Payable
from payments.portal.rules import SAMPLE_BINS
from payments.receipts.words import STYLES, in_words
from payments.vietqr import VietQR, encode
from payments.vietqr.bulk import symbol_svg

Paper = Literal["a4", "a3"]
TEMPLATES = Path(str(files("payments.paper")))
SAMPLE = "MẪU"
REMEMBERED = 10
"""For so many further compilations typst keeps what it has set: ``comemo::evict(10)`` in typst-py's src/compiler.rs."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the slips of a round have in common, and the parents' addresses by pupil id."""

    round: Round
    channels: Mapping[int, Sequence[Channel]]
    addresses: Mapping[int, str]


def set_slips(kind: Kind, around: Surroundings, class_name: str | None, slips: Sequence[Slip]) -> bytes:
    """A class, or a part of one, as PDF."""
    values = {
        "school": short(around.round.school_name, SCHOOL_WORDS),
        "round": short(around.round.name, SCHOOL_WORDS),
        "class": class_name or "Chưa xếp lớp",
        "slips": [_slip(around, slip, kind) for slip in slips],
    }
    pdf = _set(f"{kind}.typ", values, int(around.round.issued_at.timestamp()))
    _let_go()
    return pdf


def set_poster(school_name: str, accounts: Sequence[Account], address: str, paper: Paper) -> bytes:
    """The poster of the school's accounts as PDF; ``address`` is the school's page that shows the same."""
    values = {
        "paper": paper,
        "school": short(school_name, SCHOOL_WORDS),
        "address": address,
        "accounts": [_account(account) for account in accounts],
        "address_qr": symbol_svg(address, "M"),
    }
    return _set("poster.typ", values, 0)


def join(parts: Iterable[bytes]) -> bytes:
    """The pages of several PDFs as one, in order; the same bytes for the same parts. Raises ValueError for none."""
    whole = pikepdf.new()
    for part in parts:
        with pikepdf.open(io.BytesIO(part)) as opened:
            whole.pages.extend(opened.pages)
    if not whole.pages:
        raise ValueError("there are no pages")
    written = io.BytesIO()
    whole.save(written, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return written.getvalue()


def pages_of(pdf: bytes) -> int:
    """How many sheets of paper it takes."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return len(opened.pages)


def payable_of(slip: Slip) -> Payable:
    """What the QR of a slip asks for: that of the parent's page."""
    invoice = slip.invoice
    return Payable(
        reference=invoice.reference,
        amount_vnd=invoice.due_vnd,
        bin=invoice.bin,
        bank_name=invoice.bank_name,
        account_number=invoice.account_number,
        holder_name=invoice.holder_name,
        memo_prefix=invoice.memo_prefix,
    )


def costs_in_words(channels: Sequence[Channel], amount_vnd: int) -> str:
    """«Miễn phí: VietQR. Có phí: thẻ (5.500 ₫).» for a payment of so many đồng; empty without channels."""
    costs = [
        (one.name, payers_cost_vnd(amount_vnd, one.cost_vnd, one.cost_per_10000, one.borne_by)) for one in channels
    ]
    free = [name for name, cost in costs if not cost]
    paid = [f"{name} ({format_vnd(cost)})" for name, cost in costs if cost]
    told = [f"Miễn phí khi chuyển khoản: {', '.join(free)}."] if free else []
    return " ".join([*told, *([f"Phụ huynh trả phí: {', '.join(paid)}."] if paid else [])])


def _slip(around: Surroundings, slip: Slip, kind: Kind) -> dict[str, Any]:
    payable = payable_of(slip)
    invoice = slip.invoice
    common: dict[str, Any] = {
        "place": slip.place,
        "pupil": short(invoice.pupil_name, 56),
        "mark": f"{slip.number}/{slip.of}" if slip.of > 1 else "",
        "amount": format_vnd(payable.amount_vnd),
        "due": f"{invoice.due_on:%d/%m/%Y}",
        "bank": payable.bank_name or f"BIN {payable.bin}",
        "number": grouped(payable.account_number),
        "memo": payable.memo,
        "sample": SAMPLE if payable.bin in SAMPLE_BINS else "",
    }
    if kind is Kind.SHEETS:
        return common | {"qr": symbol_svg(payable.payload, "L")}
    address = around.addresses.get(invoice.pupil_id)
    words = in_words(payable.amount_vnd, STYLES[around.round.words])
    tight = is_tight(slip, words)
    return common | {
        "class": invoice.class_name or "",
        "words": words,
        "tight": tight,
        "holder": short(payable.holder_name, 78),
        "details": [_details(slip, most) for most in (SHORTER if tight else SHORTER[:1])],
        "costs": short(costs_in_words(around.channels.get(invoice.account_id, ()), payable.amount_vnd), 110),
        "qr": symbol_svg(payable.payload, "M"),
        "link_qr": symbol_svg(address, "L") if address else "",
    }


def _details(slip: Slip, most: int) -> dict[str, Any]:
    """The lines in words and figures, and the voluntary ones: by name where there is room for all."""
    voluntary = "; ".join(f"{line.description} = {format_vnd(line.amount_vnd)}" for line in slip.voluntary)
    if most == SHORTER[-1] and slip.voluntary:
        voluntary = f"{len(slip.voluntary)} khoản"
    lines = [(words, format_vnd(amount_vnd).replace("-", "−")) for words, amount_vnd in shown_lines(slip, most)]
    return {"lines": lines, "voluntary": short(voluntary, VOLUNTARY_WORDS)}


def _account(account: Account) -> dict[str, str]:
    payload = encode(VietQR(bin=account.bin, account=account.number))
    return {
        "bank": account.bank_name or f"BIN {account.bin}",
        "number": grouped(account.number),
        "holder": short(account.holder_name, 60),
        "fund": short(account.fund, 60),
        "sample": SAMPLE if account.bin in SAMPLE_BINS else "",
        "qr": symbol_svg(payload, "M"),
    }


def _set(template: str, values: Mapping[str, Any], moment: int) -> bytes:
    pdf: bytes = typst.compile(
        str(TEMPLATES / template),
        root=str(TEMPLATES),
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"values": json.dumps(values, ensure_ascii=False)},
        # The moment inside the file is the round's own: the same slips are the same file.
        timestamp=moment,
        # Paper is looked at, not read aloud: tags would make the file two and a half times as large.
        pdf_tags=False,
    )
    return pdf


def _let_go() -> None:
    """Have typst forget what it has set: a slip is 0.75 MB of its memory, and none is ever set again.

    Its wheel has no call for that, so it is given empty pages until what came before is too old to be kept.
    """
    nothing = typst.Compiler(str(TEMPLATES / "nothing.typ"), root=str(TEMPLATES), ignore_system_fonts=True)
    for _ in range(REMEMBERED + 1):
        nothing.compile(format="svg")
