"""pgbench of the door's own statement: no HTTP, no signature, no encryption, one commit each, prepared.

The key is random; everything else is what one callback of the same size would store.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.door.place import Place
from benchmarks.measuring import Sample, spending
from payments.inbox.storing import STORE_ONE, Row

SEALED_BYTES = 560
"""Of the sealed request of SePay's size."""
KEYS = ("dedup_key", "provider_txn_id")


def sample(place: Place, connection_id: int) -> Row:
    """What one callback comes to."""
    now = datetime.now(UTC)
    return Row(
        connection_id=connection_id,
        outcome="accepted",
        direction="credit",
        status="settled",
        school_id=place.school_id,
        account_id=place.account_id,
        account_named=place.account_number[-4:],
        amount_vnd=250_000,
        occurred_at=now,
        value_date=now.date(),
        bank_reference="FT000000000001",
        description="MBVCB.757532.426726.HP7K3M9Q2XAT.CT tu 0011 PHU HUYNH toi TRUONG",
        found="HP7K3M9Q2XAT",
        content_sha256=bytes(32),
        received_at=now,
        remote_addr="127.0.0.1",
        sealed=bytes(SEALED_BYTES),
        body_sha256=bytes(32),
        body_bytes=400,
        reason="ok",
    )


def write_script(path: Path, row: Row) -> list[str]:
    """Write the script; returns the options that define its variables."""
    values = {"delivery": 0, **row._asdict()}
    options = []
    parts = {}
    for number, (name, value) in enumerate(values.items(), start=1):
        # A script has no word for NULL that travels as a parameter.
        parts[number] = ":key" if name in KEYS else "NULL" if value is None else f":{name}"
        if parts[number] == f":{name}":
            options.append(f"--define={name}={_text(value)}")
    statement = re.sub(r"\$(\d+)", lambda found: parts[int(found[1])], STORE_ONE)
    path.write_text(f"\\set key random(1, 1000000000000000)\n{' '.join(statement.split())};\n", encoding="utf-8")
    path.chmod(0o644)
    return options


def run(place: Place, connection_id: int, clients: int, seconds: int) -> Sample:
    """One run as the server's user; ``rate`` is transactions a second."""
    server = place.made.server
    script = server.base / f"store_{connection_id}.sql"
    options = write_script(script, sample(place, connection_id))
    arguments = ["-n", "-M", "prepared", "-c", str(clients), "-j", "1", *options, "-h", str(server.base)]
    target = ["-f", str(script), "-U", "postgres", place.made.name]
    server.run("pgbench", *arguments, "-T", "1", *target)
    before = place.stored(connection_id)[0]
    with spending(server=server.pid) as spent:
        done = server.run("pgbench", *arguments, "-T", str(seconds), *target)
    transactions = int(_told(r"transactions actually processed: (\d+)", done.stdout))
    stored = place.stored(connection_id)
    if stored != (transactions + before,) * 3:
        raise AssertionError(f"pgbench: {transactions} transactions, stored {stored}")
    return {
        "rate": float(_told(r"tps = ([\d.]+)", done.stdout)),
        "p99_ms": float("nan"),
        "app_ms": 0.0,
        "server_ms": 1e3 * spent.cpu_s["server"] / transactions,
    }


def _told(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise AssertionError(f"pgbench told something else:\n{text}")
    return found[1]


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return str(value).lower() if isinstance(value, bool) else str(value)
