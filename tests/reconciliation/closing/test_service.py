"""Signing a period: what is signed, what stands in the way, and what must be acknowledged."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from payments import clock
from payments.errors import DomainError
from reconciliation.closing import canonical, chain, document, gathering, rules, signing
from reconciliation.closing import service as closing
from tests.payments.setting import make_school
from tests.reconciliation.closing.ledgers import BASE, NEXT, NOTE, SIGNING, Signer
from tests.reconciliation.desk import DAY, OPENING, line

pytestmark = pytest.mark.db
X_VND = 100_000


def refused(desk: Signer, code: str, **more) -> DomainError:
    with pytest.raises(DomainError) as found:
        desk.close(**more)
    assert found.value.code == code
    return found.value


def test_a_signed_day_says_who_when_what_and_what_stood_before(desk):
    desk.day_of(DAY, X_VND, 2 * X_VND)
    run = desk.night()
    made = desk.close()
    said = json.loads(made.document)
    assert canonical.decode(made.document) == said
    assert (said["sequence"], said["previous_sha256"]) == (1, None)
    assert said["signed_by"] == {"name": "Kế toán (mẫu)", "role": "accountant"}
    assert said["signed_at"] == canonical.moment(SIGNING)
    assert said["period"] == {"from": "2025-09-10", "through": "2025-09-10"}
    spoken, silent = said["accounts"]
    assert [spoken[name] for name in document.BALANCES] == [OPENING, 3 * X_VND, 0, OPENING + 3 * X_VND]
    assert (silent["silent"], silent["closing_vnd"]) == (True, None)
    assert spoken["classes"] == {"matched": {"count": 2, "vnd": 3 * X_VND}}
    [signed_run] = spoken["runs"]
    assert (signed_run["id"], signed_run["inputs_sha256"]) == (run.id, run.inputs_hash.hex())
    known = {"note": NOTE, "open_exceptions": 0, "silent_accounts": [silent["account"]], "books_apart": []}
    assert said["acknowledged"] == known
    assert said["check_at"] == f"{BASE}/verify/closing"
    with desk.session() as session:
        assert signed_run["report_sha256"] == closing.report_sha256(session, run.id)
        [key] = session.execute(text("SELECT public FROM close_key")).scalars()
    assert signing.verify(key, made.document, made.signature)
    assert made.sha256.hex() == canonical.digest(made.document)
    assert desk.rows("SELECT count(*) FROM audit_event WHERE action = 'close_period'") == [(1,)]


def test_the_next_close_goes_on_where_the_one_before_ended(desk):
    desk.day_of(DAY, X_VND)
    one = desk.close()
    desk.day_of(NEXT, 5 * X_VND, opening=OPENING + X_VND)
    two = desk.close(NEXT)
    said = json.loads(two.document)
    assert (two.sequence, two.previous_sha256, two.first) == (2, one.sha256, NEXT)
    assert said["previous_sha256"] == one.sha256.hex()
    assert said["totals"]["opening_vnd"] == json.loads(one.document)["totals"]["closing_vnd"]
    assert said["totals"]["closing_vnd"] == OPENING + 6 * X_VND


def test_a_day_without_a_statement_stands_in_the_way_and_the_way_out_is_named(desk):
    desk.day_of(DAY, X_VND)
    said = refused(desk, "not_proved", through=NEXT)
    assert "từ" not in said.vi
    assert "ngày 11/09/2025: chưa có sao kê; hãy nhập sao kê" in said.vi
    assert desk.rows("SELECT count(*) FROM period_close") == [(0,)]


def test_a_day_that_does_not_prove_stands_in_the_way(desk):
    desk.state(line(X_VND, "x", "FT1"), closing_vnd=OPENING + X_VND + 7)
    run = desk.night()
    assert f"số dư không khớp (lần đối soát {run.id})" in refused(desk, "not_proved").vi


def test_nothing_is_signed_where_no_account_has_a_statement(desk):
    assert "Chưa tài khoản nào có sao kê" in refused(desk, "not_proved").vi


def test_a_day_that_is_not_over_or_signed_already_is_refused(desk):
    desk.day_of(DAY, X_VND)
    refused(desk, "not_over", through=clock.today())
    desk.close()
    refused(desk, "closed")


def test_an_open_exception_needs_a_note_and_is_listed(desk):
    desk.day_of(DAY, X_VND, tell=False)
    for note in (None, "", "  ", "ok"):
        assert "1 ngoại lệ chưa xử lý" in refused(desk, "needs_note", note=note).vi
    [odd] = json.loads(desk.close().document)["exceptions"]
    assert (odd["class"], odd["state"], odd["amount_vnd"], odd["day"]) == ("missing_gateway", "open", X_VND, str(DAY))


def test_only_people_of_the_school_sign(desk):
    desk.day_of(DAY, X_VND)
    with desk.session() as session:
        stranger = make_school(session)
    refused(desk, "forbidden", by=stranger.accountant)
    assert desk.close(by=desk.school.principal).sequence == 1


def test_what_waits_is_settled_and_reconciled_before_it_is_signed(desk):
    """A callback that no worker has seen yet is in the close, not late behind it."""
    desk.day_of(DAY, X_VND)
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT99")
    said = json.loads(desk.close().document)
    assert [odd["class"] for odd in said["exceptions"]] == ["missing_bank"]
    assert desk.rows("SELECT count(*) FROM outbox WHERE queue = 'settlement'") == [(0,)]


def test_who_saw_other_figures_must_look_again(desk):
    desk.day_of(DAY, X_VND)
    with desk.session() as session:
        seen = document.fingerprint(gathering.gather(session, desk.school.id, DAY))
    desk.pay(X_VND, desk.issue(X_VND).reference, "FT99")
    refused(desk, "figures_changed", seen=seen)
    desk.night()
    with desk.session() as session:
        seen = document.fingerprint(gathering.gather(session, desk.school.id, DAY))
    assert desk.close(seen=seen).sequence == 1


def test_a_clock_that_runs_back_signs_nothing(desk):
    desk.day_of(DAY, X_VND)
    desk.close()
    desk.day_of(NEXT, opening=OPENING + X_VND)
    with clock.turned_to(SIGNING - timedelta(days=1)):
        refused(desk, "clock_back", through=NEXT)


def test_a_weekend_without_statement_is_signed_by_the_balance_that_goes_on(desk):
    """Banks write no statement on quiet days: Monday's run proves them, and the cut between is right to the đồng."""
    friday, sunday = DAY + timedelta(days=2), DAY + timedelta(days=4)
    monday = sunday + timedelta(days=1)
    desk.day_of(friday, X_VND)
    desk.day_of(monday, 3 * X_VND, opening=OPENING + X_VND)
    said = json.loads(desk.close(sunday).document)
    assert said["totals"]["closing_vnd"] == OPENING + X_VND
    assert said["accounts"][0]["classes"] == {"matched": {"count": 1, "vnd": X_VND}}
    run = desk.night(monday)
    assert run.from_day == monday
    said = json.loads(desk.close(monday).document)
    assert [said["totals"][name] for name in document.BALANCES] == [
        OPENING + X_VND,
        3 * X_VND,
        0,
        OPENING + 4 * X_VND,
    ]
    assert said["accounts"][0]["classes"] == {"matched": {"count": 1, "vnd": 3 * X_VND}}


