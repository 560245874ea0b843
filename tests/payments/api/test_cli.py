"""``hocphi api-key``: made, listed, revoked from the operator's terminal."""

import json

import pytest
from click.testing import CliRunner, Result

from operations.cli import hocphi
from payments.access.models import User
from payments.api.rules import KEY
from payments.db import session_scope
from payments.settings import generated_environment
from tests.payments.faces import Faces


@pytest.fixture
def run(desk: Faces, database_url: str):
    environment = {"DATABASE_URL": database_url, **generated_environment()}

    def act(*arguments: str) -> Result:
        return CliRunner().invoke(hocphi, ["api-key", *arguments], env=environment)

    return act


@pytest.fixture
def accountant(desk: Faces) -> str:
    with session_scope(desk.engine) as session:
        return session.get_one(User, desk.school.accountant).username


def test_a_key_is_printed_once_works_and_is_revoked(run, desk: Faces, accountant: str):
    school = ["--school", desk.school.code]
    made = run("add", *school, "--name", "SMAS", "--scope", "fees:read", "--by", accountant, "--days", "30", "--json")
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    assert KEY.fullmatch(told["key"])
    headers = {"Authorization": f"Bearer {told['key']}"}
    assert desk.client.get("/api/v1/fee-items", headers=headers).status_code == 200
    listed = run("list", *school, "--json")
    (row,) = json.loads(listed.stdout)["keys"]
    assert told["key"] not in listed.stdout
    assert (row["id"], row["state"], row["scopes"], row["by"]) == (told["id"], "live", ["fees:read"], accountant)
    assert run("revoke", str(told["id"]), *school).exit_code == 0
    assert desk.client.get("/api/v1/fee-items", headers=headers).status_code == 401
    assert "revoked" in run("list", *school).stdout


def test_the_bare_key_is_all_of_standard_output(run, desk: Faces, accountant: str):
    made = run("add", "--school", desk.school.code, "--name", "x", "--scope", "fees:read", "--by", accountant)
    assert KEY.fullmatch(made.stdout.strip())


def test_wrong_wishes_are_refused(run, desk: Faces, accountant: str):
    school = ["--school", desk.school.code]
    assert run("add", *school, "--name", "x", "--scope", "everything", "--by", accountant).exit_code == 2
    assert run("add", *school, "--name", "x", "--scope", "fees:read", "--by", "nobody").exit_code == 1
    assert run("add", *school, "--name", "x", "--scope", "fees:read", "--by", accountant, "--days", "0").exit_code == 1
    assert run("revoke", "999", *school).exit_code == 1
