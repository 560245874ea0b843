"""`hocphi adapters`: which senders can be connected, whether an adapter keeps its word, and how a new one begins."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from bank_adapters import conformance, scaffold
from bank_adapters.conformance import MEANINGS, Check, Result
from bank_adapters.contract import AdapterError
from bank_adapters.registry import AdapterState, adapter_states, allow_only

WORDS = {True: "pass", False: "FAIL", None: "-"}
AS_JSON = click.option("--json", "as_json", is_flag=True, help="In JSON. (Print JSON.)")


@click.group("adapters")
@click.option(
    "--allow",
    envvar="HOCPHI_ADAPTERS",
    metavar="NAME,NAME",
    help="Bộ kết nối được phép dùng, kể cả gói cài thêm; mặc định: có sẵn. (May be loaded; default: built in.)",
)
@click.option(
    "--files",
    "folder",
    envvar="HOCPHI_ADAPTER_FILES",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Thư mục tệp mô tả bên gửi của riêng mình. (Folder with data files of your own senders, NAME.toml.)",
)
@click.pass_context
def adapters_group(context: click.Context, allow: str | None, folder: Path | None) -> None:
    """Bộ kết nối ngân hàng: liệt kê, kiểm tra, tạo mới. (Bank adapters: list them, check them, begin a new one.)"""
    try:
        if context.invoked_subcommand != "new":  # which may be on the list already, and is not installed yet
            names = [name.strip() for name in allow.split(",") if name.strip()] if allow else None
            allow_only(names, folder)
    except AdapterError as error:
        raise click.UsageError(str(error)) from error


@adapters_group.command("list")
@AS_JSON
def list_command(*, as_json: bool) -> None:
    """Liệt kê các bộ kết nối và khóa cần có. (Show every adapter that may be used, with the secrets it needs.)"""
    states = adapter_states()
    if as_json:
        click.echo(json.dumps([_state(state) for state in states], ensure_ascii=False))
        return
    for state in states:
        click.echo(f"{state.name:<20} {_line(state)}")


@adapters_group.command("check")
@click.argument("name", required=False)
@click.option(
    "--vectors",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Tệp mẫu JSON; mặc định là các mẫu đi cùng bộ kết nối. (JSON file; default: the adapter's own samples.)",
)
@AS_JSON
@click.pass_context
def check_command(context: click.Context, *, name: str | None, path: Path | None, as_json: bool) -> None:
    """Kiểm tra NAME hay tất cả, mỗi phép thử một dòng. (Run the conformance kit; exit status 1: a fault.)"""
    try:
        vectors = None if path is None else conformance.read_vectors(path.read_text(encoding="utf-8"))
        results, checks = conformance.examine(name, vectors)
    except (conformance.VectorError, AdapterError, UnicodeDecodeError) as error:
        raise click.UsageError(str(error)) from error
    if path is not None and not results:
        raise click.UsageError(f"No vector in {path.name} is for {name or 'any adapter'}.")
    summary = conformance.summary(results) | {"checks": [check.as_dict() for check in checks]}
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False))
    else:
        # Of its own samples only those that fail are told one by one.
        _print_results([result for result in results if path is not None or result.passed is False])
        _print_checks(checks)
        _print_sum(results, checks)
    context.exit(1 if summary["failed"] or any(check.passed is False for check in checks) else 0)


@adapters_group.command("new")
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="Nơi đặt gói. (Where the package's folder is made.)",
)
@click.option(
    "--signature",
    type=click.Choice(sorted(scaffold.SIGNATURES)),
    default="hmac-sha256",
    show_default=True,
    help="Cách bên gửi chứng thực. (How the sender proves itself.)",
)
def new_command(*, name: str, folder: Path, signature: str) -> None:
    """Tạo một gói cài được, có sẵn phép thử. (Write an installable package with its tests; overwrites nothing.)"""
    try:
        made = scaffold.write(name, folder, signature)
    except scaffold.ScaffoldError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"{made}\n")
    click.echo(f"pip install -e {made}\nHOCPHI_ADAPTERS={name} hocphi adapters check {name}\npytest {made}")


def _print_results(results: Sequence[Result]) -> None:
    for result in results:
        click.echo(f"{WORDS[result.passed]:<5} {result.id:<40} {result.reason}".rstrip())


def _print_checks(checks: Sequence[Check]) -> None:
    for check in checks:
        meaning = MEANINGS[check.check]
        click.echo(f"{WORDS[check.passed]:<5} {check.adapter:<18} {check.check:<11} {meaning} [{check.detail}]")


def _print_sum(results: Sequence[Result], checks: Sequence[Check]) -> None:
    told = Counter(result.passed for result in results)
    click.echo(f"{told[True]} passed, {told[False]} failed, {told[None]} not judged")
    told = Counter(check.passed for check in checks)
    click.echo(f"{told[True]} checks passed, {told[False]} failed, {told[None]} with nothing to try")


def _state(state: AdapterState) -> dict[str, object]:
    adapter = state.adapter
    return {
        "name": state.name,
        "adapter": adapter.NAME if adapter else None,
        "secret_fields": list(adapter.SECRET_FIELDS) if adapter else [],
        "error": state.error,
    }


def _line(state: AdapterState) -> str:
    if state.adapter is None:
        return f"không dùng được (unusable): {state.error}"
    alias = "" if state.name == state.adapter.NAME else f" (= {state.adapter.NAME})"
    return " or ".join("+".join(choice) for choice in state.adapter.SECRET_CHOICES) + alias
