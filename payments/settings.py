"""Settings from the environment, read once, all errors told at once; an unknown ``HOCPHI_`` name is an error."""

import base64
import binascii
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

KNOWN = frozenset(
    {
        "HOCPHI_SECRET_KEY",
        "HOCPHI_FIELD_KEYS",
        "HOCPHI_LINK_KEYS",
        "HOCPHI_BASE_URL",
        "HOCPHI_TRUSTED_PROXIES",
        "HOCPHI_ADAPTERS",
        "HOCPHI_ADAPTER_FILES",
        "HOCPHI_OUTGOING_ALLOW",
        "HOCPHI_SMTP_URL",
        "HOCPHI_MAIL_FROM",
        "HOCPHI_BOUNCE_ADDRESS",
        "HOCPHI_MAIL_PER_MINUTE",
    }
)
PLAIN = ("DATABASE_URL", "BROKER_URL", "RESULT_BACKEND")
KEY_BYTES = 32


class SettingsError(Exception):
    """The environment does not describe a runnable system; ``problems`` lists every fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decided. Keys are ordered newest first."""

    database_url: str
    broker_url: str | None = None
    result_backend: str | None = None
    secret_key: str = field(repr=False)
    field_keys: Mapping[int, bytes] = field(repr=False)
    link_keys: Mapping[int, bytes] = field(repr=False)
    base_url: str = "http://127.0.0.1:8000"
    trusted_proxies: tuple[IPNetwork, ...] = ()
    adapters: tuple[str, ...] | None = None
    """Allow-list of adapter names; None allows the built-in ones and those of ``adapter_files``."""
    adapter_files: Path | None = None
    """Folder with data files of senders of the operator's own."""
    outgoing_allow: tuple[IPNetwork, ...] = ()
    """Networks that we may call though they are not public, and without TLS."""
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str = "hocphi@localhost"
    bounce_address: str | None = None
    """Where mail servers return undeliverable letters to; None: to ``mail_from``."""
    mail_per_minute: int = 600
    """Notices of all schools together: what the mail server bears, and the parents' page behind the links."""

    @property
    def secure_cookies(self) -> bool:
        """Cookies travel over HTTPS only, except on a machine that serves plain HTTP to itself."""
        return self.base_url.startswith("https://")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the environment (or a mapping in its place). Raises SettingsError naming every fault."""
        reader = _Reader(os.environ if environ is None else environ)
        settings = cls(
            database_url=reader.required("DATABASE_URL"),
            broker_url=reader.get("BROKER_URL"),
            result_backend=reader.get("RESULT_BACKEND"),
            secret_key=reader.secret("HOCPHI_SECRET_KEY"),
            field_keys=reader.keys("HOCPHI_FIELD_KEYS"),
            link_keys=reader.keys("HOCPHI_LINK_KEYS"),
            base_url=(reader.get("HOCPHI_BASE_URL") or "http://127.0.0.1:8000").rstrip("/"),
            trusted_proxies=reader.networks("HOCPHI_TRUSTED_PROXIES"),
            adapters=reader.names("HOCPHI_ADAPTERS"),
            adapter_files=reader.folder("HOCPHI_ADAPTER_FILES"),
            outgoing_allow=reader.networks("HOCPHI_OUTGOING_ALLOW"),
            smtp_url=reader.get("HOCPHI_SMTP_URL"),
            mail_from=reader.get("HOCPHI_MAIL_FROM") or "hocphi@localhost",
            bounce_address=reader.get("HOCPHI_BOUNCE_ADDRESS"),
            mail_per_minute=reader.count("HOCPHI_MAIL_PER_MINUTE", 600),
        )
        reader.refuse_unknown()
        if reader.problems:
            raise SettingsError(reader.problems)
        return settings


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def get(self, name: str) -> str | None:
        """The value, or the content of the file that ``<name>_FILE`` names."""
        value = self._environ.get(name)
        path = self._environ.get(f"{name}_FILE")
        if value is not None and path is not None:
            self.problems.append(f"{name}: set either {name} or {name}_FILE, not both")
        if value is None and path is not None:
            try:
                value = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                self.problems.append(f"{name}_FILE: the file cannot be read")
        return value or None

    def required(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            self.problems.append(f"{name} is missing")
        return value or ""

    def secret(self, name: str) -> str:
        value = self.required(name)
        if value and len(value.encode()) < KEY_BYTES:
            self.problems.append(f"{name}: at least {KEY_BYTES} bytes, please")
        return value

    def keys(self, name: str) -> dict[int, bytes]:
        """``id:base64,id:base64``, newest first; ids 0..255, keys of 32 bytes."""
        found: dict[int, bytes] = {}
        value = self.required(name)
        for part in value.split(",") if value else ():
            key_id, _, text = part.strip().partition(":")
            try:
                key = base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if not key_id.isdecimal() or not 0 <= int(key_id) <= 255 or len(key) != KEY_BYTES:
                self.problems.append(f"{name}: write id:base64 of {KEY_BYTES} bytes, comma between keys")
                return {}
            found[int(key_id)] = key
        return found

    def networks(self, name: str) -> tuple[IPNetwork, ...]:
        try:
            return tuple(
                ipaddress.ip_network(part.strip()) for part in (self.get(name) or "").split(",") if part.strip()
            )
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return ()

    def names(self, name: str) -> tuple[str, ...] | None:
        value = self.get(name)
        return None if value is None else tuple(part.strip() for part in value.split(",") if part.strip())

    def folder(self, name: str) -> Path | None:
        value = self.get(name)
        if value and not Path(value).is_dir():
            self.problems.append(f"{name}: {value} is not a folder")
        return Path(value) if value else None

    def count(self, name: str, otherwise: int) -> int:
        value = self.get(name)
        if value and not (value.isascii() and value.isdecimal() and 0 < int(value) <= 1_000_000):
            self.problems.append(f"{name}: a whole number above 0, please")
            return otherwise
        return int(value) if value else otherwise

    def refuse_unknown(self) -> None:
        for name in self._environ:
            if name.startswith("HOCPHI_") and name.removesuffix("_FILE") not in KNOWN:
                self.problems.append(f"{name} is not a setting of hocphi (spelling?)")


def generated_environment() -> dict[str, str]:
    """Fresh random keys as environment variables: for demo, tests and `hocphi keys`."""

    def key() -> str:
        return "1:" + base64.b64encode(os.urandom(KEY_BYTES)).decode()

    return {
        "HOCPHI_SECRET_KEY": base64.b64encode(os.urandom(KEY_BYTES)).decode(),
        "HOCPHI_FIELD_KEYS": key(),
        "HOCPHI_LINK_KEYS": key(),
    }
