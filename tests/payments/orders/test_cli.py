"""``hocphi order``: open, list, status, cancel."""

import base64
import json

import pytest
from click.testing import CliRunner

from operations.cli import hocphi
from tests.payments.orders.desk import Desk
from tests.payments.orders.service_server import Service

pytestmark = pytest.mark.db


def run(desk: Desk, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    given = desk.settings
    keys = {"HOCPHI_FIELD_KEYS": given.field_keys, "HOCPHI_LINK_KEYS": given.link_keys}
    monkeypatch.setenv("DATABASE_URL", given.database_url)
    monkeypatch.setenv("HOCPHI_SECRET_KEY", given.secret_key)
    for name, found in keys.items():
        monkeypatch.setenv(name, ",".join(f"{key}:{_base64(value)}" for key, value in found.items()))
    result = CliRunner().invoke(hocphi, ["order", *arguments])
    return result.exit_code, result.output


def _base64(value: bytes) -> str:

    return base64.b64encode(value).decode()


def test_an_order_is_opened_listed_asked_about_and_cancelled(
    desk: Desk, provider: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = desk.connect("payos")
    invoice = desk.invoice()
    at_school = ("--school", desk.school.code)
    chosen = ("--channel", f"payos {sender.connection_id}", "--json")
    code, out = run(desk, monkeypatch, "open", *at_school, "--reference", invoice.reference, *chosen)
    assert code == 0, out
    opened = json.loads(out)
    assert (opened["amount_vnd"], opened["state"]) == (100_000, "opening")
    desk.call_services()
    _, out = run(desk, monkeypatch, "list", *at_school, "--json")
    assert [one["state"] for one in json.loads(out)["orders"]] == ["open"]
    before = len(provider.calls)
    code, out = run(desk, monkeypatch, "status", opened["order"], "--ask", "--json")
    assert (code, json.loads(out)["state"]) == (0, "open")
    desk.call_services()
    assert len(provider.calls) == before + 1
    code, out = run(desk, monkeypatch, "cancel", opened["order"], "--json")
    assert (code, json.loads(out)["state"]) == (0, "cancelled")
    code, out = run(desk, monkeypatch, "status", "1-NOBODY")
    assert (code, "not_found" in out) == (1, True)
