"""20,000 callbacks, each sent one to four times, while web and worker processes are killed and PostgreSQL is stopped.

Every kill that counts had requests or a batch in flight. The clients' own log is the judge: whatever the bank was told
yes for is there, credited once, and every invariant holds.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path

import psycopg
import pytest

from tests.durability.bank import Bank, Fact
from tests.durability.killer import Toll, kill_web, kill_web_after_a_yes, kill_worker_in_a_batch
from tests.durability.processes import Process, Web
from tests.durability.verdict import drain, judge
from tests.durability.world import World, world

pytestmark = [pytest.mark.slow, pytest.mark.db, pytest.mark.timeout(900)]

CALLBACKS = 20_000
KILLS = 60
IN_A_BATCH = 20
STOPS = 2
EACH_SECOND = 600.0
RESERVE = 0.05
"""Share of the deliveries that may run ahead of the kills, and that is kept for the last of them."""
FEW = 1_000
FEW_EACH_SECOND = 100.0
WITHOUT_FENCES = (
    "DROP INDEX uq__evidence__key",  # ON CONFLICT DO NOTHING then finds nothing to do nothing about
    "DROP INDEX uq__evidence__conflict",
    "ALTER TABLE settlement DROP CONSTRAINT uq__settlement__school_id_transaction_id",
)


def facts_for(made: World, count: int, seed: int) -> list[Fact]:
    """Transfers to random invoices: most pay a part, so that invoices fill up slowly and some overflow."""
    dice = random.Random(seed)
    facts = []
    for number in range(1, count + 1):
        account = dice.choice(made.accounts)
        reference = dice.choice(made.references[account])
        facts.append(Fact(number, account, f"MBVCB.{number}.{reference}.CT tu 0011", dice.randrange(10_000, 400_000)))
    return facts


def share_done(toll: Toll) -> float:
    """How much of what shall be killed has been killed, from 0 to 1."""
    return min(1.0, toll.kills / KILLS, toll.batches_aborted / IN_A_BATCH, (toll.stops + 1) / (STOPS + 1))


def pace_of(toll: Toll) -> float:
    """How far the bank may get at full speed, so that there is work for every kill on a slow machine too."""
    done = share_done(toll)
    return RESERVE + (1 - 2 * RESERVE) * done if done < 1 else 1.0


def torment(made: World, bank: Bank, webs: list[Web], worker: Process, toll: Toll, alive: threading.Event) -> None:
    """Kill in turn until it is enough: a web process, a worker inside a batch, and twice the database.

    What was killed starts while others are killed: nobody waits for a web process before it is its turn again.
    """
    stop_after = [KILLS // 3, 2 * KILLS // 3]
    turn, next_web = 0, cycle(webs)
    while alive.is_set() and share_done(toll) < 1:
        kill_worker_in_a_batch(worker, made.url, toll)
        if turn % 2 == 0 or toll.worker > toll.web:
            web = next(next_web)
            web.wait_until_it_answers()
            kill_web(web, bank, toll)
        if stop_after and toll.kills >= stop_after[0]:
            stop_after.pop(0)
            made.postgres.stop("immediate")
            toll.stops += 1
            time.sleep(0.3)
            made.postgres.start()
        turn += 1


@contextmanager
def province(tmp_path: Path, made: World, application: str | None = None) -> Iterator[tuple[list[Web], Process]]:
    """Two web processes, a worker and a beat; whatever still lives is killed at the end."""
    webs = [Web(made.environment, tmp_path / f"web{number}.log", application) for number in range(2)]
    serve = ["operations", "worker", "--queues", "settlement", "--concurrency", "1"]
    worker = Process(serve, made.environment, tmp_path / "worker.log")
    beat = Process(["operations", "beat"], made.environment, tmp_path / "beat.log")
    with ExitStack() as running:
        for process in (*webs, worker, beat):
            process.start()
            running.callback(process.kill)
        for web in webs:
            web.wait_until_it_answers()
        yield webs, worker


def test_nothing_is_lost_and_nothing_is_credited_twice_whatever_is_killed(tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    with world(schools=4, invoices_each=500) as made, province(tmp_path, made) as (webs, worker):
        toll, alive = Toll(), threading.Event()
        alive.set()
        bank = Bank(
            *(made.token, made.secret, list(webs), facts_for(made, CALLBACKS, seed), seed, EACH_SECOND),
            may_advance_to=lambda: pace_of(toll),
        )
        clients = bank.run()
        tormentor = threading.Thread(target=torment, args=(made, bank, webs, worker, toll, alive), daemon=True)
        tormentor.start()
        for client in clients:
            client.join(600)
        alive.clear()
        tormentor.join(60)
        left = drain(made.url, 120)
        verdict = judge(made.url, bank)
    summary = f"seed {seed}: {bank.sent} sent, {toll}, {verdict}"
    print(summary)
    assert len(bank.acknowledged) == CALLBACKS, summary
    assert left == 0, summary
    assert verdict.spotless, summary
    assert toll.kills >= KILLS, summary
    assert toll.batches_aborted >= IN_A_BATCH, summary
    assert toll.stops == STOPS, summary


def test_the_harness_notices_a_door_that_says_yes_before_the_commit(tmp_path: Path) -> None:
    """Teeth: the same clients and the same judge, with the safeguard of invariant I4 taken away."""
    careless = "tests.durability.careless:application"
    with world(schools=1, invoices_each=200) as made, province(tmp_path, made, careless) as (webs, _worker):
        # Each fact once: a second delivery would make good what the first one lost.
        bank = Bank(made.token, made.secret, list(webs), facts_for(made, FEW, 1), 1, FEW_EACH_SECOND, copies=(1,))
        clients = bank.run()
        toll = Toll()
        for web in webs:
            kill_web_after_a_yes(web, bank, toll)
            web.wait_until_it_answers()
        for client in clients:
            client.join(300)
        drain(made.url, 60)
        verdict = judge(made.url, bank)
    assert toll.web == len(webs)
    assert verdict.lost


def test_the_harness_notices_a_database_without_its_fences(tmp_path: Path) -> None:
    """Teeth: without the key of evidence and the fence of the credit, a repeated callback is credited again."""
    with world(schools=1, invoices_each=200) as made, province(tmp_path, made) as (webs, _worker):
        with psycopg.connect(made.url, autocommit=True) as connection:
            for statement in WITHOUT_FENCES:
                connection.execute(statement)
        bank = Bank(made.token, made.secret, list(webs), facts_for(made, FEW, 2), 2, EACH_SECOND)
        for client in bank.run():
            client.join(300)
        drain(made.url, 60)
        verdict = judge(made.url, bank)
    assert verdict.lost == []
    assert verdict.doubled
