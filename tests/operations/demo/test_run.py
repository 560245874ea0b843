"""The tiny province played for real: servers, processes, HTTP, files. Then each detector is blinded in turn."""

import json
import os
import pty
import re
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.orm import Session

from operations.demo import found, run
from operations.demo.greeting import greet
from operations.demo.presets import CALENDAR
from operations.demo.progress import bar
from operations.demo.world import World, new_world
from payments.app import create_app
from reconciliation import balances, matching, night
from reconciliation.catching_up import reconcile_school

pytestmark = [pytest.mark.db, pytest.mark.timeout(600)]

NOTHING = "SELECT CAST(:key AS text) WHERE false"
KEYS = {
    "invoices",
    "invoiced_vnd",
    "callbacks",
    "settled_vnd",
    "unmatched",
    "statement_lines",
    "ledger_rows",
    "matched",
    "exceptions",
    "planted",
    "found",
    "proof",
    "invariants",
}
PLANTED = sorted(set(found.STATEMENTS) - {"closed_period"})
CLASSES = sorted(set(matching.PRECEDENCE) - {"closed_period", "balance_break"})


@pytest.fixture(scope="module")
def evening() -> Iterator[tuple[World, run.Played, str]]:
    """The month played before a terminal, and what the terminal showed."""
    with new_world() as world:
        with a_terminal() as shown, world.processes() as processes:
            month = run.play(world, "tiny", run.SEED, processes)
        yield world, month, "".join(shown)


@pytest.fixture(scope="module")
def played(evening) -> tuple[World, run.Played]:
    world, month, _ = evening
    return world, month


@contextmanager
def a_terminal() -> Iterator[list[str]]:
    """Standard error is a terminal; afterwards the list holds what it has shown."""
    screen, other_end = pty.openpty()
    termios.tcsetwinsize(other_end, (24, 100))
    shown: list[str] = []
    watching = threading.Thread(target=lambda: shown.extend(lines_of(screen)))
    watching.start()
    try:
        with os.fdopen(other_end, "w", encoding="utf-8") as stream, pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stderr", stream)
            yield shown
    finally:
        watching.join()
        os.close(screen)


@pytest.fixture
def command(played, monkeypatch):
    """The command, over the month that was played already."""
    world, month = played
    monkeypatch.setattr(run, "new_world", lambda port: nullcontext(world))
    monkeypatch.setattr(World, "processes", lambda self: nullcontext())
    monkeypatch.setattr(run, "play", lambda *_: month)
    return lambda *options: CliRunner().invoke(run.demo, ["--once", *options], catch_exceptions=False)


def test_the_month_is_proved_and_every_fault_is_found_row_by_row(command):
    done = command("--json")
    said = json.loads(done.output)
    assert done.exit_code == 0, said
    assert said.keys() >= KEYS
    assert said["planted"] == said["found"]
    assert said["planted"].keys() == set(PLANTED)
    calls = said["callbacks"]
    assert calls["sent"] == calls["accepted"] + calls["duplicate"] + calls["rejected"]
    assert said["proof"]["ok"]
    assert set(said["invariants"].values()) == {True}


def test_a_person_is_told_in_words(command):
    done = command()
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == "ĐẠT"


def test_a_visitor_is_led_to_a_page_of_each_state_and_to_a_log_in_of_each_role(played, capsys):
    world, month = played
    greet(world, month.billed, month.family)
    said = capsys.readouterr()
    assert said.out == ""
    for state in ("chưa nộp", "nộp thiếu", "đã nộp", "cả nhà"):
        assert re.search(rf"^  {state} +{world.settings.base_url}/p/[a-z2-7]{{32}}$", said.err, re.MULTILINE), said.err
    for role in ("kế toán", "hiệu trưởng", "cán bộ Sở", "quản trị", "kỹ sư"):
        assert re.search(rf"^  {role} +\S+ +\S+$", said.err, re.MULTILINE), said.err


def test_a_newcomer_finds_the_family_the_trust_page_the_look_up_and_work_for_the_accountant(played):
    world, month = played
    with create_app(world.settings, (), None, ()).test_client() as client:
        first = next(iter(month.billed.province.schools.values()))
        pages = [client.get(path) for path in (f"/p/{month.family}", f"/s/{first.size.code}", "/tra-cuu")]
    assert [page.status_code for page in pages] == [200, 200, 200]
    assert "van.phong@mau.example" in pages[1].get_data(as_text=True)
    with world.engine.connect() as connection:
        for statement, wanted in (
            ("SELECT count(*) FROM payer_claim WHERE closed_at IS NULL", 1),
            ("SELECT count(*) FROM notice_campaign WHERE state = 'paused'", 1),
            ("SELECT count(*) FROM notice WHERE state <> 'waiting'", 0),
            ("SELECT count(*) FROM public_round WHERE shown", 1),
            ("SELECT count(*) FROM school WHERE bank_apps", 1),
            ("SELECT count(*) FROM bundle_transfer", 2),
        ):
            assert connection.scalar(text(statement)) == wanted, statement


@pytest.mark.parametrize("key", PLANTED)
def test_whoever_does_not_look_for_a_key_fails(command, monkeypatch, key):
    monkeypatch.setattr(found, "STATEMENTS", {**found.STATEMENTS, key: (NOTHING, key)})
    done = command("--json")
    assert done.exit_code == 1
    assert list(json.loads(done.output)["missed"]) == [key]


@contextmanager
def another_night(world: World, month: run.Played) -> Iterator[Session]:
    """Reconcile anew, and forget it afterwards."""
    with Session(world.engine) as session:
        for school in month.billed.province.schools.values():
            reconcile_school(lambda: nullcontext(session), school.id, CALENDAR.statement_ends)
        yield session
        session.rollback()


@pytest.mark.parametrize("key", CLASSES)
def test_a_night_that_is_blind_for_a_class_fails(played, monkeypatch, key):
    monkeypatch.setattr(matching, "PRECEDENCE", tuple(one for one in matching.PRECEDENCE if one != key))
    monkeypatch.setattr(night, "RULES_VERSION", -1)
    with another_night(*played) as session:
        said = run.judge(session.connection(), *played)
    assert not said["ok"]
    assert key in said["missed"]


def test_a_night_that_believes_every_statement_fails(played, monkeypatch):
    monkeypatch.setattr(night, "prove", lambda *given: replace(balances.prove(*given), breaks=()))
    monkeypatch.setattr(night, "RULES_VERSION", -1)
    with another_night(*played) as session:
        said = run.judge(session.connection(), *played)
    assert not said["ok"]
    assert "balance_break" in said["missed"]
    assert not said["proof"]["ok"]


def test_books_that_do_not_hold_fail(played):
    world, month = played
    with Session(world.engine) as session:
        session.execute(text("UPDATE ledger_balance SET balance_vnd = balance_vnd + 1"))
        said = run.judge(session.connection(), world, month)
        session.rollback()
    assert not said["ok"]
    assert not said["invariants"]["I7"]


def test_bars_are_shown_on_a_terminal(evening):
    """That the command plays by itself, and prints one object only, is shown by the installed one (test_wheel)."""
    assert "Ngân hàng báo có" in evening[2]


def lines_of(terminal: int) -> Iterator[str]:
    """What a terminal shows, until nobody writes to it."""
    with suppress(OSError):
        while piece := os.read(terminal, 65536):
            yield piece.decode(errors="replace")


def test_without_a_terminal_no_bar_is_shown(capfd):
    with bar("Một việc", 2) as tell:
        tell(2)
    assert capfd.readouterr() == ("", "")
