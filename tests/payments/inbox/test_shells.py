"""Both shells of the banks' door keep one contract: what is stored, and what the sender hears."""

import base64
import contextvars
import json
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine

from bank_adapters import get_adapter
from bank_adapters.conformance import run
from bank_adapters.conformance.judging import faults, readable
from bank_adapters.contract import Biller, Request
from payments import clock
from payments.banking.connections import AccountName, add_secret, revoke_secret
from payments.db import session_scope
from payments.developers.keys import rehearsal_secret
from payments.developers.senders import Payment, signed_request
from payments.inbox.sealing import MAX_BODY_BYTES, unseal
from payments.settings import Settings
from tests.bank_adapters import golden_files
from tests.payments.inbox.callers import (
    SECRET,
    Sender,
    Shell,
    dictionary,
    make_sender,
    rows,
    sepay_body,
    sepay_request,
    settings_for,
    signed,
    vector_sender,
)

pytestmark = pytest.mark.db

SUCCESS = (200, b'{"success":true}')


@contextmanager
def later() -> Iterator[None]:
    """Five seconds on: what the door keeps of connections is too old."""
    with clock.turned_to(clock.now() + timedelta(seconds=5)):
        yield


def outcomes(engine: Engine, sender: Sender) -> list[tuple[str, str]]:
    return rows(
        engine, "SELECT outcome, reason FROM raw_callback WHERE connection_id = %s ORDER BY id", sender.connection_id
    )


def evidence(engine: Engine, sender: Sender) -> list[tuple[Any, ...]]:
    return rows(
        engine,
        "SELECT school_id, amount_vnd, conflicting FROM evidence WHERE connection_id = %s ORDER BY id",
        sender.connection_id,
    )


def work(engine: Engine, sender: Sender) -> list[tuple[Any, ...]]:
    return rows(
        engine,
        "SELECT o.queue, o.school_id FROM outbox o JOIN evidence e ON e.id = o.subject_id WHERE e.connection_id = %s",
        sender.connection_id,
    )


def test_a_callback_is_stored_with_evidence_and_work_in_one_commit(
    shell: Shell, sender: Sender, door_engine: Engine
) -> None:
    answer = shell.call(sender.url, sepay_request(sepay_body(sender.number)))
    assert (answer.status, answer.body) == SUCCESS
    assert outcomes(door_engine, sender) == [("accepted", "ok")]
    assert evidence(door_engine, sender) == [(sender.school.id, 250_000, False)]
    assert work(door_engine, sender) == [("settlement", sender.school.id)]


def test_the_same_callback_twice_is_evidence_once_and_gets_the_same_bytes(
    shell: Shell, sender: Sender, door_engine: Engine
) -> None:
    request = sepay_request(sepay_body(sender.number))
    first, second = (shell.call(sender.url, request) for _ in range(2))
    assert first == second
    assert [outcome for outcome, _ in outcomes(door_engine, sender)] == ["accepted", "duplicate"]
    assert len(evidence(door_engine, sender)) == len(work(door_engine, sender)) == 1


