"""The browser at hand works, shows Vietnamese, and its absence is told instead of hidden."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = """
import pytest

@pytest.mark.browser
def test_with_a_browser(): pass

def test_without(): pass
"""


@pytest.mark.browser
def test_a_phone_shows_vietnamese_letters_in_a_font_of_the_system(phone_page):
    phone_page.set_content("<html lang=vi><h1>Đặng Thị Ánh — Học phí tháng 9</h1></html>")
    assert phone_page.locator("h1").inner_text() == "Đặng Thị Ánh — Học phí tháng 9"
    assert phone_page.evaluate("navigator.language") == "vi-VN"


@pytest.mark.browser
def test_the_desk_is_wide_enough_for_a_table(desk_page):
    assert desk_page.evaluate("innerWidth") == 1366


def run_without_chromium(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    root = str(Path(__file__).parent.parent)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.browser",
        "-c",
        f"{root}/setup.cfg",
        "-n",
        "0",
        str(tmp_path),
    ]
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "PATH", "PYTEST_ADDOPTS"}}
    return subprocess.run(
        command,
        cwd=tmp_path,
        env=kept | {"PATH": "/nowhere", "PYTHONPATH": root} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_summary_names_each_browser_test_that_did_not_run(tmp_path):
    done = run_without_chromium(tmp_path)
    assert done.returncode == 0, done.stdout
    section = done.stdout.partition("browser tests that did not run")[2]
    assert "test_sample.py::test_with_a_browser" in section
    assert "apt-get install chromium fonts-noto-core" in section
    assert "1 passed, 1 skipped" in done.stdout.splitlines()[-1]


def test_in_continuous_integration_a_missing_browser_is_a_failure(tmp_path):
    done = run_without_chromium(tmp_path, CI="true")
    assert done.returncode == 1
    assert "1 passed, 1 error" in done.stdout.splitlines()[-1]
