"""`hocphi adapters new`: a package with an adapter that works, samples that are signed for real, and its tests."""

import hmac
import json
import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, Final

from bank_adapters.registry import taken_names

SECRET: Final = "test-only-secret"  # noqa: S105 - of the samples, known to everybody
OTHER_SECRET: Final = "somebody-elses-secret"  # noqa: S105 - as above
MONEY_IN: Final = {
    "event": "transaction",
    "id": "100200300",
    "amount": 1_250_000,
    "currency": "VND",
    "time": "2026-09-22T08:15:30+07:00",
    "content": "HP7K3M9Q2XAT Nguyễn Văn Ẩn nộp học phí",
    "account": "0011002233445",
    "reference": "FT26265000123456",
}
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,39}", re.ASCII)
_CONTRACT: Final = (
    "VALID", "Answer", "BankTransaction", "Now", "Outcome", "Reason", "Request", "Secrets", "Verdict",
)  # fmt: skip


class ScaffoldError(ValueError):
    """The name or the place cannot be used."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One way of proving who sent a message, in words, in the module, and for the samples."""

    words: str
    header: str
    comparison: str
    sign: Callable[[str, bytes], str]
    unsigned: str = ""
    imports: tuple[str, ...] = ()

    @property
    def covers_body(self) -> bool:
        """Whether a changed body shows."""
        return not self.unsigned


def _hmac(algorithm: str) -> Signature:
    return Signature(
        words=f"HMAC-{algorithm.upper()} in lower-case hex over the raw body in `X-Signature`, secret as text.",
        header="x-signature",
        comparison=f'signatures.any_same(given, keys, request.body, "{algorithm}")',
        sign=lambda secret, body: hmac.digest(secret.encode(), body, algorithm).hex(),
    )


SIGNATURES: Final[Mapping[str, Signature]] = {
    "hmac-sha256": _hmac("sha256"),
    "hmac-sha512": _hmac("sha512"),
    "token": Signature(
        words="a shared token in `X-Api-Key`; the body is not signed: add a list of addresses.",
        header="x-api-key",
        comparison="any(signatures.same(given, key) for key in keys)",
        sign=lambda secret, _body: secret,
        unsigned='UNSIGNED: Final = {"secret": EVERYTHING}\n',
        imports=("EVERYTHING",),
    ),
}
"""What `--signature` may name."""


def write(name: str, folder: Path, signature: str) -> Path:
    """Make the folder `hocphi-<name>` with everything in it and return it; raises ScaffoldError.

    Nothing that is there is ever written over.
    """
    _require_free(name)
    target = folder / f"hocphi-{name.replace('_', '-')}"
    files = files_of(name, SIGNATURES[signature])
    try:
        target.mkdir()
    except FileExistsError:
        raise ScaffoldError(f"{target} is there already: nothing was written. Choose another name or folder.") from None
    for path, text in files.items():
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("x", encoding="utf-8") as file:
            file.write(text)
    return target


def files_of(name: str, signature: Signature) -> dict[str, str]:
    """Path in the package -> text."""
    package = f"hocphi_{name}"
    words = {
        "name": name,
        "dashed": name.replace("_", "-"),
        "package": package,
        "authentication": signature.words,
        "header": signature.header,
        "comparison": signature.comparison,
        "unsigned": signature.unsigned,
        "contract": "".join(f"    {word},\n" for word in (*signature.imports, *_CONTRACT)),
    }
    return {
        "pyproject.toml": _filled("pyproject.toml.txt", words),
        "README.md": _filled("README.md.txt", words),
        f"{package}/__init__.py": f'"""Adapter of hocphi for {name}."""\n',
        f"{package}/adapter.py": _filled("adapter.py.txt", words),
        f"tests/test_{name}.py": _filled("test_adapter.py.txt", words),
        **{f"{package}/samples/{vector['id']}.json": as_json(vector) for vector in samples(name, signature)},
    }


def _require_free(name: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ScaffoldError(
            f"{name!r} is no name for an adapter: 2 to 40 small letters, digits and _, the first a letter."
        )
    if name in taken_names():
        raise ScaffoldError(f"There is an adapter {name!r} already: a name that two packages claim stops the start.")


def _filled(template: str, words: Mapping[str, str]) -> str:
    text = resources.files(__name__).joinpath("templates", template).read_text(encoding="utf-8")
    return Template(text).substitute(words)


def as_json(vector: Mapping[str, Any]) -> str:
    """A vector as a file of samples holds it."""
    return json.dumps(vector, ensure_ascii=False, indent=2) + "\n"


def samples(name: str, signature: Signature) -> Iterator[dict[str, Any]]:
    """Messages that must be accepted, and such that must not, as vectors of the kit."""
    read = {
        "provider_txn_id": "100200300",
        "amount": 1_250_000,
        "direction": "credit",
        "occurred_at": "2026-09-22T08:15:30+07:00",
        "description": MONEY_IN["content"],
        "account_number": "0011002233445",
        "bank_reference": "FT26265000123456",
    }
    out = {**MONEY_IN, "id": "100200301", "amount": -50_000}

    def vector(
        what: str, body: Mapping[str, Any], *, by: str = SECRET, status: int = 200, **more: Any
    ) -> dict[str, Any]:
        text = json.dumps(body, ensure_ascii=False)
        headers = {"Content-Type": "application/json", signature.header.title(): signature.sign(by, text.encode())}
        return {
            "id": f"{name}-{what}",
            "adapter": name,
            "source": "made by hocphi adapters new",
            "key": {"secret": SECRET},
            "request": {"method": "POST", "query": None, "headers": headers, "body": text},
            "expect": {"valid": by == SECRET},
            "expected_ack": {"status": status, "body": {"success": status == 200}},
            **more,
        }

    yield vector("money-in", MONEY_IN, normalized=read)
    yield vector("money-out", out, normalized={"amount": 50_000, "direction": "debit"})
    yield vector("other-news", {"event": "balance", "id": "100200302"})
    yield vector("amount-with-fraction", {**MONEY_IN, "amount": 1250000.5}, status=400)
    yield vector("other-key", MONEY_IN, by=OTHER_SECRET, status=401)
    unsigned = vector("without-signature", MONEY_IN, status=401)
    del unsigned["request"]["headers"][signature.header.title()]
    yield {**unsigned, "expect": {"valid": False}}
    if signature.covers_body:
        changed = vector("changed-body", MONEY_IN, status=401)
        changed["request"]["body"] = changed["request"]["body"].replace("1250000", "9250000")
        yield {**changed, "expect": {"valid": False}}
