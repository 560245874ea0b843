"""Names and contents of files that somebody made to harm: cleaned, bounded or refused, and the worker goes on."""

import io
import json
import zipfile

import openpyxl
import pytest

from reconciliation.imports.models import JobState
from tests.reconciliation.imports.hall import Hall
from tests.reconciliation.school_ledgers.test_bang_ke import paper as list_of_receipts

NAMES = {
    "../../etc/passwd.csv": "passwd.csv",
    "a\r\nBcc: x@example.com\r\n.csv": "a Bcc: x@example.com .csv",
    "hoc\u202egpj.csv": "hoc gpj.csv",
    "C:\\so\\thu.csv": "thu.csv",
}


def send_named(hall: Hall, data: bytes, name: str) -> int:
    """Upload under a name of any characters, as the wire allows it (RFC 5987)."""
    token = hall.token(hall.base)
    quoted = "".join(f"%{byte:02X}" for byte in name.encode())
    body = (
        (
            f'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n--x\r\n'
            f"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''{quoted}\r\n\r\n"
        ).encode()
        + data
        + b"\r\n--x--\r\n"
    )
    answer = hall.faces.client.post(hall.base + "ledger", data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 303, answer.get_data(as_text=True)[-400:]
    return int(answer.headers["Location"].rstrip("/").rpartition("/")[2].split("?")[0])


def test_a_name_is_a_name_and_nothing_else(hall):
    """Neither a path, nor a line of a header, of a message or of a log."""
    hall.faces.log_in("accountant")
    for given, kept in NAMES.items():
        job_id = send_named(hall, b"khong phai so\n1;2\n", given)
        hall.work()
        job = hall.job(job_id)
        assert (given, job.file_name) == (given, kept)
        assert job.state in {JobState.MAPPING, JobState.REFUSED}
        answer = hall.faces.client.get(f"{hall.base}{job_id}/returned.xlsx")
        assert answer.status_code in {200, 404}
        assert "\n" not in answer.headers.get("Content-Disposition", "")
    subjects = [subject for (subject,) in hall.rows("SELECT subject FROM message")]
    assert len(subjects) == len(NAMES)
    assert all(subject.isprintable() for subject in subjects)


def test_odd_bytes_in_cells_end_a_job_with_words_and_the_next_one_is_read(hall):
    hall.faces.log_in("accountant")
    good = list_of_receipts(account="Tài khoản: 1121")
    for data in (
        good.replace("Trần".encode(), b"Tr\x00n"),
        good.replace("Trần".encode(), b"Tr\xff\xfe"),
        b"<html><table><tr><td>&#0;</td><td>&#xD800;</td></tr></table></html>",
        b"\x00" * 5000,
        b"PK\x03\x04" + b"\x00" * 500,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 4000,
        b"%PDF-1.7",
    ):
        job_id = hall.send("ledger", data, "so.csv")
        hall.work()
        assert hall.job(job_id).state in {JobState.MAPPING, JobState.REFUSED, JobState.READY}, data[:20]
        hall.page(job_id)
    job_id = hall.send("ledger", good, "so.csv")
    hall.work()
    assert hall.job(job_id).state is JobState.READY


def bomb(part: str, megabytes: int) -> bytes:
    """A workbook one part of which becomes very large."""
    made = io.BytesIO()
    openpyxl.Workbook().save(made)
    out = io.BytesIO()
    with zipfile.ZipFile(made) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in given.namelist():
            packed.writestr(name, b" " * (megabytes * 2**20) if name == part else given.read(name))
    return out.getvalue()


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"])
def test_a_small_file_that_becomes_large_is_refused_before_it_is_unpacked(hall, part):
    hall.faces.log_in("accountant")
    job_id = hall.send("ledger", bomb(part, 400), "so.xlsx")
    hall.work()
    job = hall.job(job_id)
    assert job.state is JobState.REFUSED
    assert len(json.dumps(job.problems)) < 5_000
