"""What the suite stands on: sessions that leave nothing, databases of one's own, no far connections."""

import os
import socket
import sys
import urllib.request

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from werkzeug.routing import Map, Rule, UnicodeConverter

from bank_adapters.contract import Answer
from payments.db import make_engine
from tests import quick
from tests.near_sockets import FarConnectionError, is_near
from tests.payments.inbox import callers

COUNT = text("SELECT count(*) FROM holiday")
ADD = text("INSERT INTO holiday (day, name) VALUES ('2026-09-02', 'Quốc khánh')")


@pytest.mark.parametrize("_turn", [1, 2])
def test_a_session_starts_empty_even_after_another_test_committed(session: Session, _turn):
    assert session.execute(COUNT).scalar() == 0
    session.execute(ADD)
    session.commit()
    assert session.execute(COUNT).scalar() == 1
    session.execute(text("DELETE FROM holiday"))
    session.rollback()
    assert session.execute(COUNT).scalar() == 1


@pytest.mark.parametrize("_turn", [1, 2])
def test_a_fresh_database_starts_empty(engine: Engine, _turn):
    with engine.begin() as connection:
        assert connection.execute(COUNT).scalar() == 0
        connection.execute(ADD)


@pytest.mark.parametrize("_turn", [1, 2])
def test_a_furnished_database_starts_with_the_usual_school_and_nothing_of_another_test(furnished_url: str, _turn):
    engine = make_engine(furnished_url)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM school")).scalar() == 1
        assert connection.execute(text("SELECT count(*) FROM invoice")).scalar() == 1
        assert connection.execute(COUNT).scalar() == 0
        connection.execute(ADD)
    engine.dispose()


def test_valkey_is_there_for_those_who_ask(valkey_url):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(valkey_url.removeprefix("redis+socket://"))
        client.sendall(b"PING\r\n")
        assert client.recv(16) == b"+PONG\r\n"


@pytest.mark.parametrize("address", [("203.0.113.7", 80), ("2001:db8::1", 80)])
def test_a_connection_to_another_machine_is_refused(address):
    with pytest.raises(FarConnectionError), socket.create_connection(address, timeout=1):
        pass


def test_a_name_of_another_machine_is_not_even_looked_up():
    with pytest.raises(FarConnectionError):
        urllib.request.urlopen("http://payments.example/", timeout=1)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "::1", "localhost", b"localhost", None, ""])
def test_loopback_is_near(host):
    assert is_near(host)


@pytest.mark.parametrize(("told", "sent"), [([503, 503, 200], 3), ([401, 200], 1), ([503] * 50, 20)])
def test_a_bank_sends_again_after_a_503_and_only_then(monkeypatch, told, sent):
    monkeypatch.setattr(callers, "BETWEEN_TRIES_S", 0)
    waiting = iter(told)
    heard = callers.as_a_bank(lambda: Answer(next(waiting), {}, b""))
    assert heard.status == told[sent - 1]
    assert len(list(waiting)) == len(told) - sent


def test_passwords_cost_tests_little_and_attackers_much():
    """OWASP's minimum for argon2id stays in the application, whatever tests use."""
    assert (quick.REAL.time_cost, quick.REAL.memory_cost, str(quick.REAL.type)) == (2, 19_456, "Type.ID")
    assert quick.QUICK.verify(quick.QUICK.hash("one"), "one")


def test_what_a_process_compiles_is_kept_for_the_next():
    assert not sys.dont_write_bytecode
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ


def test_rules_that_are_compiled_once_build_the_addresses_that_they_built():
    def built(rules: list[Rule]) -> list[str]:
        adapter = Map(rules).bind("localhost")
        values = {"code": "HP 1/é", "number": 7}
        return [
            adapter.build(rule.endpoint, {name: values[name] for name in rule.arguments} | {"q": "x"}) for rule in rules
        ]

    def rules() -> list[Rule]:
        return [
            Rule("/s/<code>/", endpoint="a"),
            Rule("/s/<path:code>/", endpoint="b"),
            Rule("/n/<int:number>", endpoint="c"),
            Rule("/n/<int(fixed_digits=3):number>", endpoint="d"),
        ]

    once = [built(rules()), built(rules())]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "compile", quick.compile_rule)
        assert once == [built(rules())] * 2


def test_rules_that_are_compiled_once_find_what_they_found():
    def found() -> list[object]:
        adapter = Map([Rule("/s/<code>/", endpoint="a"), Rule("/n/<int:number>", endpoint="b")]).bind("localhost")
        return [adapter.match(path) for path in ("/s/HP/", "/n/7")]

    assert found() == found() == [("a", {"code": "HP"}), ("b", {"number": 7})]


def test_a_rule_with_other_converters_is_compiled_anew():
    class Loud(UnicodeConverter):
        def to_python(self, value: str) -> str:
            return value.upper()

    def found(**more: type[UnicodeConverter]) -> object:
        rules = Map(converters=more)
        rules.add(Rule("/v/<default:word>", endpoint="a"))
        return rules.bind("localhost").match("/v/abc")[1]

    assert found() == {"word": "abc"}
    assert found(default=Loud) == {"word": "ABC"}


def test_engines_share_what_they_learnt_and_nothing_else(engine: Engine, postgres):
    with engine.begin() as connection:
        connection.execute(ADD)
        assert connection.execute(COUNT).scalar() == 1
    name = postgres.new_database()
    other = make_engine(postgres.url(name))
    with other.connect() as connection:
        assert connection.execute(COUNT).scalar() == 0
        assert connection.dialect.server_version_info
    other.dispose()
    postgres.drop_database(name)
    assert other.dialect is engine.dialect
