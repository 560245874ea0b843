"""Which adapters there are: entry points of the group `hocphi.bank_adapters`, loaded when first asked for.

An entry point names a module, or a data file inside a package: `our_bank:our_bank.toml` (bank_adapters/declarative).
The data files of this package, and those in the folder that the operator names, are found by themselves: the file
`our_bank.toml` is the adapter `our_bank`.

Only names in the allow-list are ever loaded; without a list of its own an installation gets those this
package brings and those of the operator's folder. A name claimed twice is an error before anything starts. A plug-in
that cannot be loaded is reported and harms nobody else.
"""

import difflib
import importlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from pathlib import Path
from typing import Final, cast

from bank_adapters import declarative, shape
from bank_adapters.contract import (
    Adapter,
    BrokenAdapterError,
    DuplicateAdapterError,
    UnknownAdapterError,
)

log = logging.getLogger(__name__)

GROUP: Final = "hocphi.bank_adapters"
DISTRIBUTION: Final = "hocphi"

MODULES: Final[Mapping[str, str]] = {
    "agribank_text": "bank_adapters.agribank_text",
    "bidv_biller": "bank_adapters.bidv_biller",
    "bidv_openapi_jose": "bank_adapters.bidv_openapi_jose",
    "casso_v1": "bank_adapters.casso_v1",
    "casso_v2": "bank_adapters.casso_v2",
    "mb": "bank_adapters.vietqr_vn",
    "mb_mms": "bank_adapters.mb_mms",
    "momo": "bank_adapters.momo",
    "payos": "bank_adapters.payos",
    "rfc9421": "bank_adapters.rfc9421",
    "sepay": "bank_adapters.sepay",
    "sepay_pg": "bank_adapters.sepay_pg",
    "standard_webhooks": "bank_adapters.standard_webhooks",
    "vietinbank": "bank_adapters.vietinbank",
    "vietqr_vn": "bank_adapters.vietqr_vn",
    "vnpay": "bank_adapters.vnpay",
    "zalopay": "bank_adapters.zalopay",
}
"""The same lines as in setup.cfg, so that a checkout that was never installed works too."""

BUILT_IN: Final[Mapping[str, str]] = {
    **MODULES,
    **{name: f"{name}{declarative.SUFFIX}" for name in declarative.shipped()},
}

_registered: dict[str, object] = {}
_allowed: set[str] | None = None
_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class AdapterState:
    """One allowed adapter as `hocphi adapters list` shows it; `error` is None when it is usable."""

    name: str
    adapter: Adapter | None
    error: str | None


def allow_only(names: Iterable[str] | None, folder: Path | None = None) -> None:
    """Set the allow-list (None: the built-in adapters and those of the folder) and the operator's folder, at start.

    Raises UnknownAdapterError for a name nobody provides, DuplicateAdapterError for one claimed twice.
    """
    global _allowed, _folder  # set once at start from the settings
    chosen = None if names is None else set(names)
    _require_unclaimed(folder)
    known = taken_names() | own_files(folder).keys()
    for name in sorted((chosen or set()) - known):
        raise _unknown(name, known)
    _allowed, _folder = chosen, folder
    _load.cache_clear()


def own_files(folder: Path | None) -> dict[str, Path]:
    """Name -> data file of every sender in the operator's folder."""
    return {path.stem: path for path in sorted(folder.glob(f"*{declarative.SUFFIX}"))} if folder else {}


def _require_unclaimed(folder: Path | None) -> None:
    for name, path in own_files(folder).items():
        if name in _found() or name in _registered:
            raise DuplicateAdapterError(
                f"The adapter name {name!r} is taken already; choose another for {path} (the file and its `name`)."
            )


def register(name: str, module: object) -> None:
    """Add an adapter by hand (tests); raises DuplicateAdapterError for a name that is taken."""
    if name in _registered or name in _found():
        raise DuplicateAdapterError(f"The adapter name {name!r} is taken already; choose another.")
    _registered[name] = module


def unregister(name: str) -> None:
    """Take away what `register` added."""
    _registered.pop(name, None)
    _load.cache_clear()


def adapter_names() -> list[str]:
    """Names that may be loaded, in order; raises DuplicateAdapterError."""
    own = own_files(_folder)
    allowed = BUILT_IN.keys() | own.keys() if _allowed is None else _allowed
    return sorted((allowed & (_found().keys() | own.keys())) | _registered.keys())


