"""Receiving accounts of the invented schools, who reports on them, and in which format their bank states them."""

from collections.abc import Sequence
from dataclasses import dataclass

from operations.demo.facts import Account
from operations.demo.fees import AGENCY, SERVICES, SPONSORSHIP
from operations.demo.places import BANK_A, BANK_B
from operations.demo.presets import Preset, SchoolSize

FUNDS = {
    SERVICES: (BANK_A, "Dịch vụ và bán trú"),
    AGENCY: (BANK_B, "Thu hộ bảo hiểm"),
    SPONSORSHIP: (BANK_A, "Tài trợ"),
}
"""Fund -> bank and purpose: three accounts a school, one of them at another bank."""
BOOKS_CODES = {SERVICES: "1121.01", AGENCY: "1121.02", SPONSORSHIP: "1121.03"}
"""Fund -> account code in the school's books."""
ADAPTERS = ("sepay", "vietqr_vn", "casso_v1", "payos", "standard_webhooks", "casso_v2")
NO_DEBITS = frozenset({"payos"})
"""Services that report only money that comes in."""
FORMATS = ("camt", "vietcombank", "techcombank", "mt940")
SHOW_REVERSALS = frozenset({"camt", "mt940"})
"""Formats that mark a reversal; in a spreadsheet it is only another debit."""
INTERMEDIARY = "payos"
"""Through whom the wallet's payments are reported, on a connection of its own."""


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """A receiving account with all that surrounds it."""

    account: Account
    fund: str
    purpose: str
    holder: str
    adapter: str
    """The service that watches it and reports every movement."""
    statement_format: str
    books_code: str
    books_name_bank: bool
    """Whether the school's books carry the bank's numbers (our template), or only its own (as from MISA)."""
    netting: bool
    """Whether an intermediary pays into it, net of its fee."""


def plan_accounts(preset: Preset) -> list[AccountPlan]:
    """Three accounts for each school; services, banks and formats change from school to school."""
    return [
        _plan(place, school, position, fund)
        for place, school in enumerate(preset.schools)
        for position, fund in enumerate(FUNDS)
    ]


def _plan(place: int, school: SchoolSize, position: int, fund: str) -> AccountPlan:
    bank_bin, purpose = FUNDS[fund]
    return AccountPlan(
        account=Account(school.code, bank_bin, f"97{place + 1:02d}{position + 1:02d}000001"),
        fund=fund,
        purpose=purpose,
        holder=school.name.replace(" (mẫu)", "").upper() + " (MẪU)",
        adapter=ADAPTERS[(place + position * 2) % len(ADAPTERS)],
        statement_format=FORMATS[(place + position) % len(FORMATS)],
        books_code=BOOKS_CODES[fund],
        books_name_bank=place % 2 == 0,
        netting=fund == SERVICES and place == 0,
    )


def spoiled(plans: Sequence[AccountPlan]) -> AccountPlan:
    """The account whose statement will not add up; nothing else goes wrong there."""
    return plans[-1]


def reversible(plans: Sequence[AccountPlan]) -> frozenset[Account]:
    """Accounts on which the bank may take a payment back: marked as such on the statement, and reported."""
    healthy = [plan for plan in plans if plan is not spoiled(plans) and plan.adapter not in NO_DEBITS]
    return frozenset(plan.account for plan in healthy if plan.statement_format in SHOW_REVERSALS)
