"""Peers from npm, and one of PyPI that must not lie beside our own tests: installed by name and exact version into a
folder of this run, and asked in a process of their own.

Where npm is absent its tests are not collected, and the header of the run says so.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NPM = ("@payos/node@2.0.5", "vnpay@2.5.0")
NINEPAY = "ninepay-sdk==1.3.0"
"""It installs a package named `tests` and one named `examples`, which would hide ours."""

Ask = Callable[..., Any]

collect_ignore = [] if shutil.which("npm") else ["test_npm_peers.py"]


def pytest_report_header() -> str | None:
    return "npm is absent: its peers (payOS, VNPAY) are not asked" if collect_ignore else None


def answer_of(command: list[str], folder: Path, given: Any, environment: dict[str, str] | None = None) -> Any:
    """What a peer's process prints as JSON for what it is given as JSON."""
    done = subprocess.run(
        command, cwd=folder, env=environment, input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Run a script that reads JSON from `given` and says its answer with `say`."""
    folder = tmp_path_factory.mktemp("npm")
    flags = ("--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
    subprocess.run(["npm", "install", *flags, "--prefix", str(folder), *NPM], check=True, cwd=folder)

    def ask(script: str, given: Any) -> Any:
        head = "const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        say = "const say = (answer) => process.stdout.write(JSON.stringify(answer));"
        return answer_of(["node", "-e", f"{head}{say}(async () => {{{script}}})();"], folder, given)

    return ask


@pytest.fixture(scope="session")
def ninepay(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """9Pay's own library: whether it believes a result and checksum."""
    folder = tmp_path_factory.mktemp("ninepay")
    flags = ("--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(folder))
    subprocess.run([sys.executable, "-m", "pip", "install", *flags, NINEPAY], check=True, cwd=folder)
    script = """
import json, sys
sys.path.insert(0, ".")
from ninepay import NinePayConfig, NinePayGateway
given = json.load(sys.stdin)
config = NinePayConfig(merchant_id="m", secret_key="s", checksum_key=given["key"], env="SANDBOX")
gateway = NinePayGateway(config)
read = gateway.decode_result(given["result"])
print(json.dumps({"believed": gateway.verify(given["result"], given["checksum"]), "read": json.loads(read)}))
"""

    def ask(given: Any) -> Any:
        return answer_of([sys.executable, "-c", script], folder, given)

    return ask
