"""Write the invented province through the services: tree, staff, schools, rosters, accounts and connections.

Everything happens on its day: the clock is turned back inside this process, so that accounts have had their day of
cooling off when the first round names them.
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from operations.demo import places
from operations.demo.accounts import INTERMEDIARY, AccountPlan
from operations.demo.facts import Account
from operations.demo.mix import NET_FEE_PER_10000
from operations.demo.people import Pupil
from operations.demo.presets import CALENDAR, HOLIDAYS, YEAR, Preset, SchoolSize
from operations.demo.roster_file import write_roster
from payments.access.models import Role
from payments.access.service import create_user, grant_role
from payments.banking.bank_registry import load_bank_registry
from payments.banking.connections import AccountName, create_connection
from payments.banking.models import BorneBy, ChannelKind, Settles
from payments.banking.service import activate_cooled, add_channel, approve_account, propose_account
from payments.clock import VIETNAM, turned_to
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.schools.models import OrganisationKind
from payments.schools.service import create_organisation, create_school, import_roster, move_organisation
from payments.vietqr.bank_file import shipped
from payments.vietqr.banks import COLUMNS, Bank, Registry
from reconciliation.models import Holiday

OFFICE_HOUR = time(9)
SANDBOX_ADAPTER = "sepay"


@dataclass(frozen=True, slots=True)
class Login:
    """A member of staff; the password is drawn anew for every demo and printed once."""

    user_id: int
    username: str
    password: str = field(repr=False)
    full_name: str


@dataclass(frozen=True, slots=True)
class Door:
    """A connection as the bank's side of it: where to call, with which secret, about which account."""

    account: Account
    adapter: str
    token: str = field(repr=False)
    secret: Mapping[str, str] = field(repr=False)
    intermediary: bool = False


@dataclass(slots=True)
class FoundedSchool:
    """A school with the people who act for it."""

    id: int
    size: SchoolSize
    accountant: Login
    principal: Login
    accounts: dict[Account, int] = field(default_factory=dict)


@dataclass(slots=True)
class Province:
    """What was founded."""

    department_id: int
    officer: Login
    operator: Login
    engineer: Login
    schools: dict[str, FoundedSchool] = field(default_factory=dict)
    doors: list[Door] = field(default_factory=list)


def at(day: date) -> datetime:
    """A morning in the office."""
    return datetime.combine(day, OFFICE_HOUR, VIETNAM)


def found_tree(session: Session, preset: Preset) -> Province:
    """The department, its offices before and after the reform, the schools with their staff, banks and holidays."""
    with turned_to(at(places.SINCE)):
        department_id = create_organisation(
            session, code=places.PROVINCE_CODE, name=places.PROVINCE_NAME, kind=OrganisationKind.DEPARTMENT
        )
        districts = _offices(session, places.districts(), department_id, places.SINCE)
        province = Province(
            department_id,
            _staff(session, "can.bo.so", "Cán bộ Sở (mẫu)", Role.OFFICER, department_id),
            _staff(session, "quan.tri", "Quản trị máy chủ (mẫu)", Role.OPERATOR, None),
            _staff(session, "ky.su", "Kỹ sư ngân hàng (mẫu)", Role.ENGINEER, None),
        )
        for number, size in enumerate(preset.schools):
            parent_id = districts[number % len(districts)] if places.has_middle_unit(size) else department_id
            province.schools[size.code] = _school(session, size, parent_id)
    _reform(session, province)
    session.add_all(Holiday(day=day, name=name) for day, name in HOLIDAYS.items())
    load_bank_registry(session, Registry([*shipped().banks, *map(_sample_bank, places.BANKS)]), actor_id=None)
    return province


def _offices(session: Session, offices: Sequence[places.Office], parent_id: int, since: date) -> list[int]:
    return [
        create_organisation(
            session,
            code=office.code,
            name=office.name,
            kind=OrganisationKind.MIDDLE,
            parent_id=parent_id,
            from_day=since,
        )
        for office in offices
    ]


def _reform(session: Session, province: Province) -> None:
    """On 1 July 2025 communes take the place of districts; who stood where before stays known."""
    with turned_to(at(places.REFORM)):
        communes = _offices(session, places.communes(), province.department_id, places.REFORM)
        for number, school in enumerate(province.schools.values()):
            if places.has_middle_unit(school.size):
                move_organisation(session, school.id, communes[number % len(communes)], places.REFORM)


def _school(session: Session, size: SchoolSize, parent_id: int) -> FoundedSchool:
    school_id = create_school(
        session,
        code=size.code,
        name=size.name,
        level=size.level,
        ownership=size.ownership,
        invoice_grouping=size.grouping,
        parent_id=parent_id,
        from_day=places.SINCE,
    )
    short = size.code.removeprefix("MAU-").lower()
    return FoundedSchool(
        school_id,
        size,
        _staff(session, f"ke.toan.{short}", f"Kế toán {size.name}", Role.ACCOUNTANT, school_id),
        _staff(session, f"hieu.truong.{short}", f"Hiệu trưởng {size.name}", Role.PRINCIPAL, school_id),
    )


