"""The waiting room: what the pages would answer, for all who wait together, and for nobody too many."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, text

from bank_adapters.contract import Answer, Request
from payments import clock
from payments.db import session_scope
from payments.portal import waiting
from payments.portal.service import revoke_link
from payments.portal.status import look
from payments.portal.waiting import WaitingRoom
from payments.settings import Settings
from tests.conftest import Postgres
from tests.payments.faces import Faces, faces
from tests.payments.inbox.callers import call_asgi

pytestmark = pytest.mark.db

PAGES = Answer(418, {}, b"the pages")


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        yield made


async def pages(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": PAGES.status, "headers": []})
    await send({"type": "http.response.body", "body": PAGES.body})


async def ask(room: WaitingRoom, token: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    return await call_asgi(room, f"/p/{token}/status", Request(method, "", "", lower, b"", "127.0.0.1", clock.now()))


def asked(settings: Settings, token: str, **headers: str) -> Answer:
    """One poll of a fresh waiting room."""

    async def poll() -> Answer:
        room = WaitingRoom(pages, settings)
        try:
            return await ask(room, token, {name.replace("_", "-"): value for name, value in headers.items()})
        finally:
            await room._lane.close()

    return asyncio.run(poll())


def agree(home: Faces, **headers: str) -> Answer:
    """The answer of the waiting room, which is the very answer of the application's route."""
    ours = asked(home.settings, home.token, **headers)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    route = home.client.get(f"/p/{home.token}/status", headers=named)
    assert (ours.status, ours.body) == (route.status_code, route.data)
    # The server that runs the waiting room dates every answer itself.
    theirs = {name.title(): value for name, value in route.headers.items() if name != "Date"}
    if ours.status == 304:  # werkzeug leaves the type of a body that is not there away.
        theirs |= {"Content-Type": ours.headers["Content-Type"]}
    assert dict(ours.headers) == theirs
    return ours


def test_it_answers_as_the_route_does_before_and_after_money_arrives(home: Faces) -> None:
    first = agree(home)
    tag = first.headers["Etag"]
    assert agree(home, If_None_Match=tag).status == 304
    # A proxy that compresses makes a weak tag of it, a browser may send several.
    assert agree(home, If_None_Match=f"W/{tag}").status == 304
    assert agree(home, If_None_Match=f'"another", {tag}').status == 304
    assert agree(home, If_None_Match="*").status == 304
    assert agree(home, If_None_Match="no tag at all").status == 200
    home.pay(100_000, home.invoice.reference)
    partly = agree(home, If_None_Match=tag)
    assert partly.status == 200
    home.pay(15_000, home.invoice.reference)
    paid = agree(home, If_None_Match=partly.headers["Etag"])
    assert paid.status == 200
    home.pay(20_000, home.invoice.reference)
    assert agree(home, If_None_Match=paid.headers["Etag"]).status == 200


def test_the_page_carries_the_version_that_the_status_tells(home: Faces) -> None:
    version = asked(home.settings, home.token).headers["Etag"].strip('"')
    assert f'data-version="{version}"' in home.page(f"/p/{home.token}")


def test_over_https_it_insists_on_https(engine: Engine, database_url: str) -> None:
    with faces(engine, database_url, HOCPHI_BASE_URL="https://hocphi.example.vn") as home:
        assert "Strict-Transport-Security" in asked(home.settings, home.token).headers


def test_what_opens_nothing_goes_to_the_pages(home: Faces) -> None:
    for token in ("a" * 32, "short", home.token.upper()):
        assert asked(home.settings, token) == PAGES
    with clock.turned_to(clock.now() + timedelta(days=365 * 200)):
        assert asked(home.settings, home.token) == PAGES
    with session_scope(home.engine) as session:
        revoke_link(session, home.settings.link_keys, home.school.id, home.school.pupil)
    assert asked(home.settings, home.token) == PAGES


def test_other_methods_go_to_the_pages(home: Faces) -> None:
    room = WaitingRoom(pages, home.settings)
    assert {asyncio.run(ask(room, home.token, method=method)).status for method in ("HEAD", "POST", "OPTIONS")} == {418}


def test_all_that_ask_together_get_their_own_answer_from_few_statements(home: Faces) -> None:
    """Counted by PostgreSQL itself; one statement for each would be a transaction for each."""
    many = 300

    async def crowd() -> list[Answer]:
        room = WaitingRoom(pages, home.settings)
        await ask(room, home.token)
        tokens = [home.token if place % 3 == 0 else f"{'a' * 29}{place:03d}".replace("0", "b") for place in range(many)]
        tokens = [token.translate(str.maketrans("189", "xyz")) for token in tokens]
        answers = await asyncio.gather(*(ask(room, token) for token in tokens))
        await room._lane.close()
        return answers

    before = transactions(home.engine)
    answers = asyncio.run(crowd())
    version = asked(home.settings, home.token).body
    assert [answer.body for answer in answers] == [version if place % 3 == 0 else PAGES.body for place in range(many)]
    assert transactions(home.engine) - before < 30


def transactions(engine: Engine) -> int:
    """Committed in this database so far, as soon as idle sessions have told it."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
        return int(
            connection.scalar(text("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")) or 0
        )


def test_one_who_hangs_up_takes_no_answer_from_the_others(home: Faces) -> None:
    async def crowd() -> Answer:
        room = WaitingRoom(pages, home.settings)
        hasty = asyncio.create_task(ask(room, home.token))
        patient = asyncio.create_task(ask(room, home.token))
        await asyncio.sleep(0)
        hasty.cancel()
        with suppress(asyncio.CancelledError):
            await hasty
        answer = await patient
        await room._lane.close()
        return answer

    assert asyncio.run(crowd()).status == 200


def test_in_a_crowd_parents_are_told_at_once_to_come_later(home: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOST_WAITING", 3)

    async def crowd() -> list[Answer]:
        room = WaitingRoom(pages, home.settings)
        others = [character * 32 for character in "abcdef"]
        answers = await asyncio.gather(*(ask(room, token) for token in [*others, home.token]))
        again = await ask(room, home.token)
        await room._lane.close()
        return [*answers, again]

    *answers, again = asyncio.run(crowd())
    assert [answer.status for answer in answers] == [418] * 3 + [503] * 4
    assert {answer.headers["Retry-After"] for answer in answers if answer.status == 503} == {"30"}
    assert again.status == 200


def test_while_the_database_is_away_parents_are_told_to_come_later(home: Faces, postgres: Postgres) -> None:
    async def outage() -> list[int]:
        room = WaitingRoom(pages, home.settings)
        statuses = [(await ask(room, home.token)).status]
        name = home.engine.url.database
        home.engine.dispose()
        # The database moves away under its name, with the room's connection cut, and comes back.
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            connection.execute(cut, (name,))
            connection.execute(f"ALTER DATABASE {name} RENAME TO {name}_away")
            statuses += [(await ask(room, home.token)).status, (await ask(room, home.token)).status]
            connection.execute(f"ALTER DATABASE {name}_away RENAME TO {name}")
        statuses.append((await ask(room, home.token)).status)
        await room._lane.close()
        return statuses

    assert asyncio.run(outage()) == [200, 503, 503, 200]


def test_the_look_is_none_for_a_link_that_opens_nothing(home: Faces) -> None:
    with session_scope(home.engine) as session:
        assert look(session, "a" * 32, clock.now(), clock.today()) is None
        assert look(session, home.token, clock.now(), clock.today()) is not None
