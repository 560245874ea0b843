"""The month of fees in order: found the province, bill it, let its banks call, hand in papers, reconcile."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from operations.demo import (
    charging,
    deliveries,
    founding,
    mix,
    paper,
    paper_faults,
    parents,
    people,
    rounds,
    together,
)
from operations.demo.accounts import AccountPlan, plan_accounts, reversible, spoiled
from operations.demo.facts import Bill, Plan, Together
from operations.demo.founding import Province
from operations.demo.presets import CALENDAR, Preset
from operations.demo.progress import bar
from operations.demo.simulator import Banks, Record
from operations.demo.waiting import await_night, await_queue
from operations.demo.world import World
from payments.db import session_scope
from reconciliation.nights import open_night
from reconciliation.service import import_ledger, import_statement


@dataclass(slots=True)
class Billed:
    """A province with issued invoices, and the plan of what will happen to them."""

    province: Province
    accounts: list[AccountPlan]
    plan: Plan
    bills: list[Bill]
    together: list[Together]


def bill_province(world: World, preset: Preset, seed: int) -> Billed:
    """From nothing to issued invoices, and the plan of what will happen to them."""
    pupils = people.invent_pupils(preset, seed)
    accounts = plan_accounts(preset)
    with bar("Lập trường, danh sách, tài khoản", 3 * len(preset.schools)) as tell:
        with session_scope(world.engine) as session:
            province = founding.found_tree(session, preset)
            charging.set_ceilings(session)
        for code, school in province.schools.items():
            with session_scope(world.engine) as session:
                founding.enrol(session, world.cipher, school, pupils[code])
            tell(1)
        founding.open_accounts(world.engine, world.cipher, province, accounts)
        round_ids = {}
        for code, school in province.schools.items():
            with session_scope(world.engine) as session:
                items = charging.set_up_fees(session, school, accounts, pupils[code], seed)
            tell(1)
            with session_scope(world.engine) as session:
                round_ids[code] = rounds.draft(session, school, items, pupils[code], seed)
            tell(1)
    with bar("Phát hành thông báo thu") as tell:
        for code, school in province.schools.items():
            rounds.issue(world.engine, school, round_ids[code], tell)
    with session_scope(world.engine) as session:
        bills = rounds.bills(session, pupils)
    successors = rounds.correct(world.engine, province.schools, len(bills), seed)
    with session_scope(world.engine) as session:
        bundles = together.make(session, world.settings.link_keys, province.schools, bills, successors)
    netting = next(one.account for one in accounts if one.netting)
    plan = mix.plan_month(
        bills, successors, reversible=reversible(accounts), netting=netting, seed=seed, together=bundles
    )
    paper_faults.plant(plan, spoiled(accounts).account, seed)
    return Billed(province, accounts, plan, bills, bundles)


def call_banks(world: World, billed: Billed, seed: int, check: Callable[[], None]) -> Record:
    """The invented banks report the month over HTTP; returns when all is settled. Raises NotHeardError."""
    calls = deliveries.plan_calls(billed.plan, billed.province.doors, seed)
    with bar("Ngân hàng báo có qua HTTP", len(calls)) as tell:
        banks = Banks(world.settings.base_url, tell)
        banks.make(calls)
    with bar("Gạch nợ") as tell:
        await_queue(world.engine, "settlement", tell, check)
    return banks.record


def hand_in_papers(world: World, billed: Billed, check: Callable[[], None]) -> None:
    """Import every statement and every ledger, and settle what callbacks did not bring."""
    unsound = spoiled(billed.accounts).account
    papers = [*paper.statements(billed.plan, billed.accounts, unsound), *paper.ledgers(billed.plan, billed.accounts)]
    with bar("Nhập sao kê và sổ kế toán", len(papers)) as tell:
        for one in papers:
            with session_scope(world.engine) as session:
                _import(session, billed.province, one)
            tell(1)
    with bar("Gạch nợ theo sao kê") as tell:
        await_queue(world.engine, "settlement", tell, check)
        await_queue(world.engine, "clearing", tell, check)


def _import(session: Session, province: Province, one: paper.Paper) -> None:
    school = province.schools[one.school_code]
    if one.account is not None:
        import_statement(session, school.id, school.accounts[one.account], one.data, one.file_name)
    else:
        period = (CALENDAR.first_payment, CALENDAR.statement_ends)
        import_ledger(session, school.id, one.data, one.file_name, period=period)


def reconcile(world: World, check: Callable[[], None]) -> None:
    """The night after the last day of the statements, run by the workers over all schools."""
    with bar("Đối soát") as tell:
        with session_scope(world.engine) as session:
            open_night(session, CALENDAR.statement_ends)
        await_night(world.engine, CALENDAR.statement_ends, check)
        await_queue(world.engine, "nightly", tell, check)


def live_on(world: World, billed: Billed, check: Callable[[], None]) -> str:
    """What families and schools do beside paying; returns the token of a family's page."""
    with bar("Phụ huynh và nhà trường") as tell:
        token = parents.live(world, billed.province, billed.plan, billed.together, billed.bills)
        await_queue(world.engine, "settlement", tell, check)
    return token
