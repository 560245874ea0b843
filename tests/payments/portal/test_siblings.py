"""Siblings by a guardian's telephone: proposed, confirmed by the school's staff, never joined by themselves."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from operations.cli import hocphi
from payments.db import session_scope
from payments.portal.siblings import siblings
from payments.settings import generated_environment
from tests.payments.portal.homes import Homes, homes

pytestmark = pytest.mark.db
KEYS = generated_environment()


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Homes]:
    with homes(engine, database_url, **KEYS) as made:
        yield made


def answers_to(home: Homes, school_id: int, pupil_id: int, number: str) -> None:
    """A guardian with this telephone (its blind index) answers for the pupil."""
    with session_scope(home.faces.engine) as session:
        session.execute(
            text("""
                INSERT INTO guardian (school_id, pupil_id, relation, phone_index)
                VALUES (:school, :pupil, 'mother', :phone)
            """),
            {"school": school_id, "pupil": pupil_id, "phone": number.encode()},
        )


def run(home: Homes, *arguments: str) -> Result:
    environment = {"DATABASE_URL": home.faces.settings.database_url, "HOCPHI_BASE_URL": "https://hocphi.example.vn"}
    command = ["family", *arguments, "--school", home.here.code]
    return CliRunner().invoke(hocphi, command, env={**environment, **KEYS})


def known(home: Homes) -> dict[int, str]:
    with session_scope(home.faces.engine) as session:
        return {row[0]: row[1] for row in session.execute(text("SELECT id, sector_id FROM pupil"))}


def test_a_shared_telephone_proposes_within_a_school_only_and_joins_nobody(home: Homes) -> None:
    for school, pupil in ((home.here, home.here.pupil), (home.here, home.binh_id), (home.there, home.there.pupil)):
        answers_to(home, school.id, pupil, "0900")
    with session_scope(home.faces.engine) as session:
        pairs = [(one.of_pupil_id, one.pupil_id) for one in siblings(session, home.here.id)]
        assert pairs == [(home.here.pupil, home.binh_id), (home.binh_id, home.here.pupil)]
        assert siblings(session, home.there.id) == []
        assert session.scalar(text("SELECT count(*) FROM family")) == 0


def test_the_accountant_confirms_on_the_pupil_s_page(home: Homes) -> None:
    answers_to(home, home.here.id, home.here.pupil, "0900")
    answers_to(home, home.here.id, home.binh_id, "0900")
    home.faces.log_in("principal")
    page = f"/console/{home.here.code}/pupils/{home.here.pupil}/"
    assert "Có thể là anh chị em" in home.page(page)
    assert home.send(f"{page}family", page, sibling=str(home.binh_id)).status_code == 403
    home.faces.log_in("accountant")
    assert home.send(f"{page}family", page).status_code == 422
    assert home.send(f"{page}family", page, sibling=str(home.there.pupil)).status_code == 422
    made = home.send(f"{page}family", page, sibling=str(home.binh_id)).get_data(as_text=True)
    token = made.split("/p/")[1].split("<")[0]
    assert home.page(f"/p/{token}").count('class="due child ') == 2
    with session_scope(home.faces.engine) as session:
        by = session.scalars(text("SELECT actor_id FROM audit_event WHERE action = 'family.joined'")).all()
    assert by == [home.here.accountant] * 2


def test_the_terminal_proposes_by_identifiers_and_makes_a_page(home: Homes) -> None:
    answers_to(home, home.here.id, home.here.pupil, "0900")
    answers_to(home, home.here.id, home.binh_id, "0900")
    ids = known(home)
    mine, other = ids[home.here.pupil], ids[home.binh_id]
    assert json.loads(run(home, "suggest", "--json").stdout) == {"siblings": [{"pupil": mine, "sibling": other}]}
    assert run(home, "suggest").stdout == f"{mine}\t{other}\n"
    with session_scope(home.faces.engine) as session:
        name = session.scalar(text("SELECT username FROM app_user WHERE id = :id"), {"id": home.here.accountant})
    made = run(home, "make", "--pupil", mine, "--pupil", other, "--by", str(name), "--json")
    assert made.exit_code == 0, made.output
    token = json.loads(made.stdout)["url"].removeprefix("https://hocphi.example.vn/p/")
    assert "Bình" in home.page(f"/p/{token}")
    assert run(home, "make", "--pupil", mine, "--pupil", "nobody", "--by", str(name)).exit_code == 1


def test_an_office_s_number_proposes_nobody(home: Homes) -> None:
    with session_scope(home.faces.engine) as session:
        session.execute(
            text("""
                WITH many AS (
                    INSERT INTO pupil (school_id, sector_id, full_name, sort_key, search_key, date_of_birth, sex,
                                       identity_status)
                    SELECT :school, 'X' || n, 'X', 'x', 'x', '2019-01-01', 'female', 'unverified'
                    FROM generate_series(1, 7) AS n RETURNING id
                )
                INSERT INTO guardian (school_id, pupil_id, relation, phone_index)
                SELECT :school, id, 'mother', 'x' FROM many
            """),
            {"school": home.here.id},
        )
        assert siblings(session, home.here.id) == []
