"""Families: how children come onto one page, and that a page never shows a child whose link it does not hold."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from payments import clock
from payments.db import session_scope
from payments.portal import families, family_views
from payments.portal.rules import (
    KIND_PUPIL,
    _token,
    derive_family_token,
    derive_token,
    token_in,
)
from payments.portal.service import revoke_link, tokens
from payments.throttle.rules import Limit
from tests.payments.portal.homes import Homes, homes
from tests.payments.portal.strangers import below_a_link
from tests.payments.settlement.setting import issue

pytestmark = pytest.mark.db
KEY = b"k" * 32


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Homes]:
    with homes(engine, database_url) as made:
        yield made


def test_a_pupil_s_token_is_what_it_was_and_never_a_family_s():
    assert derive_token(KEY, 3, 7, 1) == _token(KEY, KIND_PUPIL, 3, 7, 1) == "kdkf4eby6quwrcwcr57gkmruttozcy75"
    assert derive_family_token(KEY, 7, 1) not in {derive_token(KEY, school, 7, 1) for school in range(10)}


@pytest.mark.parametrize(
    "pasted", ["{0}", " https://a.example/p/{0}", "Xem: https://a.example/p/{0}?lang=en nhé", "HTTPS://A.VN/P/{0}/"]
)
def test_a_pasted_link_is_understood(pasted):
    assert token_in(pasted.format("a2" * 16)) == "a2" * 16


def test_what_holds_no_link_is_none():
    assert [token_in(one) for one in ("", "https://a.example/p/", "a2" * 15, "a2" * 17, "1" * 32)] == [None] * 5


def test_both_links_make_a_page_of_all_children_and_twice_the_same(home: Homes) -> None:
    family = home.family(home.chi)
    assert family not in {home.an, home.binh, home.chi}
    assert home.family(home.chi) == family
    assert home.family(home.an, mine=home.chi) == family
    page = home.page(f"/p/{family}?new")
    assert "Hãy lưu đường dẫn này" in page
    assert f"/p/{family}" in page
    assert "Hãy lưu" not in home.page(f"/p/{family}")
    assert page.count('class="due child ') == 2
    assert "child-1" in page
    assert "child-2" in page
    for token in (home.an, home.chi):
        assert token not in page
    assert "Keep this link" in home.client.get(f"/p/{family}?new&lang=en").get_data(as_text=True)


def test_further_children_and_whole_families_make_a_page_of_their_own_and_change_no_other(home: Homes) -> None:
    """The link of two children may be in two hands: what one parent adds is not shown to the other."""
    two = home.family(home.binh)
    three = home.family(home.chi, mine=two)
    assert three != two
    assert home.page(f"/p/{three}").count('class="due child ') == 3
    assert home.page(f"/p/{two}").count('class="due child ') == 2
    assert home.family(two, mine=home.family(home.chi, mine=home.binh)) == three, "the same children, the same page"


def test_a_wrong_link_a_child_that_is_there_and_nothing_at_all_are_refused(home: Homes) -> None:
    family = home.family(home.binh)
    for link, status in (("a" * 32, 404), (home.binh, 409), (home.an, 409), (family, 409), ("x", 422), ("", 422)):
        assert home.send(f"/p/{family}/family", f"/p/{family}/family", link=link).status_code == status
    assert home.client.post(f"/p/{family}/family", data={"link": home.chi}).status_code == 400
    assert home.client.get(f"/p/{'a' * 32}/family").status_code == 404


def test_a_renewed_link_takes_its_child_off_at_once(home: Homes) -> None:
    family = home.family(home.binh, home.chi)
    assert "Bình" in home.page(f"/p/{family}")
    before = home.client.get(f"/p/{family}/status").headers["ETag"]
    with session_scope(home.faces.engine) as session:
        revoke_link(session, home.faces.settings.link_keys, home.here.id, home.binh_id)
        renewed = dict(tokens(session, home.faces.settings.link_keys, home.here.id))[home.binh_id]
    page = home.page(f"/p/{family}")
    assert "Bình" not in page
    assert home.dues["binh"].reference not in page
    assert home.client.get(f"/p/{family}/status").headers["ETag"] != before
    # Whoever has the new link may bring the child back.
    assert "Bình" in home.page(f"/p/{home.family(renewed, mine=family)}")


def test_teeth_without_the_epoch_a_renewed_link_would_leave_the_child_there(home: Homes, monkeypatch) -> None:
    family = home.family(home.binh)
    with session_scope(home.faces.engine) as session:
        revoke_link(session, home.faces.settings.link_keys, home.here.id, home.binh_id)
    careless = text(str(families._CHILDREN).replace("AND l.epoch = m.link_epoch", ""))
    monkeypatch.setattr(families, "_CHILDREN", careless)
    assert "Bình" in home.page(f"/p/{family}")


def test_a_child_can_be_taken_off_and_its_own_link_stays(home: Homes) -> None:
    family = home.family(home.binh)
    page = home.page(f"/p/{family}")
    member = page.split('name="child" value="')[2].split('"')[0]
    assert home.send(f"/p/{family}/family/leave", f"/p/{family}", child="99999").status_code == 404
    assert home.send(f"/p/{home.an}/family/leave", f"/p/{home.an}/family", child=member).status_code == 404
    assert home.send(f"/p/{family}/family/leave", f"/p/{family}", child=member).status_code == 303
    assert "Bình" not in home.page(f"/p/{family}")
    assert "Bình" in home.page(f"/p/{home.binh}")
    first = page.split('name="child" value="')[1].split('"')[0]
    assert home.send(f"/p/{family}/family/leave", f"/p/{family}", child=first).status_code == 303
    assert home.client.get(f"/p/{family}").status_code == 404


def test_the_page_ends_with_the_last_of_its_children_s_links(home: Homes) -> None:
    family = home.family(home.chi)
    late = text("UPDATE parent_link SET expires_at = :moment WHERE school_id = :school")
    with session_scope(home.faces.engine) as session:
        session.execute(late, {"moment": clock.now(), "school": home.there.id})
    assert home.page(f"/p/{family}").count('class="due child ') == 1
    with session_scope(home.faces.engine) as session:
        session.execute(late, {"moment": clock.now(), "school": home.here.id})
    gone = home.client.get(f"/p/{family}")
    assert gone.status_code == 404
    assert gone.data == home.client.get(f"/p/{'a' * 32}").data


def test_a_child_is_on_a_limited_number_of_pages_and_a_page_has_limited_children(home: Homes, monkeypatch) -> None:
    monkeypatch.setattr(families, "MOST_FAMILIES", 1)
    home.family(home.binh)
    assert home.send(f"/p/{home.an}/family", f"/p/{home.an}/family", link=home.chi).status_code == 422
    monkeypatch.setattr(families, "MOST_FAMILIES", 12)
    monkeypatch.setattr(families, "MOST_CHILDREN", 2)
    family = home.family(home.binh)
    assert home.send(f"/p/{family}/family", f"/p/{family}/family", link=home.chi).status_code == 422


def test_pictures_of_a_child_are_had_by_naming_it(home: Homes) -> None:
    family = home.family(home.chi)
    member = home.page(f"/p/{family}").split('name="child" value="')[1].split('"')[0]
    path = f"/p/{family}/qr/{home.dues['an2'].reference}.png"
    assert home.client.get(f"{path}?child={member}").status_code == 200
    for asked in ("", "?child=", "?child=0", "?child=x", f"?child={int(member) + 1}"):
        assert home.client.get(f"{path}{asked}").status_code == 404


def test_joining_is_in_the_log_of_each_school(home: Homes) -> None:
    home.family(home.chi)
    with session_scope(home.faces.engine) as session:
        rows = session.execute(
            text("SELECT DISTINCT school_id FROM audit_event WHERE action = 'family.joined' ORDER BY 1")
        )
        assert [row[0] for row in rows] == sorted([home.here.id, home.there.id])


def test_joining_and_leaving_in_turn_ends_after_some_changes_a_day(home: Homes, monkeypatch) -> None:
    """Each turn leaves an empty family and rows of the log behind: a script must not make them without end."""
    monkeypatch.setattr(family_views, "CHANGES", Limit("family.changes", 2, timedelta(days=1)))
    token = ""
    for _ in range(2):
        token = home.family(home.binh)
        member = home.page(f"/p/{token}").split('name="child" value="')[2].split('"')[0]
        assert home.send(f"/p/{token}/family/leave", f"/p/{token}", child=member).status_code == 303
    with session_scope(home.faces.engine) as session:
        before = session.scalar(text("SELECT count(*) FROM family"))
    tired = home.send(f"/p/{home.an}/family", f"/p/{home.an}/family", link=home.binh)
    assert (tired.status_code, "Retry-After" in tired.headers) == (429, True)
    with session_scope(home.faces.engine) as session:
        assert session.scalar(text("SELECT count(*) FROM family")) == before
    assert home.client.get(f"/p/{home.an}").status_code == 200, "reading is not limited"


def test_a_family_s_link_opens_nothing_of_other_families_whatever_child_it_names(home: Homes) -> None:
    """On every route: another family's child by its number, its references, receipts, bundles and claims."""
    mine, theirs = home.family(home.binh), home.family(home.chi, mine=home.binh)
    home.pay(home.there, 30_000, home.dues["chi2"].reference)
    strange = home.page(f"/p/{theirs}").split('name="child" value="')[2].split('"')[0]
    own = home.page(f"/p/{mine}").split('name="child" value="')[1].split('"')[0]
    with session_scope(home.faces.engine) as session:
        year, number = session.execute(text("SELECT year, number FROM receipt")).one()
        club = issue(session, home.there, 10_000, 5_000, chosen=False).id
        wanted = text("SELECT id FROM invoice_line WHERE NOT mandatory AND invoice_id = :club")
        line = session.scalars(wanted, {"club": club}).one()
    bundle = home.together(theirs, home.dues["chi"].reference, home.dues["binh"].reference)
    for reference in (home.dues["chi"].reference, bundle.split("/together/")[1]):
        parts = {"reference": reference, "number": f"XN-{year}-{number:06d}", "name": reference, "line_id": str(line)}
        for method in ("GET", "POST"):
            for rule, path in below_a_link(home.faces, method, **parts):
                if rule in WITHOUT_A_CHILD:
                    continue
                for token, child in ((mine, strange), (mine, own), (home.an, strange)):
                    if (token, child) != (mine, strange) and rule in OF_ONE_CHILD:
                        continue  # its own child's page, which is right
                    form = {"csrf_token": csrf(home), "bank_reference": "FT25253123456789", "declined": "yes"}
                    sent = {"data": form} if method == "POST" else {}
                    answer = home.client.open(f"{path.replace('TOKEN', token)}?child={child}", method=method, **sent)
                    assert answer.status_code == 404, (method, rule, token == mine, child == strange)


