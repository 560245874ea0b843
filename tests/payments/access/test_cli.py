"""``hocphi user``: what an operator needs when staff come, change, forget and go."""

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from operations.cli import hocphi
from payments.db import session_scope
from payments.settings import generated_environment
from tests.payments.faces import PASSWORD, Faces, faces

pytestmark = pytest.mark.db
NEW = "phuong-vi-no-2026"
Run = Callable[..., Result]


@pytest.fixture
def database_url(furnished_url: str) -> str:
    """Databases of this module hold the usual school."""
    return furnished_url


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        yield made


@pytest.fixture
def run(home: Faces) -> Run:
    environment = {"DATABASE_URL": home.settings.database_url, **generated_environment()}
    add = ("add", "lan", "--name", "Cô Lan (mẫu)", "--role", "accountant", "--organisation", home.school.code)
    runner = CliRunner()
    assert runner.invoke(hocphi, ["user", *add, "--password", PASSWORD], env=environment).exit_code == 0
    return lambda *arguments, **more: runner.invoke(hocphi, ["user", *arguments], env=environment, **more)


def enters(home: Faces, password: str = PASSWORD) -> bool:
    home.client.delete_cookie("hocphi")
    return home.post("/login", "/login", username="lan", password=password) == 303


def shown(run: Run) -> dict[str, object]:
    users = json.loads(run("list", "--json").stdout)["users"]
    return next(user for user in users if user["username"] == "lan")


def test_a_role_is_given_and_taken_away(home: Faces, run: Run) -> None:
    role = ("lan", "--role", "principal", "--organisation", home.school.code)
    assert run("grant", *role).exit_code == 0
    assert shown(run)["roles"] == [f"accountant@{home.school.code}", f"principal@{home.school.code}"]
    assert run("revoke", *role).exit_code == 0
    assert shown(run)["roles"] == [f"accountant@{home.school.code}"]
    assert run("revoke", *role).exit_code == 1
    assert run("grant", "lan", "--role", "principal", "--organisation", "no-such-place").exit_code == 1
    assert run("grant", "lan", "--role", "king").exit_code == 2


def test_a_forgotten_password_is_replaced_and_old_sessions_end(home: Faces, run: Run) -> None:
    assert enters(home)
    desk = f"/console/{home.school.code}/"
    assert home.client.get(desk).status_code == 200
    assert run("password", "lan", input=f"{NEW}\n{NEW}\n").exit_code == 0
    assert home.client.get(desk).status_code == 303
    assert not enters(home)
    assert enters(home, NEW)
    assert run("password", "lan", "--password", "ngan").exit_code == 1


def test_a_locked_account_opens_with_its_new_password(home: Faces, run: Run) -> None:
    assert not any(enters(home, "sai-mat-khau-roi") for _ in range(5))
    assert not enters(home)
    run("password", "lan", "--password", NEW)
    assert enters(home, NEW)


def test_who_leaves_is_out_at_once(home: Faces, run: Run) -> None:
    assert enters(home)
    assert run("disable", "lan").exit_code == 0
    assert home.client.get(f"/console/{home.school.code}/").status_code == 303
    assert not enters(home)
    assert shown(run)["active"] is False
    run("enable", "lan")
    assert enters(home)


def test_every_change_is_on_record_without_the_password(home: Faces, run: Run) -> None:
    run("password", "lan", "--password", NEW)
    run("disable", "lan")
    with session_scope(home.engine) as session:
        rows = session.execute(text("SELECT action, detail::text FROM audit_event ORDER BY id")).all()
    assert [action for action, _ in rows][-3:] == ["user.added", "user.password_set", "user.disabled"]
    assert NEW not in repr(rows)


@pytest.mark.parametrize("command", ["password", "disable", "enable"])
def test_an_unknown_user_is_refused(run: Run, command: str) -> None:
    assert run(command, "khong.ai", *(("--password", NEW) if command == "password" else ())).exit_code == 1
