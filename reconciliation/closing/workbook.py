"""A close as XLSX: numbers are numbers, texts are texts and never formulas, the same close gives the same bytes.

The file names its close in a property of its own, so that it can be held against the one that we would write again.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import xlsxwriter

from reconciliation import words
from reconciliation.closing import certificates
from reconciliation.closing.minutes import moment_vi, period_name
from reconciliation.closing.signing import Signature
from reconciliation.closing.words import KINDS, ROLES, STATES
from reconciliation.reports.workbook import OPTIONS

PROPERTY = "hocphi-close"
_MARK = re.compile(rb'name="hocphi-close"><vt:lpwstr>([A-Za-z0-9._-]{1,40})/([1-9][0-9]{0,8})<')
MOST_PROPERTY_BYTES = 10_000

EXCEPTIONS = (
    ("STT", 6),
    ("Ngày", 12),
    ("Loại", 22),
    ("Khóa", 16),
    ("Tài khoản", 22),
    ("Mã thanh toán", 24),
    ("Số tiền (đồng)", 16),
    ("Trạng thái", 14),
    ("Thuộc ngày đã khóa", 18),
    ("Lần khóa sổ bị lỡ", 16),
    ("Việc nên làm", 44),
    ("Ghi chú", 30),
    ("Lần đối soát", 12),
)


def write(said: Mapping[str, Any], sha256: str, signatures: Sequence[Signature], moment: datetime) -> bytes:
    """The minutes, the exceptions and the runs on three sheets; of a reopening the first one only."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, OPTIONS)
    made = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    book.set_properties({"title": f"{KINDS[said['kind']][0]} {period_name(said)}", "created": made})
    book.set_custom_property(PROPERTY, f"{said['school']['code']}/{said['sequence']}", "text")
    formats = {
        "head": book.add_format({"bold": True, "text_wrap": True, "bg_color": "#E8EEF7", "border": 1, "valign": "top"}),
        "title": book.add_format({"bold": True, "font_size": 14}),
        "money": book.add_format({"num_format": "#,##0"}),
        "day": book.add_format({"num_format": "dd/mm/yyyy"}),
        "text": book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"}),
    }
    _summary(book.add_worksheet("Biên bản"), formats, said, sha256, signatures)
    if said["kind"] == "close":
        _exceptions(book.add_worksheet("Ngoại lệ"), formats, said["exceptions"])
        _runs(book.add_worksheet("Lần đối soát"), formats, said["accounts"])
    book.close()
    return out.getvalue()