def csrf(home: Homes) -> str:
    return home.page(f"/p/{home.an}/family").split('name="csrf_token" value="')[1].split('"')[0]


WITHOUT_A_CHILD = {
    "/p/<token>",
    "/p/<token>/status",
    "/p/<token>/family",
    "/p/<token>/together",
}
"""Show all of a family's children, and read no ``child``."""
OF_ONE_CHILD = {"/p/<token>/claims"}


@pytest.mark.parametrize("ended", ["renewed", "expired", "left"])
def test_no_route_of_a_family_s_link_opens_a_child_that_is_gone(home: Homes, ended: str) -> None:
    family = home.family(home.chi)
    member = home.page(f"/p/{family}").split('name="child" value="')[2].split('"')[0]
    home.pay(home.there, 30_000, home.dues["chi2"].reference)
    with session_scope(home.faces.engine) as session:
        year, number = session.execute(text("SELECT year, number FROM receipt")).one()
    parts = {"reference": home.dues["chi"].reference, "number": f"XN-{year}-{number:06d}"}
    parts["name"] = parts["reference"]
    paths = [path for rule, path in below_a_link(home.faces, "GET", **parts) if rule not in WITHOUT_A_CHILD]

    def opened() -> set[int]:
        answers = [home.client.get(f"{path.replace('TOKEN', family)}?child={member}") for path in paths]
        return {answer.status_code for answer in answers}

    assert 200 in opened()
    version = home.client.get(f"/p/{family}/status").data
    if ended == "left":
        home.send(f"/p/{family}/family/leave", f"/p/{family}", child=member)
    with session_scope(home.faces.engine) as session:
        if ended == "renewed":
            revoke_link(session, home.faces.settings.link_keys, home.there.id, home.there.pupil)
        if ended == "expired":
            past = {"past": clock.now(), "school": home.there.id}
            session.execute(text("UPDATE parent_link SET expires_at = :past WHERE school_id = :school"), past)
    assert opened() == {404}
    assert home.client.get(f"/p/{family}/status").data != version
    for path in (f"/p/{family}", f"/p/{family}/together", f"/p/{family}/family"):
        assert home.dues["chi"].reference not in home.page(path)


