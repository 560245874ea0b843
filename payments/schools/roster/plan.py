"""Compare a roster with what is known: what to add, what to change, who moved («sống»). Pure; nobody is deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

from payments.schools.models import EnrollmentStatus, IdentityStatus
from payments.schools.roster.rows import RosterGuardian, RosterPupil
from payments.schools.rules import Sex


@dataclass(frozen=True, slots=True)
class KnownEnrollment:
    """The class in which a pupil sits now."""

    id: int
    class_id: int
    class_key: str
    class_name: str
    valid_from: date


@dataclass(frozen=True, slots=True)
class KnownPupil:
    """A pupil of the school, with sealed values opened for comparison."""

    id: int
    full_name: str
    date_of_birth: date
    sex: Sex
    personal_id: str | None
    identity_status: IdentityStatus
    guardians: Mapping[str, RosterGuardian]
    enrollment: KnownEnrollment | None


@dataclass(frozen=True, slots=True)
class Known:
    """What the school knows before the import: pupils by sector identifier, classes of the year by key."""

    pupils: Mapping[str, KnownPupil]
    classes: Mapping[str, tuple[int, int | None]]
    """Class key -> (class id, grade)."""

    def enrollment_of(self, sector_id: str) -> KnownEnrollment | None:
        """The class in which a pupil sits now, if any."""
        pupil = self.pupils.get(sector_id)
        return pupil.enrollment if pupil else None


class Days(NamedTuple):
    """``entry``: first day of who is entered for the first time; ``change``: day of moves and departures."""

    entry: date
    change: date


@dataclass(frozen=True, slots=True)
class Move:
    """A pupil who changed class, moved away or left."""

    sector_id: str
    from_class: str
    to_class: str | None
    status: EnrollmentStatus


@dataclass(slots=True)
class Plan:
    """Everything to write, and nothing that is there already."""

    new_classes: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    """Class key -> (name, grade)."""
    grades: dict[int, int] = field(default_factory=dict)
    """Class id -> grade that was not known or is another now."""
    created: list[RosterPupil] = field(default_factory=list)
    changed: list[RosterPupil] = field(default_factory=list)
    guardians: list[tuple[str, RosterGuardian]] = field(default_factory=list)
    closing: list[tuple[int, EnrollmentStatus]] = field(default_factory=list)
    entering: list[tuple[str, str, date]] = field(default_factory=list)
    """Sector identifier, class key, first day."""
    moves: list[Move] = field(default_factory=list)
    unknown_leavers: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether the file tells nothing new."""
        return not (
            self.new_classes
            or self.grades
            or self.created
            or self.changed
            or self.guardians
            or self.closing
            or self.entering
        )


def make_plan(pupils: Sequence[RosterPupil], known: Known, days: Days) -> Plan:
    """Plan an import; the order of the rows does not matter."""
    plan = Plan()
    for pupil in sorted(pupils, key=lambda row: row.sector_id):
        before = known.pupils.get(pupil.sector_id)
        if before is None and pupil.status is not EnrollmentStatus.STUDYING:
            plan.unknown_leavers.append(pupil.sector_id)
            continue
        if before is None:
            plan.created.append(pupil)
        elif differs(pupil, before):
            plan.changed.append(completed(pupil, before))
        guardians_before = before.guardians if before else {}
        plan.guardians += [
            (pupil.sector_id, whole)
            for told in pupil.guardians
            if (whole := completed_guardian(told, guardians_before.get(told.relation)))
            != guardians_before.get(told.relation)
        ]
        plan_enrollment(plan, pupil, known, days)
    return plan


def differs(pupil: RosterPupil, before: KnownPupil) -> bool:
    """Tell whether the file changes the pupil's own data; what the file leaves empty changes nothing."""
    return (
        (pupil.full_name, pupil.date_of_birth, pupil.sex) != (before.full_name, before.date_of_birth, before.sex)
        or pupil.personal_id not in {None, before.personal_id}
        or pupil.identity_status not in {None, before.identity_status}
    )


def completed(pupil: RosterPupil, before: KnownPupil) -> RosterPupil:
    """Add to a pupil of the file what the file leaves empty and we know."""
    return replace(
        pupil,
        personal_id=pupil.personal_id or before.personal_id,
        identity_status=pupil.identity_status or before.identity_status,
    )


def completed_guardian(told: RosterGuardian, before: RosterGuardian | None) -> RosterGuardian:
    """Add to a guardian of the file what the file leaves empty and we know."""
    if before is None:
        return told
    return RosterGuardian(
        told.relation, told.name or before.name, told.phone or before.phone, told.email or before.email
    )


def plan_enrollment(plan: Plan, pupil: RosterPupil, known: Known, days: Days) -> None:
    """Plan the pupil's class: the first one, another one (the old one ends), or the end of the last one."""
    before = known.enrollment_of(pupil.sector_id)
    if pupil.status is not EnrollmentStatus.STUDYING:
        if before is not None:
            plan.closing.append((before.id, pupil.status))
            plan.moves.append(Move(pupil.sector_id, before.class_name, None, pupil.status))
        return
    plan_class(plan, pupil, known)
    if before is not None and before.class_key == pupil.class_key:
        return
    if before is not None:
        plan.closing.append((before.id, EnrollmentStatus.STUDYING))
        plan.moves.append(Move(pupil.sector_id, before.class_name, pupil.class_name, pupil.status))
    since = max(days.change, before.valid_from) if before else days.entry
    plan.entering.append((pupil.sector_id, pupil.class_key, since))


def plan_class(plan: Plan, pupil: RosterPupil, known: Known) -> None:
    """Plan the class itself: a new one, or a grade that is told now."""
    if pupil.class_key not in known.classes:
        spelled = plan.new_classes.get(pupil.class_key, (pupil.class_name, pupil.grade))
        plan.new_classes[pupil.class_key] = min(spelled, (pupil.class_name, pupil.grade))
        return
    class_id, grade = known.classes[pupil.class_key]
    if pupil.grade not in {None, grade}:
        plan.grades[class_id] = int(pupil.grade or 0)


def missing_pupils(known_in_classes: Sequence[tuple[str, str]], named: frozenset[str]) -> list[tuple[str, str]]:
    """List (sector identifier, class) of those who sit in a class of the year and whom no row of the file names."""
    return [(sector_id, class_name) for sector_id, class_name in known_in_classes if sector_id not in named]
