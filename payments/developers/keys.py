"""Secrets for rehearsals: made up on the spot, both sides of them, for test connections only."""

import base64
import os
import secrets as chance
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bank_adapters import get_adapter
from payments.developers.sending import SENDER_KEY

RSA_BITS: Final = 2048


def rehearsal_secret(adapter: str) -> tuple[dict[str, str], dict[str, str]]:
    """A secret mapping for a test connection of this adapter, and the same with what only the sender knows.

    Raises the errors of `bank_adapters.get_adapter`.
    """
    needed = get_adapter(adapter).SECRET_CHOICES[0]
    ours = {field: _made(field) for field in needed if field != "public_pem"}
    if "public_pem" not in needed:
        return ours, dict(ours)
    private, public = _pair()
    ours["public_pem"] = public
    return ours, {**ours, SENDER_KEY: private}


def _made(field: str) -> str:
    if field == "kek_hex":
        return os.urandom(32).hex()
    if field == "private_pem":
        return _pair()[0]
    if field == "shared_secret_b64":
        return base64.b64encode(os.urandom(32)).decode()
    if field == "secret":
        # Fits every sender: text for most, `whsec_` and base64 for Standard Webhooks.
        return "whsec_" + base64.b64encode(os.urandom(24)).decode()
    return chance.token_urlsafe(24)


def _pair() -> tuple[str, str]:
    """A private key as PEM and its public part."""
    key = rsa.generate_private_key(65537, RSA_BITS)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()
