"""``hocphi payout``: what an operator and an accountant's terminal see and do."""

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from operations.cli import hocphi
from payments.access.models import User
from payments.banking.models import ReceivingAccount
from payments.db import session_scope
from payments.settings import generated_environment
from tests.payments.clearing.street import Street

pytestmark = pytest.mark.db


def test_list_report_match_and_dissolve(engine: Engine, database_url, tmp_path, monkeypatch):
    for name, value in {"DATABASE_URL": database_url, **generated_environment()}.items():
        monkeypatch.setenv(name, value)
    with session_scope(engine) as session:
        street = Street(session)
        keys = [street.pays(street.issue(vnd), vnd) for vnd in (100_000, 300_000)]
        street.line(390_000)
        street.work()
        items, [line_id] = street.ids(), street.ids(owed=False)
        number = session.get_one(ReceivingAccount, (street.school.id, street.school.account)).number
        user = session.get_one(User, street.school.accountant).username
        wallet, school = str(street.wallet), street.school.code

    def run(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(hocphi, ["payout", *words])
        assert done.exit_code == status, done.output
        return done.output

    told = json.loads(run("list", "--school", school, "--json"))
    assert told["intermediaries"][0]["open_vnd"] == 400_000
    assert [one["id"] for one in told["lines"]] == [line_id]
    assert "400.000" in run("list", "--school", school)
    file = tmp_path / "bao-cao.csv"
    file.write_text(f"Mã giao dịch,Số tiền,Phí\n{keys[0]},100000,1000\n", encoding="utf-8")
    about = ("--connection", wallet, "--account", f"970998:{number}")
    assert json.loads(run("report", str(file), *about, "--dry-run", "--json"))["new_rows"] == 1
    assert "1 mới" in run("report", str(file), *about)
    choice = ("match", str(line_id), *map(str, items), "--school", school, "--by", user)
    assert "explain_fee" in run(*choice, status=1)
    run(*choice, "--note", "Phụ lục hợp đồng")
    [payout] = json.loads(run("list", "--school", school, "--json"))["payouts"]
    assert payout["fee_vnd"] == 10_000
    run("dissolve", str(payout["id"]), "--school", school, "--by", user)
    assert "ĐÃ HỦY" in run("list", "--school", school)
