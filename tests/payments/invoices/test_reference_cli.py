"""``hocphi reference`` runs with no environment and no server."""

import json

from click.testing import CliRunner

from payments.invoices.reference import is_valid
from payments.invoices.reference_cli import reference_group

CODE = "HP7K3M9Q2XAT"


def run(*arguments, stdin=None):
    return CliRunner().invoke(reference_group, arguments, input=stdin, env={})


def test_each_memo_line_gives_one_json_list():
    memos = (
        f"nop {CODE}\n\nkhong co ma\r\nhp7k3m 9q2xat va {CODE}\u2028x\x0by\x85z\n".encode()
        + b"\xff\x00"
        + CODE.encode()
    )
    result = run("find", "--stdin", stdin=memos)
    assert result.exit_code == 0
    assert [json.loads(line) for line in result.stdout.splitlines()] == [[CODE], [], [], [CODE], [CODE]]


def test_one_text_may_be_given_as_argument():
    assert run("find", f"ck {CODE} a").stdout == f"{CODE}\n"
    assert json.loads(run("find", "--json", "nothing").stdout) == []
    assert run("find", "nothing").stdout == ""


def test_a_text_and_stdin_together_are_wrong_use():
    assert run("find", "text", "--stdin").exit_code == 2
    assert run("find").exit_code == 2


def test_check_answers_by_exit_status():
    assert run("check", CODE).exit_code == 0
    assert run("check", CODE[:-1] + "0").exit_code == 1
    assert json.loads(run("check", "--json", CODE).stdout) == {"valid": True}


def test_generated_codes_are_valid():
    codes = json.loads(run("generate", "--count", "20", "--json").stdout)
    assert len(codes) == 20
    assert all(map(is_valid, codes))
    assert is_valid(run("generate").stdout.strip())
