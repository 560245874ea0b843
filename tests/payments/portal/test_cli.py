"""``hocphi link``: every parent's link from the terminal, and a new one for a link that went astray."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from operations.cli import hocphi
from payments import clock
from payments.db import session_scope
from payments.portal.service import ensure_links, good_until, link_of
from payments.settings import Settings, generated_environment
from tests.payments.faces import Faces, faces

pytestmark = pytest.mark.db
KEYS = generated_environment()


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        yield made


def run(home: Faces, *arguments: str) -> Result:
    environment = {"DATABASE_URL": home.settings.database_url, "HOCPHI_BASE_URL": "https://hocphi.example.vn", **KEYS}
    return CliRunner().invoke(hocphi, ["link", *arguments, "--school", home.school.code], env=environment)


def key_of(home: Faces) -> Settings:
    return Settings.from_env({"DATABASE_URL": home.settings.database_url, **KEYS})


def forget(home: Faces) -> None:
    with session_scope(home.engine) as session:
        session.execute(text("DELETE FROM parent_link"))


def test_every_pupil_gets_a_link_and_keeps_it(home: Faces) -> None:
    forget(home)
    first, again = run(home, "list", "--json"), run(home, "list", "--json")
    assert first.exit_code == 0, first.output
    assert first.stdout == again.stdout
    with session_scope(home.engine) as session:
        token = link_of(session, key_of(home).link_keys, home.school.id, home.school.pupil)
        pupils = session.scalar(text("SELECT count(*) FROM pupil"))
    rows = json.loads(first.stdout)["links"]
    assert len(rows) == pupils
    assert f"https://hocphi.example.vn/p/{token}" in [row["url"] for row in rows]
    assert "no-such-class" not in run(home, "list", "--class", "no-such-class").stdout


def test_a_renewed_link_replaces_the_old_one(home: Faces) -> None:
    forget(home)
    old = json.loads(run(home, "list", "--json").stdout)["links"][0]
    new = json.loads(run(home, "renew", "--pupil", old["sector_id"], "--json").stdout)["url"]
    assert new != old["url"]
    assert home.client.get(old["url"].partition(".vn")[2]).status_code == 404
    assert home.client.get(new.partition(".vn")[2]).status_code == 200
    assert run(home, "renew", "--pupil", "no-such-pupil").exit_code == 1


def test_a_new_year_lets_the_same_link_live_on(home: Faces) -> None:
    keys = home.settings.link_keys
    with session_scope(home.engine) as session:
        session.execute(text("UPDATE parent_link SET expires_at = :at"), {"at": clock.now() - timedelta(days=1)})
    with session_scope(home.engine) as session:
        assert link_of(session, keys, home.school.id, home.school.pupil) is None
        ensure_links(session, keys, home.school.id, clock.now() + timedelta(days=300))
        assert link_of(session, keys, home.school.id, home.school.pupil) == home.token


@pytest.mark.parametrize(
    ("today", "until"),
    [
        (datetime(2025, 10, 1, tzinfo=UTC), datetime(2026, 8, 31, tzinfo=clock.VIETNAM)),
        (datetime(2026, 6, 15, tzinfo=UTC), datetime(2026, 8, 31, tzinfo=clock.VIETNAM)),
        (datetime(2026, 9, 1, tzinfo=UTC), datetime(2027, 9, 1, tzinfo=UTC)),
    ],
)
def test_a_link_ends_with_the_summer_after_its_school_year(home: Faces, today: datetime, until: datetime) -> None:
    """The year ends on 31 May 2026; what is open then can be paid until the next one begins."""
    with clock.turned_to(today), session_scope(home.engine) as session:
        assert good_until(session, home.school.id) == until
        session.execute(text("UPDATE parent_link SET expires_at = :at"), {"at": until})
    with clock.turned_to(until - timedelta(seconds=1)):
        assert home.client.get(f"/p/{home.token}").status_code == 200
    with clock.turned_to(until):
        assert home.client.get(f"/p/{home.token}").status_code == 404
