"""The house as a whole: what import-linter cannot see. Each rule is shown to notice what it forbids."""

import configparser
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from operations import processes
from payments.celery import QUEUES
from payments.settings import generated_environment
from tests import house

MOST_TYPE_IGNORES = 10
COMPOSED = """
import json, sys, wsgi
beat = wsgi.celery.conf.beat_schedule
queues = [options["queue"] for options in (entry.get("options", {}) for entry in beat.values()) if "queue" in options]
names = {name: {"task": entry["task"]} for name, entry in beat.items()}
told = {"tasks": sorted(wsgi.celery.tasks), "beat": names, "queues": queues, "pages": "flask" in sys.modules}
print(json.dumps(told | {"blueprints": len(wsgi.app.blueprints)}))
"""


def findings(check, paths) -> list[str]:
    """What a check finds, each with its file."""
    return [f"{path}:{found}" for path in paths for found in check(house.text_of(path))]


def run_with_settings(script: str) -> str:
    """What a script prints in a process of its own that has settings, but no server behind them."""
    environment = {**os.environ, **generated_environment(), "DATABASE_URL": "postgresql://nobody@/nowhere"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, cwd=house.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def entry_points(group: str) -> dict[str, str]:
    setup = configparser.ConfigParser()
    setup.read(house.ROOT / "setup.cfg")
    lines = setup["options.entry_points"][group].strip().splitlines()
    return {name.strip(): target.strip() for name, target in (line.split("=") for line in lines)}


def test_commit_stands_in_two_files_only():
    paths = set(house.sources("bank_adapters", "operations", "payments", "reconciliation")) - house.COMMITTERS
    assert findings(house.commits, sorted(paths)) == []


def test_only_the_clock_reads_the_time():
    paths = set(house.sources("bank_adapters", "operations", "payments", "reconciliation")) - {"payments/clock.py"}
    assert findings(house.clock_readings, sorted(paths)) == []


def test_only_the_ledgers_service_writes_ledger_lines():
    paths = {path for path in house.sources() if not path.startswith(("payments/ledger/", "migrations/"))}
    assert findings(house.ledger_writes, sorted(paths)) == []


def test_only_operations_and_tests_import_the_composition_root():
    paths = [path for path in house.sources() if not path.startswith("operations/")]
    assert [path for path in paths if "wsgi" in house.imports_of(house.text_of(path))] == []


def test_nobody_imports_operations():
    paths = [path for path in house.sources() if not path.startswith("operations/")]
    imported = {path: {name.partition(".")[0] for name in house.imports_of(house.text_of(path))} for path in paths}
    assert [path for path in paths if "operations" in imported[path]] == []


def test_every_blueprint_says_who_may_enter():
    assert findings(house.blueprints_without_access, house.sources("payments", "reconciliation")) == []


def test_every_exception_to_a_linter_has_a_code_and_a_reason():
    assert findings(house.unexplained_comments, house.sources()) == []


def test_type_checking_is_switched_off_in_ten_lines_at_most():
    assert len(findings(house.type_ignores, house.sources())) <= MOST_TYPE_IGNORES


def test_no_test_is_skipped_but_those_of_the_browser():
    paths = [path for path in house.sources("tests") if path not in {"tests/house.py", "tests/browser.py"}]
    assert findings(house.skips, paths) == []


def test_no_file_names_somebodys_machine():
    paths = house.written_files()
    assert {"setup.cfg", "Makefile", ".ci/run", "payments/db.py", "tests/conftest.py"} <= set(paths)
    assert findings(house.machine_paths, paths) == []


def test_every_test_module_says_what_it_is_about():
    silent = [path for path in house.sources("tests") if not re.match(r'\s*(r?"""|#)', house.text_of(path) or '"""')]
    assert silent == []


def test_every_queue_has_a_task_and_the_worker_serves_it():
    composed = json.loads(run_with_settings(COMPOSED))
    built = {task for task in QUEUES.values() if find_spec(task.rpartition(".")[0])}
    assert built - set(composed["tasks"]) == set()
    assert {entry["task"] for entry in composed["beat"].values()} - set(composed["tasks"]) == set()
    served = next(option.default for option in processes.worker.params if option.name == "queues")
    assert set(served.split(",")) == set(QUEUES)
    assert set(composed["queues"]) <= set(QUEUES)
    assert not composed["pages"], "workers and beats do not load the pages"
    assert composed["blueprints"] > 20, "a web server gets them when it asks"


def test_every_adapter_has_golden_files_and_a_line_in_the_docs():
    page = house.text_of("docs/adding-a-bank.md")
    folders = {name: module.rpartition(".")[2] for name, module in entry_points("hocphi.bank_adapters").items()}
    data_files = (house.ROOT / "bank_adapters/declarative/senders").glob("*.toml")
    for name, module in (folders | {path.stem: path.stem for path in data_files}).items():
        folder = house.ROOT / "bank_adapters/samples" / module
        assert list(folder.glob("*.json")), name
        assert f"| `{name}` |" in page, name


def test_constraints_are_names_and_versions_only():
    lines = house.text_of("constraints.txt").splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []


def test_continuous_integration_runs_the_command_that_people_are_told_to_run():
    assert house.text_of(".ci/run").rstrip().endswith("exec make test")
    told = [path for path in ("README.md", "CONTRIBUTING.md") if (house.ROOT / path).exists()]
    assert told
    assert [path for path in told if "make test" not in house.text_of(path)] == []


BAD = [
    (house.commits, "session.commit()"),
    (house.commits, "connection.rollback()"),
    (house.commits, "with engine.begin() as connection: pass"),
    (house.commits, "with self._engine.begin() as connection: pass"),
    (house.commits, "session.execute(text('commit'))"),
    (house.clock_readings, "datetime.now(UTC)"),
    (house.clock_readings, "datetime.datetime.now(UTC)"),
    (house.clock_readings, "date.today()"),
    (house.clock_readings, "time.time()"),
    (house.clock_readings, "select(func.now())"),
    (house.clock_readings, "text('SELECT now()')"),
    (house.ledger_writes, "session.add(EntryLine(school_id=1))"),
    (house.ledger_writes, "session.execute(insert(EntryLine))"),
    (house.ledger_writes, "session.execute(update(models.LedgerBalance))"),
    (house.ledger_writes, "text('INSERT INTO ledger_line VALUES (1)')"),
    (house.unexplained_comments, "x = 1  # type: ignore"),
    (house.unexplained_comments, "x = 1  # type: ignore[misc]"),
    (house.unexplained_comments, "x = 1  # noqa: S608"),
    (house.unexplained_comments, "x = 1  # noqa"),
    (house.type_ignores, "x = 1  # type: ignore[misc]  # why"),
    (house.skips, "pytest.skip('later')"),
    (house.skips, "@pytest.mark.xfail\ndef test(): pass"),
    (house.machine_paths, "see " + "/home/" + "somebody/notes"),
    (house.blueprints_without_access, "pages = Blueprint('pages', __name__)"),
]
GOOD = [
    (house.commits, "'''Never commit here.'''\nsession.flush()\nsession.begin_nested()"),
    (house.clock_readings, "clock.now()\ntime.monotonic()"),
    (house.ledger_writes, "select(EntryLine)\ntext('SELECT 1 FROM ledger_line')"),
    (house.unexplained_comments, "x = 1  # type: ignore[misc]  # the stubs are wrong\ny = 1  # noqa: S608 - no input"),
    (house.skips, "'''skip'''\nskipped = 1"),
    (house.machine_paths, "the folder docs/work/home and /usr/lib/postgresql"),
    (house.blueprints_without_access, "ACCESS = 'public'\npages = Blueprint('pages', __name__)"),
]


@pytest.mark.parametrize(("check", "source"), BAD)
def test_each_rule_notices_what_it_forbids(check, source):
    assert check(source)


@pytest.mark.parametrize(("check", "source"), GOOD)
def test_no_rule_cries_wolf(check, source):
    assert check(source) == []
