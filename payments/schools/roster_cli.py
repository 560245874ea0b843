"""``hocphi roster``: import a pupils' list in the sector template, and write the empty template."""

import json
from datetime import datetime
from pathlib import Path

import click

from payments.crypto import FieldCipher
from payments.db import command_session
from payments.schools import queries, service
from payments.schools.roster.report import report_lines
from payments.schools.roster.workbooks import refused_rows, roster_template

FILE = click.Path(dir_okay=False, path_type=Path)
EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("roster")
def roster_group() -> None:
    """Danh sách học sinh (pupils' lists)."""


@roster_group.command("import")
@click.argument("file", type=EXISTING)
@click.option("--school", "school_code", required=True, help="mã trường / code of the school")
@click.option("--year", "year_code", help="năm học, ví dụ 2025-2026 (mặc định: năm học hiện tại)")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="ngày có hiệu lực của thay đổi (mặc định hôm nay)")
@click.option("--dry-run", is_flag=True, help="chỉ xem báo cáo, không ghi (report only, write nothing)")
@click.option("--errors-to", type=FILE, help="ghi các dòng bị từ chối ra tệp XLSX để sửa")
@click.option("--json", "as_json", is_flag=True, help="in ra JSON / print JSON")
def import_(
    file: Path,
    *,
    school_code: str,
    year_code: str | None,
    day: datetime | None,
    dry_run: bool,
    errors_to: Path | None,
    as_json: bool,
) -> None:
    """Nhập danh sách học sinh từ FILE (XLSX, CSV); thoát với 1 khi không nhận được dòng nào.

    Rows that are refused are listed with line, column and reason; the others are imported (exit 0).
    """
    data = file.read_bytes()
    with command_session() as (session, settings):
        school = queries.school_by_code(session, school_code)
        act = service.preview_roster if dry_run else service.import_roster
        report = act(
            session,
            FieldCipher(settings.field_keys),
            school.id,
            data,
            file.name,
            None,
            year_code=year_code,
            day=day.date() if day else None,
        )
    if errors_to:
        errors_to.write_bytes(refused_rows(data, file.name, report))
    click.echo(json.dumps(report.to_json(), ensure_ascii=False) if as_json else "\n".join(report_lines(report)))
    click.get_current_context().exit(0 if report.importable else 1)


@roster_group.command("template")
@click.argument("file", type=FILE)
def template(file: Path) -> None:
    """Ghi tệp mẫu trống ra FILE (write the empty template)."""
    file.write_bytes(roster_template())
    click.echo(f"Đã ghi tệp mẫu {file.name} (template written).")
