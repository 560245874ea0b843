"""Which adapters there are: entry points of the group `hocphi.bank_adapters`, loaded when first asked for.

Only names in the allow-list are ever loaded; without a list of its own an installation gets those this
package brings. A name claimed twice is an error before anything starts. A plug-in that cannot be loaded is
reported and harms nobody else.
"""

import difflib
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Final, cast

from bank_adapters.contract import (
    INTERFACE,
    Adapter,
    BrokenAdapterError,
    DuplicateAdapterError,
    UnknownAdapterError,
)

GROUP: Final = "hocphi.bank_adapters"

BUILT_IN: Final[Mapping[str, str]] = {
    "agribank_text": "bank_adapters.agribank_text",
    "bidv_biller": "bank_adapters.bidv_biller",
    "casso_v1": "bank_adapters.casso_v1",
    "casso_v2": "bank_adapters.casso_v2",
    "mb": "bank_adapters.vietqr_vn",
    "mb_mms": "bank_adapters.mb_mms",
    "momo": "bank_adapters.momo",
    "payos": "bank_adapters.payos",
    "sepay": "bank_adapters.sepay",
    "sepay_pg": "bank_adapters.sepay_pg",
    "standard_webhooks": "bank_adapters.standard_webhooks",
    "vietinbank": "bank_adapters.vietinbank",
    "vietqr_vn": "bank_adapters.vietqr_vn",
    "vnpay": "bank_adapters.vnpay",
    "zalopay": "bank_adapters.zalopay",
}
"""The same lines as in setup.cfg, so that a checkout that was never installed works too."""

_REQUIRED: Final = ("NAME", "SECRET_FIELDS", "SECRET_CHOICES", "ROUTES", "BATCH")
_FUNCTIONS: Final = ("authenticate", "parse", "acknowledge")

_registered: dict[str, object] = {}
_allowed: set[str] | None = None


@dataclass(frozen=True, slots=True)
class AdapterState:
    """One allowed adapter as `hocphi adapters list` shows it; `error` is None when it is usable."""

    name: str
    adapter: Adapter | None
    error: str | None


def allow_only(names: Iterable[str] | None) -> None:
    """Set the allow-list (None: the built-in adapters), once at start.

    Raises UnknownAdapterError for a name nobody provides, DuplicateAdapterError for one claimed twice.
    """
    global _allowed  # noqa: PLW0603 set once at start from the settings
    chosen = None if names is None else set(names)
    known = {*_found(), *_registered}
    for name in sorted((chosen or set()) - known):
        raise _unknown(name, known)
    _allowed = chosen
    _load.cache_clear()


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
    allowed = set(BUILT_IN) if _allowed is None else _allowed
    return sorted((allowed & _found().keys()) | _registered.keys())


def get_adapter(name: str) -> Adapter:
    """The adapter of that name, loaded once.

    Raises UnknownAdapterError, BrokenAdapterError or DuplicateAdapterError.
    """
    return _load(name)


def adapter_states() -> list[AdapterState]:
    """Every allowed adapter, loaded, or the reason why it cannot be."""
    return [_state(name) for name in adapter_names()]


def _state(name: str) -> AdapterState:
    try:
        return AdapterState(name, get_adapter(name), None)
    except BrokenAdapterError as error:
        return AdapterState(name, None, str(error))


@cache
def _load(name: str) -> Adapter:
    if name not in adapter_names():
        raise _unknown(name, adapter_names())
    try:
        module = _registered[name] if name in _registered else _import(_found()[name])
    except Exception as error:
        raise BrokenAdapterError(f"The adapter {name!r} cannot be loaded: {error!r}") from error
    return _checked(name, module)


def _checked(name: str, module: object) -> Adapter:
    version = getattr(module, "INTERFACE", None)
    if version != INTERFACE:
        raise BrokenAdapterError(f"The adapter {name!r} has INTERFACE {version!r}, this release needs {INTERFACE}.")
    missing = [item for item in _REQUIRED if not hasattr(module, item)]
    missing += [item for item in _FUNCTIONS if not callable(getattr(module, item, None))]
    if missing:
        raise BrokenAdapterError(f"The adapter {name!r} lacks {', '.join(missing)}; see docs/adding-a-bank.md.")
    return cast("Adapter", module)


@cache
def _found() -> Mapping[str, str]:
    """Name -> module of every installed adapter; the metadata is read once."""
    return collect(entry_points(group=GROUP))


def collect(points: Iterable[EntryPoint]) -> dict[str, str]:
    """Join the built-in names with those of installed packages; raises DuplicateAdapterError."""
    found = dict(BUILT_IN)
    for point in points:
        if found.setdefault(point.name, point.value) != point.value:
            raise DuplicateAdapterError(
                f"Two packages claim the adapter name {point.name!r}: "
                f"{found[point.name]} and {point.value}. Uninstall one of them."
            )
    return found


def _import(value: str) -> object:
    return importlib.import_module(value)


def _unknown(name: str, known: Iterable[str]) -> UnknownAdapterError:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    if name in _found():
        hint = " It is installed but not allowed: add it to HOCPHI_ADAPTERS."
    return UnknownAdapterError(f"No adapter {name!r}.{hint} There are: {', '.join(names)}.")
