"""Import settlement reports: all of a file or nothing, and the same rows again add nothing."""

from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock, outbox
from payments.audit.service import record
from payments.banking.models import Connection, ConnectionAccount, Settles
from payments.clearing.models import PayoutReport
from payments.clearing.report_file import ReportFile, read_report
from payments.clearing.service import REPORT_KIND
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.settlement.announcing import QUEUE

LONGEST_FILE_NAME = 200

KNOWN = text("""
    SELECT known.payout_key, known.txn_id FROM payout_report_row known
    JOIN unnest(
        CAST(:keys AS text[]), CAST(:numbers AS text[]), CAST(:refunds AS boolean[]), CAST(:gross AS bigint[]),
        CAST(:fees AS bigint[])
    ) AS told(payout_key, txn_id, is_refund, gross_vnd, fee_vnd)
        ON told.payout_key = known.payout_key AND told.txn_id = known.txn_id AND told.is_refund = known.is_refund
    WHERE known.school_id = :school_id AND known.connection_id = :connection_id AND known.account_id = :account_id
      AND (:differing = ((told.gross_vnd, told.fee_vnd) <> (known.gross_vnd, known.fee_vnd)))
""")
SAME = text("""
    SELECT id FROM payout_report
    WHERE school_id = :school_id AND connection_id = :connection_id AND account_id = :account_id
      AND content_sha256 = :content
""")
ADD_ROWS = text("""
    INSERT INTO payout_report_row (
        school_id, report_id, connection_id, account_id, row_no, payout_key, payout_reference, payout_on, txn_id,
        order_reference, is_refund, gross_vnd, fee_vnd, net_vnd
    )
    SELECT :school_id, :report_id, :connection_id, :account_id, told.* FROM unnest(
        CAST(:row_nos AS int[]), CAST(:keys AS text[]), CAST(:payouts AS text[]), CAST(:days AS date[]),
        CAST(:numbers AS text[]), CAST(:orders AS text[]), CAST(:refunds AS boolean[]), CAST(:gross AS bigint[]),
        CAST(:fees AS bigint[]), CAST(:nets AS bigint[])
    ) AS told(
        row_no, payout_key, payout_reference, payout_on, txn_id, order_reference, is_refund, gross_vnd, fee_vnd, net_vnd
    )
    ORDER BY told.payout_key, told.txn_id, told.is_refund
    ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class ReportResult:
    """What became of a file; amounts in đồng."""

    rows: int
    new_rows: int
    failed_rows: int
    payouts: int
    gross_vnd: int
    fee_vnd: int
    net_vnd: int
    already_imported: bool
    dry_run: bool

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def import_report(
    session: Session,
    school_id: int,
    account_id: int,
    connection_id: int,
    *,
    data: bytes,
    filename: str,
    actor_id: int | None,
    dry_run: bool = False,
) -> ReportResult:
    """Import the settlement report of an intermediary about one account; lines that it explains are cleared soon.

    Raises what ``report_file.read_report`` raises, NotFoundError when the connection does not report on the account,
    DomainError ``not_an_intermediary``, and ConflictError ``report_differs`` when a payment was reported with other
    amounts before.
    """
    _require_intermediary(session, school_id, account_id, connection_id)
    found = read_report(data, filename)
    owner = {"school_id": school_id, "connection_id": connection_id, "account_id": account_id}
    # Two people may send the same file at once: what was reported with other amounts must be seen.
    session.execute(text("SELECT id FROM connection WHERE id = :connection_id FOR NO KEY UPDATE"), owner)
    told = _columns(found)
    differing = session.execute(KNOWN, owner | _compared(told) | {"differing": True}).first()
    if differing is not None:
        raise ConflictError(
            "report_differs",
            f"Giao dịch {differing.txn_id} đã có trong một báo cáo trước với số tiền khác. Chưa nhập dòng nào; hãy hỏi "
            "đơn vị trung gian.",
            f"The payment {differing.txn_id} was reported with other amounts before. Nothing was imported; ask the "
            "intermediary.",
        )
    known = len(session.execute(KNOWN, owner | _compared(told) | {"differing": False}).all())
    imported_before = session.execute(SAME, owner | {"content": found.content_sha256}).first() is not None
    if not dry_run and not imported_before:
        _write(session, owner, found, filename, actor_id)
    return ReportResult(
        rows=len(found.rows),
        new_rows=len(found.rows) - known,
        failed_rows=found.failed,
        payouts=len({row.payout_key for row in found.rows}),
        gross_vnd=sum(row.gross_vnd for row in found.rows),
        fee_vnd=sum(row.fee_vnd for row in found.rows),
        net_vnd=sum(row.net_vnd for row in found.rows),
        already_imported=imported_before,
        dry_run=dry_run,
    )


def _require_intermediary(session: Session, school_id: int, account_id: int, connection_id: int) -> None:
    connection = session.get(Connection, connection_id)
    listed = session.query(ConnectionAccount.id).filter_by(
        connection_id=connection_id, school_id=school_id, account_id=account_id
    )
    if connection is None or listed.first() is None:
        raise NotFoundError(
            "Kết nối này không báo có cho tài khoản đã chọn.", "This connection does not report on the chosen account."
        )
    if connection.settles is not Settles.BATCH:
        raise DomainError(
            "not_an_intermediary",
            "Kết nối này nhận tiền ngay, không có báo cáo đối soát của trung gian.",
            "This connection settles directly: there is no report of an intermediary.",
        )


def _write(session: Session, owner: dict[str, int], found: ReportFile, filename: str, actor_id: int | None) -> None:
    report = PayoutReport(
        **owner,
        file_name=PurePath(filename).name[:LONGEST_FILE_NAME],
        content_sha256=found.content_sha256,
        imported_by=actor_id,
        imported_at=clock.now(),
    )
    session.add(report)
    session.flush()
    session.execute(ADD_ROWS, owner | {"report_id": report.id} | _columns(found))
    outbox.put(session, QUEUE, REPORT_KIND, school_id=owner["school_id"], subject_id=report.id)
    record(
        session,
        actor_id,
        "payout.report_imported",
        subject_kind="payout_report",
        subject_id=report.id,
        school_id=owner["school_id"],
        detail={"rows": len(found.rows)},
    )


def _compared(told: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: told[name] for name in ("keys", "numbers", "refunds", "gross", "fees")}


def _columns(found: ReportFile) -> dict[str, list[Any]]:
    # A file that names neither payouts nor days is one payout.
    whole = f"file {found.content_sha256.hex()[:16]}"
    rows = found.rows
    return {
        "row_nos": [row.row_no for row in rows],
        "keys": [row.payout_key or whole for row in rows],
        "payouts": [row.payout_reference for row in rows],
        "days": [row.payout_on for row in rows],
        "numbers": [row.txn_id for row in rows],
        "orders": [row.order_reference for row in rows],
        "refunds": [row.is_refund for row in rows],
        "gross": [row.gross_vnd for row in rows],
        "fees": [row.fee_vnd for row in rows],
        "nets": [row.net_vnd for row in rows],
    }
