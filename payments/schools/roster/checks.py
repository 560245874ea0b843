"""Compare the rows of one file with each other: doubles, doubtful doubles, classes with two grades («sạch»)."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import date

from payments.errors import DomainError
from payments.schools.problems import Kind
from payments.schools.roster import problems
from payments.schools.roster.rows import ReadRow, RosterPupil, with_problem

LEGACY_ROWS_OF_A_LEGACY_FILE = 10  # one in so many


def check_rows(rows: Sequence[ReadRow]) -> list[ReadRow]:
    """Judge the rows together. Raises DomainError ``legacy_font`` when the file as a whole is in an old encoding."""
    refuse_legacy_file(rows)
    checked = one_row_per_identifier(rows)
    checked = refuse_shared(checked, problems.SAME_PERSONAL_ID, "personal_id", lambda pupil: pupil.personal_id)
    checked = refuse_two_grades(checked)
    return tell_alike(checked)


def refuse_legacy_file(rows: Sequence[ReadRow]) -> None:
    """Refuse a file of which a tenth is in an old font: its other names may be wrong without showing it."""
    legacy = [row for row in rows if any(problem.kind is problems.LEGACY_FONT for problem in row.problems)]
    if len(legacy) > 1 and len(legacy) * LEGACY_ROWS_OF_A_LEGACY_FILE >= len(rows):
        raise DomainError(
            problems.LEGACY_FONT.code,
            f"Tệp dùng phông cũ (TCVN3 hoặc VNI) hoặc sai bảng mã, ví dụ dòng {legacy[0].source.number}."
            f" {problems.LEGACY_FONT.fix.vi}",
            f"The file is in an old font encoding (TCVN3, VNI) or was decoded wrongly, for instance line"
            f" {legacy[0].source.number}. {problems.LEGACY_FONT.fix.en}",
        )


def one_row_per_identifier(rows: Sequence[ReadRow]) -> list[ReadRow]:
    """Let equal rows count once; rows of one identifier that differ are all refused, because no one knows the right."""
    by_id: defaultdict[str, list[ReadRow]] = defaultdict(list)
    for row in rows:
        if row.sector_id is not None:
            by_id[row.sector_id].append(row)
    judged: list[ReadRow] = []
    for row in rows:
        same = by_id[row.sector_id] if row.sector_id is not None else [row]
        if len(same) == 1:
            judged.append(row)
        elif any(other.pupil != same[0].pupil or other.pupil is None for other in same):
            other = next(other for other in same if other is not row)
            judged.append(with_problem(row, problems.SAME_ID_OTHER_ROW, "sector_id", other))
        elif row is same[0]:
            judged.append(row)
        else:
            judged.append(without_pupil(with_problem(row, problems.REPEATED_ROW, "sector_id", same[0])))
    return judged


def without_pupil(row: ReadRow) -> ReadRow:
    """The same row, which adds no pupil of its own."""
    return replace(row, pupil=None)


def refuse_shared(
    rows: Sequence[ReadRow], kind: Kind, key: str, of: Callable[[RosterPupil], Hashable | None]
) -> list[ReadRow]:
    """Refuse all rows that share a value which only one pupil can have."""
    groups = grouped(rows, of)
    return [with_problem(row, kind, key, partner) if (partner := other_in(groups, row, of)) else row for row in rows]


def tell_alike(rows: Sequence[ReadRow]) -> list[ReadRow]:
    """Tell, without refusing, where name, date of birth and class are equal under two identifiers."""

    def who(pupil: RosterPupil) -> Hashable:
        return pupil.full_name.casefold(), pupil.date_of_birth, pupil.class_key

    return refuse_shared(rows, problems.LIKE_ANOTHER, "full_name", who)


def refuse_two_grades(rows: Sequence[ReadRow]) -> list[ReadRow]:
    """Refuse the rows of a class to which the file gives two grades."""
    grades: defaultdict[str, set[int | None]] = defaultdict(set)
    for row in rows:
        if row.pupil:
            grades[row.pupil.class_key].add(row.pupil.grade)
    return [
        with_problem(row, problems.TWO_GRADES, "class_name")
        if row.pupil and len(grades[row.pupil.class_key]) > 1
        else row
        for row in rows
    ]


def grouped(
    rows: Iterable[ReadRow], of: Callable[[RosterPupil], Hashable | None]
) -> defaultdict[Hashable, list[ReadRow]]:
    """Group the rows that have a pupil by a value."""
    groups: defaultdict[Hashable, list[ReadRow]] = defaultdict(list)
    for row in rows:
        if row.pupil:
            groups[of(row.pupil)].append(row)
    return groups


def other_in(
    groups: defaultdict[Hashable, list[ReadRow]], row: ReadRow, of: Callable[[RosterPupil], Hashable | None]
) -> ReadRow | None:
    """Name another row with the same value, if there is one."""
    value = of(row.pupil) if row.pupil else None
    if value is None:
        return None
    return next((other for other in groups[value] if other is not row), None)


def tell_unknown_leavers(rows: Sequence[ReadRow], sector_ids: Collection[str]) -> list[ReadRow]:
    """Tell of the rows of pupils who have left and were never known here."""
    return [
        with_problem(row, problems.LEFT_UNKNOWN, "status") if row.pupil and row.sector_id in sector_ids else row
        for row in rows
    ]


def tell_namesakes(rows: Sequence[ReadRow], known: Collection[tuple[str, date]], new: Collection[str]) -> list[ReadRow]:
    """Tell of new pupils whose name (folded) and date of birth the school knows under another identifier."""
    return [
        with_problem(row, problems.LIKE_KNOWN, "sector_id")
        if row.pupil and row.sector_id in new and (row.pupil.full_name.casefold(), row.pupil.date_of_birth) in known
        else row
        for row in rows
    ]