def test_fifty_copies_at_once_are_accepted_once(shell: Shell, sender: Sender, door_engine: Engine) -> None:
    request = sepay_request(sepay_body(sender.number))
    gate = threading.Barrier(50)
    answers: list[Any] = []

    def call() -> None:
        gate.wait()
        answers.append(shell.call(sender.url, request))

    threads = [threading.Thread(target=call) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = {(answer.status, answer.body) for answer in answers if answer.status != 503}
    assert told == {SUCCESS}
    found = [outcome for outcome, _ in outcomes(door_engine, sender)]
    assert sorted(set(found)) == ["accepted", "duplicate"]
    assert found.count("accepted") == 1
    assert len(found) == sum(answer.status == 200 for answer in answers)
    assert len(evidence(door_engine, sender)) == len(work(door_engine, sender)) == 1


def test_the_same_id_with_another_amount_is_kept_as_conflicting_and_never_as_work(
    shell: Shell, sender: Sender, door_engine: Engine
) -> None:
    for amount_vnd in (250_000, 260_000, 260_000, 250_000):
        answer = shell.call(sender.url, sepay_request(sepay_body(sender.number, amount_vnd=amount_vnd)))
        assert (answer.status, answer.body) == SUCCESS
    found = [outcome for outcome, _ in outcomes(door_engine, sender)]
    assert found == ["accepted", "amount_diff", "amount_diff", "duplicate"]
    assert [row[1:] for row in evidence(door_engine, sender)] == [(250_000, False), (260_000, True)]
    assert len(work(door_engine, sender)) == 1


def test_a_message_of_one_school_that_names_an_account_of_another_credits_nobody(
    shell: Shell, sender: Sender, door_engine: Engine, door_settings: Settings
) -> None:
    other = make_sender(door_engine, door_settings)
    answer = shell.call(sender.url, sepay_request(sepay_body(other.number)))
    assert (answer.status, answer.body) == SUCCESS
    assert outcomes(door_engine, sender) == [("foreign_account", "ok")]
    assert evidence(door_engine, sender) == [(None, 250_000, False)]
    assert work(door_engine, sender) == []
    assert outcomes(door_engine, other) == []


def test_a_virtual_account_of_ours_does_not_cover_an_account_number_that_is_not(
    shell: Shell, door_engine: Engine, door_settings: Settings
) -> None:
    other = make_sender(door_engine, door_settings)
    one = make_sender(door_engine, door_settings)
    listed = [AccountName("970998", one.number), AccountName("970998", one.number, "virtual_prefix", "962HP")]
    sender = make_sender(door_engine, door_settings, school=one.school, accounts=listed)
    for txn_id, number in enumerate((one.number, other.number), start=1):
        shell.call(sender.url, sepay_request(sepay_body(number, txn_id, subAccount="962hp001")))
    assert [row[0] for row in evidence(door_engine, sender)] == [one.school.id, None]


def test_what_was_quarantined_lands_once_its_account_is_listed(
    shell: Shell, sender: Sender, door_engine: Engine, door_settings: Settings
) -> None:
    other = make_sender(door_engine, door_settings)
    request = sepay_request(sepay_body(other.number))
    shell.call(sender.url, request)
    with door_engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO connection_account (connection_id, school_id, account_id, kind, identifier)"
            " VALUES (%s, %s, %s, 'number', %s)",
            (sender.connection_id, other.school.id, other.school.account, other.number),
        )
    with later():
        shell.call(sender.url, request)
    assert [outcome for outcome, _ in outcomes(door_engine, sender)] == ["foreign_account", "accepted"]
    assert [row[0] for row in evidence(door_engine, sender)] == [None, other.school.id]


def test_an_unsigned_message_cannot_block_the_genuine_one(shell: Shell, sender: Sender, door_engine: Engine) -> None:
    body = sepay_body(sender.number)
    forged = shell.call(sender.url, sepay_request(body, secret="another"))
    genuine = shell.call(sender.url, sepay_request(body))
    assert (forged.status, genuine.status) == (401, 200)
    assert [outcome for outcome, _ in outcomes(door_engine, sender)] == ["bad_signature", "accepted"]
    assert len(work(door_engine, sender)) == 1


def test_both_secrets_work_while_a_key_rotates_and_the_old_one_no_longer_after(
    shell: Shell, sender: Sender, door_engine: Engine, door_settings: Settings
) -> None:
    cipher = dictionary(door_settings)
    with session_scope(door_engine) as session:
        add_secret(session, cipher, sender.connection_id, {"secret": "the-new-secret"}, actor_id=None)
    with later():
        answers = [
            shell.call(sender.url, sepay_request(sepay_body(sender.number, number), secret))
            for number, secret in enumerate((SECRET, "the-new-secret"), start=1)
        ]
    assert [answer.status for answer in answers] == [200, 200]
    with session_scope(door_engine) as session:
        revoke_secret(session, sender.connection_id, actor_id=None, at_once=True)
    again = sepay_body(sender.number, 3)
    with later(), later():
        assert shell.call(sender.url, sepay_request(again, SECRET)).status == 401
        assert shell.call(sender.url, sepay_request(again, "the-new-secret")).status == 200


def test_what_was_received_is_stored_sealed_without_the_token_and_can_be_opened_again(
    shell: Shell, sender: Sender, door_engine: Engine, door_settings: Settings
) -> None:
    request = sepay_request(sepay_body(sender.number))
    shell.call(sender.url, request)
    (sealed,) = rows(door_engine, "SELECT sealed FROM raw_callback WHERE connection_id = %s", sender.connection_id)[0]
    assert request.body not in bytes(sealed)
    opened = unseal(bytes(sealed), dictionary(door_settings))
    assert (opened.method, opened.body, opened.path) == ("POST", request.body, "")
    assert sender.token not in repr(opened)


