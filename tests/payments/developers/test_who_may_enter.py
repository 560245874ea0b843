"""Every route of the developers' desk, tried by everybody: a new route that forgets its guard is noticed here."""

import pytest
from werkzeug.routing import Rule

from payments.access.models import Role
from payments.access.service import create_user, grant_role
from payments.db import session_scope
from tests.payments.developers.desks import DeveloperDesk, body_of
from tests.payments.faces import PASSWORD

ONE = {"event_id", "connection_id"}
"""A route with one of these is about something that may be out of reach."""
OPENS = "developers.open_event"


def rules(desk: DeveloperDesk) -> list[Rule]:
    found = [rule for rule in desk.client.application.url_map.iter_rules() if rule.rule.startswith("/developers")]
    assert len(found) >= 16
    return found


def method_of(rule: Rule) -> str:
    return "POST" if "POST" in (rule.methods or ()) else "GET"


def ask(desk: DeveloperDesk, rule: Rule) -> int:
    """The answer to a request about the live connection and its delivery, with a right token against forged forms."""
    values = {"event_id": desk.newest_event(), "connection_id": desk.live.connection_id, "name": "sepay"}
    with desk.client.application.test_request_context():
        adapter = desk.client.application.url_map.bind("localhost")
        given = {name: values[name] for name in rule.arguments}
        path = adapter.build(rule.endpoint, given, method=method_of(rule))
    if method_of(rule) == "GET":
        return desk.client.get(path).status_code
    page = desk.client.get("/login", follow_redirects=True).get_data(as_text=True)
    token = page.split('name="csrf_token" value="')[1].split('"')[0] if "csrf_token" in page else ""
    return desk.client.post(path, data={"csrf_token": token}).status_code


def enter(desk: DeveloperDesk, role: Role) -> None:
    with session_scope(desk.engine) as session:
        user = create_user(session, username=f"ai.do.{role}", full_name="Ai Đó (mẫu)", password=PASSWORD)
        grant_role(session, user, role, None if role in {Role.OPERATOR, Role.ENGINEER} else desk.home.school.id)
    desk.enter(f"ai.do.{role}")


@pytest.fixture(autouse=True)
def something_to_see(desk: DeveloperDesk) -> None:
    desk.receive(desk.live, body_of(desk.live))


def test_nobody_enters_without_a_log_in(desk: DeveloperDesk) -> None:
    for rule in rules(desk):
        assert ask(desk, rule) == 303, rule


@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.PRINCIPAL, Role.OFFICER])
def test_who_works_for_schools_has_no_business_here(desk: DeveloperDesk, role: Role) -> None:
    enter(desk, role)
    for rule in rules(desk):
        assert ask(desk, rule) in {400, 403}, rule


def test_the_engineer_reaches_every_page_and_nothing_of_a_connection_that_is_not_shared(desk: DeveloperDesk) -> None:
    enter(desk, Role.ENGINEER)
    for rule in rules(desk):
        answer = ask(desk, rule)
        if rule.endpoint == OPENS:
            assert answer == 403
        elif ONE & rule.arguments:
            assert answer == 404, rule
        else:
            assert answer in ({200} if method_of(rule) == "GET" else {422}), (rule, answer)


def test_the_operator_reaches_everything(desk: DeveloperDesk) -> None:
    enter(desk, Role.OPERATOR)
    for rule in rules(desk):
        assert ask(desk, rule) in {200, 303, 422}, rule


def test_no_form_is_taken_without_its_token(desk: DeveloperDesk) -> None:
    enter(desk, Role.OPERATOR)
    for rule in rules(desk):
        if method_of(rule) == "POST":
            path = rule.rule.replace("<int:event_id>", str(desk.newest_event()))
            assert desk.client.post(path).status_code == 400, rule


def test_the_engineer_s_log_in_leads_to_this_desk_and_to_no_school(desk: DeveloperDesk) -> None:
    enter(desk, Role.ENGINEER)
    assert desk.client.get("/").headers["Location"] == "/developers/"
    assert desk.client.get("/console/").status_code == 403
    assert desk.client.get(f"/console/{desk.home.school.code}/").status_code in {403, 404}


def test_the_operator_s_list_of_senders_leads_here(desk: DeveloperDesk) -> None:
    enter(desk, Role.OPERATOR)
    assert 'href="/developers/events/"' in desk.home.page("/console/senders")
