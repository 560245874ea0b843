"""What a person without a link types to find a notice: a code and a second fact; pure."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from payments.invoices.reference import find
from payments.throttle.rules import Limit, site_of

HOUR = timedelta(hours=1)
NETWORK = Limit("lookup.network", 30, HOUR)
"""Wrong tries of one network: many families share the address of one mobile provider."""
NETWORK_PRESSED = Limit("lookup.network.pressed", 3, HOUR)
"""The same while everybody together tries too often."""
EVERYBODY = Limit("lookup.everybody", 3000, HOUR)
PAIR = Limit("lookup.pair", 6, 12 * HOUR)
"""Wrong tries of one network at one code: a child's birthday is one of 365."""
PAIR_PRESSED = Limit("lookup.pair.pressed", 1, 12 * HOUR)
"""The same while all networks together try this code too often: the parent at home is still heard."""
CODE = Limit("lookup.code", 20, 24 * HOUR)

LONGEST_CODE = 40
_DAY = re.compile(r"([0-9]{1,2})[\s./-]+([0-9]{1,2})[\s./-]+([0-9]{4})|([0-9]{2})([0-9]{2})([0-9]{4})", re.ASCII)
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """A code as typed and tidied, the payment reference that it may be, and the pupil's date of birth."""

    code: str
    reference: str
    born: date

    def tries(self, network: str) -> tuple[dict[Limit, str], ...]:
        """What one try counts against, step by step: always the same limits, whatever the code is.

        Whoever is tired at one step counts at no later one: a single network could else close the page for everybody.
        """
        counted = self.reference or self.code
        site = site_of(network)
        return (
            {NETWORK: network, NETWORK_PRESSED: site},
            {EVERYBODY: ""},
            {PAIR: f"{network}\0{counted}", PAIR_PRESSED: f"{site}\0{counted}", CODE: counted},
        )


def read_asked(code: str, born: str) -> Asked | None:
    """What was typed; None when it cannot be a code and a date, whoever's they are."""
    tidy = re.sub(r"\s", "", code).upper()
    day = read_day(born)
    if not tidy or len(tidy) > LONGEST_CODE or day is None:
        return None
    return Asked(tidy, next(iter(find(tidy)), ""), day)


def read_day(text: str) -> date | None:
    """A day as people here write it: 02/03/2019, 2.3.2019, 02032019, or 2019-03-02; None when it is none."""
    short = text.strip()
    found, iso = _DAY.fullmatch(short), _ISO_DAY.fullmatch(short)
    if iso:
        year, month, day = iso.groups()
    elif found:
        day, month, year = [part for part in found.groups() if part]
    else:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def network_is_tired(full: frozenset[Limit]) -> bool:
    """Whether the visitor's network has to wait, by the limits that are used up."""
    return NETWORK in full or {EVERYBODY, NETWORK_PRESSED} <= full


def code_is_closed(full: frozenset[Limit]) -> bool:
    """Whether this network hears nothing about this code for a while, right or wrong."""
    return PAIR in full or {CODE, PAIR_PRESSED} <= full