def test_an_unknown_token_and_an_unknown_path_get_the_same_answer(
    shell: Shell, sender: Sender, door_engine: Engine
) -> None:
    request = sepay_request(sepay_body(sender.number))
    paths = ("/callbacks/" + "x" * 43, "/callbacks/short", f"{sender.url}/no/such", "/callbacks/", "/callbacks/%00é")
    answers = [shell.call(path, request) for path in paths]
    assert {(answer.status, answer.body) for answer in answers} == {(404, b'{"error":"not_found"}')}
    assert outcomes(door_engine, sender) == [("malformed", "unknown_path")]


def test_a_token_is_given_without_a_row_and_a_guess_for_one_is_seen(
    shell: Shell, door_engine: Engine, door_settings: Settings
) -> None:
    secret = {"jwt_secret": "k" * 40, "username": "bank", "password": "right"}
    sender = make_sender(door_engine, door_settings, adapter="vietqr_vn", secret=secret)

    def ask(password: str) -> int:
        basic = base64.b64encode(f"bank:{password}".encode()).decode()
        request = Request("POST", "api/token_generate", "", {"authorization": f"Basic {basic}"}, b"")
        return shell.call(sender.url, request).status

    assert ask("right") == 200
    assert outcomes(door_engine, sender) == []
    assert ask("guess") == 401
    assert outcomes(door_engine, sender) == [("bad_signature", "bad_credentials")]


def test_only_get_and_post_are_read(shell: Shell, sender: Sender, door_engine: Engine) -> None:
    body = sepay_body(sender.number)
    answer = shell.call(sender.url, Request("PUT", "", "", signed(body), body))
    assert answer.status == 405
    assert outcomes(door_engine, sender) == [("malformed", "wrong_method")]


def test_an_oversize_body_is_refused_unread(shell: Shell, sender: Sender, door_engine: Engine) -> None:
    body = sepay_body(sender.number, padding="x" * MAX_BODY_BYTES)
    assert shell.call(sender.url, sepay_request(body)).status == 413
    assert outcomes(door_engine, sender) == [("malformed", "too_large")]
    (kept,) = rows(
        door_engine, "SELECT length(sealed) FROM raw_callback WHERE connection_id = %s", sender.connection_id
    )[0]
    assert kept < 20_000


def test_a_caller_outside_the_allowed_networks_is_refused_and_seen(
    shell: Shell, door_engine: Engine, door_settings: Settings
) -> None:
    sender = make_sender(door_engine, door_settings, networks=["198.51.100.0/24"])
    request = sepay_request(sepay_body(sender.number))
    assert shell.call(sender.url, request).status == 403
    inside = Request("POST", "", "", request.headers, request.body, "198.51.100.7")
    assert shell.call(sender.url, inside).status == 200
    assert [outcome for outcome, _ in outcomes(door_engine, sender)] == ["bad_address", "accepted"]


@pytest.mark.parametrize(("adapter", "secret"), [("no_such_bank", {"secret": "x"}), ("sepay", {"public": "x"})])
def test_a_connection_that_cannot_verify_asks_to_try_again_and_never_skips(
    shell: Shell, door_engine: Engine, door_settings: Settings, adapter: str, secret: dict[str, str]
) -> None:
    sender = vector_sender(door_engine, door_settings, adapter, secret, {"12345": "number"})
    assert shell.call(sender.url, sepay_request(sepay_body("12345"))).status == 503
    assert [outcome for outcome, _ in outcomes(door_engine, sender)] == ["internal"]
    assert evidence(door_engine, sender) == []


def test_a_connection_without_a_live_secret_asks_to_try_again(
    shell: Shell, sender: Sender, door_engine: Engine
) -> None:
    with door_engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE connection_secret SET revoked_at = now() WHERE connection_id = %s", (sender.connection_id,)
        )
    assert shell.call(sender.url, sepay_request(sepay_body(sender.number))).status == 503
    assert outcomes(door_engine, sender) == [("internal", "no_live_secret")]


def test_a_connection_whose_secrets_cannot_be_opened_asks_to_try_again(
    shell: Shell, door_engine: Engine, door_settings: Settings
) -> None:
    other_keys = settings_for(door_settings.database_url)
    sender = make_sender(door_engine, other_keys)
    assert shell.call(sender.url, sepay_request(sepay_body(sender.number))).status == 503


