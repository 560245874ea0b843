"""``hocphi notice`` as people type it."""

import json

import pytest
from click.testing import CliRunner

from operations.cli import main  # noqa: F401 - the commands stand in its table
from payments.notices.cli import notice_group
from tests.payments.notices.office import Office

pytestmark = pytest.mark.db


@pytest.fixture
def run(school_office: Office, monkeypatch):
    from tests.payments.notices.test_kills import environment  # noqa: PLC0415 - the same environment

    class Url:
        url = school_office.outside.settings.smtp_url

    for name, value in environment(school_office, Url).items():
        monkeypatch.setenv(name, value)

    def given(*arguments: str, **options):
        done = CliRunner().invoke(notice_group, [*arguments], catch_exceptions=False, **options)
        assert done.exit_code == 0, done.output
        return json.loads(done.output) if "--json" in arguments else done.output

    return given


def person(office: Office) -> str:
    return f"ke.toan.{office.school.code[2:].lstrip('0')}"


def round_code(office: Office) -> str:
    return office.do(lambda s: s.connection().exec_driver_sql("SELECT code FROM collection_round").scalar())


def test_a_dry_run_counts_and_sends_nothing(run, school_office, box):
    school_office.pupil("An", "a@example.org")
    school_office.pupil("Bình", None)
    base = ["--school", school_office.school.code, "--json"]
    send = ["send", *base, "--by", person(school_office), "--round", round_code(school_office), "--kind", "new_round"]
    assert run(*send, "--dry-run") == {"told": 1, "left_out": {"no_address": 1}, "price_vnd": 0, "total_vnd": 0}
    assert run("list", *base) == {"campaigns": []}
    made = run(*send)
    school_office.work()
    status = run("status", *base, str(made["id"]))
    assert (status["state"], status["sent"], status["notices"]) == ("done", 1, 1)
    assert box.recipients == ["a@example.org"]


def test_a_paid_channel_is_priced_and_refuses_without_a_sender(run, school_office):
    school_office.pupil("An", None, phone_sealed=school_office.outside.cipher.seal(b"0900000001", "guardian.phone"))
    base = ["--school", school_office.school.code]
    run("price", *base, "--channel", "zns", "--vnd", "300")
    send = ["send", *base, "--by", person(school_office), "--round", round_code(school_office), "--kind", "new_round"]
    told = run(*send, "--channel", "zns", "--dry-run", "--json")
    assert (told["told"], told["total_vnd"]) == (1, 300)
    with pytest.raises(Exception, match="channel_off"):
        run(*send, "--channel", "zns")


def test_a_letter_that_is_no_report_ends_well(run):
    assert run("bounces", "--stdin", "--json", input=b"Subject: x\n\ny") == {"result": "not_a_report"}


def test_a_bot_is_set_from_a_file_and_removed(run, school_office, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("123456789:abcdefgh_IJKLMNOP\n", encoding="utf-8")
    base = ["bot", "--school", school_office.school.code, "--service", "zalo"]
    assert "123456789" not in run(*base, "--secret-file", str(secret))
    run(*base, "--remove")
