"""``hocphi vietqr`` runs with no environment and no server: 0 done, 1 refused by a rule, 2 wrong use."""

import json
import os
import subprocess
import sys

import pytest
import zxingcpp
from click.testing import CliRunner
from PIL import Image

from payments.errors import DomainError
from payments.vietqr import VietQR, encode
from payments.vietqr.cli import vietqr_group

PAYLOAD = encode(VietQR(bin="970436", account="0011001932418", amount_vnd=1_250_000, memo="HP7K3M9Q2XAT"))
RECEIVER = ("--bin", "970436", "--account", "0011001932418")


def run(*arguments, stdin=None):
    return CliRunner().invoke(vietqr_group, arguments, input=stdin)


def test_payload_is_written():
    assert run("encode", *RECEIVER, "--amount", "1.250.000", "--memo", "HP7K3M9Q2XAT").stdout == PAYLOAD + "\n"
    result = run(
        "encode",
        "--bank",
        "vcb",
        "--account",
        "0011001932418",
        "--amount",
        "1250000",
        "--memo",
        "HP7K3M9Q2XAT",
        "--json",
    )
    assert json.loads(result.stdout) == {"payload": PAYLOAD, "warnings": []}


def test_warning_does_not_stop_the_work():
    result = run("encode", "--bin", "970999", "--account", "1", "--json")
    assert result.exit_code == 0
    assert [warning["code"] for warning in json.loads(result.stdout)["warnings"]] == ["unknown_bin"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--amount", "0"), "bad_amount"),
        (("--amount", "10000.5"), "bad_amount"),
        (("--amount", "9" * 5000), "amount_too_long"),
        (("--memo", "A" * 26), "memo_too_long"),
        (("--memo", "học phí"), "memo_not_ascii"),
        (("--card",), "bad_account"),
    ],
)
def test_refused_value_ends_with_status_1_and_its_code(arguments, code):
    result = run("encode", *RECEIVER, *arguments, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] == code
    plain = run("encode", *RECEIVER, *arguments)
    assert isinstance(plain.exception, DomainError)
    assert plain.exception.code == code


@pytest.mark.parametrize(
    "arguments",
    [
        ("encode",),
        ("decode",),
        ("decode", "x", "--stdin"),
        ("image", PAYLOAD),
        ("nothing",),
        ("image", PAYLOAD, "--output", "x.gif"),
    ],
)
def test_wrong_use_ends_with_status_2(arguments):
    assert run(*arguments).exit_code == 2


def test_payload_is_read():
    read = json.loads(run("decode", PAYLOAD, "--json").stdout)
    assert (read["bin"], read["account"], read["amount_vnd"], read["memo"]) == (
        "970436",
        "0011001932418",
        1_250_000,
        "HP7K3M9Q2XAT",
    )
    assert read["raw"]["38.01.00"] == "970436"
    assert "amount_vnd: 1250000" in run("decode", "-", stdin=PAYLOAD + "\n").stdout


def test_broken_payload_ends_with_status_1_and_its_place():
    result = run("decode", PAYLOAD + "x", "--json")
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert (error["code"], error["path"], error["offset"]) == ("trailing_data", "63", len(PAYLOAD))


def test_lines_are_read_one_by_one():
    result = run("decode", "--stdin", stdin=f"{PAYLOAD}\n\nx\n".encode() + b"\xff\n")
    assert result.exit_code == 1
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert answers[0]["memo"] == "HP7K3M9Q2XAT"
    assert [answer["error"]["code"] for answer in answers[1:]] == ["empty", "not_emv", "not_emv"]


@pytest.mark.parametrize("template", ["qr_only", "compact", "slip"])
def test_picture_is_drawn(tmp_path, template):
    png, svg = tmp_path / "qr.png", tmp_path / "qr.svg"
    assert run("image", PAYLOAD, "--output", str(png), "--template", template, "--mark", "MẪU").exit_code == 0
    assert zxingcpp.read_barcodes(Image.open(png))[0].text == PAYLOAD
    answer = json.loads(run("image", "-", "--output", str(svg), "--json", stdin=PAYLOAD).stdout)
    assert answer["bytes"] == svg.stat().st_size
    assert svg.read_text(encoding="utf-8").startswith("<svg")


def test_unreadable_payload_is_not_drawn(tmp_path):
    result = run("image", PAYLOAD[:-1], "--output", str(tmp_path / "qr.png"), "--json")
    assert result.exit_code == 1
    assert not (tmp_path / "qr.png").exists()


def test_a_picture_that_cannot_be_written_is_one_sentence(tmp_path):
    result = run("image", PAYLOAD, "--output", str(tmp_path / "no folder" / "qr.png"))
    assert result.exit_code == 1
    assert "qr.png" in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_banks_are_listed_and_compared(tmp_path):
    assert "970454" in run("banks", "bvb").stdout
    assert len(json.loads(run("banks", "--json").stdout)) == 71
    new = tmp_path / "banks.csv"
    new.write_text("bin,code,short_name,name\n970999,MAUB,Ngân hàng Mẫu B,Ngân hàng Mẫu B\n", encoding="utf-8")
    changes = json.loads(run("banks", "--diff", str(new)).stdout)
    assert [bank["bin"] for bank in changes["added"]] == ["970999"]
    assert len(changes["removed"]) == 71
    new.write_text("nothing", encoding="utf-8")
    assert isinstance(run("banks", "--diff", str(new)).exception, DomainError)


def test_console_script_runs_without_any_environment():
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "operations", "vietqr", "decode"]
    good = subprocess.run([*command, PAYLOAD, "--json"], env=environment, capture_output=True, text=True, check=False)
    assert good.returncode == 0
    assert json.loads(good.stdout)["amount_vnd"] == 1_250_000
    bad = subprocess.run([*command, PAYLOAD[:-1]], env=environment, capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert "bad_crc_length" in bad.stderr
    assert "Traceback" not in bad.stderr
