"""`hocphi adapters`: which senders can be connected, and whether an adapter keeps to its vectors."""

import json
from pathlib import Path

import click

from bank_adapters import conformance
from bank_adapters.contract import AdapterError
from bank_adapters.registry import AdapterState, adapter_states, allow_only


@click.group("adapters")
@click.option(
    "--allow",
    envvar="HOCPHI_ADAPTERS",
    metavar="NAME,NAME",
    help="Adapters that may be loaded, installed plug-ins among them; without it the built-in ones.",
)
def adapters_group(allow: str | None) -> None:
    """Bank adapters: list them, check them against vectors of signed requests."""
    try:
        allow_only([name.strip() for name in allow.split(",") if name.strip()] if allow else None)
    except AdapterError as error:
        raise click.UsageError(str(error)) from error


@adapters_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """Show every adapter that may be used, with the secrets it needs."""
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
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check_command(context: click.Context, name: str | None, path: Path, as_json: bool) -> None:
    """Run the vectors of FILE, of all adapters or of NAME; exit status 1 when one of them fails."""
    try:
        vectors = conformance.read_vectors(path.read_text(encoding="utf-8"))
        results = conformance.check_vectors(vectors, name)
    except (conformance.VectorError, AdapterError, UnicodeDecodeError) as error:
        raise click.UsageError(str(error)) from error
    if not results:
        raise click.UsageError(f"No vector in {path.name} is for {name or 'any adapter'}.")
    summary = conformance.summary(results)
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False))
    else:
        _print(results, summary["passed"], summary["failed"])
    context.exit(1 if summary["failed"] else 0)


def _print(results: list[conformance.Result], passed: int, failed: int) -> None:
    words = {True: "pass", False: "FAIL", None: "-"}
    for result in results:
        click.echo(f"{words[result.passed]:<5} {result.id:<40} {result.reason}".rstrip())
    click.echo(f"{passed} passed, {failed} failed, {len(results) - passed - failed} not judged")


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
        return f"unusable: {state.error}"
    alias = "" if state.name == state.adapter.NAME else f" (the adapter {state.adapter.NAME})"
    return " or ".join("+".join(choice) for choice in state.adapter.SECRET_CHOICES) + alias
