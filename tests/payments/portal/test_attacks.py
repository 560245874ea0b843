"""Whoever guesses, previews or forges learns nothing: attacks on parents' links over HTTP."""

import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event, text

from payments.db import session_scope
from payments.portal import queries
from payments.portal.previews import is_fetcher
from payments.portal.service import link_of, revoke_link
from payments.settings import Settings, generated_environment
from tests.payments.faces import Faces, faces
from tests.payments.portal.strangers import Keys, below_a_link, keys_of, said

pytestmark = pytest.mark.db
FETCHERS = (
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "TelegramBot (like TwitterBot)",
    "WhatsApp/2.23.20.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; coccocbot-web/1.0; +http://help.coccoc.com/searchengine)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
)
PARENTS = (
    "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 Chrome/118.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 12; SM-A127F; wv) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36 Zalo android/12",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605 Mobile/15E148 [FBAN/FBIOS;FBAV/440.0]",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 coc_coc_browser/110.0 Chrome/104 Safari/537.36",
    "",
)


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        yield made


@pytest.fixture
def keys(home: Faces) -> Keys:
    return keys_of(home)


@contextmanager
def statements(home: Faces) -> Iterator[list[str]]:
    """What the application asks the database meanwhile."""
    heard: list[str] = []

    def hear(_c: object, _cursor: object, statement: str, *_: object) -> None:
        heard.append(statement)

    engine = home.client.application.extensions["hocphi"].engine
    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", hear)


def form_token(home: Faces) -> str:
    return home.page("/verify").split('name="csrf_token" value="')[1].split('"')[0]


def answers_of_the_dead(home: Faces, keys: Keys) -> dict[tuple[str, str], set[str]]:
    """For every method and route: the different things that dead links are told."""
    form = {"csrf_token": form_token(home)}
    told: dict[tuple[str, str], set[str]] = {}
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        for rule, path in below_a_link(home, method):
            for token in keys.dead.values():
                body = form if method == "POST" else None
                answer = home.client.open(path.replace("TOKEN", token), method=method, data=body)
                told.setdefault((method, rule), set()).add(repr(said(answer, token)))
    return told


def test_unknown_revoked_expired_and_misspelt_are_one_answer_on_every_route(home: Faces, keys: Keys) -> None:
    told = answers_of_the_dead(home, keys)
    assert len([key for key in told if key[0] == "GET"]) >= 6, "the walk finds the routes"
    assert {key: answers for key, answers in told.items() if len(answers) > 1} == {}
    for (method, rule), (answer,) in told.items():
        assert answer.startswith("(200," if method == "OPTIONS" else "(404,"), (method, rule, answer[:80])


