"""The tiny province without a database: bills are made up from the catalogue as issuing would."""

from collections.abc import Iterator, Sequence

from stdnum.iso7064 import mod_37_2

from operations.demo import fees, mix, paper_faults, people
from operations.demo.accounts import AccountPlan, plan_accounts, reversible, spoiled
from operations.demo.chance import generator
from operations.demo.facts import Account, Bill, Plan, Together
from operations.demo.founding import Door, new_secret
from operations.demo.presets import CALENDAR, PRESETS
from payments.invoices import reference

TINY = PRESETS["tiny"]
ACCOUNTS = plan_accounts(TINY)


def bills(seed: int = 7) -> list[Bill]:
    """One bill for each pupil and fund, with references that repeat from the seed."""
    return list(_bills(seed))


def _bills(seed: int) -> Iterator[Bill]:
    chance = generator(seed, "references")
    (school,) = TINY.schools
    pupils = people.invent_pupils(TINY, seed)[school.code]
    takes_part = {(one.sector_id, one.code): one.quantity for one in fees.participations(school, pupils, seed)}
    for account in ACCOUNTS:
        items = [fee for fee in fees.catalogue(school) if fee.account == account.fund]
        for pupil in pupils:
            amount_vnd = sum(
                (fee.price_vnd or 1) * (fee.round_quantity or takes_part.get((pupil.sector_id, fee.code), 0))
                for fee in items
                if fee.takes_part is None or (pupil.sector_id, fee.code) in takes_part
            )
            if amount_vnd:
                yield _bill(account, pupil, amount_vnd, _reference(chance))


def _bill(account: AccountPlan, pupil: people.Pupil, amount_vnd: int, code: str) -> Bill:
    return Bill(
        account.account,
        code,
        amount_vnd,
        CALENDAR.due,
        pupil.sector_id,
        pupil.full_name,
        pupil.class_name,
        pupil.family.number,
        amount_vnd,
    )


def _reference(chance) -> str:
    while True:
        body = "".join(chance.choices(reference.ALPHABET, k=reference.BODY_LENGTH))
        code = f"{reference.PREFIX}{body}{mod_37_2.calc_check_digit(body)}"
        if reference.is_valid(code):
            return code


def month(seed: int = 7, together: Sequence[Together] = ()) -> Plan:
    """The plan of the tiny month, with every fault."""
    given = bills(seed)
    netting = next(one.account for one in ACCOUNTS if one.netting)
    corrected = next(bill for bill in given if bill.account == netting)
    plan = mix.plan_month(
        given,
        {corrected.reference: corrected.amount_vnd - 90_000},
        reversible=reversible(ACCOUNTS),
        netting=netting,
        seed=seed,
        together=together,
    )
    paper_faults.plant(plan, spoiled_account(), seed)
    return plan


def spoiled_account() -> Account:
    """Whose statement does not add up."""
    return spoiled(ACCOUNTS).account


def doors() -> list[Door]:
    """The banks' doors of the tiny province."""
    found = [Door(one.account, one.adapter, f"token-{n}", new_secret(one.adapter)) for n, one in enumerate(ACCOUNTS)]
    netting = next(one.account for one in ACCOUNTS if one.netting)
    return [*found, Door(netting, "payos", "token-wallet", new_secret("payos"), intermediary=True)]
