"""VietinBank's nightly file brings what the door missed, once, and the bank gets its answer."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from operations.cli import LazyGroup
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.errors import DomainError, NotFoundError
from payments.inbox.nightly_file import FileReport, import_file
from payments.settings import Settings, generated_environment
from tests.bank_adapters.test_vietinbank_file import KEY, NAME, detail, file_of
from tests.payments.inbox.callers import Sender, make_sender, rows, vector_sender
from tests.payments.inbox.evidence import POLLED

TOLD_AT = datetime(2026, 9, 22, 1, 15, 30, tzinfo=UTC)
ACCOUNT = "118800001111"


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, **generated_environment()}


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return Settings.from_env(environment)


@pytest.fixture
def sender(engine: Engine, settings: Settings) -> Sender:
    secret = {"public_pem": "-", "private_pem": "-", "file_key": KEY}
    return vector_sender(engine, settings, "vietinbank", secret, {ACCOUNT: "number", "970HP": "virtual_prefix"})


def push(engine: Engine, sender: Sender, txn_id: str, amount_vnd: int = 250_000, at: datetime = TOLD_AT) -> None:
    """What a callback left."""
    with session_scope(engine) as session:
        session.connection().exec_driver_sql(
            """
            INSERT INTO evidence (source, connection_id, school_id, account_id, account_named, dedup_key, direction,
                status, amount_vnd, occurred_at, value_date, provider_txn_id, description, "references",
                content_sha256, conflicting, sandbox, received_at)
            VALUES ('callback', %s, %s, %s, '1111', %s, 'credit', 'settled', %s, %s, %s, %s, '', '{}', '', false,
                false, %s)
            """,
            (
                *(sender.connection_id, sender.school.id, sender.school.account, txn_id, amount_vnd, at, at.date()),
                *(txn_id, at),
            ),
        )


def imported(engine: Engine, settings: Settings, sender: Sender, data: bytes, name: str = NAME) -> FileReport:
    with session_scope(engine) as session:
        return import_file(session, FieldCipher(settings.field_keys), sender.connection_id, name, data)


def statuses(report: FileReport) -> list[tuple[str, str]]:
    lines = [line.split("|") for line in report.answer.decode().splitlines()[1:-1]]
    return [(parts[1], parts[25]) for parts in lines]


def test_the_file_brings_what_no_callback_told_and_answers_all_four_cases(
    engine: Engine, settings: Settings, sender: Sender
) -> None:
    push(engine, sender, "SAME")
    push(engine, sender, "OTHER", 99_000)
    push(engine, sender, "OURS")
    push(engine, sender, "YESTERDAY", at=datetime(2026, 9, 21, 16, 59, tzinfo=UTC))
    data = file_of(detail("SAME"), detail("OTHER"), detail("MISSED"))
    report = imported(engine, settings, sender, data)
    assert (report.matched, report.differing, report.bank_only, report.ours_only) == (1, 1, 1, 1)
    assert statuses(report) == [("SAME", "00"), ("OTHER", "03"), ("MISSED", "01"), ("OURS", "02")]
    assert report.new == 3
    told = rows(engine, "SELECT dedup_key, school_id FROM evidence WHERE source = 'poll' ORDER BY dedup_key")
    assert told == [(f"{POLLED}{name}", sender.school.id) for name in ("MISSED", "OTHER", "SAME")]
    assert rows(engine, "SELECT count(*) FROM outbox WHERE queue = 'settlement'") == [(3,)]


def test_the_same_file_again_adds_nothing_and_gives_the_same_answer(
    engine: Engine, settings: Settings, sender: Sender
) -> None:
    data = file_of(detail("T1"), detail("T2"))
    first = imported(engine, settings, sender, data)
    again = imported(engine, settings, sender, data)
    assert (first.new, again.new) == (2, 0)
    assert first.answer == again.answer
    assert rows(engine, "SELECT count(*) FROM evidence") == [(2,)]


def test_a_refused_file_leaves_nothing_and_names_the_line(engine: Engine, settings: Settings, sender: Sender) -> None:
    data = file_of(detail("T1"), detail("T2")).replace(b"BTT2", b"BTT9")
    with pytest.raises(DomainError) as caught:
        imported(engine, settings, sender, data)
    assert caught.value.code == "bad_file"
    assert caught.value.vi.startswith("Dòng 2: ")
    assert rows(engine, "SELECT count(*) FROM evidence") == [(0,)]


def test_only_a_connection_of_the_bank_with_a_key_takes_files(
    engine: Engine, settings: Settings, sender: Sender
) -> None:
    other = make_sender(engine, settings)
    with pytest.raises(DomainError) as caught:
        imported(engine, settings, other, file_of())
    assert caught.value.code == "wrong_adapter"
    bare = vector_sender(engine, settings, "vietinbank", {"public_pem": "-"}, {ACCOUNT: "number"})
    with pytest.raises(DomainError) as caught:
        imported(engine, settings, bare, file_of())
    assert caught.value.code == "no_file_key"
    with pytest.raises(NotFoundError), session_scope(engine) as session:
        import_file(session, FieldCipher(settings.field_keys), 10**9, NAME, file_of())


def run(environment: dict[str, str], *arguments: str) -> Any:
    return CliRunner(env=environment).invoke(LazyGroup("hocphi"), list(arguments))


def test_the_command_imports_files_and_writes_whole_answers(
    engine: Engine, environment: dict[str, str], sender: Sender, tmp_path: Path
) -> None:
    incoming, answers = tmp_path / NAME, tmp_path / "out"
    answers.mkdir()
    incoming.write_bytes(file_of(detail("T1")))
    done = run(
        environment,
        *(
            "poll",
            "file",
            str(incoming),
            "--connection",
            str(sender.connection_id),
            "--answers",
            str(answers),
            "--json",
        ),
    )
    assert done.exit_code == 0, done.output
    (told,) = json.loads(done.output)["files"]
    assert (told["lines"], told["new"], told["bank_only"]) == (1, 1, 1)
    assert [path.name for path in answers.iterdir()] == ["20260922_HOCPHI_THUHOTKAO_OUT.txt"]


def test_the_command_tells_a_person_which_line_is_wrong(
    environment: dict[str, str], sender: Sender, tmp_path: Path
) -> None:
    incoming = tmp_path / NAME
    incoming.write_bytes(file_of(detail("T1"))[:-40])
    done = run(environment, "poll", "file", str(incoming), "--connection", str(sender.connection_id))
    assert done.exit_code == 1
    assert "Dòng 2" in done.output
