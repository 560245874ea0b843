"""VietinBank's nightly file: read whole or refused by line, and answered in the bank's own form."""

import hashlib

import pytest

from bank_adapters.contract import Direction, Status
from bank_adapters.vietinbank_file import COLUMNS, NightlyFileError, ReconcileStatus, answer, read

KEY = "test-only-file-key"
NAME = "20260922_HOCPHI_THUHOTKAO_IN.txt"
TOLD = {
    "recordType": "002",
    "providerId": "HOCPHI",
    "recvVirtualAcctId": "970HP0001",
    "custCode": "970HP0001",
    "custName": "NGUYEN VAN A",
    "amount": "250000",
    "currencyCode": "VND",
    "merchantAcctNo": "118800001111",
    "billId": "HP1",
    "transTime": "20260922081530",
    "status": "00",
    "addField1": "HP1 nop tien",
}


def signed(parts: list[str], key: str = KEY) -> str:
    """As the bank writes a line, spelled out here so that the reader is not its own witness."""
    return "|".join([*parts, hashlib.md5(("".join(parts) + key).encode(), usedforsecurity=False).hexdigest()])


def detail(trans_id: str, columns: tuple[str, ...] = COLUMNS, **told: str) -> str:
    fields = {**TOLD, "transId": trans_id, "bankTransId": f"BT{trans_id}", **told}
    return signed([fields.get(name, "") for name in columns[:-1]])


def end(count: int) -> str:
    return signed(["009", "HOCPHI", "SYSTEM", str(count), "20260923070000"])


def file_of(*lines: str, count: int | None = None, first: str | None = None) -> bytes:
    whole = [*([first] if first else []), *lines, end(len(lines) if count is None else count)]
    return ("\r\n".join(whole) + "\r\n").encode()


def test_a_file_becomes_transactions_with_the_ids_that_callbacks_have() -> None:
    found = read(NAME, file_of(detail("T1"), detail("T2", recordType="003", amount="100000.00")), KEY)
    one, two = (line.transaction for line in found.lines)
    assert (one.dedup_key, one.amount_vnd, one.bank_reference, one.direction) == (
        "T1",
        250_000,
        "BTT1",
        Direction.credit,
    )
    assert one.occurred_at.isoformat() == "2026-09-22T08:15:30+07:00"
    assert (one.virtual_account, one.order_ref, one.description) == ("970HP0001", "HP1", "HP1 nop tien")
    assert one.status is Status.settled
    assert (found.lines[1].kind, two.amount_vnd) == ("003", 100_000)
    assert found.answer_name == "20260922_HOCPHI_THUHOTKAO_OUT.txt"


@pytest.mark.parametrize("first", ["|".join(COLUMNS), ",".join(COLUMNS), "001|HOCPHI|20260922"])
def test_a_line_of_names_may_stand_first(first: str) -> None:
    assert len(read(NAME, file_of(detail("T1"), first=first), KEY).lines) == 1


def test_columns_in_another_order_are_read_by_their_names() -> None:
    other = (*COLUMNS[:13], "billCycle", "billId", "payRefNo", "merchantAcctNo", *COLUMNS[17:])
    found = read(NAME, file_of(detail("T1", other), first="|".join(other)), KEY)
    assert found.lines[0].transaction.order_ref == "HP1"
    assert found.lines[0].transaction.account_number == "118800001111"


def test_a_day_without_money_is_a_file_too() -> None:
    assert read(NAME, file_of(), KEY).lines == ()


def test_a_movement_that_failed_is_told_and_is_no_money() -> None:
    assert read(NAME, file_of(detail("T1", status="99")), KEY).lines[0].transaction.status is Status.failed


def test_the_last_line_may_count_the_movements_of_the_day_alone() -> None:
    data = file_of(detail("T1"), detail("T2", recordType="003"), count=1)
    assert len(read(NAME, data, KEY).lines) == 2


