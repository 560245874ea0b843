"""A family's link that went astray is renewed by a school that has a child on the page, and by nobody else; other
schools' children stay unseen.
"""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from operations.cli import hocphi
from payments.db import session_scope
from payments.portal import families
from tests.payments.faces import KEYS
from tests.payments.portal.homes import Homes, homes

pytestmark = pytest.mark.db


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Homes]:
    with homes(engine, database_url, **KEYS) as made:
        yield made


def run(home: Homes, *arguments: str, school: str = "") -> Result:
    environment = {"DATABASE_URL": home.faces.settings.database_url, "HOCPHI_BASE_URL": "https://hocphi.example.vn"}
    command = ["family", *arguments, "--school", school or home.here.code, "--json"]
    return CliRunner().invoke(hocphi, command, env={**environment, **KEYS})


def asked(home: Homes, statement: str) -> str:
    with session_scope(home.faces.engine) as session:
        return str(session.scalar(text(statement), {"an": home.here.pupil, "user": home.here.accountant}))


def sector_id(home: Homes) -> str:
    return asked(home, f"SELECT sector_id FROM pupil WHERE id = :an AND school_id = {home.here.id}")


def accountant(home: Homes) -> str:
    return asked(home, "SELECT username FROM app_user WHERE id = :user")


def family_id(home: Homes) -> str:
    return asked(home, "SELECT max(id) FROM family")


def desk(home: Homes) -> str:
    return f"/console/{home.here.code}/pupils/{home.here.pupil}/link/"


def test_a_command_lists_a_pupil_s_pages_and_renews_one_of_the_school_s_own_children(home: Homes) -> None:
    old = home.family(home.binh)
    listed = json.loads(run(home, "list", "--pupil", sector_id(home)).stdout)["families"]
    assert [len(one["pupils"]) for one in listed] == [2]
    answer = run(home, "renew", str(listed[0]["family"]), "--by", accountant(home))
    assert answer.exit_code == 0, answer.output
    new = json.loads(answer.stdout)["url"].removeprefix("https://hocphi.example.vn/p/")
    assert new != old
    assert home.client.get(f"/p/{old}").status_code == 404
    assert "Bình" in home.page(f"/p/{new}")
    assert home.client.get(f"/p/{home.an}").status_code == 200, "each child's own link stays good"
    told = asked(home, "SELECT count(*) FROM audit_event WHERE action = 'family.renewed' AND actor_id = :user")
    assert told == "2", "one line for each child"


def test_with_a_child_of_another_school_the_link_stops_and_nothing_of_the_other_child_is_told(home: Homes) -> None:
    old = home.family(home.chi)
    listed = json.loads(run(home, "list", "--pupil", sector_id(home)).stdout)["families"]
    assert [one["pupils"] for one in listed] == [[sector_id(home)]]
    answer = run(home, "renew", family_id(home), "--by", accountant(home))
    assert json.loads(answer.stdout) == {"url": None}
    assert home.client.get(f"/p/{old}").status_code == 404
    again = home.family(home.chi)
    assert again != old
    assert home.client.get(f"/p/{again}").status_code == 200, "the parents join them again by both links"
    told = asked(
        home, f"SELECT count(*) FROM audit_event WHERE action = 'family.renewed' AND school_id = {home.there.id}"
    )
    assert told == "0", "the other school's record is not written by this one"


def test_a_school_without_a_child_on_the_page_cannot_renew_it_and_is_told_nothing(home: Homes) -> None:
    token = home.family(home.binh)
    who = asked(home, f"SELECT username FROM app_user WHERE id = {home.there.accountant}")
    strange = run(home, "renew", family_id(home), "--by", who, school=home.there.code)
    unknown = run(home, "renew", "999999", "--by", who, school=home.there.code)
    assert strange.exit_code == unknown.exit_code == 1
    assert strange.output == unknown.output
    assert home.client.get(f"/p/{token}").status_code == 200


def test_a_child_whose_own_link_was_renewed_is_no_child_of_the_page_any_more(home: Homes) -> None:
    home.family(home.chi)
    asked(home, f"UPDATE parent_link SET epoch = 2 WHERE school_id = {home.here.id} RETURNING 1")
    assert run(home, "renew", family_id(home), "--by", accountant(home)).exit_code == 1


def test_the_desk_warns_first_and_shows_the_new_link_once(home: Homes) -> None:
    old = home.family(home.binh)
    home.faces.log_in("accountant")
    first = home.page(desk(home))
    assert "Bình" in first
    assert "/renew" not in first.split('id="families"')[1], "the first click only warns"
    warned = f"{desk(home)}?family={family_id(home)}"
    assert "ngừng ngay" in home.page(warned)
    answer = home.send(f"{desk(home)}family/{family_id(home)}/renew", warned)
    new = answer.get_data(as_text=True).split("/p/")[1].split('"')[0]
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert home.client.get(f"/p/{old}").status_code == 404
    assert home.client.get(f"/p/{new}").status_code == 200
    assert new not in home.page(desk(home))


def test_on_the_desk_children_of_other_schools_stay_unseen(home: Homes) -> None:
    home.family(home.chi, mine=home.family(home.binh))
    home.faces.log_in("accountant")
    name = asked(home, f"SELECT full_name FROM pupil WHERE school_id = {home.there.id} AND id = {home.there.pupil}")
    sector = asked(home, f"SELECT sector_id FROM pupil WHERE school_id = {home.there.id} AND id = {home.there.pupil}")
    page = home.page(desk(home))
    last = page.split(f'id="family-{family_id(home)}"')[1].split("</li>")[0]
    assert "Bình" in last
    assert sector not in page
    assert home.there.code not in page
    answer = home.send(f"{desk(home)}family/{family_id(home)}/renew", f"{desk(home)}?family={family_id(home)}")
    shown = answer.get_data(as_text=True)
    assert "/p/" not in shown
    assert sector not in shown
    assert "không hiện ở trường" in shown
    assert name


def test_a_principal_sees_the_pages_and_may_not_renew_and_another_pupil_s_page_is_not_found(home: Homes) -> None:
    token = home.family(home.chi, mine=home.binh)
    home.faces.log_in("principal")
    assert "renew" not in home.page(f"{desk(home)}?family={family_id(home)}").split("<main")[1]
    assert home.send(f"{desk(home)}family/{family_id(home)}/renew", "/verify").status_code in {403, 404}
    home.faces.log_in("accountant")
    strange = home.send(f"{desk(home)}family/{family_id(home)}/renew", f"{desk(home)}?renew=1")
    assert strange.status_code == 404, "An is not on that page"
    assert home.client.get(f"/p/{token}").status_code == 200


def test_without_the_look_at_whose_children_they_are_any_school_could_renew(
    home: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Teeth: the guard is that one of the children is the school's."""
    home.family(home.binh)
    spoilt = text(families._SHOWN.text.replace("SELECT m.school_id", f"SELECT {home.there.id} AS school_id"))
    monkeypatch.setattr(families, "_SHOWN", spoilt)
    who = asked(home, f"SELECT username FROM app_user WHERE id = {home.there.accountant}")
    assert run(home, "renew", family_id(home), "--by", who, school=home.there.code).exit_code == 0
