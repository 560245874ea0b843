"""Links into banks' apps: they say what the QR says, tell nobody's name, and are off until the school wants them."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from operations.cli import hocphi
from payments.audit.models import AuditEvent
from payments.db import session_scope
from payments.invoices import reference
from payments.portal.bank_apps import FILLABLE, HOST, BankApp, offers, read_table, shipped
from payments.portal.payable import Payable
from payments.settings import generated_environment
from payments.vietqr import decode
from payments.vietqr.bank_file import shipped as banks
from tests.payments.faces import Faces, faces
from tests.payments.payer_claims.story import owe_at_vietcombank

KNOWN_TO_FILL = {"970448", "970416", "970418", "970415", "970422"}
HEAD = "bin,name,bank_code,app,link,autofill,fields,verified_on,source"
ROW = "970436,Vietcombank,vcb,vcb,https://dl.vietqr.io/pay,no,,,S: list"
RECEIVING = sorted(one.bin for one in shipped().values() if one.bank_code)


def payable(
    bin_: str = "970436", amount_vnd: int = 115_000, account: str = "0011001932418", prefix: str = ""
) -> Payable:
    return Payable(
        reference=reference.generate(),
        amount_vnd=amount_vnd,
        bin=bin_,
        bank_name="Ngân hàng mẫu",
        account_number=account,
        holder_name="TRUONG TIEU HOC HOA PHUONG",
        memo_prefix=prefix,
    )


@given(
    bin_=st.sampled_from(RECEIVING),
    amount_vnd=st.integers(1, 9_999_999_999_999),
    account=st.from_regex("[0-9A-Z]{6,19}", fullmatch=True),
    prefix=st.sampled_from(["", "SEVQR", "TKPHP"]),
)
def test_every_link_says_what_the_qr_says(bin_: str, amount_vnd: int, account: str, prefix: str) -> None:
    asked = payable(bin_, amount_vnd, account, prefix)
    qr = decode(asked.payload)
    made = offers(asked, True)
    assert len(made) == len({one.app for one in made}) == sum(bool(one.app) for one in shipped().values())
    for offer in made:
        parts = urlsplit(offer.url)
        told = {key: value for key, [value] in parse_qs(parts.query, strict_parsing=True).items()}
        assert (parts.scheme, parts.netloc, parts.path, told.pop("app")) == ("https", HOST, "/pay", offer.app)
        if offer.autofill:
            number, _, bank = told["ba"].partition("@")
            assert (number, told["am"], told["tn"]) == (qr.account, str(qr.amount_vnd), qr.memo)
            assert shipped()[qr.bin].bank_code == bank
            assert set(told) == set(FILLABLE)
        else:
            assert told == {}, "an app that reads nothing is told nothing"


def test_nothing_personal_and_no_address_of_ours_is_in_a_link() -> None:
    for offer in offers(payable(), True):
        assert not re.search(r"TRUONG|PHUONG|url=|bn=|/p/", unescape(offer.url), re.IGNORECASE)
        assert " " not in offer.url
        assert "+" not in offer.url


def test_apps_that_fill_in_come_first_then_by_name() -> None:
    made = offers(payable(), True)
    filling = [one.name for one in made if one.autofill]
    assert filling == ["ACB", "BIDV", "MBBank", "OCB", "VietinBank"] == [one.name for one in made[:5]]
    rest = [one.name.lower() for one in made[5:]]
    assert rest == sorted(rest)


def test_no_links_without_the_school_s_word_or_for_a_bank_that_the_service_does_not_name() -> None:
    assert offers(payable(), False) == []
    assert offers(payable("970998"), True) == []
    assert offers(payable("970439"), True) == [], "its app is known, its code is not"


def test_the_table_says_only_what_is_known_and_agrees_with_the_list_of_banks() -> None:
    for row in shipped().values():
        bank = banks().by_bin(row.bin)
        assert bank is not None
        assert (row.name, row.app) == (bank.short_name, bank.deeplink_app)
        assert row.bank_code in {"", bank.code.lower()}
        assert bool(row.fields) == bool(bank.deeplink_autofill_since)
        assert row.source.startswith("S: "), "nobody has tried it on a phone: see docs/manual-checks.md"
        assert row.verified_on is None
    assert {row.bin for row in shipped().values() if row.fields} == KNOWN_TO_FILL


def test_a_table_is_read_whole_or_refused_with_every_fault() -> None:
    [row] = read_table([HEAD, ROW]).values()
    assert row == BankApp("970436", "Vietcombank", "vcb", "vcb", "https://dl.vietqr.io/pay", (), None, "S: list")
    for broken, fault in {
        ROW.replace("970436", "97043"): "bin",
        ROW.replace("Vietcombank", ""): "name",
        ROW.replace("S: list", ""): "source",
        ROW.replace("dl.vietqr.io", "dl.vietqr.io.evil.example"): "link",
        ROW.replace("https", "http"): "link",
        ROW.replace("vcb,vcb", "vcb,"): "link",
        ROW.replace("vcb,vcb", "V C,vcb"): "bank_code",
        ROW.replace("no,,", "no,ba am,"): "fields",
        ROW.replace("no,,", "yes,,"): "autofill",
        ROW.replace(",,S", ",soon,S"): "verified_on",
    }.items():
        with pytest.raises(ValueError, match=f"line 2: {fault}"):
            read_table([HEAD, broken])
    with pytest.raises(ValueError, match=r"bin 970436 stands twice; app vcb stands twice"):
        read_table([HEAD, ROW, ROW])
    with pytest.raises(ValueError, match="columns"):
        read_table(["bin,name", "970436,x"])


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        owe_at_vietcombank(made)
        yield made


@pytest.mark.db
def test_the_links_are_off_until_the_principal_switches_them_on_and_it_is_on_record(home: Faces) -> None:
    page, accounts = f"/p/{home.token}", f"/console/{home.school.code}/accounts/"
    switch = f"/console/{home.school.code}/bank-apps"
    assert HOST not in home.page(page)
    home.log_in("accountant")
    assert home.post(switch, accounts, on="1") == 404
    assert HOST not in home.page(page)
    home.log_in("principal")
    assert "đang tắt" in home.page(accounts)
    assert home.post(switch, accounts, on="1") == 303
    shown = home.page(page)
    assert "Mở VietinBank (tự điền)" in shown
    assert "Mở Vietcombank (quét ảnh đã lưu)" in shown
    assert "một dịch vụ bên ngoài nhà trường" in shown
    assert 'rel="noreferrer noopener"' in shown
    assert "target=" not in shown
    english = home.page(page, language="en")
    assert "Open VietinBank (fills in the transfer)" in english
    assert "Open Vietcombank (scan the saved picture)" in english
    assert home.client.get(page).headers["Referrer-Policy"] == "no-referrer"
    assert home.token not in "".join(re.findall(r'href="(https://[^"]+)"', shown))
    assert home.post(switch, accounts) == 303
    assert HOST not in home.page(page)
    with session_scope(home.engine) as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.action == "school.bank_apps")).all()
        assert [(one.actor_id, one.detail) for one in events] == [
            (home.school.principal, {"on": True}),
            (home.school.principal, {"on": False}),
        ]


@pytest.mark.db
def test_the_operator_s_command_does_the_same(home: Faces, database_url: str) -> None:
    environment = {**generated_environment(), "DATABASE_URL": database_url}
    for word, shown in (("on", True), ("off", False)):
        run = CliRunner().invoke(hocphi, ["school", "bank-apps", "--code", home.school.code, word], env=environment)
        assert run.exit_code == 0, run.output
        assert (HOST in home.page(f"/p/{home.token}")) is shown
    missing = CliRunner().invoke(hocphi, ["school", "bank-apps", "--code", home.school.code], env=environment)
    assert missing.exit_code == 2
