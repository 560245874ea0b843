"""``hocphi school`` and ``hocphi roster`` as an operator uses them: exit codes, JSON, sentences."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from operations.cli import hocphi
from payments import clock
from payments.settings import generated_environment
from tests.payments.schools.roster.files import by_csv, by_xlsxwriter, pupil

GOLDEN = Path(__file__).parent / "golden"
ROWS = [
    pupil(1, class_name="1A"),
    pupil(2, class_name="1A", born="31/02/2018"),
    pupil(3, class_name="1B", full_name=None),
    pupil(4, class_name="1B", personal_id="098318000004"),
    pupil(5, class_name="1B", guardian_phone=None),
    pupil(6, class_name="1B"),
    pupil(6, class_name="1A"),
    pupil(7, status="Chuyển đi"),
]


@pytest.fixture
def run(database_url):
    """Run ``hocphi`` against a fresh database on a day in autumn."""
    environment = {**generated_environment(), "DATABASE_URL": database_url}

    def call(*arguments):
        with clock.turned_to(datetime(2025, 10, 8, tzinfo=UTC)):
            return CliRunner().invoke(hocphi, [str(argument) for argument in arguments], env=environment)

    return call


@pytest.fixture
def school(run):
    """The code of a school below a department."""
    assert run("school", "office", "--code", "SO", "--name", "Sở (mẫu)", "--kind", "department").exit_code == 0
    name = ("--name", "Trường Tiểu học Hoa Phượng (mẫu)")
    made = run("school", "add", "--code", "TH-MAU", *name, "--level", "primary", "--parent", "SO", "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.output)["code"] == "TH-MAU"
    return "TH-MAU"


def test_schools_are_listed(run, school):
    listed = json.loads(run("school", "list", "--json").output)["schools"]
    assert listed == [
        {
            "code": "TH-MAU",
            "name": "Trường Tiểu học Hoa Phượng (mẫu)",
            "level": "primary",
            "ownership": "public",
            "area": None,
            "grouping": "per_account",
        }
    ]
    assert "Hoa Phượng" in run("school", "list").output


def test_a_code_in_use_is_refused_with_exit_one(run, school):
    again = run("school", "add", "--code", school, "--name", "Khác", "--level", "primary")
    assert (again.exit_code, "code_taken" in again.output) == (1, True)


def test_a_school_moves_below_another_office(run, school):
    assert (
        run("school", "office", "--code", "XA", "--name", "Xã (mẫu)", "--kind", "middle", "--parent", "SO").exit_code
        == 0
    )
    assert run("school", "move", "--code", school, "--parent", "XA", "--from", "2025-11-01").exit_code == 0
    assert run("school", "move", "--code", school, "--parent", "KHONG-CO").exit_code == 1


def test_the_report_of_a_roster_reads_as_agreed(run, school, tmp_path):
    file = tmp_path / "danh-sach.xlsx"
    file.write_bytes(by_xlsxwriter(ROWS, above=1))
    imported = run("roster", "import", file, "--school", school, "--json")
    assert imported.exit_code == 0
    report = json.loads(imported.output)
    assert isinstance(report.pop("import_id"), int)
    assert report == json.loads((GOLDEN / "roster-report.json").read_text(encoding="utf-8"))


def test_the_report_for_the_terminal_reads_as_agreed(run, school, tmp_path):
    file = tmp_path / "danh-sach.xlsx"
    file.write_bytes(by_xlsxwriter(ROWS, above=1))
    imported = run("roster", "import", file, "--school", school)
    assert imported.output == (GOLDEN / "roster-report.txt").read_text(encoding="utf-8")


def test_the_same_file_again_says_that_nothing_changed(run, school, tmp_path):
    file = tmp_path / "danh-sach.csv"
    file.write_bytes(by_csv([pupil(1), pupil(2)]))
    assert run("roster", "import", file, "--school", school).exit_code == 0
    again = run("roster", "import", file, "--school", school, "--json")
    assert (again.exit_code, json.loads(again.output)["unchanged"]) == (0, True)


def test_a_dry_run_reports_and_writes_nothing(run, school, tmp_path):
    file = tmp_path / "danh-sach.csv"
    file.write_bytes(by_csv([pupil(1), pupil(2)]))
    for _ in range(2):
        seen = json.loads(run("roster", "import", file, "--school", school, "--dry-run", "--json").output)
        assert (seen["created"], seen["import_id"], seen["unchanged"]) == (2, None, False)
    assert json.loads(run("roster", "import", file, "--school", school, "--json").output)["created"] == 2


def test_a_file_without_one_good_row_exits_with_one_and_its_rows_come_back(run, school, tmp_path):
    file, back = tmp_path / "danh-sach.csv", tmp_path / "sua.xlsx"
    file.write_bytes(by_csv([pupil(1, born="?")]))
    refused = run("roster", "import", file, "--school", school, "--errors-to", back, "--json")
    assert (refused.exit_code, json.loads(refused.output)["refused"]) == (1, 1)
    assert back.read_bytes().startswith(b"PK")


def test_a_file_that_is_none_and_a_school_that_is_none_exit_with_one(run, school, tmp_path):
    file = tmp_path / "danh-sach.csv"
    file.write_bytes(b"xin ch\xe0o")
    assert "bad_encoding" in run("roster", "import", file, "--school", school).output
    assert run("roster", "import", file, "--school", school).exit_code == 1
    assert run("roster", "import", file, "--school", "KHONG-CO").exit_code == 1
    assert run("roster", "import", tmp_path / "none.csv", "--school", school).exit_code == 2


def test_the_template_is_written(run, tmp_path):
    file = tmp_path / "mau.xlsx"
    assert run("roster", "template", file).exit_code == 0
    assert file.read_bytes().startswith(b"PK")


def test_the_tree_of_a_day_is_printed(run, school):
    commune = ["--code", "XA", "--name", "Xã (mẫu)", "--kind", "middle", "--parent", "SO", "--from", "2025-10-08"]
    assert run("school", "office", *commune).exit_code == 0
    assert run("school", "move", "--code", school, "--parent", "XA", "--from", "2025-11-01").exit_code == 0

    def places(day):
        rows = json.loads(run("school", "tree", "--day", day, "--json").output)["tree"]
        return {row["code"]: (row["parent"], row["depth"]) for row in rows}

    assert places("2025-10-31") == {"SO": (None, 0), "XA": ("SO", 1), school: ("SO", 1)}
    assert places("2025-11-01") == {"SO": (None, 0), "XA": ("SO", 1), school: ("XA", 2)}
    assert f"\n    {school}\t" in run("school", "tree", "--day", "2025-11-01").output


def test_a_school_chooses_how_invoices_are_grouped(run, school):
    assert run("school", "set", "--code", school, "--grouping", "per_fee_item").exit_code == 0
    (row,) = json.loads(run("school", "list", "--json").output)["schools"]
    assert row["grouping"] == "per_fee_item"
    assert run("school", "set", "--code", school).exit_code == 2
    assert run("school", "set", "--code", "NOWHERE", "--name", "x").exit_code == 1
    assert run("school", "set", "--code", school, "--name", " ").exit_code == 1
