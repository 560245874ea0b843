"""The guide is made of the adapters and their golden files; what it says of signatures is what the adapters check."""

from dataclasses import replace

import pytest

from bank_adapters import get_adapter
from bank_adapters.conformance import samples_of
from bank_adapters.contract import Request
from payments.developers import guide
from payments.developers.schemes import SCHEMES, signed_anew
from tests.bank_adapters.golden_files import PATHS
from tests.payments.developers.desks import DeveloperDesk

ROWS = ["Authentication", "Retries", "Idempotency key", "Amount format", "Time zone", "Source", "Certified by the bank"]


@pytest.mark.parametrize("name", guide.names())
def test_every_adapter_has_a_sheet_with_its_whole_table(name: str) -> None:
    sheet = guide.sheet(name)
    assert sheet is not None
    assert [row for row, _ in sheet.rows if row != "Polling"] == ROWS
    assert dict(sheet.rows)["Certified by the bank"] == "no"
    kinds = {vector.kind for vector in sheet.vectors}
    assert "valid" in kinds
    assert "wrong" in kinds
    words = {reply.outcome: reply for reply in sheet.replies}
    assert not words["accepted"].refuses
    assert not words["duplicate"].refuses
    assert words["bad_signature"].refuses


def test_every_golden_file_stands_in_the_guide() -> None:
    shown = {vector["id"] for name in guide.names() for vector in samples_of(get_adapter(name))}
    assert shown == {path.stem for path in PATHS}


def test_the_signatures_shown_are_those_that_the_adapters_accept() -> None:
    checked = 0
    for name, scheme in SCHEMES.items():
        for vector in samples_of(get_adapter(name)):
            request = guide._request(get_adapter(name), vector)
            key = {field: f"another-{field}" for field in vector["key"]}
            if "secret" in key and name == "standard_webhooks":
                key["secret"] = "whsec_" + "QUFB" * 6
            if scheme.sign is None or not vector["expect"]["valid"] or "jwt_secret" in key:
                continue
            anew = signed_anew(name, request, key)
            if anew is None:  # the vector carries a key or a token, or another language's form
                continue
            now = vector.get("verify_at_unix") or 0
            adapter = get_adapter(name)
            assert adapter.authenticate(anew, [key], now).valid, vector["id"]
            assert not adapter.authenticate(request, [key], now).valid, vector["id"]
            checked += 1
    assert checked > 30


def test_a_changed_text_to_sign_would_be_noticed() -> None:
    """The teeth: with a wrong text the adapter refuses what was signed anew."""
    (vector, *_) = [one for one in samples_of(get_adapter("payos")) if one["expect"]["valid"]]
    request = guide._request(get_adapter("payos"), vector)
    honest = SCHEMES["payos"]
    wrong = replace(honest, text=lambda request, secret: honest.text(request, secret) + "x")
    key = {"checksum_key": "k"}
    signature = wrong.sign(key["checksum_key"], wrong.text(request, key)) if wrong.sign else ""
    body = request.body.replace(honest.signature(request).encode(), signature.encode())
    forged = Request("POST", "", "", request.headers, body)
    assert not get_adapter("payos").authenticate(forged, [key], 0).valid


def test_the_pages_show_addresses_vectors_and_no_promise(desk: DeveloperDesk) -> None:
    desk.enter("ky.su")
    for language, words in (("vi", "chưa được ngân hàng chứng nhận"), ("en", "not certified by the bank")):
        for name in guide.names():
            page = desk.home.page(f"/developers/connect/{name}/", language=language)
            assert words in page
            assert f"{desk.base_url}/callbacks/" in page
        assert "sepay" in desk.home.page("/developers/connect/", language=language)
    page = desk.home.page("/developers/connect/payos/")
    assert "accountNumber=" in page  # the text to sign
    desk.home.page("/developers/connect/nobody/", status=404)


def test_a_docstring_in_another_form_gives_no_rows() -> None:
    assert guide.title_and_rows("One line.") == ("One line", [])
    assert guide.title_and_rows("") == ("", [])