def _staff(session: Session, username: str, full_name: str, role: Role, organisation_id: int | None) -> Login:
    password = secrets.token_urlsafe(12)
    user_id = create_user(session, username=username, full_name=full_name, password=password)
    grant_role(session, user_id, role, organisation_id)
    return Login(user_id, username, password, full_name)


def _sample_bank(bank_bin: str) -> Bank:
    name = places.BANKS[bank_bin]
    told = {"bin": bank_bin, "code": f"MAU{name[-1]}", "short_name": name.replace("Ngân hàng ", "NH "), "name": name}
    return Bank(**(dict.fromkeys(COLUMNS, "") | told))


def enrol(session: Session, cipher: FieldCipher, school: FoundedSchool, pupils: Sequence[Pupil]) -> None:
    """Import the school's roster from a file in the sector template, as its accountant does."""
    with turned_to(at(CALENDAR.year_starts)):
        report = import_roster(
            session,
            cipher,
            school.id,
            write_roster(pupils),
            f"danh-sach-{school.size.code}.xlsx",
            school.accountant.user_id,
            year_code=YEAR,
        )
    if report.refused or report.created != len(pupils):
        raise ValueError(f"{school.size.code}: {report.refused} rows refused, {report.created} pupils created")


def open_accounts(engine: Engine, cipher: FieldCipher, province: Province, plans: Sequence[AccountPlan]) -> None:
    """Propose, approve by a second person, wait a day, open free channels and the banks' doors."""
    with turned_to(at(CALENDAR.accounts_proposed)), session_scope(engine) as session:
        for plan in plans:
            school = province.schools[plan.account.school_code]
            account = propose_account(
                session,
                school.id,
                bank_bin=plan.account.bank_bin,
                number=plan.account.number,
                holder_name=plan.holder,
                fund=plan.purpose,
                actor_id=school.accountant.user_id,
            )
            school.accounts[plan.account] = account.id
    with turned_to(at(CALENDAR.accounts_approved)), session_scope(engine) as session:
        for plan in plans:
            school = province.schools[plan.account.school_code]
            approve_account(session, school.id, school.accounts[plan.account], school.principal.user_id)
            _open_channels(session, school, plan)
            province.doors += _open_doors(session, cipher, plan)
        _open_sandbox(session, cipher, plans[0])
    with turned_to(at(CALENDAR.round_starts)), session_scope(engine) as session:
        activate_cooled(session)


def _open_channels(session: Session, school: FoundedSchool, plan: AccountPlan) -> None:
    account_id, actor_id = school.accounts[plan.account], school.principal.user_id
    add_channel(
        session, school.id, account_id, name="Chuyển khoản VietQR", kind=ChannelKind.BANK_TRANSFER, actor_id=actor_id
    )
    if plan.netting:
        add_channel(
            session,
            school.id,
            account_id,
            name="Ví điện tử Mẫu",
            kind=ChannelKind.WALLET,
            actor_id=actor_id,
            cost_per_10000=NET_FEE_PER_10000,
            borne_by=BorneBy.SCHOOL,
        )


def _open_doors(session: Session, cipher: FieldCipher, plan: AccountPlan) -> list[Door]:
    kinds = [(plan.adapter, False)] + ([(INTERMEDIARY, True)] if plan.netting else [])
    doors = []
    for adapter, intermediary in kinds:
        secret = new_secret(adapter)
        _, token = create_connection(
            session,
            cipher,
            adapter=adapter,
            accounts=[AccountName(plan.account.bank_bin, plan.account.number)],
            secret=secret,
            actor_id=None,
            name=f"{adapter} {plan.account.school_code} {plan.purpose}",
            settles=Settles.BATCH if intermediary else None,
        )
        doors.append(Door(plan.account, adapter, token, secret, intermediary))
    return doors


def _open_sandbox(session: Session, cipher: FieldCipher, plan: AccountPlan) -> None:
    """A test connection for the desk of the bank's engineer; nobody of the month calls it."""
    create_connection(
        session,
        cipher,
        adapter=SANDBOX_ADAPTER,
        accounts=[AccountName(plan.account.bank_bin, plan.account.number)],
        secret=new_secret(SANDBOX_ADAPTER),
        actor_id=None,
        name="Kết nối thử",
        sandbox=True,
    )


def new_secret(adapter: str) -> dict[str, str]:
    """A fresh secret of the form that the adapter's sender hands out."""
    key = secrets.token_urlsafe(24)
    shapes = {
        "sepay": {"secret": f"whsec_{key}"},
        "casso_v1": {"secure_token": key},
        "casso_v2": {"checksum_key": key},
        "payos": {"checksum_key": key},
        "vietqr_vn": {"jwt_secret": key, "username": "mau", "password": secrets.token_urlsafe(12)},
        "standard_webhooks": {"secret": "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()},
    }
    return shapes[adapter]
