"""What an import did, for a person and as JSON: counts, and every problem under «đúng, đủ, sạch, sống»."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from payments.schools.models import EnrollmentStatus
from payments.schools.problems import LABELS, Heading, Problem, place_words, problem_json
from payments.schools.roster.plan import Move, Plan
from payments.schools.roster.rows import ReadRow

STATUS_WORDS = {
    EnrollmentStatus.STUDYING: "chuyển lớp",
    EnrollmentStatus.MOVED: "chuyển đi",
    EnrollmentStatus.LEFT: "thôi học",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterReport:
    """The outcome of one import. ``accepted`` rows tell a pupil; ``refused`` rows changed nothing."""

    school_code: str
    year_code: str
    file_name: str
    rows: int
    accepted: int
    refused: int
    created: int
    changed: int
    problems: tuple[Problem, ...]
    moves: tuple[Move, ...]
    missing: tuple[tuple[str, str], ...]
    """(sector identifier, class) of pupils whom the file does not name; they stay as they are."""
    without_contact: int
    without_personal_id: int
    ignored_columns: tuple[str, ...]
    unchanged: bool
    import_id: int | None = field(default=None)

    @property
    def importable(self) -> bool:
        """Whether at least one row was accepted."""
        return self.accepted > 0

    def under(self, heading: Heading, *, refuses: bool) -> list[Problem]:
        """The problems of a heading, refusing or only told, in order of sheet and line."""
        return [row for row in self.problems if row.kind.heading is heading and row.kind.refuses is refuses]

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values; it holds identifiers, classes and places, no names and no numbers of persons."""
        headings: dict[str, dict[str, Any]] = {
            heading.value: {
                "label": LABELS[heading]._asdict(),
                "refused": [problem_json(row) for row in self.under(heading, refuses=True)],
                "warnings": [problem_json(row) for row in self.under(heading, refuses=False)],
            }
            for heading in Heading
        }
        headings[Heading.COMPLETE.value] |= {
            "without_contact": self.without_contact,
            "without_personal_id": self.without_personal_id,
        }
        headings[Heading.LIVE.value] |= {
            "created": self.created,
            "moves": [move_json(move) for move in self.moves],
            "missing_from_file": [{"sector_id": code, "class": name} for code, name in self.missing],
        }
        return {
            "school": self.school_code,
            "year": self.year_code,
            "file": self.file_name,
            "unchanged": self.unchanged,
            "import_id": self.import_id,
            "rows": self.rows,
            "accepted": self.accepted,
            "refused": self.refused,
            "created": self.created,
            "changed": self.changed,
            "ignored_columns": list(self.ignored_columns),
            "headings": headings,
        }


def make_report(
    *,
    school_code: str,
    year_code: str,
    file_name: str,
    rows: Sequence[ReadRow],
    plan: Plan,
    missing: Sequence[tuple[str, str]],
    ignored_columns: Sequence[str],
) -> RosterReport:
    """Count and gather what an import is about to do."""
    refused = sum(any(problem.kind.refuses for problem in row.problems) for row in rows)
    pupils = [row.pupil for row in rows if row.pupil]
    return RosterReport(
        school_code=school_code,
        year_code=year_code,
        file_name=file_name,
        rows=len(rows),
        accepted=len(rows) - refused,
        refused=refused,
        created=len(plan.created),
        changed=len(plan.changed),
        problems=tuple(sorted((p for row in rows for p in row.problems), key=lambda p: (p.sheet, p.line))),
        moves=tuple(plan.moves),
        missing=tuple(missing),
        without_contact=sum(not pupil.guardians for pupil in pupils),
        without_personal_id=sum(pupil.personal_id is None for pupil in pupils),
        ignored_columns=tuple(ignored_columns),
        unchanged=plan.empty,
    )


def move_json(move: Move) -> dict[str, Any]:
    """One move as JSON values."""
    return {"sector_id": move.sector_id, "from": move.from_class, "to": move.to_class, "status": move.status.value}


def report_lines(report: RosterReport, most: int = 20) -> list[str]:
    """The report for a terminal, in Vietnamese, with at most ``most`` entries of a kind."""
    counts = (
        f"{report.rows} dòng: {report.accepted} dòng nhận, {report.refused} dòng bị từ chối;"
        f" {report.created} học sinh mới, {report.changed} học sinh sửa thông tin."
    )
    lines = [f"Danh sách {report.file_name}: trường {report.school_code}, năm học {report.year_code}.", counts]
    if report.unchanged:
        lines.append("Không có gì thay đổi so với lần nhập trước.")
    for heading in Heading:
        lines += heading_lines(report, heading, most)
    if report.ignored_columns:
        lines.append("Cột không dùng: " + ", ".join(report.ignored_columns))
    return lines


def heading_lines(report: RosterReport, heading: Heading, most: int) -> list[str]:
    """The lines of one heading."""
    refused, told = report.under(heading, refuses=True), report.under(heading, refuses=False)
    lines = [f"— {LABELS[heading].vi}: {len(refused)} lỗi, {len(told)} cảnh báo"]
    entries = [f"Lỗi: {place_words(row)}: {row.kind.reason.vi} {row.kind.fix.vi}" for row in refused]
    entries += [f"Cảnh báo: {place_words(row)}: {row.kind.reason.vi} {row.kind.fix.vi}" for row in told]
    if heading is Heading.COMPLETE and report.without_contact:
        entries.append(f"{report.without_contact} học sinh chưa có điện thoại hoặc email người giám hộ.")
    if heading is Heading.LIVE:
        entries += [
            f"{move.sector_id}: {STATUS_WORDS[move.status]}, lớp {move.from_class}"
            + (f" → {move.to_class}" if move.to_class else "")
            for move in report.moves
        ]
        entries += [
            f"{code} (lớp {name}): có trong trường, không có trong tệp; giữ nguyên." for code, name in report.missing
        ]
    shown = [f"  {entry}" for entry in entries[:most]]
    return lines + shown + ([f"  … và {len(entries) - most} mục nữa"] if len(entries) > most else [])
