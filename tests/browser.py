"""Tests that need a real browser: Debian's chromium, driven by Playwright.

The one allowed skip of the suite: where chromium is absent these tests do not run, and the summary names each of them
and how to get it. With ``CI=true`` the absence is a failure.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

WAY_OUT = "install chromium and fonts-noto-core (as root: apt-get install chromium fonts-noto-core), then run again"
PATIENCE_MS = 30_000
"""How long a page may take to become what a test expects; Playwright's own five seconds are short on a busy machine."""
ABSENT = f"chromium is not on the PATH: {WAY_OUT}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Decide for a browser test whether it can run."""
    if item.get_closest_marker("browser") and not shutil.which("chromium"):
        if os.environ.get("CI") == "true":
            pytest.fail(ABSENT, pytrace=False)
        pytest.skip(ABSENT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the browser tests that did not run; nobody should mistake them for passed."""
    missed = [report.nodeid for report in terminalreporter.stats.get("skipped", []) if ABSENT in str(report.longrepr)]
    if missed:
        terminalreporter.section("browser tests that did not run", sep="=", yellow=True)
        for nodeid in sorted(missed):
            terminalreporter.write_line(nodeid)
        terminalreporter.write_line(f"To run them: {WAY_OUT}.")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless chromium for the tests of one module (longer would keep Playwright's event loop in others' way)."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def phone(chromium: Browser) -> Iterator[BrowserContext]:
    """A parent's phone: small, touched, Vietnamese."""
    context = chromium.new_context(
        viewport={"width": 393, "height": 727},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        locale="vi-VN",
        timezone_id="Asia/Ho_Chi_Minh",
    )
    yield context
    context.close()


@pytest.fixture
def phone_page(phone: BrowserContext) -> Page:
    """A page on the parent's phone."""
    return phone.new_page()


@pytest.fixture
def desk_page(chromium: Browser) -> Iterator[Page]:
    """A page on the accountant's screen."""
    context = chromium.new_context(
        viewport={"width": 1366, "height": 768}, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh"
    )
    yield context.new_page()
    context.close()
