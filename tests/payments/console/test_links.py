"""The accountant shows, prints and renews a pupil's link; others may not."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser
from sqlalchemy import Engine, text

from payments import clock
from payments.db import session_scope
from payments.portal.service import link_of
from tests.payments.faces import Faces, faces
from tests.test_accessibility import judge
from tests.test_screenshots import served

pytestmark = pytest.mark.db


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url, HOCPHI_BASE_URL="http://hocphi.example.vn") as made:
        yield made


def path(home: Faces) -> str:
    return f"/console/{home.school.code}/pupils/{home.school.pupil}/link/"


def test_the_link_is_on_a_page_of_its_own_and_does_not_follow_the_host(home: Faces) -> None:
    home.log_in("accountant")
    pupil = home.page(f"/console/{home.school.code}/pupils/{home.school.pupil}/")
    assert path(home) in pupil
    assert home.token not in pupil
    answer = home.client.get(path(home), headers={"X-Forwarded-Host": "evil.example"})
    page = answer.get_data(as_text=True)
    assert f"http://hocphi.example.vn/p/{home.token}" in page
    assert not {"evil.example", "localhost"} & set(page.split("/"))
    assert answer.headers["Cache-Control"] == "no-store"


def test_renewing_takes_two_clicks_revokes_the_old_link_and_is_on_record(home: Faces) -> None:
    home.log_in("accountant")
    first = home.page(path(home))
    assert "/link/renew" not in first, "the first click only warns"
    warned = home.page(f"{path(home)}?renew=1")
    assert "ngừng ngay" in warned
    assert home.client.get(f"/p/{home.token}").status_code == 200
    assert home.post(f"{path(home)}renew", f"{path(home)}?renew=1") == 303
    assert home.client.get(f"/p/{home.token}").status_code == 404
    with session_scope(home.engine) as session:
        renewed = link_of(session, home.settings.link_keys, home.school.id, home.school.pupil)
        events = session.execute(text("SELECT action, actor_id, detail::text FROM audit_event")).all()
    assert f"/p/{renewed}" in home.page(path(home))
    assert home.client.get(f"/p/{renewed}").status_code == 200
    [event] = [event for event in events if event[0] == "link.renewed"]
    assert event[1] == home.school.accountant
    assert str(renewed) not in event[2]


def test_an_expired_link_is_told_and_made_good_again(home: Faces) -> None:
    home.log_in("accountant")
    with session_scope(home.engine) as session:
        session.execute(text("UPDATE parent_link SET expires_at = :past"), {"past": clock.now() - timedelta(days=1)})
    assert "đã hết hạn" in home.page(path(home))
    assert home.post(f"{path(home)}make", path(home)) == 303
    assert home.token in home.page(path(home)), "the same link: paper and messages are good again"


def test_the_principal_sees_it_and_may_not_renew_it_and_strangers_find_nothing(home: Faces) -> None:
    assert home.client.get(path(home)).status_code == 303
    home.log_in("principal")
    assert home.token in home.page(path(home))
    assert "renew" not in home.page(f"{path(home)}?renew=1")
    assert home.post(f"{path(home)}renew", "/verify") in {403, 404}
    assert home.client.get(f"/p/{home.token}").status_code == 200
    assert home.client.get(f"/console/{home.school.code}/pupils/999/link/").status_code == 404


@pytest.mark.browser
def test_the_square_on_the_screen_leads_to_the_page(home: Faces, chromium: Browser) -> None:
    home.log_in("accountant")
    cookie = home.client.get_cookie("hocphi")
    assert cookie is not None
    with served(home) as base:
        context = chromium.new_context(device_scale_factor=2)
        context.add_cookies([{"name": "hocphi", "value": cookie.value, "url": base}])
        page = context.new_page()
        page.goto(base + path(home))
        judge(page)
        [square] = zxingcpp.read_barcodes(Image.open(BytesIO(page.screenshot(full_page=True))))
        page.goto(f"{base}{path(home)}?renew=1")
        judge(page)
        context.close()
    assert square.text == f"http://hocphi.example.vn/p/{home.token}"
