"""A small school for tests of the money path: two people, two receiving accounts, two fee items, one pupil."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.access.models import Grant, Role, User
from payments.banking.models import AccountState, BorneBy, Channel, ChannelKind, ReceivingAccount
from payments.banking.rules import COOLING_OFF
from payments.fees.models import FeeItem, FeeRate, LegalGroup, Unit
from payments.schools.models import (
    ClassRoom,
    Enrollment,
    Organisation,
    OrganisationKind,
    Pupil,
    School,
    SchoolLevel,
    SchoolYear,
    Sex,
)

OPENED = datetime(2025, 9, 1, tzinfo=UTC)
_serial = count(1)


@dataclass(frozen=True)
class SchoolSetting:
    """Ids of what a fresh school has: money comes from ``meals`` (mandatory) and ``club`` (voluntary)."""

    id: int
    code: str
    accountant: int
    principal: int
    year: int
    class_room: int
    pupil: int
    account: int
    other_account: int
    meals: int
    club: int


def make_school(session: Session) -> SchoolSetting:
    """A school with an active account that has a free channel, a second account, and one pupil in 1A."""
    serial = next(_serial)
    code = f"HP{serial:04d}"
    organisation = Organisation(
        code=code, name=f"Trường Tiểu học Hoa Phượng {serial} (mẫu)", kind=OrganisationKind.SCHOOL
    )
    accountant = User(username=f"ke.toan.{serial}", full_name="Kế toán (mẫu)", password_hash="-", created_at=OPENED)
    principal = User(
        username=f"hieu.truong.{serial}", full_name="Hiệu trưởng (mẫu)", password_hash="-", created_at=OPENED
    )
    session.add_all([organisation, accountant, principal])
    session.flush()
    school = School(id=organisation.id, code=code, name=organisation.name, level=SchoolLevel.PRIMARY, created_at=OPENED)
    session.add(school)
    for user, role in ((accountant, Role.ACCOUNTANT), (principal, Role.PRINCIPAL)):
        session.add(Grant(user_id=user.id, role=role, organisation_id=organisation.id, valid_from=OPENED.date()))
    session.flush()
    accounts = [_account(session, school.id, serial, digit, accountant.id, principal.id) for digit in "12"]
    fees = [
        _fee(session, school.id, accounts[0], "AN", "Tiền ăn bán trú", 30_000, mandatory=True),
        _fee(session, school.id, accounts[0], "KNS", "Kỹ năng sống", 15_000, mandatory=False),
    ]
    year = SchoolYear(school_id=school.id, code="2025-2026", starts_on=date(2025, 9, 1), ends_on=date(2026, 5, 31))
    session.add(year)
    session.flush()
    class_room = ClassRoom(school_id=school.id, year_id=year.id, name="1A", grade=1)
    session.add(class_room)
    session.flush()
    pupil = make_pupil(session, school.id, class_room.id, "An")
    return SchoolSetting(school.id, code, accountant.id, principal.id, year.id, class_room.id, pupil, *accounts, *fees)


def make_pupil(session: Session, school_id: int, class_id: int, given_name: str) -> int:
    """A pupil who studies in a class since the year began."""
    pupil = Pupil(
        school_id=school_id,
        sector_id=f"09{next(_serial):08d}",
        full_name=f"Nguyễn Mẫu {given_name}",
        sort_key=given_name.lower(),
        search_key=f"nguyen mau {given_name.lower()}",
        date_of_birth=date(2019, 3, 2),
        sex=Sex.FEMALE,
    )
    session.add(pupil)
    session.flush()
    session.add(Enrollment(school_id=school_id, pupil_id=pupil.id, class_id=class_id, valid_from=date(2025, 9, 1)))
    session.flush()
    return pupil.id


def make_pupils(session: Session, school: SchoolSetting, count: int) -> None:
    """Many pupils in the class of a school, in two statements."""
    session.execute(
        text("""
            WITH made AS (
                INSERT INTO pupil (school_id, sector_id, full_name, sort_key, search_key, date_of_birth, sex,
                                   identity_status)
                SELECT :school_id, 'M' || number, 'Học sinh ' || number, 'h' || number, 'hoc sinh ' || number,
                       '2019-03-02', 'female', 'unverified'
                FROM generate_series(1, :count) AS number
                RETURNING id
            )
            INSERT INTO enrollment (school_id, pupil_id, class_id, valid_from, status)
            SELECT :school_id, id, :class_id, '2025-09-01', 'studying' FROM made
        """),
        {"school_id": school.id, "class_id": school.class_room, "count": count},
    )


def _account(session: Session, school_id: int, serial: int, digit: str, proposer: int, approver: int) -> int:
    account = ReceivingAccount(
        school_id=school_id,
        bin="970998",
        number=f"{digit}{serial:09d}",
        holder_name="TRUONG TIEU HOC HOA PHUONG",
        fund="Dịch vụ và bán trú",
        state=AccountState.ACTIVE,
        proposed_by=proposer,
        proposed_at=OPENED - COOLING_OFF,
        approved_by=approver,
        usable_at=OPENED,
    )
    session.add(account)
    session.flush()
    session.add(
        Channel(
            school_id=school_id,
            receiving_account_id=account.id,
            name="VietQR",
            kind=ChannelKind.BANK_TRANSFER,
            borne_by=BorneBy.BANK,
        )
    )
    session.flush()
    return account.id


def _fee(
    session: Session, school_id: int, account_id: int, code: str, name: str, price_vnd: int, *, mandatory: bool
) -> int:
    item = FeeItem(
        school_id=school_id,
        code=code,
        name=name,
        legal_group=LegalGroup.AGENCY if mandatory else LegalGroup.SERVICE,
        unit=Unit.DAY if mandatory else Unit.PERIOD,
        mandatory=mandatory,
        by_registration=not mandatory,
        receiving_account_id=account_id,
        legal_basis="Nghị quyết mẫu 01/2025/NQ-HĐND",
        valid_from=date(2025, 9, 1),
    )
    session.add(item)
    session.flush()
    session.add(
        FeeRate(
            school_id=school_id, fee_item_id=item.id, grade=None, unit_price_vnd=price_vnd, valid_from=date(2025, 9, 1)
        )
    )
    session.flush()
    return item.id