def test_a_child_of_a_family_has_its_own_page_and_its_links_stay_with_it(home: Homes) -> None:
    family = home.family(home.chi)
    shown = home.page(f"/p/{family}", language="en")
    alone = next(part.split('"')[0] for part in shown.split('href="')[1:] if part.startswith(f"/p/{family}?child="))
    assert "lang=en" in alone
    child = alone.split("child=")[1].split("&")[0]
    page = home.page(f"/p/{family}?child={child}")
    assert "Khoản tự nguyện" in page
    assert f"/p/{family}/claims?child={child}" in page
    assert f'href="/p/{family}"' in page
    picture = page.split('<img src="')[1].split('"')[0].replace("&amp;", "&")
    assert f"child={child}" in picture
    assert home.client.get(picture).status_code == 200
    answer = home.send(
        f"/p/{family}/claims?child={child}", f"/p/{family}/claims?child={child}", bank_reference="FT25253123456789"
    )
    assert (answer.status_code, f"child={child}" in answer.headers["Location"]) == (303, True)
    assert "FT25253123456789" in home.page(f"/p/{family}")
    assert home.client.get(f"/p/{family}?child=0").status_code == 404
    assert home.client.get(f"/p/{family}?child=").status_code == 404


def test_a_link_that_cannot_be_read_leads_back_to_the_form(home: Homes) -> None:
    answer = home.send(f"/p/{home.an}/family", f"/p/{home.an}/family", link="xin chào")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Vui lòng dán nguyên đường dẫn" in page
    assert 'name="link"' in page
    assert "no_link" not in page


def test_a_voluntary_notice_that_nobody_paid_is_not_called_paid(home: Homes) -> None:
    with session_scope(home.faces.engine) as session:
        issue(session, home.here, 0, 9_000, pupil=home.binh_id, chosen=False)
    page = home.page(f"/p/{home.family(home.chi, mine=home.binh)}")
    assert "đã thanh toán" not in page