def test_a_frozen_database_keeps_no_sender_waiting_and_holds_nothing_up_afterwards(
    shell: Shell, door_engine: Engine, door_settings: Settings
) -> None:
    """Its sessions neither answer nor break: only who asks can end the wait."""
    sender = make_sender(door_engine, door_settings)

    def status(number: int) -> int:
        return shell.call(sender.url, sepay_request(sepay_body(sender.number, number))).status

    assert status(1) == 200
    with ThreadPoolExecutor(1) as bank, frozen(door_engine):
        assert bank.submit(status, 2).result(10) == 503
        with later():
            assert bank.submit(contextvars.copy_context().run, status, 3).result(10) == 503
        assert [bank.submit(status, 4).result(10) for _ in range(9)][-1] == 200
    keys = rows(door_engine, "SELECT dedup_key FROM evidence WHERE connection_id = %s", sender.connection_id)
    assert {("1",), ("4",)} <= set(keys)


@contextmanager
def frozen(engine: Engine) -> Iterator[None]:
    """Stop the processes behind the door's sessions as they are now; new sessions run."""
    found = rows(engine, "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'hocphi door%%'")
    pids = [pid for (pid,) in found]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "bad_utf8": b'{"id": "\xff\xfe"}',
    "utf16": '{"id": 1}'.encode("utf-16"),
    "nul": b'{"id": 1, "content": "a\\u0000b"}',
    "half_surrogate": b'{"id": 1, "content": "\\ud800"}',
    "duplicate_key": b'{"id": 1, "id": 2}',
    "nan": b'{"id": 1, "transferAmount": NaN}',
    "infinite": b'{"id": 1, "transferAmount": 1e999}',
    "many_digits": b'{"id": 1, "transferAmount": ' + b"9" * 5000 + b"}",
    "deep": b"[" * 50_000 + b"]" * 50_000,
    "list": b"[]",
    "half": sepay_body("1")[:50],
    "gzip": b"\x1f\x8b\x08\x00" + b"\x00" * 20,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_authentic_bytes_that_cannot_be_read_are_refused_with_a_code_and_seen(
    shell: Shell, sender: Sender, door_engine: Engine, name: str
) -> None:
    answer = shell.call(sender.url, sepay_request(HOSTILE[name]))
    assert answer.status == 400
    ((outcome, reason),) = outcomes(door_engine, sender)
    assert outcome == "malformed"
    assert reason not in {"ok", ""}
    assert evidence(door_engine, sender) == []


def casso_batch(number: str, *items: tuple[int, int]) -> Request:
    data = [
        {
            "id": key,
            "tid": f"FT{key}",
            "description": "nop tien",
            "amount": amount_vnd,
            "cusum_balance": 0,
            "when": "2026-09-22 08:15:30",
            "bank_sub_acc_id": number,
            "subAccId": number,
        }
        for key, amount_vnd in items
    ]
    body = json.dumps({"error": 0, "data": data}).encode()
    return Request("POST", "", "", {"content-type": "application/json", "secure-token": "tok"}, body)


@pytest.fixture
def batcher(door_engine: Engine, door_settings: Settings) -> Sender:
    return make_sender(door_engine, door_settings, adapter="casso_v1", secret={"secure_token": "tok"})


def test_a_batch_with_copies_and_known_items_takes_each_fact_once(
    shell: Shell, batcher: Sender, door_engine: Engine
) -> None:
    assert shell.call(batcher.url, casso_batch(batcher.number, (1, 1000), (2, 2000), (1, 1000))).status == 200
    assert shell.call(batcher.url, casso_batch(batcher.number, (2, 2000), (3, 3000), (3, 3333))).status == 200
    assert shell.call(batcher.url, casso_batch(batcher.number, (1, 1000), (2, 2000))).status == 200
    assert [outcome for outcome, _ in outcomes(door_engine, batcher)] == ["accepted", "amount_diff", "duplicate"]
    found = [row[1:] for row in evidence(door_engine, batcher)]
    assert found == [(1000, False), (2000, False), (3000, False), (3333, True)]
    assert len(work(door_engine, batcher)) == 3


def test_statements_with_the_same_keys_in_other_order_do_not_deadlock(
    shell: Shell, batcher: Sender, door_engine: Engine
) -> None:
    items = [(key, key * 10) for key in range(1, 200)]
    orders: Sequence[Sequence[tuple[int, int]]] = (items, items[::-1], items[100:] + items[:100], items[::-2] + items)
    for attempt in range(5):
        moved = [[(key + attempt * 1000, amount_vnd) for key, amount_vnd in order] for order in orders]
        requests = [casso_batch(batcher.number, *order) for order in moved]
        with ThreadPoolExecutor(len(requests)) as pool:
            answers = [answer.status for answer in pool.map(partial(shell.call, batcher.url), requests)]
        assert answers == [200] * len(orders)
    assert len(evidence(door_engine, batcher)) == 5 * 199


