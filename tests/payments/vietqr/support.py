"""Shared by the tests of the room: the vectors, and payloads built by hand, object by object."""

import json
from binascii import crc_hqx
from pathlib import Path

from payments.vietqr import VietQR

VECTORS = json.loads((Path(__file__).parent / "vectors" / "vietqr.json").read_text(encoding="utf-8"))["vectors"]
NAMES = {"bill": "bill_number", "amount": "amount_vnd", "service": "service", "init": "reusable"}
SERVICES = {"QRIBFTTA": "account", "QRIBFTTC": "card"}


def vectors(*kinds):
    return [vector for vector in VECTORS if vector["kind"] in kinds]


def qr_of(given):
    """The value that the ``input`` of an encode vector describes."""
    fields = {NAMES.get(name, name): value for name, value in given.items() if name != "initMethod"}
    if "amount_vnd" in fields:
        fields["amount_vnd"] = int(fields["amount_vnd"])
    if "service" in fields:
        fields["service"] = SERVICES[fields["service"]]
    if "initMethod" in given:
        fields["reusable"] = given["initMethod"] == "11"
    return VietQR(**fields)


def tlv(*objects):
    """Join (id, value) pairs; a value may be a list of pairs."""
    texts = [(id_, tlv(*value) if isinstance(value, list) else value) for id_, value in objects]
    return "".join(f"{id_}{len(value):02d}{value}" for id_, value in texts)


def seal(text):
    text += "6304"
    return f"{text}{crc_hqx(text.encode(), 0xFFFF):04X}"


RECEIVER = [("00", "A000000727"), ("01", [("00", "970436"), ("01", "0011001932418")]), ("02", "QRIBFTTA")]
FIELDS = {
    "00": "01",
    "01": "12",
    "38": RECEIVER,
    "53": "704",
    "54": "180000",
    "58": "VN",
    "62": [("08", "HP7K3M9Q2XAT")],
}


def payload(**changes):
    """A sealed payload; ``_54="0"`` replaces a root field, ``_54=None`` leaves it out."""
    fields = FIELDS | {id_.lstrip("_"): value for id_, value in changes.items()}
    return seal(tlv(*((id_, value) for id_, value in fields.items() if value is not None)))
