"""VietinBank's nightly file: what our door missed becomes evidence, and the bank gets our answer.

All of a file or nothing. The same file again adds nothing and gives the same answer, for the answer compares the file
with what callbacks told, never with what an earlier import of it brought.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters import vietinbank_file
from bank_adapters.contract import BankTransaction, Direction
from bank_adapters.vietinbank_file import NightlyFile, NightlyFileError, ReconcileStatus
from payments import clock
from payments.banking.queries import DoorConnection, connection_by_id
from payments.crypto import FieldCipher
from payments.errors import DomainError, NotFoundError
from payments.inbox.models import DeliveryOutcome
from payments.inbox.polled import record_polled

ADAPTER = "vietinbank"
KEY_FIELD = "file_key"


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of a file; ``answer`` is the content of the file that the bank waits for."""

    day: date
    lines: int
    new: int
    matched: int
    bank_only: int
    ours_only: int
    differing: int
    answer_name: str
    answer: bytes


class _Known(NamedTuple):
    """What a callback told of one movement."""

    txn_id: str
    amount_vnd: int
    occurred_at: datetime
    bank_reference: str | None
    virtual_account: str | None
    order_reference: str | None


_TOLD = """
    SELECT dedup_key, amount_vnd, occurred_at, bank_reference, virtual_account, order_reference
    FROM evidence
    WHERE connection_id = :connection_id AND source = 'callback' AND direction = 'credit' AND status = 'settled'
      AND NOT conflicting
"""
_BY_ID = text(f"{_TOLD} AND dedup_key = ANY(CAST(:ids AS text[]))")
_OF_DAY = text(f"{_TOLD} AND occurred_at >= :since AND occurred_at < :until ORDER BY occurred_at, id")


def import_file(session: Session, cipher: FieldCipher, connection_id: int, name: str, data: bytes) -> FileReport:
    """Import a file ``YYYYMMDD_<provider>_THUHOTKAO_IN.txt`` for a connection of VietinBank.

    Raises NotFoundError, and DomainError ``wrong_adapter``, ``no_file_key`` or ``bad_file`` naming the line.
    """
    connection = connection_by_id(session, cipher, connection_id)
    if connection is None:
        raise NotFoundError(
            f"Không có kết nối {connection_id} đang hoạt động.", f"No active connection {connection_id}."
        )
    key, file = _read(connection, name, data)
    statuses = _statuses(session, connection, file)
    ours_only = _ours_only(session, connection, file)
    outcomes = record_polled(session, connection, [line.transaction for line in file.lines])
    return FileReport(
        file.day,
        len(file.lines),
        sum(outcome is not DeliveryOutcome.DUPLICATE for outcome in outcomes),
        statuses.count(ReconcileStatus.MATCHED),
        statuses.count(ReconcileStatus.BANK_ONLY),
        len(ours_only),
        statuses.count(ReconcileStatus.DIFFERS),
        file.answer_name,
        vietinbank_file.answer(file, statuses, ours_only, key),
    )


def _read(connection: DoorConnection, name: str, data: bytes) -> tuple[str, NightlyFile]:
    """The file, and the key that it was read with: during a rotation either may be the right one."""
    if connection.adapter != ADAPTER:
        raise DomainError(
            "wrong_adapter",
            f"Tệp đối soát này của VietinBank; kết nối {connection.id} dùng «{connection.adapter}».",
            f"This file is VietinBank's; connection {connection.id} uses {connection.adapter!r}.",
        )
    keys = [secret[KEY_FIELD] for secret in connection.secrets if secret.get(KEY_FIELD)]
    if not keys:
        raise DomainError(
            "no_file_key",
            "Khóa của kết nối chưa có «file_key» (khóa đối soát tệp); hãy thêm bằng «hocphi connection rotate».",
            "The connection's secret has no file_key (the key of files); add it with `hocphi connection rotate`.",
        )
    fault = NightlyFileError("wrong_checksum")
    for key in keys:
        try:
            return key, vietinbank_file.read(name, data, key)
        except NightlyFileError as error:
            fault = error
            if error.code != "wrong_checksum":
                break
    raise _refused(fault)


_WORDS = {
    "bad_file_name": "tên tệp phải có dạng YYYYMMDD_MÃ_THUHOTKAO_IN.txt",
    "too_large": "tệp quá lớn",
    "not_utf8": "không phải UTF-8",
    "control_character": "có ký tự điều khiển",
    "no_last_line": "thiếu dòng kết thúc 009, tệp có thể bị cắt",
    "unknown_columns": "tên cột khác với mẫu",
    "unknown_line": "loại dòng không biết",
    "wrong_number_of_fields": "số trường khác với mẫu",
    "wrong_checksum": "recordChecksum không đúng: dòng bị sửa hoặc khóa khác",
    "other_provider": "mã đơn vị khác với tên tệp",
    "wrong_number_of_lines": "số dòng khác với dòng kết thúc",
    "repeated_key": "trùng TransId, số tiền và thời gian với dòng trước",
}


def _refused(error: NightlyFileError) -> DomainError:
    where = f"Dòng {error.line}: " if error.line else ""
    why = _WORDS.get(error.code, f"không đọc được ({error.code})")
    return DomainError(
        "bad_file",
        f"{where}{why}. Chưa nhập dòng nào; hãy tải lại tệp từ ngân hàng.",
        f"{error}. Nothing was imported; fetch the file from the bank again.",
    )


def _statuses(session: Session, connection: DoorConnection, file: NightlyFile) -> list[ReconcileStatus]:
    ids = sorted({line.told["transId"] for line in file.lines})
    found = session.execute(_BY_ID, {"connection_id": connection.id, "ids": ids})
    known = {row.dedup_key: _Known(*row) for row in found}
    return [_status(line.transaction, known.get(line.told["transId"])) for line in file.lines]


def _status(one: BankTransaction, known: _Known | None) -> ReconcileStatus:
    if known is None:
        return ReconcileStatus.BANK_ONLY
    same = known.amount_vnd == one.amount_vnd and known.occurred_at == one.occurred_at
    return ReconcileStatus.MATCHED if same else ReconcileStatus.DIFFERS


def _ours_only(session: Session, connection: DoorConnection, file: NightlyFile) -> Sequence[BankTransaction]:
    since = clock.day_starts(file.day)
    values = {"connection_id": connection.id, "since": since, "until": since + timedelta(days=1)}
    theirs = {line.told["transId"] for line in file.lines}
    found = [_Known(*row) for row in session.execute(_OF_DAY, values)]
    return [_as_transaction(one) for one in found if one.txn_id not in theirs]


def _as_transaction(known: _Known) -> BankTransaction:
    return BankTransaction(
        provider_txn_id=known.txn_id,
        bank_reference=known.bank_reference,
        amount_vnd=known.amount_vnd,
        direction=Direction.credit,
        occurred_at=known.occurred_at,
        description="",
        account_number=None,
        virtual_account=known.virtual_account,
        order_ref=known.order_reference,
        dedup_key=known.txn_id,
    )