BILLERS = [path for path in golden_files.PATHS if isinstance(get_adapter(path.parent.name), Biller)]
BOUND = [path for path in golden_files.PATHS if path.parent.name == "rfc9421"]
"""Signed for an address that is not the door's."""
PUSHERS = [path for path in golden_files.PATHS if path not in BILLERS + BOUND]


@pytest.mark.parametrize("path", BILLERS, ids=lambda path: path.stem)
def test_every_vector_of_a_hosted_biller_gets_its_code_from_a_test_connection(
    shell: Shell, door_engine: Engine, door_settings: Settings, path: Any
) -> None:
    """A test connection has the sample pupil of the kit, and nobody else."""
    vector = golden_files.load(path)
    accounts = {"116002680669": "number", "2NDVNDV": "virtual_prefix", "HPVA": "virtual_prefix"}
    sender = vector_sender(door_engine, door_settings, vector["adapter"], vector["key"], accounts, sandbox=True)
    at = vector.get("verify_at_unix")
    with clock.turned_to(clock.now() if at is None else datetime.fromtimestamp(at, UTC)):
        answer = shell.call(sender.url, golden_files.request_of(vector))
    got = {"valid": vector["expect"]["valid"], "status": answer.status, "body": readable(answer)}
    assert list(faults({"valid": got["valid"], **vector["expected_ack"]}, got)) == []
    assert work(door_engine, sender) == []


@pytest.mark.parametrize("path", PUSHERS, ids=lambda path: path.stem)
def test_every_vector_gets_the_answer_its_sender_expects(
    shell: Shell, door_engine: Engine, door_settings: Settings, path: Any
) -> None:
    vector = golden_files.load(path)
    accounts = {"12345678": "number", "88888888": "number", "0123499999": "number", "0362626234": "number"}
    sender = vector_sender(door_engine, door_settings, vector["adapter"], vector["key"], accounts)
    at = vector.get("verify_at_unix")
    with clock.turned_to(clock.now() if at is None else datetime.fromtimestamp(at, UTC)):
        answer = shell.call(sender.url, golden_files.request_of(vector))
    expected = {"valid": vector["expect"]["valid"], **(vector.get("expected_ack") or {})}
    got = {"valid": expected["valid"], "status": answer.status, "body": readable(answer)}
    assert list(faults(expected, got)) == []
    parses = run(get_adapter(vector["adapter"]), vector)["reason"] == "ok"
    ((outcome, _),) = outcomes(door_engine, sender)
    assert (outcome in {"bad_signature", "stale", "malformed"}) == (not parses)


@pytest.mark.parametrize("path", BOUND, ids=lambda path: path.stem)
def test_what_is_signed_for_another_address_is_refused_here(
    shell: Shell, door_engine: Engine, door_settings: Settings, path: Any
) -> None:
    """Also when it claims that address in its query or its Host: the door knows where it was called."""
    vector = golden_files.load(path)
    sender = vector_sender(door_engine, door_settings, vector["adapter"], vector["key"], {"0123499999": "number"})
    called = vector["request"]["query"]
    at = datetime.fromtimestamp(vector["verify_at_unix"], UTC)
    with clock.turned_to(at):
        headers = {**vector["request"]["headers"], "Host": "pay.school.example"}
        request = golden_files.request_of(vector, query=called, headers=headers, url="")
        assert shell.call(sender.url, request).status == 401
    assert [outcome for outcome, _ in outcomes(door_engine, sender)] == ["bad_signature"]


def test_a_message_signed_for_this_address_is_taken(shell: Shell, door_engine: Engine, door_settings: Settings) -> None:
    secret, theirs = rehearsal_secret("rfc9421")
    sender = make_sender(door_engine, door_settings, adapter="rfc9421", secret=secret)
    payment = Payment(
        account_number=sender.number,
        amount_vnd=250_000,
        memo="HP chuyen khoan",
        bank_reference="FT1",
        txn_id="1",
        occurred_at=clock.now(),
    )
    url = door_settings.base_url + sender.url
    request = signed_request("rfc9421", theirs, payment, sent_at=clock.now(), url=url)
    assert shell.call(sender.url, request).status == 200
    assert shell.call(sender.url + "/", request).status == 401
    assert [outcome for outcome, _ in outcomes(door_engine, sender)] == ["accepted", "bad_signature"]
    assert len(work(door_engine, sender)) == 1
