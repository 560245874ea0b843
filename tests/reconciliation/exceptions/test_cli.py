"""``hocphi exception``: what waits as text, JSON and workbook; the deeds of the desk, refused in the same words."""

import json

import openpyxl
import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from operations.cli import hocphi
from payments.access.models import User
from payments.db import session_scope
from payments.settings import generated_environment
from tests.reconciliation.exceptions.setting import Nights

pytestmark = pytest.mark.db


def test_list_show_and_finish(engine: Engine, database_url, tmp_path, monkeypatch):
    for name, value in {"DATABASE_URL": database_url, **generated_environment()}.items():
        monkeypatch.setenv(name, value)
    with session_scope(engine) as session:
        nights = Nights(session)
        nights.night(
            nights.item("missing_gateway", lines=[nights.line(said="Nguyễn Văn Ấn")]),
            nights.item("missing_bank", said=[nights.said()]),
        )
        silent, missed = map(str, nights.ids())
        names = [session.get_one(User, who).username for who in (nights.school.accountant, nights.school.principal)]
        school = ("--school", nights.school.code)
        accountant, principal = ((*school, "--by", name) for name in names)

    def run(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(hocphi, ["exception", *words])
        assert done.exit_code == status, done.output
        return done.output

    told = json.loads(run("list", *school, "--json"))
    assert [one["class"] for one in told["exceptions"]] == ["missing_gateway", "missing_bank"]
    assert told["exceptions"][0]["action"] == "check_connection"
    assert told["counts"][school[1]]["open"] == 2
    assert [one["id"] for one in json.loads(run("list", "--find", "van an", "--json"))["exceptions"]] == [int(silent)]
    assert json.loads(run("list", "--owner", "operator", "--age", "0-1", "--json"))["exceptions"] == []
    listed = run("list", *school)
    assert "2 chưa xong" in listed
    assert "Thiếu báo có" in listed
    file = tmp_path / "ngoai-le.xlsx"
    run("list", *school, "--class", "missing_bank", "--overdue", "--xlsx", str(file))
    assert openpyxl.load_workbook(file)["Ngoại lệ"].cell(4, 2).value == "Thiếu ở ngân hàng"
    assert "--school" in run("list", "--xlsx", str(file), status=2)

    run("assign", silent, *accountant, "--to", names[0])
    run("note", silent, *accountant, "đã báo ngân hàng")
    run("resolve", silent, *accountant, "--as", "bank_confirmed")
    told = json.loads(run("show", silent, *school, "--json"))
    assert (told["state"], told["resolution"], told["assignee"]) == ("resolved", "bank_confirmed", "Kế toán (mẫu)")
    assert [event["kind"] for event in told["history"]] == ["seen", "assigned", "noted", "resolved"]
    shown = run("show", silent, *school)
    assert ("đã báo ngân hàng" in shown, "Sổ kế toán: —" in shown, "Giao việc, " in shown) == (True, True, True)
    run("reopen", silent, *accountant, "--note", "lại mất báo có")

    assert "forbidden" in run("resolve", missed, *accountant, "--as", "reversed", status=1)
    run("propose", missed, *accountant, "--as", "reversed", "--note", "công văn")
    assert "forbidden" in run("approve", missed, *accountant, status=1)
    run("reject", missed, *principal, "--note", "thiếu")
    run("propose", missed, *accountant, "--as", "reversed")
    run("approve", missed, *principal)
    assert "decided_already" in run("approve", missed, *principal, status=1)
    assert "not_found" in run("show", "999", *school, status=1)
