"""Plug-ins at the banks' door: an invented sender is paid through it, and a broken one harms nobody else."""

import importlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from bank_adapters import registry
from bank_adapters.contract import Request
from operations.doctor import doctor
from payments import clock
from payments.settings import Settings, generated_environment
from tests.bank_adapters import invented, plug_ins
from tests.payments.inbox.callers import Sender, Shell, rows, sepay_body, sepay_request, vector_sender

pytestmark = pytest.mark.db
BROKEN = {"falling_bank": {'_HEADER: Final = "': '_FALL: Final = 1 / 0\n_HEADER: Final = "'}, "gone_bank": {}}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The invented sender's package and two broken ones, installed by pip."""
    folder = tmp_path_factory.mktemp("door-plug-ins")
    packages = [invented.package(folder)]
    for name, changes in BROKEN.items():
        packages.append(plug_ins.scaffold.write(name, folder, "hmac-sha256"))
        module = packages[-1] / f"hocphi_{name}" / "adapter.py"
        module.write_text(plug_ins.replaced(plug_ins.source(name=name), changes), encoding="utf-8")
        if not changes:
            module.unlink()  # the entry point names a module that is not there
    target = folder / "site"
    target.mkdir()
    plug_ins.install(target, *packages)
    return target


@pytest.fixture(autouse=True)
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if this process had started with them allowed."""
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    registry._found.cache_clear()
    registry.allow_only(["sepay", invented.NAME, *BROKEN])
    yield
    monkeypatch.undo()
    registry._found.cache_clear()
    registry.allow_only(None)
    for name in [name for name in sys.modules if name.startswith("hocphi_")]:
        del sys.modules[name]


def stored(engine: Engine, sender: Sender) -> list[tuple[str, str]]:
    found = "SELECT outcome, reason FROM raw_callback WHERE connection_id = %s ORDER BY id"
    return rows(engine, found, sender.connection_id)


def test_money_of_an_invented_sender_arrives_once_and_its_reversal_is_another_fact(
    shell: Shell, door_engine: Engine, door_settings: Settings
) -> None:
    accounts = {invented.ACCOUNT: "number"}
    sender = vector_sender(door_engine, door_settings, invented.NAME, {"secret": invented.SECRET}, accounts)
    paid, back = invented.body(invented.PAID), invented.body({**invented.PAID, "kind": "refund"})
    forged = paid.replace("1250000", "9250000")
    with clock.turned_to(datetime.fromtimestamp(invented.SENT_AT + 20, UTC)):
        answers = [
            shell.call(sender.url, Request("POST", "", "", FORM, text.encode(), "203.0.113.9"))
            for text in (paid, paid, forged, back)
        ]
    assert [(answer.status, answer.body) for answer in answers] == [
        (200, b"OK"),
        (200, b"OK"),
        (403, b"NO"),
        (200, b"OK"),
    ]
    assert [outcome for outcome, _ in stored(door_engine, sender)] == [
        "accepted",
        "duplicate",
        "bad_signature",
        "accepted",
    ]
    kept = "SELECT dedup_key, amount_vnd, status, school_id FROM evidence WHERE connection_id = %s ORDER BY id"
    assert rows(door_engine, kept, sender.connection_id) == [
        ("017:000451", 1_250_000, "settled", sender.school.id),
        ("017:000451", 1_250_000, "void", sender.school.id),
    ]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plug_in_asks_to_try_again_and_the_others_go_on(
    name: str, shell: Shell, sender: Sender, door_engine: Engine, door_settings: Settings
) -> None:
    torn = vector_sender(door_engine, door_settings, name, {"secret": "s"}, {"1": "number"})
    for _ in range(2):
        answer = shell.call(torn.url, Request("POST", "", "", {}, b"{}", "203.0.113.9"))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert shell.call(sender.url, sepay_request(sepay_body(sender.number))).status == 200
    assert stored(door_engine, torn) == [("internal", "broken_adapter")] * 2
    assert [outcome for outcome, _ in stored(door_engine, sender)] == ["accepted", "duplicate"]


def test_doctor_names_what_cannot_be_loaded_and_who_needs_what_is_not_allowed(
    door_engine: Engine, door_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = vector_sender(door_engine, door_settings, "momo", {"access_key": "a", "secret_key": "s"}, {"1": "number"})
    environment = {**generated_environment(), "DATABASE_URL": door_settings.database_url}
    names = ",".join(["sepay", "standard_webhooks", invented.NAME, *BROKEN])
    told = CliRunner(env={**environment, "HOCPHI_ADAPTERS": names}).invoke(doctor, [])
    assert told.exit_code == 1
    (line,) = [line for line in told.output.splitlines() if line.startswith("✗ adapters")]
    assert "'falling_bank' cannot be loaded: ZeroDivisionError" in line
    assert "'gone_bank' cannot be loaded: ModuleNotFoundError" in line
    assert f"connection {lost.connection_id} needs 'momo': see HOCPHI_ADAPTERS" in line
    assert f"{invented.NAME!r} cannot" not in line
