"""``hocphi paper``: the files that a school prints from the terminal, and a summary a program can read."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from operations.cli import hocphi
from payments.db import session_scope
from payments.settings import generated_environment
from tests.payments.paper.office import Office, memos, open_office
from tests.payments.paper.reading import codes

pytestmark = pytest.mark.db
KEYS = generated_environment()


@pytest.fixture
def office(engine: Engine) -> Iterator[Office]:
    with session_scope(engine) as session:
        return open_office(session)


def run(database_url: str, office: Office, *arguments: str) -> Result:
    environment = {"DATABASE_URL": database_url, "HOCPHI_BASE_URL": "https://hocphi.example.vn", **KEYS}
    return CliRunner().invoke(hocphi, ["paper", *arguments, "--school", office.school.code], env=environment)


def code_of(engine: Engine, office: Office) -> str:
    with session_scope(engine) as session:
        return session.execute(
            text("SELECT code FROM collection_round WHERE id = :id"), {"id": office.round_id}
        ).scalar_one()


def test_slips_sheets_and_poster_are_written(engine: Engine, database_url: str, office: Office, tmp_path: Path) -> None:
    of = ["--round", code_of(engine, office), "--json", "--out"]
    out = str(tmp_path / "out.pdf")
    for arguments, told, seen in (
        (["slips"], {"slips": 4, "pages": 2, "classes": 2}, 8),
        (["sheets", "--class", "1A"], {"slips": 3, "pages": 1, "classes": 1}, 3),
    ):
        done = run(database_url, office, *arguments, *of, out)
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout) == {**told, "file": out}
        assert len(codes(Path(out).read_bytes(), 150)) == seen
    done = run(database_url, office, "poster", "--paper", "a3", "--json", "--out", out)
    assert json.loads(done.stdout) == {"pages": 1, "file": out}
    with session_scope(engine) as session:
        assert memos(session) == 2


def test_one_pupil_is_printed_by_identifier(engine: Engine, database_url: str, office: Office, tmp_path: Path) -> None:
    with session_scope(engine) as session:
        sector_id = session.execute(
            text("SELECT sector_id FROM pupil WHERE id = :id"), {"id": office.school.pupil}
        ).scalar_one()
    out = tmp_path / "one.pdf"
    done = run(
        database_url, office, "slips", "--round", code_of(engine, office), "--pupil", sector_id, "--out", str(out)
    )
    assert done.exit_code == 0, done.output
    assert "2 tờ, 1 trang" in done.stdout


def test_what_cannot_be_printed_is_a_sentence_and_no_file(
    engine: Engine, database_url: str, office: Office, tmp_path: Path
) -> None:
    code, out = code_of(engine, office), tmp_path / "none.pdf"
    for arguments, sentence in (
        (["--round", "no-such"], "Không có đợt thu mã no-such"),
        (["--round", code, "--class", "9Z"], "không có lớp «9Z»"),
        (["--round", code, "--pupil", "no-such"], "Không tìm thấy học sinh"),
    ):
        done = run(database_url, office, "slips", *arguments, "--out", str(out))
        assert (done.exit_code, sentence in done.stderr) == (1, True), done.output
    with session_scope(engine) as session:
        session.execute(text("UPDATE collection_round SET state = 'closed'"))
    done = run(database_url, office, "sheets", "--round", code, "--out", str(out))
    assert (done.exit_code, "round_not_out" in done.stderr) == (1, True)
    assert not out.exists()
