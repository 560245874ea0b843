"""What a real server writes while parents, guessers and faults pass through it names no link, child or amount."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests

from operations.migrate import upgrade
from operations.services import EmbeddedPostgres
from payments import clock
from payments.db import make_engine, session_scope
from payments.portal.service import ensure_links, link_of
from payments.settings import Settings
from payments.settlement.settling import settle_transactions
from tests.operations.test_serve import answering, free_port, process, province  # noqa: F401 - a fixture
from tests.payments.setting import make_school
from tests.payments.settlement.setting import arrive, issue

pytestmark = [pytest.mark.db, pytest.mark.timeout(120)]


@pytest.fixture
def durable(province: dict[str, str]) -> Iterator[dict[str, str]]:  # noqa: F811 - pytest hands the fixture in
    with EmbeddedPostgres() as postgres:
        upgrade(postgres.url)
        yield province | {"DATABASE_URL": postgres.url}


def test_a_server_s_whole_output_names_no_link_no_child_and_no_amount(durable: dict[str, str]) -> None:
    settings = Settings.from_env({name: value for name, value in durable.items() if name != "PATH"})
    engine = make_engine(settings.database_url)
    with session_scope(engine) as session:
        school = make_school(session)
        invoice = issue(session, school, 123_457)
        ensure_links(session, settings.link_keys, school.id, clock.now() + timedelta(days=9))
        token = str(link_of(session, settings.link_keys, school.id, school.pupil))
        settle_transactions(session, school.id, [arrive(session, school, 23_456, invoice.reference)])
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with process("serve", "--port", str(port), environment=durable) as web:
        assert answering(f"{base}/healthz", web).status_code == 200
        visitor = requests.Session()
        page = visitor.get(f"{base}/p/{token}", timeout=10)
        assert "100.001" in page.text
        [receipt] = set(re.findall(r'href="(/p/[^"?]+/receipt/XN-[0-9-]+)"', page.text))
        for path in (
            *(f"/p/{token}/status", f"/p/{token}/qr/{invoice.reference}.png", receipt, f"{receipt}.pdf?paper=a4"),
            *(f"/p/{token}/qr/{invoice.reference}.gif", f"/p/{token}/no/such/page", f"/p/{token}x", f"/p/{token}%00"),
            *(f"/p/{'a' * 32}", "/robots.txt", f"/no-such-page?from=/p/{token}"),
        ):
            visitor.get(base + path, timeout=10)
        for born in ("02/03/2019", "03/03/2019"):
            form = visitor.get(f"{base}/tra-cuu", timeout=10).text.split('name="csrf_token" value="')[1].split('"')[0]
            asked = {"csrf_token": form, "code": invoice.reference, "born": born}
            visitor.post(f"{base}/tra-cuu", data=asked, timeout=10)
        visitor.post(f"{base}/p/{token}/pay/{invoice.reference}/1", data={"csrf_token": "forged"}, timeout=10)
        visitor.request("DELETE", f"{base}/p/{token}", timeout=10)
        with session_scope(engine) as session:
            session.connection().exec_driver_sql("ALTER TABLE pupil RENAME COLUMN full_name TO gone")
        assert visitor.get(f"{base}/p/{token}", timeout=10).status_code == 500, "a fault, with its traceback"
        with session_scope(engine) as session:
            session.connection().exec_driver_sql("ALTER TABLE invoice_balance RENAME COLUMN paid_vnd TO gone")
        assert visitor.get(f"{base}/p/{token}/status", timeout=10).status_code == 503, "the waiting room says: later"
        web.terminate()
        output = web.communicate(timeout=30)[0]
    engine.dispose()
    assert "/p/…" in output, "faults are logged, with the address masked"
    assert "Traceback" in output
    for secret in (token, invoice.reference, "Nguyễn", "100.001", "123457", "123.457", "02/03/2019"):
        assert secret not in output, secret
