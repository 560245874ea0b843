"""Signed callbacks, made before they are sent: as SePay signs them, each with an id and a reference of its own."""

from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from benchmarks.door.place import SECRET, Place
from payments.developers.senders import Payment, signed_request
from payments.invoices import reference

_ids = count(1)


def write(path: Path, place: Place, requests: int) -> None:
    """Write ``requests`` lines «stamp TAB signature TAB body», good for five minutes."""
    sent_at = datetime.now(UTC)
    with path.open("w", encoding="utf-8") as lines:
        for _ in range(requests):
            number = next(_ids)
            payment = Payment(
                account_number=place.account_number,
                amount_vnd=100_000 + number % 900 * 1_000,
                memo=f"MBVCB.757532.{number % 1_000_000:06d}.{reference.generate()}.CT tu 0011 PHU HUYNH toi TRUONG",
                bank_reference=f"FT{number:012d}",
                txn_id=str(number),
                occurred_at=sent_at,
            )
            made = signed_request("sepay", {"secret": SECRET}, payment, sent_at=sent_at)
            headers = {name.lower(): value for name, value in made.headers.items()}
            stamp, signature = headers["x-sepay-timestamp"], headers["x-sepay-signature"]
            lines.write(f"{stamp}\t{signature}\t{made.body.decode()}\n")
