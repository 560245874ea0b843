"""The commands of closes, as an operator calls them, and a stranger who has a file and the public keys only."""

import base64
import json
import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from payments import clock
from payments.access.models import User
from payments.settings import generated_environment
from reconciliation.cli import reconcile_group
from tests.reconciliation.closing.ledgers import NEXT, NOTE
from tests.reconciliation.closing.test_papers import certificate
from tests.reconciliation.desk import DAY, OPENING

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.db


@pytest.fixture
def run(desk, monkeypatch):
    """Call ``hocphi reconcile …`` with the desk's database and keys."""
    fields = ",".join(f"{key}:{base64.b64encode(value).decode()}" for key, value in desk.settings.field_keys.items())
    url = desk.engine.url.render_as_string(hide_password=False).replace("postgresql+psycopg", "postgresql")
    given = generated_environment() | {"DATABASE_URL": url, "HOCPHI_FIELD_KEYS": fields}
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    def call(*words: object):
        return CliRunner().invoke(reconcile_group, [str(word) for word in words])

    return call


def name_of(desk, user_id: int) -> str:
    with desk.session() as session:
        return session.get_one(User, user_id).username


def in_a_fresh_process(*words: object) -> None:
    """The command by another interpreter: no cache of ours, no compiled file, another order of hashes."""
    command = [sys.executable, "-B", "-m", "operations", "reconcile", *map(str, words)]
    with tempfile.TemporaryDirectory() as cache:
        more = {"PYTHONHASHSEED": "77", "PYTHONPYCACHEPREFIX": cache, "XDG_CACHE_HOME": cache}
        subprocess.run(command, cwd=ROOT, env=os.environ | more, capture_output=True, check=True)


def test_a_period_is_closed_written_verified_and_reopened(desk, run, tmp_path):
    desk.day_of(DAY, 100_000)
    desk.day_of(NEXT, opening=OPENING + 100_000)
    who, boss = name_of(desk, desk.school.accountant), name_of(desk, desk.school.principal)
    school = ("--school", desk.school.code)
    made = run("close", *school, "--through", DAY, "--by", who, "--note", NOTE, "--json")
    assert json.loads(made.stdout)["sequence"] == 1
    assert run("close", *school, "--through", NEXT, "--by", who, "--note", NOTE).exit_code == 0
    files = [tmp_path / f"close.{kind}" for kind in ("json", "pdf", "xlsx")]
    for file in files:
        assert run("export", *school, "--through", DAY, "--format", file.suffix[1:], "--to", file).exit_code == 0
    for file in files:
        again = tmp_path / f"again{file.suffix}"
        words = ("export", *school, "--through", DAY, "--format", file.suffix[1:], "--to", again)
        in_a_fresh_process(*words)
        assert again.read_bytes() == file.read_bytes(), file.suffix
    other = tmp_path / "saoke.csv"
    other.write_text("Ngày,Số tiền\n")
    refused = run("verify", other)
    assert (refused.exit_code, "không phải biên bản" in refused.stderr) == (2, True)
    told = run("verify", *files, "--json")
    assert told.exit_code == 0
    assert [one["verdict"] for one in json.loads(told.stdout)["files"]] == ["valid"] * 3
    keys = tmp_path / "keys.json"
    assert run("keys", "export", *school, "--to", keys).exit_code == 0
    assert run("reopen", "propose", *school, "--number", 2, "--reason", "Nhập thiếu sao kê", "--by", who).exit_code == 0
    assert run("reopen", "approve", *school, "--proposal", 1, "--by", boss).exit_code == 0
    second = tmp_path / "second.json"
    run("export", *school, "--number", 2, "--format", "json", "--to", second)
    assert (run("verify", second).exit_code, run("verify", second, "--keys", keys).exit_code) == (1, 0)
    links = json.loads(run("history", *school, "--json").stdout)["links"]
    assert [(link["kind"], link["standing"]) for link in links] == [
        ("close", True),
        ("close", False),
        ("reopen", False),
    ]
    assert run("keys", "retire", *school, "--by", boss).exit_code == 0


def test_a_stranger_verifies_offline_and_is_told_what_is_wrong(desk, run, tmp_path, monkeypatch):
    desk.day_of(DAY, 100_000)
    who, school = name_of(desk, desk.school.accountant), ("--school", desk.school.code)
    run("close", *school, "--through", DAY, "--by", who, "--note", NOTE)
    paper, keys, book = (tmp_path / name for name in ("1.json", "keys.json", "1.xlsx"))
    run("export", *school, "--format", "json", "--to", paper)
    run("export", *school, "--format", "xlsx", "--to", book)
    run("keys", "export", *school, "--to", keys)
    for name in ("DATABASE_URL", "HOCPHI_SECRET_KEY", "HOCPHI_FIELD_KEYS", "HOCPHI_LINK_KEYS"):
        monkeypatch.delenv(name)
    assert run("verify", paper, "--keys", keys).exit_code == 0
    paper.write_bytes(paper.read_bytes().replace(b"100000", b"100001", 1))
    told = run("verify", paper, "--keys", keys)
    assert (told.exit_code, "ĐÃ BỊ SỬA" in told.stdout) == (1, True)
    assert run("verify", book, "--keys", keys).exit_code == 2
    assert run("verify", paper).exit_code == 2
    assert run("verify", paper, "--keys", paper).exit_code == 2


def test_a_refusal_names_the_way_out(desk, run):
    desk.day_of(DAY, 100_000)
    who = name_of(desk, desk.school.accountant)
    refused = run("close", "--school", desk.school.code, "--through", NEXT, "--by", who)
    assert refused.exit_code == 1
    assert "hãy nhập sao kê" in refused.exception.vi


def test_the_schools_certificate_signs_at_the_command_line(desk, run, tmp_path):
    desk.day_of(DAY, 100_000)
    desk.close()
    private = ec.generate_private_key(ec.SECP256R1())
    pem, key, wanted = (tmp_path / name for name in ("c.pem", "k.pem", "can-ky.json"))
    pem.write_bytes(certificate(private, first=clock.now() - timedelta(days=2)))
    encrypted = serialization.BestAvailableEncryption(b"mat khau")
    key.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encrypted))
    secret = tmp_path / "secret"
    secret.write_text("mat khau\n", encoding="utf-8")
    school = ("--school", desk.school.code, "--number", 1)
    assert run("sign", *school, "--to-be-signed", wanted).exit_code == 0
    assert desk.rows("SELECT document FROM period_close") == [(wanted.read_bytes(),)]
    assert run("sign", *school, "--certificate", pem, "--key", key).exception.code == "bad_key"
    done = run("sign", *school, "--certificate", pem, "--key", key, "--password-file", secret)
    assert "ECDSA-SHA256" in done.stdout
    assert run("sign", *school).exit_code == 2
