"""The guide's examples are run with curl against a real server, and answer what the guide shows."""

import json
import re
import subprocess
from threading import Thread

import pytest
from werkzeug.serving import make_server

from payments.api.table import OPERATIONS, VERSION
from payments.db import session_scope
from reconciliation.imports.push import OPERATIONS as ABOVE
from tests import house
from tests.payments.api.conftest import Software
from tests.payments.settlement.setting import issue

GUIDE = house.text_of("docs/api.md")
PAIRS = re.findall(r"```sh\n(.*?)```\n\n```json\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def base(api: Software):
    server = make_server("127.0.0.1", 0, api.faces.client.application, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def within(shown: object, told: object, place: str) -> None:
    """Every field that is shown is told, in the same form."""
    if isinstance(shown, dict):
        assert isinstance(told, dict), place
        assert set(shown) <= set(told), place
        for name in shown:
            within(shown[name], told[name], f"{place}.{name}")
    elif isinstance(shown, list):
        assert isinstance(told, list), place
        assert bool(shown) == bool(told), (place, told)
        for one in told:
            within(shown[0], one, f"{place}[]")
    else:
        assert type(shown) is type(told), (place, shown, told)


def test_the_examples_answer_what_the_guide_shows(api: Software, base: str):
    api.faces.pay(200_000, api.faces.invoice.reference)
    assert len(PAIRS) == GUIDE.count("```sh") >= 7
    environment = {"HOCPHI": base, "KEY": api.key, "PATH": "/usr/bin:/bin:/usr/local/bin"}
    for commands, shown in PAIRS:
        if "state=open" in commands:
            with session_scope(api.faces.engine) as session:
                issue(session, api.school)
        done = subprocess.run(["bash", "-ec", commands], env=environment, capture_output=True, text=True, check=True)
        within(json.loads(shown), last_of(done.stdout), commands)


def last_of(text: str) -> object:
    """The last of several JSON texts that follow each other."""
    decoder, told = json.JSONDecoder(), None
    text = text.strip()
    while text:
        told, end = decoder.raw_decode(text)
        text = text[end:].strip()
    return told


def test_every_address_and_scope_of_the_guide_exists():
    paths = {f"{VERSION}{operation.path}" for operation in (*OPERATIONS, *ABOVE)}
    named = {re.sub(r"\?.*", "", one) for one in re.findall(r"`(?:POST )?(/api/v1/[^`]+)`", GUIDE)}
    assert named
    assert named <= paths
    scopes = {operation.scope for operation in (*OPERATIONS, *ABOVE) if operation.scope} | {"links:read"}
    assert set(re.findall(r"`([a-z]+:(?:read|write))`", GUIDE)) == scopes
