"""Commands in a process of their own, where nothing but the command has been imported before."""

import json
import os
import subprocess
import sys

import pytest

from payments.settings import generated_environment
from tests.house import ROOT

pytestmark = pytest.mark.db


def test_a_school_an_account_and_a_connection_are_added_on_a_fresh_database(database_url, tmp_path):
    environment = os.environ | generated_environment() | {"DATABASE_URL": database_url}
    secret = tmp_path / "secret.json"
    secret.write_text('{"secret": "test-only"}')

    def run(*arguments):
        command = [sys.executable, "-m", "operations", *arguments, "--json"]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    run("school", "add", "--code", "TH01", "--name", "Trường Mẫu", "--level", "primary")
    account = ("--bin", "970436", "--number", "0011002233", "--holder", "TRUONG MAU", "--fund", "Bán trú")
    assert run("account", "add", "--school", "TH01", *account)["state"] == "proposed"
    added = run("connection", "add", "--adapter", "sepay", "--account", "970436:0011002233", "--secret-file", secret)
    assert "/callbacks/" in added["url"]
