"""``hocphi reference``: find, check and draw payment references; no settings and no server."""

import json
import sys

import click

from payments.invoices import reference


@click.group("reference")
def reference_group() -> None:
    """Mã tham chiếu thanh toán: tìm, kiểm tra, sinh mã (payment references)."""


@reference_group.command()
@click.argument("text", required=False)
@click.option("--stdin", "from_stdin", is_flag=True, help="Một nội dung mỗi dòng (one memo per line).")
@click.option("--json", "as_json", is_flag=True, help="JSON; với --stdin luôn là JSON.")
def find(text: str | None, *, from_stdin: bool, as_json: bool) -> None:
    """Tìm mã trong nội dung chuyển khoản; với --stdin in một danh sách JSON cho mỗi dòng."""
    if from_stdin == (text is not None):
        raise click.UsageError("Hãy đưa một nội dung hoặc --stdin (give a text or --stdin).")
    if from_stdin:
        for line in sys.stdin.buffer:  # bytes: a memo may hold any character but the line feed
            click.echo(json.dumps(reference.find(line.decode("utf-8", "replace"))))
        return
    found = reference.find(text or "")
    click.echo(json.dumps(found) if as_json else "\n".join(found), nl=as_json or bool(found))


@reference_group.command()
@click.argument("code")
@click.option("--json", "as_json", is_flag=True)
def check(code: str, *, as_json: bool) -> None:
    """Kiểm tra một mã; mã sai thì thoát với trạng thái 1 (exit 1 when it is wrong)."""
    valid = reference.is_valid(code)
    words = "Mã đúng (valid)." if valid else "Mã sai (not valid)."
    click.echo(json.dumps({"valid": valid}) if as_json else words)
    sys.exit(0 if valid else 1)


@reference_group.command()
@click.option("--count", type=click.IntRange(1, 1_000_000), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def generate(count: int, *, as_json: bool) -> None:
    """Sinh mã ngẫu nhiên (draw random references)."""
    codes = [reference.generate() for _ in range(count)]
    click.echo(json.dumps(codes) if as_json else "\n".join(codes))
