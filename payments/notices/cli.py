"""``hocphi notice``: campaigns from the command line, letters that come back, bots, prices of paid channels."""

import json
import sys
from pathlib import Path

import click
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from payments import clock
from payments.access.queries import staff_id_by_name
from payments.db import command_session
from payments.errors import DomainError, NotFoundError
from payments.notices import bots, queries, service
from payments.notices.bounces import MOST_BYTES, hear
from payments.notices.outside import Outside
from payments.notices.previews import preview
from payments.notices.rules import CAMPAIGN_KINDS, PAID, Channel, Kind
from payments.notices.service import Choice
from payments.notices.wording import LANGUAGES
from payments.notifications.channels.chat import SERVICES
from payments.schools.queries import school_by_code

SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
BY = click.option("--by", required=True, help="tên đăng nhập của người làm / who does it")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
SHOWN = ("id", "kind", "channel", "state", "round_name", "price_vnd", "problem", "notices", *queries.STATES)


@click.group("notice")
def notice_group() -> None:
    """Thông báo gửi phụ huynh (notices to parents)."""


@notice_group.command("list")
@SCHOOL
@AS_JSON
def list_(school_code: str, *, as_json: bool) -> None:
    """Các đợt gửi, mới nhất trước. (Campaigns, newest first.)"""
    with command_session() as (session, _):
        school = school_by_code(session, school_code)
        rows = [_shown(row) for row in queries.campaigns(session, school.id)]
    _print({"campaigns": rows}, as_json=as_json, lines=[_line(row) for row in rows])


@notice_group.command("status")
@SCHOOL
@click.argument("campaign_id", type=int)
@AS_JSON
def status(school_code: str, campaign_id: int, *, as_json: bool) -> None:
    """Một đợt gửi: bao nhiêu tin ở trạng thái nào. (One campaign: how many notices in which state.)"""
    with command_session() as (session, _):
        school = school_by_code(session, school_code)
        found = queries.campaign(session, school.id, campaign_id)
        if found is None:
            raise NotFoundError
        row = _shown(found)
    _print(row, as_json=as_json, lines=[_line(row)])


@notice_group.command("send")
@SCHOOL
@BY
@click.option("--round", "round_code", required=True, help="mã đợt thu / code of the round")
@click.option("--kind", type=click.Choice([one.value for one in CAMPAIGN_KINDS]), required=True)
@click.option("--channel", type=click.Choice([one.value for one in Channel]), default=Channel.EMAIL.value)
@click.option("--language", type=click.Choice(sorted(LANGUAGES)), default="vi", show_default=True)
@click.option("--dry-run", is_flag=True, help="chỉ đếm và tính giá / count and price only")
@AS_JSON
def send(
    school_code: str,
    by: str,
    round_code: str,
    kind: str,
    channel: str,
    language: str,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Bắt đầu một đợt gửi, hoặc chỉ xem trước. (Start a campaign, or only preview it.)"""
    with command_session() as (session, settings):
        school = school_by_code(session, school_code)
        actor_id = staff_id_by_name(session, school.id, by, clock.today())
        round_id = _round_id(session, school.id, round_code)
        choice = Choice(round_id=round_id, kind=Kind(kind), channel=Channel(channel), language=language)
        seen = preview(session, Outside.of(settings), school.id, choice).chosen
        told = {
            "told": seen.audience.told,
            "left_out": dict(seen.audience.left_out),
            "price_vnd": seen.price_vnd,
            "total_vnd": seen.total_vnd,
        }
        if not dry_run:
            told["id"] = service.start(session, Outside.of(settings), school.id, actor_id, choice).id
    total = "?" if seen.total_vnd is None else seen.total_vnd
    _print(told, as_json=as_json, lines=[f"{seen.audience.told} tin (notices), {total} đ"])


@notice_group.command("bounces")
@click.option("--stdin", "from_stdin", is_flag=True, required=True, help="đọc một thư từ đầu vào / read one letter")
@AS_JSON
def bounces(*, from_stdin: bool, as_json: bool) -> None:  # noqa: ARG001 - the option says where the letter comes from
    """Đọc một thư báo trả lại (RFC 3464) và đánh dấu địa chỉ hỏng. (Read one delivery report.)

    For the pipe of a mail server: the exit status is 0 whatever the letter is, lest a server returns it to a stranger.
    """
    with command_session() as (session, settings):
        heard = hear(session, Outside.of(settings), sys.stdin.buffer.read(MOST_BYTES))
    _print({"result": heard.value}, as_json=as_json, lines=[heard.value])


@notice_group.command("bot")
@SCHOOL
@click.option("--service", "name", type=click.Choice(sorted(SERVICES)), required=True)
@click.option("--secret-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="tệp chứa mã của bot")
@click.option("--remove", is_flag=True, help="gỡ bot và các nhóm / forget the bot and its groups")
def bot(school_code: str, name: str, secret_file: Path | None, *, remove: bool) -> None:
    """Đặt hoặc gỡ bot của trường. (Set or remove a school's bot.)"""
    if (secret_file is None) is not remove:
        raise click.UsageError("--secret-file FILE | --remove")
    with command_session() as (session, settings):
        school = school_by_code(session, school_code)
        if secret_file is None:
            bots.remove_bot(session, school.id, None, name)
        else:
            token = secret_file.read_text(encoding="utf-8").strip()
            bots.set_bot(session, Outside.of(settings), school.id, None, service=name, token=token)
    click.echo("ok")


@notice_group.command("price")
@SCHOOL
@click.option("--channel", type=click.Choice([one.value for one in PAID]), required=True)
@click.option("--vnd", type=click.IntRange(0, 100_000), required=True, help="đồng một tin / đồng a message")
def price(school_code: str, channel: str, vnd: int) -> None:
    """Giá một tin của kênh tốn phí, như đã thỏa thuận. (What a message of a paid channel costs.)"""
    with command_session() as (session, _):
        school = school_by_code(session, school_code)
        wanted = {f"{channel}_price_vnd": vnd}
        service.change_settings(session, school.id, None, **wanted)
    click.echo("ok")


def _round_id(session: Session, school_id: int, code: str) -> int:
    found = next((row["id"] for row in queries.rounds(session, school_id) if row["code"] == code), None)
    if found is None:
        raise DomainError(
            "no_round", f"Không có đợt thu đã phát hành mã «{code}».", f"There is no issued round of code {code!r}."
        )
    return int(found)


def _shown(row: RowMapping) -> dict[str, object]:
    return {name: row[name] for name in SHOWN} | {"started_at": row["started_at"].isoformat()}


def _line(row: dict[str, object]) -> str:
    counts = " ".join(f"{state}={row[state]}" for state in queries.STATES if row[state])
    return f"{row['id']}\t{row['kind']}\t{row['channel']}\t{row['state']}\t{counts}"


def _print(value: object, *, as_json: bool, lines: list[str]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False) if as_json else "\n".join(lines))
