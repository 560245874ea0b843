"""The commands `hocphi adapters list` and `hocphi adapters check`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bank_adapters import allow_only, get_adapter
from bank_adapters.cli import adapters_group
from bank_adapters.conformance import CHECKS
from tests.bank_adapters.declarative.makers import BANK, PAID, SECRET, compact, signed
from tests.bank_adapters.golden_files import PATHS, load, vector


@pytest.fixture
def runner() -> Iterator[CliRunner]:
    yield CliRunner(env={"HOCPHI_ADAPTERS": None, "HOCPHI_ADAPTER_FILES": None})
    allow_only(None)


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps({"vectors": [load(one) for one in PATHS]}), encoding="utf-8")
    return path


def test_list_names_every_adapter_and_its_secrets(runner: CliRunner) -> None:
    plain = runner.invoke(adapters_group, ["list"])
    assert plain.exit_code == 0
    assert "mb" in plain.output
    rows = json.loads(runner.invoke(adapters_group, ["list", "--json"]).output)
    assert {row["name"]: row["adapter"] for row in rows}["mb"] == "vietqr_vn"
    assert all(row["secret_fields"] and row["error"] is None for row in rows)


def test_check_prints_the_agreed_json(runner: CliRunner, vectors: Path) -> None:
    result = runner.invoke(adapters_group, ["check", "--vectors", str(vectors), "--json"])
    assert result.exit_code == 0
    printed = json.loads(result.output)
    assert printed.keys() == {"results", "passed", "failed", "checks"}
    assert (printed["passed"], printed["failed"]) == (len(PATHS), 0)
    for row in printed["results"]:
        assert row.keys() == {"id", "passed", "got", "expected", "reason"}
        assert row["got"].keys() == {"valid", "reason", "status", "body", "normalized"}
    assert [row["id"] for row in printed["results"]] == [path.stem for path in PATHS]
    for check in printed["checks"]:
        assert check.keys() == {"adapter", "check", "passed", "detail"}
        assert check["passed"] is True


def test_check_prints_a_line_a_vector_for_people(runner: CliRunner, vectors: Path) -> None:
    result = runner.invoke(adapters_group, ["check", "payos", "--vectors", str(vectors)])
    assert result.exit_code == 0
    assert "pass  payos-01-published" in result.output
    assert "sepay" not in result.output


def test_a_failed_vector_is_exit_status_1(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps([{**vector("payos-01-published"), "expect": {"valid": False}}]), encoding="utf-8")
    result = runner.invoke(adapters_group, ["check", "--vectors", str(path)])
    assert result.exit_code == 1
    assert "FAIL" in result.output


@pytest.mark.parametrize("content", [b"\xff", b"5", b"[]", b"not json"])
def test_an_unusable_file_is_wrong_use(runner: CliRunner, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vectors.json"
    path.write_bytes(content)
    result = runner.invoke(adapters_group, ["check", "--vectors", str(path)])
    assert result.exit_code == 2
    assert "Error:" in result.output


def test_an_unknown_adapter_is_wrong_use_with_a_hint(runner: CliRunner, vectors: Path) -> None:
    result = runner.invoke(adapters_group, ["check", "payoss", "--vectors", str(vectors)])
    assert result.exit_code == 2
    assert "Did you mean 'payos'" in result.output


def test_the_allow_list_comes_from_the_environment(runner: CliRunner) -> None:
    result = runner.invoke(adapters_group, ["list", "--json"], env={"HOCPHI_ADAPTERS": "sepay, mb"})
    assert [row["name"] for row in json.loads(result.output)] == ["mb", "sepay"]
    assert runner.invoke(adapters_group, ["list"], env={"HOCPHI_ADAPTERS": "sepya"}).exit_code == 2


def test_without_a_file_the_adapter_s_own_samples_are_checked_a_line_each(runner: CliRunner) -> None:
    result = runner.invoke(adapters_group, ["check", "momo"])
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert [line.split()[:3] for line in lines[:-2]] == [["pass", "momo", check] for check in ("vectors", *CHECKS)]


def test_a_failed_check_is_exit_status_1_though_all_vectors_pass(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = get_adapter("momo")
    parse = adapter.parse
    monkeypatch.setattr(adapter, "parse", lambda *given: print(given) or parse(*given))
    result = runner.invoke(adapters_group, ["check", "momo", "--json"])
    assert result.exit_code == 1
    failed = [check["check"] for check in json.loads(result.output.splitlines()[-1])["checks"] if not check["passed"]]
    assert failed == ["redaction"]


def test_vectors_of_senders_that_are_not_installed_fail_nobody(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps([{**vector("momo-01-valid"), "adapter": "nobody"}, vector("momo-01-valid")]), "utf-8")
    result = runner.invoke(adapters_group, ["check", "--vectors", str(path), "--json"])
    assert result.exit_code == 0
    assert [row["passed"] for row in json.loads(result.output)["results"]] == [None, True]


def test_one_vector_alone_is_a_file_too(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(vector("momo-01-valid")), encoding="utf-8")
    assert "1 passed" in runner.invoke(adapters_group, ["check", "--vectors", str(path)]).output


def test_a_sender_of_one_s_own_is_one_file_and_its_vectors(runner: CliRunner, tmp_path: Path) -> None:
    """What a person who knows the docs alone does for a bank that nobody has heard of."""
    (tmp_path / "lotus.toml").write_text(BANK, encoding="utf-8")
    request = {"method": "POST", "query": None, "headers": dict(signed().headers), "body": compact(PAID)}
    good = {
        "id": "lotus-01",
        "adapter": "lotus",
        "key": SECRET,
        "request": request,
        "expect": {"valid": True},
        "expected_ack": {"status": 200, "body": {"ma": "00", "so_tham_chieu": "L1"}},
        "normalized": {"amount": 1250000, "occurred_at": "2026-09-22T08:15:30+07:00"},
    }
    forged = {**good, "id": "lotus-02", "key": {"secret": "other"}, "expect": {"valid": False}, "expected_ack": None}
    vectors = tmp_path / "vectors.json"
    vectors.write_text(json.dumps([good, {**forged, "normalized": None}]), encoding="utf-8")
    result = runner.invoke(
        adapters_group, ["check", "lotus", "--vectors", str(vectors)], env={"HOCPHI_ADAPTER_FILES": str(tmp_path)}
    )
    assert result.exit_code == 0, result.output
    assert "2 passed, 0 failed" in result.output
    listed = runner.invoke(adapters_group, ["list"], env={"HOCPHI_ADAPTER_FILES": str(tmp_path)})
    assert "lotus" in listed.output
    assert runner.invoke(adapters_group, ["list"], env={"HOCPHI_ADAPTER_FILES": str(vectors)}).exit_code == 2