def mark_of(data: bytes) -> tuple[str, int] | None:
    """(school, number) that a workbook names; None when it is none of ours."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed, packed.open("docProps/custom.xml") as part:
            found = _MARK.search(part.read(MOST_PROPERTY_BYTES))
    except (KeyError, zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError):
        return None
    return None if found is None else (found[1].decode(), int(found[2]))


def _summary(
    sheet: Any, formats: dict[str, Any], said: Mapping[str, Any], sha256: str, signatures: Sequence[Signature]
) -> None:
    sheet.set_column(0, 0, 46)
    sheet.set_column(1, 8, 20)
    is_close = said["kind"] == "close"
    sheet.write_string(0, 0, "BIÊN BẢN ĐỐI CHIẾU" if is_close else "MỞ LẠI KỲ ĐÃ KHÓA SỔ", formats["title"])
    row = 2
    for name, value in (*_head(said), *_proof(said, sha256, signatures)):
        sheet.write_string(row, 0, name, formats["text"])
        sheet.write_string(row, 1, value)
        row += 1
    if not is_close:
        return
    row += 1
    heads = ("Tài khoản", "Quỹ", "Từ ngày", "Đến ngày", "Dư đầu kỳ", "Phát sinh có", "Phát sinh nợ", "Dư cuối kỳ")
    sheet.write_row(row, 0, [*heads, "Ghi chú"], formats["head"])
    for one in said["accounts"]:
        row += 1
        note = "không có sao kê, không có phát sinh" if one["silent"] else ""
        figures = [one[name] for name in ("opening_vnd", "credits_vnd", "debits_vnd", "closing_vnd")]
        days = [date.fromisoformat(one[name]) for name in ("from", "through")]
        _row(sheet, formats, row, [one["account"], one["fund"], *days, *figures, note])
    row += 1
    totals = [said["totals"][name] for name in ("opening_vnd", "credits_vnd", "debits_vnd", "closing_vnd")]
    _row(sheet, formats, row, ["Cộng", "", None, None, *totals])
    row += 2
    sheet.write_row(row, 0, ["Kết quả", "Số trường hợp", "Số tiền (đồng)"], formats["head"])
    for key, found in words.in_order(said["classes"]):
        row += 1
        _row(sheet, formats, row, [words.class_vi(key), found["count"], found["vnd"]])


def _head(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    signer = said["signed_by"]
    found = [
        ("Trường", f"{said['school']['name']} ({said['school']['code']})"),
        ("Số", str(said["sequence"])),
        ("Kỳ", period_name(said)),
        ("Người ký", f"{signer['name']} ({ROLES[signer['role']][0]})"),
        ("Ký lúc", moment_vi(said["signed_at"])),
    ]
    if said["kind"] == "reopen":
        found += [
            ("Mở lại các lần khóa sổ", ", ".join(map(str, said["reopens"]))),
            ("Lý do", said["reason"]),
            ("Người đề nghị", said["proposed_by"]["name"]),
        ]
    elif said["acknowledged"]:
        found.append(("Xác nhận của người ký về điểm còn mở", said["acknowledged"]["note"] or ""))
    return found


def _proof(said: Mapping[str, Any], sha256: str, signatures: Sequence[Signature]) -> list[tuple[str, str]]:
    found = [
        ("Mã băm nội dung đã ký (SHA-256)", sha256),
        ("Mã băm lần trước", said["previous_sha256"] or "không có (lần đầu)"),
        ("Khóa ký (Ed25519)", next((one.key for one in signatures if one.key), "")),
    ]
    return found + [
        ("Chứng thư số đã ký", certificates.shown(one.certificate).subject) for one in signatures if one.certificate
    ]


def _exceptions(sheet: Any, formats: dict[str, Any], exceptions: Iterable[Mapping[str, Any]]) -> None:
    _heads(sheet, formats, EXCEPTIONS)
    row = 0
    for row, one in enumerate(exceptions, start=1):
        late = one["late"] or {}
        advice = words.CLASSES[one["class"]].advice if one["class"] in words.CLASSES else ""
        values = [
            row,
            date.fromisoformat(one["day"]),
            words.class_vi(one["class"]),
            one["class"],
            one["account"],
            ", ".join(one["references"]),
            one["amount_vnd"],
            STATES.get(one["state"], (one["state"],))[0],
            date.fromisoformat(late["day"]) if late else None,
            late.get("close"),
            advice,
            words.note_vi(one["note"]),
            one["run"],
        ]
        _row(sheet, formats, row, values)
    sheet.autofilter(0, 0, row, len(EXCEPTIONS) - 1)


def _runs(sheet: Any, formats: dict[str, Any], accounts: Iterable[Mapping[str, Any]]) -> None:
    heads = ("Tài khoản", 24), ("Lần đối soát", 12), ("Từ ngày", 12), ("Đến ngày", 12)
    _heads(sheet, formats, (*heads, ("Dữ liệu (SHA-256)", 68), ("Báo cáo (SHA-256)", 68)))
    row = 0
    for account in accounts:
        for run in account["runs"]:
            row += 1
            days = [date.fromisoformat(run[name]) for name in ("from", "through")]
            _row(
                sheet,
                formats,
                row,
                [account["account"], run["id"], *days, run["inputs_sha256"], run["report_sha256"] or ""],
            )


def _heads(sheet: Any, formats: dict[str, Any], columns: Sequence[tuple[str, int]]) -> None:
    for number, (name, width) in enumerate(columns):
        sheet.set_column(number, number, width)
        sheet.write_string(0, number, name, formats["head"])
    sheet.freeze_panes(1, 0)


def _row(sheet: Any, formats: dict[str, Any], row: int, values: Iterable[Any]) -> None:
    for number, value in enumerate(values):
        if value is None or value == "":
            continue
        if isinstance(value, date):
            sheet.write_datetime(row, number, datetime(value.year, value.month, value.day), formats["day"])  # noqa: DTZ001 - a day of a cell has no zone
        elif isinstance(value, int):
            sheet.write_number(row, number, value, formats["money"])
        else:
            sheet.write_string(row, number, value, formats["text"])
