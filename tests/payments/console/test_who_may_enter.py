"""Every route of the staff's pages, tried by everybody: a new route that forgets its guard is noticed here."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from werkzeug.routing import AnyConverter, Rule

from payments.access.models import Role
from payments.access.service import create_user, grant_role
from payments.db import session_scope
from reconciliation.panels import PANELS
from tests.payments.faces import PASSWORD, Faces, faces
from tests.payments.setting import make_school

FREE = {"console.start"}
"""Leads everybody to their own page."""
PROVINCE = {"console.overview": Role.OFFICER, "console.senders": Role.OPERATOR}
"""Pages that belong to no school, and the one role that sees them."""


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url, PANELS) as made:
        yield made


def rules(desk: Faces) -> list[Rule]:
    """Every route of staff's pages."""
    found = [rule for rule in desk.client.application.url_map.iter_rules() if rule.rule.startswith("/console")]
    assert len(found) > 20
    return found


def school_rules(desk: Faces) -> list[Rule]:
    return [rule for rule in rules(desk) if "code" in rule.arguments]


def path_of(desk: Faces, rule: Rule, code: str) -> str:
    """The address of a route with numbers that exist nowhere, or with the first word that it knows."""
    known = {name: sorted(way.items)[0] for name, way in rule._converters.items() if isinstance(way, AnyConverter)}
    values = {name: code if name == "code" else known.get(name, 999_999) for name in rule.arguments}
    with desk.client.application.test_request_context():
        return desk.client.application.url_map.bind("localhost").build(rule.endpoint, values, method=method_of(rule))


def method_of(rule: Rule) -> str:
    return "POST" if "POST" in (rule.methods or ()) else "GET"


def enter(desk: Faces, role: Role, organisation_id: int | None) -> None:
    """Log somebody in who has this one role."""
    with session_scope(desk.engine) as session:
        user = create_user(session, username=f"ai.do.{role}", full_name="Ai Đó (mẫu)", password=PASSWORD)
        grant_role(session, user, role, organisation_id)
    desk.client.delete_cookie("hocphi")
    assert desk.post("/login", "/login", username=f"ai.do.{role}", password=PASSWORD) == 303


def form_token(desk: Faces) -> str:
    """The token against forged forms of the page where this person arrives."""
    own_page = desk.client.get("/console/", follow_redirects=True).get_data(as_text=True)
    return own_page.split('name="csrf_token" value="')[1].split('"')[0]


def ask(desk: Faces, rule: Rule, code: str, token: str) -> int:
    """The answer to a request; a form carries this token."""
    path = path_of(desk, rule, code)
    if method_of(rule) == "GET":
        return desk.client.get(path).status_code
    return desk.client.post(path, data={"csrf_token": token}).status_code


def test_nobody_enters_without_a_log_in(desk: Faces) -> None:
    token = form_token(desk)
    for rule in rules(desk):
        answer = ask(desk, rule, desk.school.code, token)
        assert answer in {303, 401}, (rule, answer)


@pytest.mark.parametrize("role", [Role.OFFICER, Role.OPERATOR])
def test_who_works_for_no_school_enters_no_school(desk: Faces, role: Role) -> None:
    enter(desk, role, desk.school.id if role is Role.OFFICER else None)
    token = form_token(desk)
    for rule in school_rules(desk):
        answer = ask(desk, rule, desk.school.code, token)
        assert answer in {403, 404}, (rule, answer)


@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.PRINCIPAL])
def test_another_school_is_unknown_on_every_route(desk: Faces, role: Role) -> None:
    with session_scope(desk.engine) as session:
        other = make_school(session)
    enter(desk, role, other.id)
    token = form_token(desk)
    for rule in school_rules(desk):
        assert ask(desk, rule, desk.school.code, token) == 404, rule


@pytest.mark.parametrize("role", list(Role))
def test_the_province_s_pages_are_for_one_role_each(desk: Faces, role: Role) -> None:
    enter(desk, role, None if role is Role.OPERATOR else desk.school.id)
    for rule in rules(desk):
        if "code" not in rule.arguments and rule.endpoint not in FREE and method_of(rule) == "GET":
            answer = desk.client.get(path_of(desk, rule, "")).status_code
            assert (answer == 200) == (role is PROVINCE[rule.endpoint]), (rule, answer)


def test_no_form_is_taken_without_its_token(desk: Faces) -> None:
    desk.log_in("accountant")
    for rule in rules(desk):
        if method_of(rule) == "POST":
            assert desk.client.post(path_of(desk, rule, desk.school.code)).status_code == 400, rule