def test_the_walk_notices_a_route_that_tells_revoked_from_unknown(
    home: Faces, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = queries.holder

    def telling(session: object, token: str, now: object) -> object:
        if token == keys.dead["revoked"]:
            raise PermissionError
        return real(session, token, now)  # type: ignore[arg-type]  # the test hands on what it was given

    monkeypatch.setattr(queries, "holder", telling)
    home.client.application.config["PROPAGATE_EXCEPTIONS"] = False
    assert any(len(answers) > 1 for answers in answers_of_the_dead(home, keys).values())


def test_random_tokens_open_nothing_and_all_look_alike(home: Faces) -> None:
    chance = random.Random(5)
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    guesses = ["".join(chance.choices(letters, k=32)) for _ in range(60)]
    odd = ["%00", "a" * 31, "a" * 33, "'--", "á" * 32, "..%2f..", home.token.upper(), home.token[:-1] + "1"]
    answers = {repr(said(home.client.get(f"/p/{guess}"), guess)) for guess in guesses}
    assert len(answers) == 1
    assert {home.client.get(f"/p/{guess}").status_code for guess in odd} <= {400, 404}


def test_unknown_and_revoked_take_the_same_statements_and_the_same_time(home: Faces, keys: Keys) -> None:
    asked: dict[str, list[str]] = {}
    for name in ("unknown", "revoked", "expired"):
        with statements(home) as heard:
            home.client.get(f"/p/{keys.dead[name]}")
        asked[name] = heard
    assert asked["unknown"]
    assert asked["unknown"] == asked["revoked"] == asked["expired"]
    took: dict[str, list[float]] = {"unknown": [], "revoked": [], "expired": []}
    for _ in range(40):
        for name, times in took.items():
            began = time.perf_counter()
            home.client.get(f"/p/{keys.dead[name]}")
            times.append(time.perf_counter() - began)
    fastest = sorted(statistics.median(times) for times in took.values())
    assert fastest[-1] < 2 * fastest[0], took


def test_another_child_s_link_opens_nothing_of_mine(home: Faces, keys: Keys) -> None:
    home.pay(115_000, home.invoice.reference)
    with session_scope(home.engine) as session:
        year, number = session.execute(text("SELECT year, number FROM receipt")).one()
    mine = {"reference": home.invoice.reference, "number": f"XN-{year}-{number:06d}"}
    nobodys = {"reference": "HP7K3M9Q2XAT", "number": f"XN-{year}-999999"}
    checked = 0
    for (rule, with_mine), (_, with_none) in zip(
        below_a_link(home, "GET", **mine), below_a_link(home, "GET", **nobodys), strict=True
    ):
        if with_mine == with_none:
            continue
        answers = [home.client.get(path.replace("TOKEN", keys.other)) for path in (with_mine, with_none)]
        assert [answer.status_code for answer in answers] == [404, 404], rule
        assert answers[0].data == answers[1].data, rule
        checked += 1
    assert checked >= 3
    assert home.client.get(f"/p/{keys.live}/receipt/{mine['number']}").status_code == 200


@pytest.mark.parametrize("language", ["vi", "en"])
def test_programs_that_preview_a_link_get_the_same_card_for_every_link(home: Faces, keys: Keys, language: str) -> None:
    query = {"lang": "en"} if language == "en" else None
    cards = {
        home.client.get(f"/p/{token}", headers={"User-Agent": agent}, query_string=query).data
        for agent in FETCHERS
        for token in (keys.live, keys.other, *keys.dead.values())
    }
    [card] = cards
    for secret in ("Nguyễn", "100.000", home.invoice.reference, "Hoa Phượng", "1A", keys.live):
        assert secret not in card.decode()
    assert "noindex" in card.decode()
    assert 'property="og:title"' in card.decode()
    with statements(home) as heard:
        home.client.get(f"/p/{keys.live}/status", headers={"User-Agent": FETCHERS[0]})
    assert heard == [], "nothing is looked up for them"


def test_parents_in_chat_apps_and_on_every_phone_get_the_page(home: Faces) -> None:
    for agent in PARENTS:
        page = home.client.get(f"/p/{home.token}", headers={"User-Agent": agent}).get_data(as_text=True)
        assert "100.000" in page, agent
    assert [agent for agent in FETCHERS if not is_fetcher(agent)] == []


def test_a_previewer_that_hides_its_name_finds_nothing_in_the_head_and_crawlers_may_read_noindex(home: Faces) -> None:
    head = home.page(f"/p/{home.token}").split("</head>")[0]
    assert all(secret not in head for secret in ("Nguyễn", "115", home.invoice.reference, "Hoa Phượng", home.token))
    assert 'name="robots" content="noindex' in head
    robots = home.client.get("/robots.txt")
    assert robots.mimetype == "text/plain"
    assert robots.get_data(as_text=True) == "User-agent: *\nDisallow:\n", "what may not be fetched is never un-listed"


def test_every_form_of_the_public_pages_wants_its_token(home: Faces, keys: Keys) -> None:
    posts = [path.replace("TOKEN", keys.live) for _, path in below_a_link(home, "POST")]
    for path in [*posts, "/tra-cuu", "/tra-cuu/xong", "/verify"]:
        answer = home.client.post(path, data={"code": home.invoice.reference, "born": "02/03/2019"})
        assert (answer.status_code, "form_expired" in answer.get_data(as_text=True)) == (400, True), path
        right = {"csrf_token": form_token(home)}
        foreign = home.client.post(path, data=right, headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403, path


def test_a_forged_host_gets_into_no_page_no_link_and_no_picture(home: Faces, keys: Keys) -> None:
    home.pay(50_000, home.invoice.reference)
    with session_scope(home.engine) as session:
        year, number, code = session.execute(text("SELECT year, number, verify_code FROM receipt")).one()
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    receipt = f"/p/{keys.live}/receipt/XN-{year}-{number:06d}"
    for path in (f"/p/{keys.live}", receipt, "/tra-cuu", "/lookup", "/verify", f"/p/{'a' * 32}", "/robots.txt"):
        answer = home.client.get(path, headers=forged)
        assert b"evil.example" not in answer.data, path
        assert "evil.example" not in str(answer.headers), path
    assert f"{home.settings.base_url}/verify/{code}" in home.client.get(receipt, headers=forged).get_data(as_text=True)


def test_nothing_below_a_link_may_be_kept_and_nothing_tells_where_one_came_from(home: Faces, keys: Keys) -> None:
    mine = {"reference": home.invoice.reference}
    for rule, path in below_a_link(home, "GET", **mine):
        for token in (keys.live, keys.dead["revoked"]):
            answer = home.client.get(path.replace("TOKEN", token))
            kept = {"/p/<token>/status": "private, no-cache"}.get(rule, "no-store")
            assert answer.headers["Cache-Control"] in {kept, "no-store"}, rule
            assert answer.headers["Referrer-Policy"] == "no-referrer", rule
            assert answer.headers["X-Robots-Tag"] == "noindex, nofollow", rule
            assert "Nguyễn".encode() not in answer.data.split(b"</title>")[0], rule
    head = home.client.head(f"/p/{keys.live}")
    assert (head.status_code, head.data, head.headers["Cache-Control"]) == (200, b"", "no-store")


def test_links_have_160_bits_and_old_keys_keep_opening_what_they_made(home: Faces, engine: Engine) -> None:
    assert len(home.token) * 5 == 160
    database = {"DATABASE_URL": home.settings.database_url}
    old = home.settings.link_keys
    fresh = Settings.from_env(database | generated_environment()).link_keys
    rotated = {2: next(iter(fresh.values())), **dict(old)}
    with session_scope(engine) as session:
        where = (home.school.id, home.school.pupil)
        assert link_of(session, rotated, *where) == home.token, "paper can carry the same link again"
        assert link_of(session, {2: rotated[2]}, *where) is None, "without its key it cannot be shown again"
        assert "100.000" in home.page(f"/p/{home.token}"), "what was given stays good"
        revoke_link(session, rotated, *where)
        renewed = link_of(session, {2: rotated[2]}, *where)
    assert renewed not in {None, home.token}
    assert home.client.get(f"/p/{renewed}").status_code == 200
    assert home.client.get(f"/p/{home.token}").status_code == 404