def taken_names() -> set[str]:
    """Every name that is claimed, whether it may be loaded or not; raises DuplicateAdapterError."""
    return {*_found(), *_registered}


def get_adapter(name: str) -> Adapter:
    """The adapter of that name, loaded once.

    Raises UnknownAdapterError, BrokenAdapterError or DuplicateAdapterError.
    """
    found = _load(name)
    if isinstance(found, BrokenAdapterError):
        raise BrokenAdapterError(str(found)) from found.__cause__
    return found


def load_all() -> None:
    """Load every allowed adapter now, so that no callback waits for an import; log those that cannot be used."""
    for state in adapter_states():
        if state.error:
            log.critical("%s", state.error)


def adapter_states() -> list[AdapterState]:
    """Every allowed adapter, loaded, or the reason why it cannot be."""
    return [_state(name) for name in adapter_names()]


def _state(name: str) -> AdapterState:
    try:
        return AdapterState(name, get_adapter(name), None)
    except BrokenAdapterError as error:
        return AdapterState(name, None, str(error))


@cache
def _load(name: str) -> Adapter | BrokenAdapterError:
    """A plug-in that failed once is not tried again: each callback to it would import it anew."""
    if name not in adapter_names():
        raise _unknown(name, adapter_names())
    try:
        module = _registered[name] if name in _registered else _provided(name)
        faults = shape.faults(module) or _name_faults(name, module)
    except BrokenAdapterError as error:
        return error
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plug-in does, the others go on
        broken = BrokenAdapterError(f"The adapter {name!r} cannot be loaded: {error!r}")
        broken.__cause__ = error
        return broken
    if faults:
        return BrokenAdapterError(f"The adapter {name!r} {'; '.join(faults)}; see docs/adding-a-bank.md.")
    return cast("Adapter", module)


def _name_faults(name: str, module: object) -> list[str]:
    """An adapter may have other names (`mb`), but only its own: evidence is kept under what it calls itself."""
    own = cast("Adapter", module).NAME
    found = _found()
    if name in _registered or own == name or found.get(own) == found.get(name):
        return []
    return [f"calls itself {own!r}: NAME and the name of the entry point must agree"]


@cache
def _found() -> Mapping[str, str]:
    """Name -> module of every installed adapter; the metadata is read once."""
    return collect(entry_points(group=GROUP))


def collect(points: Iterable[EntryPoint]) -> dict[str, str]:
    """Join the built-in names with those of installed packages; raises DuplicateAdapterError."""
    found = dict(BUILT_IN)
    owners = dict.fromkeys(BUILT_IN, DISTRIBUTION)
    for point in points:
        owner = point.dist.name if point.dist else owners.get(point.name, "")
        claim = (point.value, owner)
        known = (found.setdefault(point.name, point.value), owners.setdefault(point.name, owner))
        if claim != known:
            raise DuplicateAdapterError(
                f"Two packages claim the adapter name {point.name!r}: "
                f"{_described(*known)} and {_described(*claim)}. Uninstall one of them."
            )
    return found


def _described(value: str, owner: str) -> str:
    return f"{value} ({owner})" if owner else value


def _provided(name: str) -> object:
    """The module or data file behind a name."""
    own = own_files(_folder)
    if name in own:
        return _read(name, own[name].read_text(encoding="utf-8"), str(own[name]))
    value = _found()[name]
    if not value.endswith(declarative.SUFFIX):
        return importlib.import_module(value)
    package, _, file = value.rpartition(":")
    if not package:
        return _read(name, declarative.shipped_text(name), file)
    return _read(name, (files(package) / file).read_text(encoding="utf-8"), value)


def _read(name: str, text: str, file: str) -> object:
    adapter = declarative.DeclarativeAdapter(text, file)
    if name != adapter.NAME:
        raise BrokenAdapterError(f"{file}, name: the file provides {name!r} and calls itself {adapter.NAME!r}.")
    return adapter


def _unknown(name: str, known: Iterable[str]) -> UnknownAdapterError:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    if name in _found():
        hint = " It is installed but not allowed: add it to HOCPHI_ADAPTERS."
    return UnknownAdapterError(f"No adapter {name!r}.{hint} There are: {', '.join(names)}.")
