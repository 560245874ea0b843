"""``hocphi demo``: play the month, judge it, print the report; then serve what was played."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import click
from sqlalchemy import Connection, text

from operations.demo import found, month, report, truth
from operations.demo.accounts import spoiled
from operations.demo.compare import compare
from operations.demo.greeting import greet
from operations.demo.month import Billed
from operations.demo.presets import PRESETS
from operations.demo.processes import Processes
from operations.demo.simulator import Record
from operations.demo.world import World, new_world
from operations.invariants import check_invariants
from payments.money import format_vnd

TRUTH = "truth.json"
SEED = 20251008
LOOK_S = 1.0


@dataclass(slots=True)
class Played:
    """A month that was played; the truth lies in a file of the demo's folder that only the judge opens."""

    billed: Billed
    record: Record
    family: str
    """Token of a family's page."""


def play(world: World, preset: str, seed: int, processes: Processes) -> Played:
    """Play the whole month on running processes and write down what was planted."""
    billed = month.bill_province(world, PRESETS[preset], seed)
    record = month.call_banks(world, billed, seed, processes.check)
    month.hand_in_papers(world, billed, processes.check)
    month.reconcile(world, processes.check)
    family = month.live_on(world, billed, processes.check)
    truth.write(world.folder / TRUTH, truth.planted(billed.plan, record, billed.accounts))
    return Played(billed, record, family)


def judge(connection: Connection, world: World, played: Played) -> dict[str, Any]:
    """Read the system's own findings from the database, compare them with the truth, and report."""
    verdict = compare(world.folder / TRUTH, found.found(connection), played.record.doubtful)
    unsound = truth.place(spoiled(played.billed.accounts).account)
    return report.put_together(connection, played.record, verdict, check_invariants(connection), unsound)


@contextmanager
def _snapshot(world: World) -> Iterator[Connection]:
    """One state of the database, read only."""
    with world.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        yield connection


@click.command()
@click.option("--once", is_flag=True, help="Chạy một lần rồi thoát. (Play, report, and stop.)")
@click.option("--json", "as_json", is_flag=True, help="Một đối tượng JSON trên stdout. (One JSON object.)")
@click.option("--port", type=int, help="Cổng của trang web; mặc định là một cổng trống. (Default: any free port.)")
@click.option("--preset", type=click.Choice(sorted(PRESETS)), default="demo", show_default=True)
@click.option("--seed", type=int, default=SEED, show_default=True)
@click.pass_context
def demo(context: click.Context, *, once: bool, as_json: bool, port: int | None, preset: str, seed: int) -> None:
    """Diễn một tỉnh giả với một tháng thu và đối soát thật. (Play an invented province over the real way of money.)"""
    with new_world(port) as world, world.processes() as processes:
        played = play(world, preset, seed, processes)
        with _snapshot(world) as connection:
            said = judge(connection, world, played)
        click.echo(json.dumps(said, ensure_ascii=False) if as_json else in_words(said))
        if not once:
            sys.stdout.flush()
            greet(world, played.billed, played.family)
            keep_serving(processes)
    context.exit(0 if said["ok"] else 1)


def keep_serving(processes: Processes) -> None:
    """Serve until Ctrl-C. Raises ServiceError when one of the processes dies."""
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(LOOK_S)
            processes.check()


def in_words(said: dict[str, Any]) -> str:
    """The report for a person."""
    calls, proved = said["callbacks"], said["proof"]
    billed, settled = format_vnd(said["invoiced_vnd"]), format_vnd(said["settled_vnd"])
    kept, owed = format_vnd(said["payout_fees_vnd"]), format_vnd(said["owed_vnd"])
    taken = f"nhận {calls['accepted']}, trùng {calls['duplicate']}, từ chối {calls['rejected']}"
    lines = [
        f"{said['schools']} trường, {said['pupils']} học sinh, {said['invoices']} thông báo thu: {billed}",
        f"Báo có: gửi {calls['sent']}, {taken}",
        f"Đã gạch nợ {settled}; chưa rõ của ai: {said['unmatched']} giao dịch",
        f"Trung gian quyết toán {said['payouts']} lô, trừ phí {kept}, còn giữ {owed}",
        f"Sao kê {said['statement_lines']} dòng, sổ kế toán {said['ledger_rows']} dòng, khớp {said['matched']}",
        f"Bằng chứng số dư: {'đạt' if proved['ok'] else 'KHÔNG ĐẠT'} ({proved['accounts']} tài khoản)",
        f"Bất biến: {', '.join(name for name, holds in said['invariants'].items() if holds)}",
    ]
    for key in sorted(said["planted"].keys() | said["found"].keys()):
        planted, seen = said["planted"].get(key, 0), said["found"].get(key, 0)
        lines.append(f"  {key:<16} gài {planted:>6}   tìm thấy {seen:>6}")
    for title, rows in (("Bỏ sót", said["missed"]), ("Báo nhầm", said["false_alarms"]), ("Vi phạm", said["broken"])):
        lines += [f"{title} {key}: {detail}" for key, detail in rows.items()]
    return "\n".join([*lines, "ĐẠT" if said["ok"] else "KHÔNG ĐẠT"])
