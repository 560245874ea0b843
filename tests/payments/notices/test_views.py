"""The link under each letter: it stops letters to one mailbox, for whoever holds it and nobody else."""

import re

import pytest

from payments.app import create_app
from tests.payments.notices.mailbox import text_of
from tests.payments.notices.office import Kind

pytestmark = pytest.mark.db


@pytest.fixture
def client(school_office):
    app = create_app(school_office.outside.settings, (), None, ())
    with app.test_client() as made:
        yield made
    app.extensions["hocphi"].engine.dispose()


@pytest.fixture
def stop(school_office, box) -> str:
    """The path of the link in a letter to a parent."""
    school_office.pupil("An", "a@example.org")
    school_office.pupil("Bình", "b@example.org")
    school_office.start()
    school_office.work()
    letter = next(one for one in box.letters if one["To"] == "a@example.org")
    found = re.search(r"https://hocphi\.example(/notices/stop/\S+)", text_of(letter))
    assert f"<https://hocphi.example{found[1]}>" == letter["List-Unsubscribe"].strip()
    return found[1]


def test_looking_stops_nothing_and_names_no_child(client, stop, school_office, box):
    page = client.get(stop)
    assert page.status_code == 200
    assert "Nguyễn" not in page.get_data(as_text=True)
    assert "example.org" not in page.get_data(as_text=True)
    assert "no-store" in page.headers["Cache-Control"]
    school_office.start(Kind.REMINDER)
    school_office.work()
    assert box.recipients.count("a@example.org") == 2


def test_one_click_of_the_mail_program_stops_letters_to_that_mailbox_only(client, stop, school_office, box):
    answer = client.post(stop, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert client.post(stop).status_code == 200
    school_office.start(Kind.REMINDER)
    school_office.work()
    assert box.recipients == ["a@example.org", "b@example.org", "b@example.org"]


def test_who_stopped_while_a_letter_waited_does_not_get_it(client, stop, school_office, box):
    school_office.start(Kind.REMINDER)
    client.post(stop)
    school_office.work()
    assert box.recipients == ["a@example.org", "b@example.org", "b@example.org"]
    assert school_office.states() == {"sent": 3, "skipped": 1}


def test_who_stopped_may_begin_again(client, stop, school_office, box):
    client.post(stop)
    assert "Nhận lại thư" in client.post(stop).get_data(as_text=True)
    client.post(stop, data={"again": "1"})
    school_office.start(Kind.REMINDER)
    school_office.work()
    assert box.recipients.count("a@example.org") == 2


@pytest.mark.parametrize("change", [lambda p: p[:-1] + "0" if p[-1] != "0" else p[:-1] + "1", lambda p: p + "0"])
def test_a_name_that_was_changed_opens_nothing(client, stop, change):
    assert client.get(change(stop)).status_code == 404
    assert client.post(change(stop)).status_code == 404
    assert client.get("/notices/stop/1.99999999999999999999.abc").status_code == 404
    assert client.get(f"/notices/stop/1.999999999999999999.{'a' * 24}").status_code == 404