GOOD = file_of(detail("T1"), detail("T2"))
REFUSED = [
    ("20260922_HOCPHI_IN.txt", GOOD, "bad_file_name", 0),
    ("20261322_HOCPHI_THUHOTKAO_IN.txt", GOOD, "bad_file_name", 0),
    ("../20260922_HOCPHI_THUHOTKAO_IN.txt", GOOD, "bad_file_name", 0),
    ("20260922_OTHER_THUHOTKAO_IN.txt", GOOD, "other_provider", 1),
    (NAME, GOOD.replace(b"|250000|", b"|950000|", 1), "wrong_checksum", 1),
    (NAME, GOOD.replace(b"BTT2", b"BTT3"), "wrong_checksum", 2),
    (NAME, b"\r\n".join(GOOD.split(b"\r\n")[:2]), "no_last_line", 2),
    (NAME, b"", "no_last_line", 0),
    (NAME, GOOD[:200], "no_last_line", 2),
    (NAME, file_of(detail("T1"), count=2), "wrong_number_of_lines", 2),
    (NAME, file_of(detail("T1"), detail("T1")), "repeated_key", 2),
    (NAME, file_of(signed(["004", "x"])), "unknown_line", 1),
    (NAME, file_of(signed(["002", "x"])), "wrong_number_of_fields", 1),
    (NAME, file_of(detail("T1", amount="-5")), "bad_amount_amount", 1),
    (NAME, file_of(detail("T1", amount="1e5")), "bad_amount_amount", 1),
    (NAME, file_of(detail("T1", amount="０")), "bad_amount_amount", 1),
    (NAME, file_of(detail("T1", transTime="20261322081530")), "bad_time_transTime", 1),
    (NAME, file_of(detail("")), "missing_field_transId", 1),
    (NAME, file_of(detail("T1", currencyCode="USD")), "bad_currency_currencyCode", 1),
    (NAME, file_of(detail("T1"), first="recordType|transId"), "unknown_columns", 1),
    (NAME, GOOD.replace(b"nop", b"n\x00p"), "control_character", 1),
    (NAME, GOOD.replace(b"nop", b"n\xffp", 1), "not_utf8", 1),
]


@pytest.mark.parametrize(("name", "data", "code", "line"), REFUSED, ids=[f"{n}-{c[2]}" for n, c in enumerate(REFUSED)])
def test_a_file_is_refused_whole_and_the_line_is_named(name: str, data: bytes, code: str, line: int) -> None:
    with pytest.raises(NightlyFileError) as caught:
        read(name, data, KEY)
    assert (caught.value.code, caught.value.line) == (code, line)


def test_cut_anywhere_or_changed_in_any_byte_it_is_refused() -> None:
    for place in range(len(GOOD) - 2):  # the last line break says nothing
        with pytest.raises(NightlyFileError):
            read(NAME, GOOD[:place], KEY)
    for place in (n for n, byte in enumerate(GOOD) if byte not in b"\r\n |"):
        changed = bytearray(GOOD)
        changed[place] ^= 1
        with pytest.raises(NightlyFileError):
            read(NAME, bytes(changed), KEY)


def test_another_key_opens_no_file() -> None:
    with pytest.raises(NightlyFileError, match="wrong checksum"):
        read(NAME, GOOD, "another")


def test_our_answer_has_their_lines_with_a_status_and_checksums() -> None:
    found = read(NAME, GOOD, KEY)
    told = answer(found, [ReconcileStatus.MATCHED, ReconcileStatus.BANK_ONLY], [found.lines[0].transaction], KEY)
    names, *lines, last = told.decode().splitlines()
    assert names.split("|") == [*COLUMNS[:-1], "reconcileStatus", "recordChecksum"]
    for line in (*lines, last):
        *parts, digest = line.split("|")
        assert signed(parts).rpartition("|")[2] == digest
    assert [line.split("|")[25] for line in lines] == ["00", "01", "02"]
    assert lines[0].split("|")[:25] == detail("T1").split("|")[:25]
    assert last.split("|")[:4] == ["009", "HOCPHI", "SYSTEM", "3"]
