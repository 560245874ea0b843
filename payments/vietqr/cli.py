"""``hocphi vietqr``: write, read and draw payloads, look banks up; no settings and no server."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from payments.errors import DomainError
from payments.money import parse_vnd
from payments.vietqr import banks as bank_list
from payments.vietqr.advice import advise
from payments.vietqr.bank_file import read_registry, shipped
from payments.vietqr.decoder import decode
from payments.vietqr.encoder import encode
from payments.vietqr.errors import VietQRError
from payments.vietqr.payload import VietQR
from payments.vietqr.style import LEVELS, TEMPLATES, Style

_TEXTS = ("memo", "bill-number", "mobile", "store", "reference", "customer", "terminal", "mcc", "merchant-name", "city")
_REFUSED = 1
_json_option = click.option("--json", "as_json", is_flag=True, help="In kết quả dạng JSON (print JSON).")


@click.group("vietqr")
def vietqr_group() -> None:
    """Mã VietQR: tạo, đọc, vẽ; tra cứu ngân hàng (write, read and draw; banks)."""


def _text_options(command: Callable[..., None]) -> Callable[..., None]:
    for name in reversed(_TEXTS):
        command = click.option(f"--{name}")(command)
    return command


@vietqr_group.command("encode")
@click.option("--bin", "--bank", "bank", required=True, help="Mã BIN, mã hoặc tên ngân hàng (BIN, code or name).")
@click.option("--account", required=True, help="Số tài khoản hoặc số thẻ (account or card number).")
@click.option("--amount", help="Số tiền, đồng (whole đồng).")
@_text_options
@click.option("--card", is_flag=True, help="Số thẻ thay cho số tài khoản (the number is a card's).")
@click.option("--reusable/--one-time", default=None, help="Mặc định: dùng nhiều lần khi không có số tiền.")
@click.option("--allow-long", is_flag=True, help="Cho phép nội dung dài hơn 25 ký tự.")
@click.option("--allow-unicode", is_flag=True, help="Cho phép chữ có dấu.")
@_json_option
def encode_command(
    *, bank: str, amount: str | None, card: bool, allow_long: bool, allow_unicode: bool, as_json: bool, **fields: Any
) -> None:
    """Tạo nội dung mã QR (write a payload)."""
    with _refusals(as_json=as_json):
        qr = VietQR(
            bin=bank if bank.isdigit() else shipped().lookup(bank).bin,
            amount_vnd=None if amount is None else _amount_vnd(amount),
            service="card" if card else "account",
            **fields,
        )
        payload = encode(qr, allow_long=allow_long, allow_unicode=allow_unicode)
    warnings = _warnings(qr)
    if as_json:
        _print_json({"payload": payload, "warnings": warnings})
        return
    click.echo(payload)
    for warning in warnings:
        click.echo(f"{warning['vi']} ({warning['code']})", err=True)


@vietqr_group.command("decode")
@click.argument("payload", required=False)
@click.option("--stdin", "from_stdin", is_flag=True, help="Một mã mỗi dòng, một JSON mỗi dòng (one per line).")
@click.option("--strict", is_flag=True, help="Từ chối cả nội dung dài quá 25 ký tự.")
@_json_option
def decode_command(payload: str | None, *, from_stdin: bool, strict: bool, as_json: bool) -> None:
    """Đọc nội dung mã QR; «-» đọc từ đầu vào chuẩn (read a payload; - is stdin)."""
    if from_stdin == (payload is not None):
        raise click.UsageError("Hãy đưa một mã hoặc --stdin (give a payload or --stdin).")
    if from_stdin:
        _decode_lines(strict=strict)
        return
    with _refusals(as_json=as_json):
        qr = decode(_payload(payload), strict=strict)
    if as_json:
        _print_json(_description(qr))
        return
    for name, value in _description(qr).items():
        if value not in (None, [], {}):
            click.echo(f"{name}: {value}")


@vietqr_group.command("image")
@click.argument("payload")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Tệp .svg hoặc .png."
)
@click.option("--template", type=click.Choice(TEMPLATES), default="qr_only", show_default=True)
@click.option("--level", type=click.Choice(LEVELS), default="M", show_default=True, help="Mức sửa lỗi.")
@click.option("--mask", type=click.IntRange(0, 7), help="Mặt nạ cố định, nhanh gấp ba (fixed mask).")
@click.option("--bank-name", default="", help="Tên ngân hàng in trên phiếu.")
@click.option("--holder-name", default="", help="Tên chủ tài khoản in trên phiếu.")
@click.option("--mark", default="", help="Chữ in cạnh mã, ví dụ MẪU.")
@_json_option
def image_command(payload: str, *, output: Path, as_json: bool, **look: Any) -> None:
    """Vẽ mã QR ra tệp SVG hoặc PNG (draw into a file)."""
    from payments.vietqr.render import etag, render_png, render_svg  # noqa: PLC0415 - only this command draws

    if output.suffix not in (".svg", ".png"):
        raise click.BadParameter("Tên tệp phải có đuôi .svg hoặc .png (name a .svg or .png).", param_hint="--output")
    with _refusals(as_json=as_json):
        text, style = _payload(payload), Style(**look)
        picture = render_png(text, style) if output.suffix == ".png" else render_svg(text, style).encode()
    try:
        output.write_bytes(picture)
    except OSError as error:
        raise click.FileError(str(output), error.strerror) from error
    if as_json:
        _print_json({"file": str(output), "bytes": len(picture), "etag": etag(text, style)})


@vietqr_group.command("banks")
@click.argument("text", default="")
@click.option(
    "--diff", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="So với tệp CSV mới."
)
@_json_option
def banks_command(text: str, *, file: Path | None, as_json: bool) -> None:
    """Tra ngân hàng theo BIN, mã, tên; --diff so danh sách với một tệp mới (find banks, compare a file)."""
    if file is not None:
        with _refusals(as_json=as_json):
            changes = asdict(bank_list.diff(shipped(), read_registry(file.read_bytes())))
        _print_json(changes)
        return
    found = shipped().search(text)
    if as_json:
        _print_json([asdict(bank) for bank in found])
        return
    for bank in found:
        click.echo(f"{bank.bin}  {bank.short_name}  {bank.name}")


@contextmanager
def _refusals(*, as_json: bool) -> Iterator[None]:
    """With --json a refusal is an object on stdout; else the sentence goes the common way to stderr."""
    try:
        yield
    except DomainError as error:
        if not as_json:
            raise
        _print_json({"error": _error(error)})
        sys.exit(_REFUSED)


def _error(error: DomainError) -> dict[str, object]:
    place = {"path": error.path, "offset": error.offset} if isinstance(error, VietQRError) else {}
    return {"code": error.code, **place, "vi": error.vi, "en": error.en}


def _decode_lines(*, strict: bool) -> None:
    refused = False
    for line in sys.stdin.buffer:  # bytes: a payload may hold any character but the line feed
        try:
            _print_json(_description(decode(line.decode("utf-8", "replace").removesuffix("\n"), strict=strict)))
        except VietQRError as error:
            refused = True
            _print_json({"error": _error(error)})
    if refused:
        sys.exit(_REFUSED)


def _payload(argument: str | None) -> str:
    if argument == "-":
        return sys.stdin.buffer.read().decode("utf-8", "replace").removesuffix("\n")
    return argument or ""


def _amount_vnd(text: str) -> int:
    return int(text[:20]) if text.isascii() and text.isdigit() else parse_vnd(text)


def _description(qr: VietQR) -> dict[str, Any]:
    return {**asdict(qr), "warnings": _warnings(qr)}


def _warnings(qr: VietQR) -> list[dict[str, str]]:
    return [{**asdict(advice), "vi": advice.vi, "en": advice.en} for advice in advise(qr, shipped())]


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))
