"""A settlement report («báo cáo đối soát») of any intermediary: columns found by their headers, all of it or nothing.

Needed are the number of the payment, its amount, and what was kept or paid of it; the payout's reference or day where
a file holds several payouts. Refunds are negative, or said to be ones. Nothing is guessed: a row whose figures
contradict each other refuses the file, with its place.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.keys import fold_reference
from bank_adapters.statements.tables import Row, Value
from bank_adapters.statements.values import parse_amount, split_date, text_of
from payments.errors import DomainError
from payments.i18n import Text
from payments.schools.rules import search_key
from payments.schools.sheets import Column, Layout, tables_with

NUMBER = Text("Mã giao dịch", "the number of the payment")
AMOUNT = Text("Số tiền", "đồng")
COLUMNS = (
    Column(
        "txn_id",
        "Mã giao dịch",
        (
            *("magiaodichvi", "magd", "sogiaodich", "magiaodichcong", "transactionid", "transid", "transactionno"),
            *("vnptransactionno", "zptransid", "magiaodichmomo", "magiaodichvnpay", "magiaodichzalopay", "txnid"),
        ),
        NUMBER,
        required=True,
    ),
    Column("order", "Mã đơn hàng", ("madonhang", "madh", "orderid", "ordercode", "txnref", "apptransid"), NUMBER),
    Column(
        "gross",
        "Số tiền giao dịch",
        (
            *("sotien", "sotiengiaodich", "sotienthanhtoan", "giatrigiaodich", "giatri", "sotiengoc", "amount"),
            *("grossamount", "gross", "transactionamount", "doanhthu"),
        ),
        AMOUNT,
        required=True,
    ),
    Column(
        "fee",
        "Phí",
        ("phigiaodich", "phidichvu", "tongphi", "phithanhtoan", "phixuly", "fee", "feeamount", "transactionfee", "mdr"),
        AMOUNT,
    ),
    Column(
        "net",
        "Thực nhận",
        (
            *(
                "sotienthucnhan",
                "thucnhan",
                "sotienquyettoan",
                "sotienthanhtoanchodoitac",
                "sotiensauphi",
                "sotienchuyen",
            ),
            *("net", "netamount", "settlementamount", "payoutamount", "sotienthanhtoanchodvcnt"),
        ),
        AMOUNT,
    ),
    Column(
        "payout",
        "Mã quyết toán",
        (
            *("maquyettoan", "malo", "maloquyettoan", "madotquyettoan", "mathamchieu", "madoisoat", "sobuttoan"),
            *("payoutid", "settlementid", "batchid", "settlementref", "payoutreference"),
        ),
        Text("Mã của lần chuyển tiền", "the reference of the payout"),
    ),
    Column(
        "payout_on",
        "Ngày quyết toán",
        ("ngayquyettoan", "ngaychuyentien", "ngaythanhtoanchodoitac", "settlementdate", "payoutdate", "ngaychi"),
        Text("Ngày chuyển tiền", "the day of the payout"),
    ),
    Column("kind", "Loại giao dịch", ("loaigiaodich", "loai", "type", "transactiontype"), Text("Loại", "kind")),
    Column("status", "Trạng thái", ("trangthai", "tinhtrang", "status", "ketqua"), Text("Trạng thái", "state")),
)
TOTALS = ("tong", "cong", "total")
REFUNDS = ("hoan", "refund", "void", "reversal", "huy", "tra soat", "chargeback")
FAILED = ("that bai", "khong thanh cong", "fail", "error", "cho xu ly", "pending", "da huy", "het han", "expired")


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One payment, or (negative) refund; amounts in đồng, net = gross - fee."""

    row_no: int
    payout_key: str
    payout_reference: str | None
    payout_on: date | None
    txn_id: str
    order_reference: str | None
    is_refund: bool
    gross_vnd: int
    fee_vnd: int
    net_vnd: int


@dataclass(frozen=True, slots=True)
class ReportFile:
    """What a file says; ``failed``: rows of payments that never were."""

    rows: tuple[ReportRow, ...]
    failed: int
    content_sha256: bytes


