"""``hocphi reconcile close|reopen|sign|export|verify|keys``: sign, reopen, write papers and check them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from payments import clock
from payments.access.queries import staff_id_by_name
from payments.crypto import FieldCipher
from payments.db import command_session
from payments.errors import DomainError
from payments.schools.queries import school_by_code
from payments.settings import SettingsError
from reconciliation.closing import canonical, certificates, chain, checking, keys, papers, reopening, service
from reconciliation.closing.models import PeriodClose
from reconciliation.closing.verifying import Found, known_by_file, worst
from reconciliation.closing.words import VERDICTS

DAY = click.DateTime(["%Y-%m-%d"])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUT = click.Path(dir_okay=False, writable=True, path_type=Path)
AS_JSON = click.option("--json", "as_json", is_flag=True)
SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
BY = click.option("--by", "username", required=True, help="người làm, tên đăng nhập / who does it")
NUMBER = click.option("--number", type=click.IntRange(1), help="số của lần khóa sổ / number in the chain")
THROUGH = click.option("--through", type=DAY, help="ngày cuối của kỳ / last day of the period")
WRONG_USE, REFUSED = 2, 1


@click.command("close")
@SCHOOL
@click.option("--through", type=DAY, required=True, help="ngày cuối của kỳ / last day of the period")
@BY
@click.option("--note", help="xác nhận về ngoại lệ còn mở / acknowledges what is open")
@AS_JSON
def close(school_code: str, through: datetime, username: str, *, note: str | None, as_json: bool) -> None:
    """Ký khóa kỳ: những gì đến sau thuộc ngày mở kế tiếp (sign a period; what comes later is of the next open day)."""
    with command_session() as (session, settings):
        school = school_by_code(session, school_code)
        request = service.Request(_staff(session, school.id, username), note, base_url=settings.base_url)
        cipher = FieldCipher(settings.field_keys)
        _tell(service.close_period(session, cipher, school.id, through.date(), request), as_json=as_json)


@click.group("reopen")
def reopen() -> None:
    """Mở lại kỳ đã khóa: một người đề nghị, hiệu trưởng duyệt (reopen: one proposes, the principal approves)."""


@reopen.command("propose")
@SCHOOL
@click.option("--number", type=click.IntRange(1), required=True, help="số của lần khóa sổ / number of the close")
@click.option("--reason", required=True, help="lý do / why")
@BY
def propose(school_code: str, number: int, reason: str, username: str) -> None:
    """Đề nghị mở lại một lần khóa sổ và mọi lần sau nó (propose; later closes are reopened with it)."""
    with command_session() as (session, _settings):
        school = school_by_code(session, school_code)
        actor_id = _staff(session, school.id, username)
        proposal = reopening.propose_reopening(session, school.id, number, actor_id=actor_id, reason=reason)
    click.echo(f"Đề nghị số {proposal}, chờ hiệu trưởng duyệt (proposal {proposal} waits for the principal).")


@reopen.command("approve")
@SCHOOL
@click.option("--proposal", type=click.IntRange(1), required=True, help="số đề nghị / the proposal")
@BY
@AS_JSON
def approve(school_code: str, proposal: int, username: str, *, as_json: bool) -> None:
    """Duyệt mở lại, với tư cách hiệu trưởng (approve as the principal, another person than who proposed)."""
    with command_session() as (session, settings):
        school = school_by_code(session, school_code)
        link = reopening.approve_reopening(
            session,
            FieldCipher(settings.field_keys),
            school.id,
            proposal,
            actor_id=_staff(session, school.id, username),
            base_url=settings.base_url,
        )
        _tell(link, as_json=as_json)


@click.command("history")
@SCHOOL
@AS_JSON
def history(school_code: str, *, as_json: bool) -> None:
    """Chuỗi khóa sổ và mở lại của trường (the chain of closes and reopenings)."""
    with command_session() as (session, _settings):
        school = school_by_code(session, school_code)
        standing = {one.sequence for one in chain.standing(session, school.id)}
        rows = [_as_dict(link) | {"standing": link.sequence in standing} for link in chain.links(session, school.id)]
    if as_json:
        click.echo(json.dumps({"links": rows}, ensure_ascii=False))
        return
    if not rows:
        click.echo("Chưa có lần khóa sổ nào (no close yet).")
    for row in rows:
        mark = "đang có hiệu lực" if row["standing"] else "mở lại" if row["kind"] == "reopen" else "đã mở lại"
        kind = "khóa sổ" if row["kind"] == "close" else "mở lại"
        click.echo(f"#{row['sequence']} {kind} {row['from']}–{row['through']} {row['sha256'][:16]}… {mark}")


@click.command("export")
@SCHOOL
@THROUGH
@NUMBER
@click.option("--format", "kind", type=click.Choice(sorted(papers.KINDS)), required=True)
@click.option("--to", "file", type=OUT, required=True, help="ghi ra tệp / file to write")
def export(school_code: str, through: datetime | None, number: int | None, *, kind: str, file: Path) -> None:
    """Ghi lại biên bản của một lần khóa sổ, giống hệt từng byte (write a close's papers again, byte for byte)."""
    with command_session() as (session, settings):
        school = school_by_code(session, school_code)
        link = _chosen(chain.links(session, school.id), through, number)
        file.write_bytes(papers.write(session, FieldCipher(settings.field_keys), link, kind))
    click.echo(f"Đã ghi {file.name} (written).")


@click.command("sign")
@SCHOOL
@click.option("--number", type=click.IntRange(1), required=True, help="số của lần khóa sổ / number of the close")
@click.option("--certificate", type=FILE, help="chứng thư số PEM, DER (hoặc trong tệp PKCS#12 của --key)")
@click.option("--key", "key_file", type=FILE, help="khóa riêng PEM hoặc PKCS#12 / private key")
@click.option("--password-file", type=FILE, help="mật khẩu của khóa / password of the key")
@click.option("--signature", "signature_file", type=FILE, help="chữ ký làm ở nơi khác / made elsewhere")
@click.option("--to-be-signed", type=OUT, help="chỉ ghi nội dung cần ký / only write what is to be signed")
@click.option("--by", "username", help="người thêm chữ ký / who adds it")
def sign(school_code: str, number: int, **given: Any) -> None:
    """Ký thêm bằng chứng thư số của trường (add a signature by the school's own certificate)."""
    with command_session() as (session, _settings):
        school = school_by_code(session, school_code)
        document = chain.link(session, school.id, number).document
        if given["to_be_signed"]:
            given["to_be_signed"].write_bytes(document)
            click.echo(f"Đã ghi nội dung cần ký vào {given['to_be_signed'].name} (written).")
            return
        certificate, signature = _signature(given, document)
        actor_id = _staff(session, school.id, given["username"]) if given["username"] else None
        added = service.add_signature(session, school.id, number, (certificate, signature), actor_id)
        click.echo(f"Đã thêm chữ ký {added.algorithm} của {certificates.shown(added.certificate).subject} (added).")


@click.group("keys")
def keys_group() -> None:
    """Khóa ký của trường (the school's signing keys)."""


@keys_group.command("export")
@SCHOOL
@click.option("--to", "file", type=OUT, required=True)
def export_keys(school_code: str, file: Path) -> None:
    """Ghi các khóa công khai, để kiểm tra nơi không có cơ sở dữ liệu (public keys, for verifying offline)."""
    with command_session() as (session, _settings):
        school = school_by_code(session, school_code)
        file.write_bytes(keys.published(session, school.id, school.code))
    click.echo(f"Đã ghi {file.name} (written).")


@keys_group.command("retire")
@SCHOOL
@BY
def retire_key(school_code: str, username: str) -> None:
    """Từ nay ký bằng khóa mới; chữ ký cũ vẫn đúng (sign with a new key from now on; old signatures stay valid)."""
    with command_session() as (session, _settings):
        school = school_by_code(session, school_code)
        keys.retire(session, school.id, _staff(session, school.id, username))
    click.echo("Đã thôi dùng khóa hiện tại (retired).")


@click.command("verify")
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option("--keys", "keys_file", type=FILE, help="tệp khóa công khai: không cần cơ sở dữ liệu / works offline")
@AS_JSON
@click.pass_context
def verify(context: click.Context, files: tuple[Path, ...], *, keys_file: Path | None, as_json: bool) -> None:
    """Kiểm tra chữ ký và chuỗi của tệp .json, .pdf, .xlsx (check; exit 0 valid, 1 not valid, 2 cannot be checked)."""
    given = [(file.name, file.read_bytes()) for file in files]
    try:
        found = _offline(given, keys_file) if keys_file else _online(given)
    except (ValueError, SettingsError) as error:
        click.echo(f"Không kiểm tra được: {error} (cannot be checked)", err=True)
        context.exit(WRONG_USE)
    if as_json:
        told = {"verdict": worst(found), "files": [one.as_dict() for one in found]}
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        for one in found:
            click.echo(f"{one.name}: {VERDICTS[one.verdict][0]}")
            if one.kind:
                days = f"{one.period[0]}–{one.period[1]}"
                click.echo(
                    f"  {one.school} số {one.sequence}, {days}, {one.signed_by}, {one.signed_at}; chuỗi: {one.chain}"
                )
    context.exit(0 if worst(found) == "valid" else REFUSED)


def _offline(given: list[tuple[str, bytes]], keys_file: Path) -> list[Found]:
    return checking.judge(given, known_by_file(keys_file.read_bytes()))


def _online(given: list[tuple[str, bytes]]) -> list[Found]:
    with _database() as (session, settings):
        return checking.judge_with(session, FieldCipher(settings.field_keys), given)


@contextmanager
def _database() -> Iterator[Any]:
    """Raises ValueError with the way out where there is no database to ask."""
    try:
        with command_session() as opened:
            yield opened
    except DomainError as error:
        if error.code not in {"database_away", "no_schema"}:
            raise
        raise ValueError(f"{error.vi} Hoặc thêm --keys FILE.") from error


def _signature(given: Mapping[str, Any], document: bytes) -> tuple[bytes, bytes]:
    """Certificate and signature, made here with the key or elsewhere."""
    certificate = given["certificate"].read_bytes() if given["certificate"] else None
    if given["signature_file"]:
        if certificate is None:
            raise click.UsageError("--signature cần --certificate (a signature needs its certificate)")
        return certificate, given["signature_file"].read_bytes()
    if not given["key_file"]:
        raise click.UsageError("cần --key hoặc --signature (give a key or a signature)")
    password = given["password_file"].read_bytes().rstrip(b"\r\n") if given["password_file"] else None
    key, inside = certificates.read_key(given["key_file"].read_bytes(), password)
    chosen = certificate or inside
    if chosen is None:
        raise click.UsageError("cần --certificate (the key file holds no certificate)")
    return chosen, certificates.sign(key, document)


def _chosen(links: Any, through: datetime | None, number: int | None) -> PeriodClose:
    """The link of a number, or the newest close through a day, or the newest of all. Raises DomainError."""
    found = [
        link
        for link in links
        if (number is None or link.sequence == number) and (through is None or link.through == through.date())
    ]
    if not found:
        raise DomainError("no_close", "Không có lần khóa sổ như vậy.", "There is no such close.")
    return found[-1]  # type: ignore[no-any-return]  # links of the chain


def _as_dict(link: PeriodClose) -> dict[str, Any]:
    return {
        "sequence": link.sequence,
        "kind": link.kind.value,
        "from": link.first.isoformat(),
        "through": link.through.isoformat(),
        "signed_at": canonical.moment(link.closed_at),
        "sha256": link.sha256.hex(),
    }


def _tell(link: PeriodClose, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_as_dict(link)))
        return
    word = "Đã khóa kỳ" if link.kind == "close" else "Đã mở lại kỳ"
    click.echo(f"{word} đến {link.through:%d/%m/%Y}, số {link.sequence}, SHA-256 {link.sha256.hex()} (signed).")


COMMANDS = (close, reopen, history, export, sign, keys_group, verify)


def _staff(session: Session, school_id: int, username: str) -> int:
    return staff_id_by_name(session, school_id, username, clock.today())
