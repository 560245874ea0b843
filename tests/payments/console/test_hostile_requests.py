"""Requests that no browser would send, at every address of the application: refused, never an error of ours."""

import io
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from werkzeug.routing import Rule

from payments.db import session_scope
from reconciliation.imports.push import OPERATIONS
from reconciliation.panels import PANELS
from tests.payments.faces import Faces, faces

HUGE = str(10**24)
ODD = ("\x00", "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"), HUGE, "-1", "'\"><script>", "%00")
FIELDS = (
    *(
        "invoice",
        "hint",
        "references",
        "note",
        "reason",
        "pupil",
        "debit",
        "approved",
        "transaction",
        "token",
        "w",
        "x",
    ),
    *("i-1", f"i-{HUGE}", "p-1", "name", "query", "back", "shared", "place-day", "heading-day", "shortcuts", "find"),
    *("ids", "id", "count", "amount_vnd", "resolution", "assignee", "proposal", "deed", "whole", "fact", "through"),
    *("seen", "known", "account", "book_code", "kind", "sheet", "header", "role-0", "do", "columns", "month", "q"),
)


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url, PANELS, operations=OPERATIONS) as made:
        yield made


def rules(home: Faces, method: str) -> list[Rule]:
    return [rule for rule in home.client.application.url_map.iter_rules() if method in (rule.methods or ())]


def path(home: Faces, rule: Rule, **values: str) -> str:
    """The address with these values, as the wire has it: converters of numbers know no bound."""

    def value(found: re.Match[str]) -> str:
        kind, name = found["kind"] or "", found["name"]
        if kind.startswith("any("):
            return kind[4:-1].split(",")[0]
        return values.get(name) or values["number" if kind == "int" else "word"]

    return re.sub(r"<(?:(?P<kind>[^:>]+):)?(?P<name>\w+)>", value, rule.rule)


def test_addresses_with_impossible_numbers_and_words_are_nowhere(home):
    home.log_in("accountant")
    wrong = []
    for rule in rules(home, "GET"):
        for number, word, code in (
            (HUGE, "csv", home.school.code),
            ("1", "%00", "%00"),
            ("1", "..%2f..%2fetc%2fpasswd", home.school.code),
            ("1", "a" * 3000, "%ed%a0%80"),
        ):
            answer = home.client.get(path(home, rule, number=number, word=word, code=code))
            answer.get_data()  # what is streamed ends before the next request begins
            if answer.status_code >= 500:
                wrong.append((rule.rule, number[:9], word[:9], code, answer.status_code))
    assert wrong == []


def test_filters_with_odd_values_are_passed_over_or_refused(home):
    home.log_in("accountant")
    wrong = []
    for rule in rules(home, "GET"):
        if not rule.rule.startswith(("/console", "/verify")):
            continue
        for odd in ODD:
            address = path(home, rule, number="1", word="csv", code=home.school.code)
            names = (
                "q",
                "sort",
                "tab",
                "page",
                "view",
                "account",
                "before",
                "month",
                "class",
                "due",
                "assignee",
                "min",
            )
            answer = home.client.get(address, query_string=dict.fromkeys((*names, *FIELDS, "max", "from", "to"), odd))
            answer.get_data()
            if answer.status_code >= 500:
                wrong.append((rule.rule, odd[:9], answer.status_code))
    assert wrong == []


def test_every_post_needs_the_token_of_a_page_and_survives_odd_fields(home):
    home.log_in("principal")
    token = home.page(f"/console/{home.school.code}/views/").split('name="csrf_token" value="')[1].split('"')[0]
    before = _counts(home)
    wrong, unguarded = [], []
    for rule in rules(home, "POST"):
        if not rule.rule.startswith("/console"):
            continue
        address = path(home, rule, number="1", word="x", code=home.school.code)
        nowhere = path(home, rule, number=HUGE, word="%00", code=home.school.code)
        if home.client.post(nowhere, data={"csrf_token": token}).status_code >= 500:
            wrong.append((rule.rule, "address", 500))
        if home.client.post(address, data={"note": "x"}).status_code != 400:
            unguarded.append(rule.rule)
        for odd in ODD:
            data = dict.fromkeys(FIELDS, odd) | {"csrf_token": token}
            files = {"file": (io.BytesIO(b"x"), f"{odd}.csv"), "certificate": (io.BytesIO(b"x"), "x")}
            answer = home.client.post(address, data=data | files)
            if answer.status_code >= 500:
                wrong.append((rule.rule, odd[:9], answer.status_code))
    assert (wrong, unguarded) == ([], [])
    assert _counts(home) == before


def _counts(home: Faces) -> tuple[int, ...]:
    with session_scope(home.engine) as session:
        tables = ("decision", "refund", "approval", "ledger_entry", "period_close", "reconcile_decision")
        return tuple(session.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in tables)