def read_report(data: bytes, filename: str) -> ReportFile:
    """Read a report. Raises DomainError: the codes of the table reader, ``no_rows``, ``bad_report`` with a place."""
    rows: list[ReportRow] = []
    failed = 0
    for layout, below in tables_with(data, filename, COLUMNS):
        if not {"fee", "net"} & layout.places.keys():
            raise _bad(
                f"{layout.header_row}", "thiếu cột «Phí» hoặc «Thực nhận»", "the column of fee or net is missing"
            )
        sheet = list(_read(layout, below))
        rows += [row for row in sheet if row is not None]
        failed += sum(1 for row in sheet if row is None)
    if not rows:
        raise DomainError("no_rows", "Báo cáo không có giao dịch nào.", "The report holds no payment.")
    _require_distinct(rows)
    content = sorted((row.payout_key, row.txn_id, row.is_refund, row.gross_vnd, row.fee_vnd) for row in rows)
    digest = hashlib.sha256(msgspec.json.encode(content)).digest()
    return ReportFile(tuple(rows), failed, digest)


def _read(layout: Layout, rows: Sequence[Row]) -> Iterator[ReportRow | None]:
    """Rows of a sheet; None for a payment that failed. A row of totals must be the sum of what stands above it."""
    gross_vnd = 0
    for row in rows:
        cells = {column.key: row.cell(layout.places.get(column.key)) for column in layout.columns}
        if not text_of(cells["txn_id"]) or _says(cells["txn_id"], TOTALS):
            stated_vnd = _amount(cells["gross"], row)
            if stated_vnd is not None and (stated_vnd != gross_vnd or not _is_total(row)):
                raise _bad(_place(row), "dòng không có mã giao dịch", "a row without the number of its payment")
            continue
        if _says(cells["status"], FAILED):
            yield None
            continue
        found = _row(row, cells)
        gross_vnd += abs(found.gross_vnd) if _amount(cells["gross"], row) == abs(found.gross_vnd) else found.gross_vnd
        yield found


def _row(row: Row, cells: Mapping[str, Value]) -> ReportRow:
    gross_vnd, fee_vnd, net_vnd = (_amount(cells[key], row) for key in ("gross", "fee", "net"))
    if not gross_vnd or (fee_vnd is None and net_vnd is None):
        raise _bad(_place(row), "thiếu số tiền", "an amount is missing")
    is_refund = gross_vnd < 0 or _says(cells["kind"], REFUNDS)
    sign = -1 if is_refund else 1
    gross_vnd = sign * abs(gross_vnd)
    if net_vnd is None:
        # What is kept of a payment is a fee whatever its sign in the file; of a refund it may have been given back.
        net_vnd = gross_vnd - (fee_vnd or 0) if is_refund else gross_vnd - abs(fee_vnd or 0)
    net_vnd = sign * abs(net_vnd)
    kept_vnd = gross_vnd - net_vnd
    if (fee_vnd is not None and abs(fee_vnd) != abs(kept_vnd)) or (not is_refund and kept_vnd < 0):
        raise _bad(
            _place(row), "số tiền trừ phí không bằng thực nhận", "the amount minus the fee is not what was paid out"
        )
    reference = text_of(cells["payout"]) or None
    day = _day(cells["payout_on"], row)
    return ReportRow(
        row.number,
        fold_reference(reference) or (f"on {day:%Y-%m-%d}" if day else ""),
        reference,
        day,
        text_of(cells["txn_id"]),
        text_of(cells["order"]) or None,
        is_refund,
        gross_vnd,
        kept_vnd,
        net_vnd,
    )


def _require_distinct(rows: Sequence[ReportRow]) -> None:
    seen: set[tuple[str, str, bool]] = set()
    for row in rows:
        key = (row.payout_key, fold_reference(row.txn_id), row.is_refund)
        if key in seen:
            raise _bad(str(row.row_no), "giao dịch có hai lần", "the payment stands there twice")
        seen.add(key)


def _says(value: Value, words: Sequence[str]) -> bool:
    folded = search_key(text_of(value))
    return any(word in folded for word in words)


def _is_total(row: Row) -> bool:
    return any(_says(value, TOTALS) for value in row.cells if value is not None)


def _amount(value: Value, row: Row) -> int | None:
    try:
        return parse_amount(value, _place(row))
    except StatementError as error:
        raise DomainError(error.code, f"{error.place}: {error.vi}", f"{error.place}: {error.en}") from None


def _day(value: Value, row: Row) -> date | None:
    try:
        return split_date(value, _place(row))[0]
    except StatementError as error:
        raise DomainError(error.code, f"{error.place}: {error.vi}", f"{error.place}: {error.en}") from None


def _place(row: Row) -> str:
    return f"{row.sheet}, dòng {row.number}" if row.sheet else f"dòng {row.number}"


def _bad(place: str, vi: str, en: str) -> DomainError:
    return DomainError(
        "bad_report",
        f"Báo cáo đối soát, {place}: {vi}. Chưa nhập dòng nào.",
        f"Settlement report, {place}: {en}. Nothing was imported.",
    )
