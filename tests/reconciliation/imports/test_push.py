"""The school's books by API: batches once each, equal rows apart, and only a complete period lets rows be missing."""

import json
from collections.abc import Iterator
from datetime import timedelta

import jsonschema
import pytest

from payments import clock
from payments.api.rules import Scope
from payments.db import session_scope
from reconciliation import service
from reconciliation.imports.push import OPERATIONS
from reconciliation.panels import PANELS
from tests.payments.api.conftest import Software, software
from tests.payments.faces import faces
from tests.reconciliation.imports.hall import Hall
from tests.reconciliation.imports.test_returned import bank_day, missing
from tests.reconciliation.school_ledgers.test_bang_ke import paper as list_of_receipts


@pytest.fixture
def hall(engine, database_url) -> Iterator[Hall]:
    with faces(engine, database_url, PANELS, operations=OPERATIONS) as made:
        with session_scope(engine) as session:
            service.set_book_account(session, made.school.id, "1121", made.school.account)
        yield Hall(made)


@pytest.fixture
def api(hall) -> Software:
    return software(hall.faces, hall.school)


def row(number: int = 0, **more: object) -> dict:
    return {
        "booked_on": "2025-09-10",
        "document_no": f"BC{number}",
        "description": f"Thu {number}",
        "account": "1121",
        "side": "debit",
        "amount_vnd": 100_000 + number,
    } | more


WHOLE = {"first": "2025-09-10", "last": "2025-09-10"}


def test_a_batch_is_taken_once_whatever_the_key_of_its_request(api, hall):
    first = api.post("/ledger-rows", {"rows": [row(0), row(1), row(2, account="5311")]})
    assert first == {"rows": 2, "new": 2, "cash": 0, "passed_over": 1, "unplaced": [], "vouches": False}
    again = api.post("/ledger-rows", {"rows": [row(1), row(0)]})
    assert (again["new"], hall.count("ledger_row")) == (0, 2)
    assert hall.rows("SELECT direction, account_id FROM ledger_row") == [("credit", hall.school.account)] * 2


def test_rows_that_came_as_a_file_are_known_to_the_api_and_the_other_way_round(api, hall):
    hall.faces.log_in("accountant")
    hall.bring("ledger", list_of_receipts(account="Tài khoản: 1121"), "bang-ke.csv")
    pushed = {
        "booked_on": "2025-10-05",
        "document_no": "BK01",
        "description": "Tiền ăn · Trần Thị Mẫu",
        "account": "1121",
        "side": "debit",
        "amount_vnd": 300_000,
    }
    assert api.post("/ledger-rows", {"rows": [pushed]})["new"] == 0


def test_equal_rows_stay_two_within_a_batch_and_with_their_number_across_batches(api, hall):
    assert api.post("/ledger-rows", {"rows": [row(), row()]})["new"] == 2
    assert api.post("/ledger-rows", {"rows": [row()]})["new"] == 0
    assert api.post("/ledger-rows", {"rows": [row(occurrence=3)]})["new"] == 1
    assert hall.count("ledger_row") == 3
    told = api.post("/ledger-rows", {"rows": [row(), row(occurrence=1)]}, 422)
    assert [(one["code"], one["pointer"]) for one in told["errors"]] == [("repeated_row", "/rows/1")]


def test_only_a_period_that_is_said_complete_is_vouched_for(api, hall):
    hall.faces.log_in("accountant")
    bank_day(hall)
    api.post("/ledger-rows", {"rows": [row(0, document_no="", description="Thu 0")]})
    assert missing(hall) == 0
    told = api.post("/ledger-rows", {"rows": [], "complete": WHOLE})
    assert told["vouches"]
    assert missing(hall) == 1
    assert hall.rows("SELECT vouches FROM ledger_import ORDER BY id") == [(False,), (True,)]


def test_days_that_have_not_come_are_not_vouched_for(api, hall):
    """Books cannot know them: each payment of such a day would count as missing in the books as soon as it comes."""
    ahead = clock.today() + timedelta(days=1)
    for last in ("9999-12-31", str(ahead)):
        told = api.post("/ledger-rows", {"rows": [row()], "complete": {"first": "2025-09-01", "last": last}}, 422)
        assert [(one["code"], one["pointer"]) for one in told["errors"]] == [("bad_period", "/complete")]
    assert hall.count("ledger_import") == 0
    today = {"first": "2025-09-01", "last": str(clock.today())}
    assert api.post("/ledger-rows", {"rows": [row()], "complete": today})["vouches"]


def test_what_is_no_batch_is_refused_and_nothing_of_it_is_kept(api, hall):
    for bad in (
        {"rows": [row(amount_vnd=0)]},
        {"rows": [row(amount_vnd=1.5)]},
        {"rows": [row(side="in")]},
        {"rows": [row(booked_on="2025-02-30")]},
        {"rows": [row()], "complete": {"first": "2025-09-11", "last": "2025-09-10"}},
        {"rows": [row(account="11 21")]},
    ):
        api.post("/ledger-rows", bad, 422)
    assert hall.count("ledger_row") == hall.count("ledger_import") == 0
    assert api.post("/ledger-rows", {"rows": []})["rows"] == 0


def test_a_key_without_the_scope_or_of_another_school_writes_nothing_here(api, hall):
    other = software(hall.faces, hall.school, set(Scope) - {Scope.LEDGER_WRITE})
    assert other.send("/ledger-rows", {"rows": [row()]}).status_code == 403
    assert hall.faces.client.post("/api/v1/ledger-rows", json={"rows": [row()]}).status_code == 401
    assert hall.count("ledger_row") == 0


def test_the_served_description_has_the_operation_and_its_answer_is_as_described(api, hall):
    served = hall.faces.client.get("/api/openapi.json").get_json()
    described = served["paths"]["/api/v1/ledger-rows"]["post"]
    assert (served["openapi"], described["x-scope"]) == ("3.1.0", "ledger:write")
    routes = {rule.rule for rule in hall.faces.client.application.url_map.iter_rules()}
    assert set(served["paths"]) == {
        rule.replace("<", "{").replace(">", "}") for rule in routes if rule.startswith("/api/v1")
    }
    answer = api.post("/ledger-rows", {"rows": [row(), row(1, account="1129")]})
    schema = {"$ref": "#/components/schemas/LedgerRowsReport", "components": served["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer)
    jsonschema.Draft202012Validator.check_schema(served["components"]["schemas"]["LedgerRowsIn"])
    assert json.dumps(answer["unplaced"])