@pytest.mark.parametrize("blinded", ["stretches", "hindrances"])
def test_a_close_that_no_longer_looks_at_the_proof_would_be_noticed(desk, monkeypatch, blinded):
    """Teeth of the two tests above on days that wait and days that fail."""
    if blinded == "stretches":
        monkeypatch.setattr(rules.Section, "stretches", lambda _section: [])
    else:
        monkeypatch.setattr(gathering, "hindrances", lambda *_, **__: [])
    desk.state(line(X_VND, "x", "FT1"), closing_vnd=OPENING + X_VND + 7)
    desk.night()
    assert desk.close().sequence == 1


def test_without_settling_first_a_fact_would_be_left_out(desk, monkeypatch):
    """Teeth: the test on what waits wants ``missing_bank``."""
    monkeypatch.setattr(closing, "refresh", lambda *_: None)
    monkeypatch.setattr(gathering, "hindrances", lambda *_, **__: [])
    desk.day_of(DAY, X_VND)
    desk.pay(X_VND, desk.issue(X_VND).reference, "FT99")
    assert json.loads(desk.close().document)["exceptions"] == []


def test_the_head_of_the_chain_is_the_last_link(desk):
    desk.day_of(DAY, X_VND)
    made = desk.close()
    with desk.session() as session:
        assert chain.head(session, desk.school.id) == chain.Head(1, made.sha256, DAY)
