"""``hocphi transfer``: what an accountant decides from a terminal, and what it prints."""

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from operations.cli import hocphi
from payments import clock
from payments.access.models import Grant, User
from payments.schools.models import Pupil
from payments.settings import generated_environment
from tests.payments.setting import make_school
from tests.payments.settlement.bank import Bank

pytestmark = pytest.mark.db


@pytest.fixture
def terminal(bank: Bank, database_url, monkeypatch):
    """Run ``hocphi transfer`` for the school; ``by``: the accountant unless told otherwise."""
    for name, value in {"DATABASE_URL": database_url, **generated_environment()}.items():
        monkeypatch.setenv(name, value)
    with bank.session() as session:
        people = {
            role: session.get_one(User, getattr(bank.school, role)).username for role in ("accountant", "principal")
        }

    def run(*words: str, by: str | None = "accountant", status: int = 0):
        who = ["--by", people[by]] if by else []
        done = CliRunner().invoke(hocphi, ["transfer", *words, "--school", bank.school.code, *who])
        assert done.exit_code == status, done.output
        return json.loads(done.output) if "--json" in words and not status else done.output

    return run


def waiting(bank: Bank, amount_vnd: int = 100_000) -> str:
    bank.call(amount_vnd, "khong ro")
    bank.settle()
    return str(bank.rows("SELECT max(id) FROM bank_transaction")[0][0])


def test_assign_split_exclude_note_and_undo(bank: Bank, terminal):
    issued, transfer = bank.issue(60_000), waiting(bank)
    with bank.session() as session:
        sector_id = session.get_one(Pupil, (bank.school.id, bank.school.pupil)).sector_id
    assert [row["id"] for row in terminal("list", "--json", by=None)["transfers"]] == [int(transfer)]
    assert "100.000" in terminal("list", by=None)

    decision = terminal("assign", transfer, issued.reference, "--json")["decision_id"]
    assert bank.state(issued) == ("paid", 60_000)
    terminal("undo", str(decision))
    wrong = terminal("split", transfer, "--part", f"{issued.reference}=60.000", status=1)
    assert "còn thiếu 40.000 đồng" in wrong
    terminal("split", transfer, "--part", f"{issued.reference}=60.000", "--part", f"{sector_id}=40000", "--note", "gộp")
    told = terminal("show", transfer, "--json", by=None)
    assert [(row["kind"], row["undoable"]) for row in told["decisions"]] == [
        ("assign", False),
        ("undo", False),
        ("split", True),
    ]
    terminal("undo", str(told["decisions"][-1]["decision_id"]))
    terminal("note", transfer, "đã hỏi ngân hàng")
    terminal("exclude", transfer, "--reason", "bank_interest")
    assert "lãi tiền gửi" in terminal("show", transfer, by=None)
    assert terminal("list", "--state", "excluded", "--json", by=None)["transfers"][0]["outcome"] == "excluded"
    bank.prove()


def test_a_refund_from_proposal_to_the_bank_s_debit(bank: Bank, terminal):
    transfer = waiting(bank)
    refund = str(terminal("refund", "propose", transfer, "--note", "nhầm trường", "--json")["refund_id"])
    assert "tự duyệt" in terminal("refund", "approve", refund, status=1)
    terminal("refund", "reject", refund, "--reason", "đã tìm ra", by="principal")
    refund = str(terminal("refund", "propose", transfer, "--json")["refund_id"])
    terminal("refund", "approve", refund, by="principal")
    bank.state_line(100_000, "chi hoan tra", "FT99", day=bank.rows("SELECT date '2025-09-20'")[0][0], debit=True)
    bank.settle()
    debit = str(bank.rows("SELECT id FROM bank_transaction WHERE direction = 'debit'")[0][0])
    terminal("refund", "confirm", refund, debit)
    assert [row["state"] for row in terminal("refund", "list", "--json", by=None)["refunds"]] == [
        "confirmed",
        "rejected",
    ]
    assert "đã hoàn trả" in terminal("refund", "list", by=None)
    assert "đã hoàn trả" in terminal("show", transfer, by=None)
    bank.prove()


def test_nobody_decides_who_could_not_at_the_desk(bank: Bank, terminal):
    """Another school's principal, and an accountant whose time is over."""
    transfer = waiting(bank)
    with bank.session() as session:
        stranger = session.get_one(User, make_school(session).principal).username
    exclusion = ("exclude", transfer, "--reason", "mistaken")
    for words in (exclusion, ("note", transfer, "x"), ("refund", "propose", transfer)):
        assert "forbidden" in terminal(*words, "--by", stranger, by=None, status=1)
    with bank.session() as session:
        session.execute(update(Grant).where(Grant.user_id == bank.school.accountant).values(valid_to=clock.today()))
    assert "forbidden" in terminal(*exclusion, status=1)
    assert bank.rows("SELECT count(*) FROM decision") == [(0,)]


@pytest.mark.parametrize(
    ("words", "code", "status"),
    [
        (("assign", "1", "HP7K3M9Q2XAT"), "HP7K3M9Q2XAT", 1),
        (("split", "1", "--part", "không có gì"), "MÃ=SỐ TIỀN", 2),
        (("split", "1", "--part", "0000=5"), "no_such_pupil", 1),
        (("note", "999", "ai?"), "not_found", 1),
    ],
)
def test_what_is_wrong_is_said_by_its_name(terminal, words, code, status):
    assert code in terminal(*words, status=status)
