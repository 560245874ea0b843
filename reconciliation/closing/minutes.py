"""«Biên bản đối chiếu» as a PDF: the signed document in words and tables, the same bytes for the same document.

Set by typst with the fonts of its wheel (docs/adr/0014). The signed file travels inside the PDF as an attachment.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst

from payments import clock
from payments.money import format_number
from payments.receipts.words import in_words
from payments.vietqr.render import address_svg
from reconciliation import words
from reconciliation.closing import certificates
from reconciliation.closing.signing import Signature
from reconciliation.closing.words import ROLES, STATES

TEMPLATE = Path(str(files("reconciliation.closing"))) / "minutes.typ"
MOST_ROWS = 2_000
"""Exceptions that are printed; the signed file and the workbook hold them all."""


def render(
    said: Mapping[str, Any], sha256: str, signed_file: bytes, signatures: Sequence[Signature], moment: datetime
) -> bytes:
    """The PDF without its signature line."""
    values = _head(said, sha256, signatures)
    values |= _close(said) if said["kind"] == "close" else _reopening(said)
    pdf: bytes = typst.compile(
        str(TEMPLATE),
        root=str(TEMPLATE.parent),
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"minutes": json.dumps(values), "signed": signed_file.decode()},
        # The moment inside the file is that of the signature: the same close is the same file.
        timestamp=int(moment.timestamp()),
    )
    return pdf


def amount(value_vnd: int | None) -> str:
    """``-1500`` -> «−1.500»; nothing known: a dash."""
    if value_vnd is None:
        return "—"
    return f"−{format_number(-value_vnd)}" if value_vnd < 0 else format_number(value_vnd)


def amount_in_words(value_vnd: int) -> str:
    """Also below zero: «Âm một nghìn đồng»."""
    text = in_words(abs(value_vnd))
    return f"Âm {text[0].lower()}{text[1:]}" if value_vnd < 0 else text


def period_name(said: Mapping[str, Any]) -> str:
    """«ngày 10/09/2025», «tháng 9 năm 2025» or «từ … đến …»."""
    first, through = (date.fromisoformat(said["period"][name]) for name in ("from", "through"))
    if first == through:
        return f"ngày {first:%d/%m/%Y}"
    whole = first.day == 1 and (through.toordinal() + 1) == _month_after(first).toordinal()
    return f"tháng {first.month} năm {first.year}" if whole else f"từ ngày {first:%d/%m/%Y} đến ngày {through:%d/%m/%Y}"


def moment_vi(text: str) -> str:
    """A signed moment in Vietnamese time, with UTC beside it."""
    read = datetime.fromisoformat(text)
    return f"{read.astimezone(clock.VIETNAM):%H:%M ngày %d/%m/%Y} (UTC {read:%Y-%m-%d %H:%M:%S})"


def day_vi(text: str) -> str:
    """``2025-09-10`` -> ``10/09/2025``."""
    return f"{date.fromisoformat(text):%d/%m/%Y}"


def _month_after(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def _head(said: Mapping[str, Any], sha256: str, signatures: Sequence[Signature]) -> dict[str, Any]:
    code, number = said["school"]["code"], said["sequence"]
    url = f"{said['check_at']}/{code}/{number}/{sha256}"
    return {
        "school_name": said["school"]["name"],
        "school_code": code,
        "kind": said["kind"],
        "number": number,
        "period": period_name(said),
        "signed_by": said["signed_by"]["name"],
        "signed_role": ROLES[said["signed_by"]["role"]][0],
        "signed_at": moment_vi(said["signed_at"]),
        "signed_short": moment_vi(said["signed_at"]).partition(" (")[0],
        "sha256": sha256,
        "previous": said["previous_sha256"] or "không có (lần đầu)",
        "key": next((one.key for one in signatures if one.key), ""),
        "certificates": [certificates.shown(one.certificate).subject for one in signatures if one.certificate],
        "url": url,
        "qr": address_svg(url),
    }


def _close(said: Mapping[str, Any]) -> dict[str, Any]:
    acknowledged = said["acknowledged"] or {}
    exceptions = said["exceptions"]
    totals = said["totals"]
    return {
        "accounts": [_account(one) for one in said["accounts"] if not one["silent"]],
        "silent": [f"{one['fund']} · {one['account']}" for one in said["accounts"] if one["silent"]],
        "totals": {name: amount(value) for name, value in totals.items()},
        "closing_in_words": amount_in_words(totals["closing_vnd"]),
        "credits_in_words": amount_in_words(totals["credits_vnd"]),
        "classes": [
            [words.class_vi(key), format_number(one["count"]), amount(one["vnd"])]
            for key, one in words.in_order(said["classes"])
        ],
        "exceptions": [_exception(one) for one in exceptions[:MOST_ROWS]],
        "left_out": max(0, len(exceptions) - MOST_ROWS),
        "note": acknowledged.get("note"),
    }


def _account(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": f"{one['fund']} · {one['account']}",
        "days": f"{day_vi(one['from'])} – {day_vi(one['through'])}",
        **{name: amount(one[name]) for name in ("opening_vnd", "credits_vnd", "debits_vnd", "closing_vnd")},
        "books": _books(one["books"]) if one["books"] else None,
        "runs": _runs([run["id"] for run in one["runs"]]),
    }


def _runs(ids: Sequence[int]) -> str:
    """Which runs prove it, in short; the signed file and the workbook name each with its hashes."""
    if not ids:
        return ""
    return f"lần đối soát {ids[0]}" if len(ids) == 1 else f"{len(ids)} lần đối soát (số {min(ids)}–{max(ids)})"


def _books(found: Mapping[str, Any]) -> str:
    stated = f"sổ kế toán đến {day_vi(found['through'])} ghi dư {amount(found['closing_vnd'])}"
    outstanding = f"ngân hàng có, sổ chưa có (hoặc ngược lại): {amount(found['unbooked_vnd'])}"
    carried = f"; chênh lệch có từ trước: {amount(found['carried_vnd'])}" if found["carried_vnd"] else ""
    apart = "" if found["ok"] else f"; các dòng sổ cho ra {amount(found['expected_vnd'])}, LỆCH"
    return f"{stated}; {outstanding}{carried}{apart}"


def _exception(one: Mapping[str, Any]) -> list[str]:
    late = f"; thuộc ngày {day_vi(one['late']['day'])}, lần khóa sổ {one['late']['close']}" if one["late"] else ""
    return [
        day_vi(one["day"]),
        words.class_vi(one["class"]) + late,
        ", ".join(one["references"]),
        amount(one["amount_vnd"]),
        STATES.get(one["state"], (one["state"],))[0],
    ]


def _reopening(said: Mapping[str, Any]) -> dict[str, Any]:
    still = said["still_closed_through"]
    return {
        "reopens": ", ".join(map(str, said["reopens"])),
        "reason": said["reason"],
        "proposed_by": said["proposed_by"]["name"],
        "proposed_role": ROLES[said["proposed_by"]["role"]][0],
        "proposed_at": moment_vi(said["proposed_at"]),
        "still_closed": "không còn ngày nào" if still is None else f"đến hết ngày {day_vi(still)}",
    }
