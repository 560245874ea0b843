"""What school software sends and reads: rosters, registrations, rounds, invoices, payments, receipts, credit."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from payments import clock
from payments.api.rules import Scope
from payments.db import session_scope
from payments.invoices.issuing import issue_round
from payments.invoices.queries import round_by_code
from payments.invoices.service import approve_round
from payments.vietqr import decode
from tests.payments.api.conftest import Software, software
from tests.payments.setting import make_pupils

AUTUMN = datetime(2025, 10, 1, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def autumn():
    """The school year of the setting is running."""
    with clock.turned_to(AUTUMN):
        yield


def pupil(sector_id: str = "0912345678", **more: object) -> dict:
    return {
        "sector_id": sector_id,
        "full_name": "Trần Thị Bình",
        "date_of_birth": "2019-05-04",
        "sex": "female",
        "class_name": "1B",
        **more,
    }


def test_a_key_shows_whose_it_is(api: Software):
    told = api.get("/school")
    assert told["code"] == api.school.code
    assert told["year"]["code"] == "2025-2026"
    assert told["key"]["scopes"] == sorted(Scope)
    assert told["key"]["expires_at"].endswith("+07:00")


def test_pupils_are_written_read_and_moved(api: Software):
    guardians = {"mother": {"name": "Lê Thị Hoa", "phone": "0912345678"}}
    first = api.post("/roster", {"pupils": [pupil(guardians=guardians)], "day": "2025-09-01"})
    assert (first["created"], first["accepted"], first["refused"], first["problems"]) == (1, 1, 0, [])
    again = api.post("/roster", {"pupils": [pupil(guardians=guardians)], "day": "2025-09-01"})
    assert again["unchanged"]
    assert again["created"] == 0
    moved = api.post("/roster", {"pupils": [pupil(class_name="1C")]})
    assert moved["moves"] == [{"sector_id": "0912345678", "from_class": "1B", "to_class": "1C", "status": "studying"}]
    (known,) = api.get("/pupils?sector_id=0912345678")["items"]
    assert known["full_name"] == "Trần Thị Bình"
    assert (known["class_name"], known["grade"], known["since"]) == ("1C", 1, "2025-10-01")
    assert {row["name"]: row["pupils"] for row in api.get("/classes")["items"]} == {"1A": 1, "1B": 0, "1C": 1}


def test_guardians_are_kept_sealed_and_never_read_back(api: Software):
    api.post("/roster", {"pupils": [pupil(guardians={"guardian": {"name": "Lê Thị Hoa", "phone": "0912345678"}})]})
    assert "Hoa" not in api.ask("GET", "/pupils").get_data(as_text=True)
    with session_scope(api.faces.engine) as session:
        kept = session.execute(text("SELECT relation, name_sealed, phone_sealed FROM guardian")).one()
    assert kept.relation == "guardian"
    assert b"Hoa" not in kept.name_sealed + kept.phone_sealed


def test_a_dry_run_reports_and_writes_nothing(api: Software):
    told = api.post("/roster", {"pupils": [pupil()], "dry_run": True})
    assert (told["dry_run"], told["created"]) == (True, 1)
    assert api.get("/pupils?sector_id=0912345678")["items"] == []


def test_refused_pupils_are_named_by_pointer_and_the_others_are_written(api: Software):
    rows = [pupil(), pupil("0912345679", full_name="Nguy1n"), pupil("0912345680", guardians={"father": {"phone": "1"}})]
    told = api.post("/roster", {"pupils": rows})
    assert (told["accepted"], told["refused"]) == (2, 1)
    found = {problem["pointer"]: problem for problem in told["problems"]}
    assert found["/pupils/1/full_name"]["code"] == "bad_name"
    assert found["/pupils/1/full_name"]["refused"]
    assert not found["/pupils/2/guardians/father/phone"]["refused"]


def test_two_pupils_of_one_identifier_point_to_each_other(api: Software):
    told = api.post("/roster", {"pupils": [pupil(), pupil(full_name="Trần Thị Chi")]})
    assert told["accepted"] == 0
    assert [(row["pointer"], row["other_pointer"]) for row in told["problems"]] == [
        ("/pupils/0/sector_id", "/pupils/1"),
        ("/pupils/1/sector_id", "/pupils/0"),
    ]


def test_a_batch_does_not_call_the_other_pupils_missing(api: Software):
    api.post("/roster", {"pupils": [pupil()]})
    with session_scope(api.faces.engine) as session:
        report = session.scalar(text("SELECT report FROM roster_import"))
    assert report["headings"]["song"]["missing_from_file"] == []


def test_registrations_are_written_and_told(api: Software):
    sector_id = api.get("/pupils")["items"][0]["sector_id"]
    row = {"sector_id": sector_id, "fee_code": "KNS", "valid_from": "2025-09-01", "quantity": 4}
    unknown = {**row, "sector_id": "0000000000"}
    told = api.post("/registrations", {"registrations": [row, unknown]})
    assert (told["new"], told["refused"]) == (1, 1)
    assert [(one["pointer"], one["code"]) for one in told["problems"]] == [
        ("/registrations/1/sector_id", "unknown_pupil")
    ]
    assert api.get("/registrations?fee_code=KNS")["items"] == [{**row, "valid_to": None}]


def test_fee_items_carry_today_s_price_and_their_account(api: Software):
    meals, club = api.get("/fee-items")["items"]
    assert (meals["code"], meals["rates"][0]["unit_price_vnd"], meals["mandatory"]) == ("AN", 30_000, True)
    assert club["by_registration"]
    assert meals["account"]["bin"] == "970998"


def round_body(code: str = "T10", **more: object) -> dict:
    return {
        "code": code,
        "name": "Tháng 10",
        "starts_on": "2025-10-01",
        "due_on": "2025-10-20",
        "fees": [{"fee_code": "AN", "quantity": 22}],
        **more,
    }


def test_software_drafts_a_round_and_a_person_approves_it(api: Software):
    sector_id = api.get("/pupils")["items"][0]["sector_id"]
    quantities = [{"sector_id": sector_id, "fee_code": "AN", "quantity": 20}]
    drafted = api.post("/rounds", round_body(quantities=quantities), status=201)
    assert (drafted["state"], drafted["fees"]) == ("draft", [{"fee_code": "AN", "quantity": 22}])
    planned = api.get("/rounds/T10/plan")
    assert (planned["invoices"], planned["amount_vnd"], planned["refusals"]) == (1, 600_000, [])
    with session_scope(api.faces.engine) as session:
        proposed_by = session.scalar(text("SELECT proposed_by FROM approval WHERE state = 'proposed'"))
        found = round_by_code(session, api.school.id, "T10")
        approve_round(session, api.school.id, found.id, api.school.principal)
        issue_round(session, api.school.id, found.id)
    assert proposed_by == api.school.accountant
    issued = api.get("/rounds/T10")
    assert (issued["state"], issued["invoices"], issued["amount_vnd"]) == ("issued", 1, 600_000)
    assert [row["code"] for row in api.get("/rounds?state=issued")["items"]][-1] == "T10"


def test_no_operation_approves_or_issues(api: Software):
    routes = {rule.rule for rule in api.faces.client.application.url_map.iter_rules() if rule.rule.startswith("/api")}
    assert not [route for route in routes if "approve" in route or "issue" in route]


def test_new_quantities_undo_an_approval(api: Software):
    api.post("/rounds", round_body(), status=201)
    with session_scope(api.faces.engine) as session:
        found = round_by_code(session, api.school.id, "T10")
        approve_round(session, api.school.id, found.id, api.school.principal)
    sector_id = api.get("/pupils")["items"][0]["sector_id"]
    rows = [{"sector_id": sector_id, "fee_code": "AN", "quantity": 5}]
    assert api.post("/rounds/T10/quantities", {"quantities": rows}) == {"written": 1}
    with pytest.raises(Exception, match="changed_since_approval"), session_scope(api.faces.engine) as session:
        issue_round(session, api.school.id, found.id)


def test_what_a_round_names_must_exist(api: Software):
    unknown = api.post("/rounds", round_body(fees=[{"fee_code": "XX"}]), status=422)
    assert unknown["errors"] == [
        {"code": "unknown_fee", "pointer": "/fees/0/fee_code", "detail": "The school has no fee item with this code."}
    ]
    api.post("/rounds", round_body(), status=201)
    assert api.post("/rounds", round_body(), status=409)["code"] == "round_exists"
    assert api.post("/rounds", round_body("T11", year="2031-2032"), status=422)["code"] == "unknown_year"
    rows = [{"sector_id": "0000000000", "fee_code": "AN", "quantity": 5}]
    refused = api.post("/rounds/T10/quantities", {"quantities": rows}, status=422)
    assert refused["errors"][0]["pointer"] == "/quantities/0/sector_id"
    assert api.get("/rounds/XX", status=404)["code"] == "not_found"
    assert api.get("/rounds/XX/plan", status=404)["code"] == "not_found"


def test_a_round_whose_quantities_are_refused_is_not_drafted(api: Software):
    rows = [{"sector_id": "0000000000", "fee_code": "AN", "quantity": 5}]
    api.post("/rounds", round_body(quantities=rows), status=422)
    api.get("/rounds/T10", status=404)


def test_an_invoice_can_be_printed_from_what_is_told(api: Software):
    (invoice,) = api.get("/invoices")["items"]
    payload = decode(invoice["qr_payload"])
    assert (payload.account, payload.amount_vnd) == (invoice["account"]["number"], 100_000)
    assert invoice["owed_vnd"] == 100_000
    assert payload.memo == invoice["memo"]
    assert invoice["reference"] in invoice["memo"]
    assert invoice["link"] == f"{api.faces.settings.base_url}/p/{api.faces.token}"
    assert sum(line["amount_vnd"] for line in invoice["lines"]) == invoice["amount_vnd"] == 115_000
    assert api.get(f"/invoices/{invoice['reference']}") == invoice
    assert api.get("/invoices/HP0000000000", status=404)["code"] == "not_found"


def test_links_need_a_scope_of_their_own(api: Software):
    reader = software(api.faces, api.school, [Scope.INVOICES_READ])
    assert reader.get("/invoices")["items"][0]["link"] is None


def test_a_payment_its_allocation_credit_and_receipt_add_up(api: Software):
    reference = api.faces.invoice.reference
    api.faces.pay(150_000, reference)
    (payment,) = api.get("/payments")["items"]
    assert (payment["amount_vnd"], payment["outcome"], payment["state"]) == (150_000, "over", "credited")
    assert payment["allocations"] == [{"reference": reference, "amount_vnd": 100_000}]
    assert [row["amount_vnd"] for row in payment["credits"]] == [50_000]
    assert api.get(f"/payments/{payment['id']}") == payment
    (credit,) = api.get("/credits")["items"]
    assert credit["amount_vnd"] == 50_000
    (receipt,) = api.get(f"/receipts?payment_id={payment['id']}")["items"]
    assert (receipt["payment_id"], receipt["amount_vnd"], receipt["revoked_at"]) == (payment["id"], 150_000, None)
    paid = api.get(f"/invoices/{reference}")
    assert (paid["state"], paid["paid_vnd"], paid["qr_payload"]) == ("partial", 100_000, None)


def test_a_partly_paid_invoice_asks_for_the_rest(api: Software):
    api.faces.pay(15_000, api.faces.invoice.reference)
    (invoice,) = api.get("/invoices?state=partial")["items"]
    assert decode(invoice["qr_payload"]).amount_vnd == invoice["owed_vnd"] == 85_000


@pytest.mark.parametrize("number", ["0", "99999999999999999999", "x", "-1", "١"])
def test_a_payment_that_nobody_knows_is_not_found(api: Software, number: str):
    assert api.get(f"/payments/{number}", status=404)["code"] == "not_found"


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("value_from=2025-09-10&value_to=2025-09-10", 1),
        ("value_from=2025-09-11", 0),
        ("value_to=2025-09-09", 0),
        ("state=unmatched", 0),
        ("settled_since=2099-01-01T00:00:00%2B07:00", 0),
    ],
)
def test_payments_are_found_by_day_state_and_time(api: Software, question: str, found: int):
    api.faces.pay(115_000, api.faces.invoice.reference)
    assert len(api.get(f"/payments?{question}")["items"]) == found


def test_pages_are_whole_and_rows_added_meanwhile_disturb_none(api: Software):
    with session_scope(api.faces.engine) as session:
        make_pupils(session, api.school, 7)
    seen, cursor = [], ""
    while True:
        page = api.get(f"/pupils?limit=3{cursor}")
        seen += [row["sector_id"] for row in page["items"]]
        if page["next_cursor"] is None:
            break
        if not cursor:
            api.post("/roster", {"pupils": [pupil()]})
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 9
    assert seen[-1] == "0912345678"


def test_a_cursor_of_another_list_is_refused(api: Software):
    with session_scope(api.faces.engine) as session:
        make_pupils(session, api.school, 3)
    cursor = api.get("/pupils?limit=1")["next_cursor"]
    refused = api.get(f"/invoices?cursor={cursor}", status=422)
    assert refused["errors"][0] == {
        "code": "invalid_cursor",
        "parameter": "cursor",
        "detail": "This is no cursor of this list.",
    }


def test_what_has_not_changed_is_not_sent_again(api: Software):
    first = api.ask("GET", "/invoices")
    again = api.ask("GET", "/invoices", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    api.faces.pay(15_000, api.faces.invoice.reference)
    assert api.ask("GET", "/invoices", **{"If-None-Match": first.headers["ETag"]}).status_code == 200
