"""Which exceptions a page, a command or a workbook shows: read from the address, written back to it. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final

from reconciliation.exceptions.rules import AGES, HANDLING, Owner, State

LIVE_STATES: Final = "live"
ALL_STATES: Final = "all"
STATES: Final = (LIVE_STATES, *(state.value for state in State), ALL_STATES)
DUE: Final = ("overdue", "today", "week")
ME: Final = "me"
NOBODY: Final = "none"
SORTS: Final = ("due", "age", "amount", "class")
LONGEST_TEXT = 100


@dataclass(frozen=True, slots=True)
class Filter:
    """Values as they stand in the address; empty: no limit. What is unknown is left out, so an old link still works."""

    primary_class: str = ""
    state: str = LIVE_STATES
    owner: str = ""
    age: str = ""
    assignee: str = ""
    """``me``, ``none``, or the id of a user."""
    due: str = ""
    account: str = ""
    """Id of a receiving account."""
    q: str = ""
    sort: str = "due"

    def as_query(self) -> dict[str, str]:
        """For an address: only what differs from the default."""
        default = Filter()
        return {
            _NAMES.get(name, name): value for name, value in asdict(self).items() if value != getattr(default, name)
        }

    def but(self, **values: str) -> dict[str, str]:
        """The address of this filter with some values changed."""
        return replace(self, **values).as_query()

    @property
    def narrowing(self) -> dict[str, str]:
        """What it leaves out, for the sentence about an empty list."""
        return {name: value for name, value in self.as_query().items() if name != "sort"}


_NAMES: Final = {"primary_class": "class"}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "class": tuple(HANDLING),
    "state": STATES,
    "owner": tuple(owner.value for owner in Owner),
    "age": tuple(key for key, _, _ in AGES),
    "due": DUE,
    "sort": SORTS,
}


def read(args: Mapping[str, str]) -> Filter:
    """Read a filter out of an address."""
    chosen = {name: args[name] for name, known in _CHOICES.items() if args.get(name) in known}
    for name in ("assignee", "account"):
        value = args.get(name, "")
        if (value.isascii() and value.isdigit() and len(value) < 19) or (name == "assignee" and value in {ME, NOBODY}):
            chosen[name] = value
    words = args.get("q", "").strip()[:LONGEST_TEXT]
    if words:
        chosen["q"] = words
    if "class" in chosen:
        chosen["primary_class"] = chosen.pop("class")
    return Filter(**chosen)
