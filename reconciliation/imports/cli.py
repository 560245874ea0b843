"""``hocphi statement layouts`` and ``hocphi ledger mappings``: what a school's own exports call their columns."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from payments import clock
from payments.db import command_session
from payments.errors import NotFoundError
from payments.schools.queries import school_by_code
from reconciliation.imports import layouts
from reconciliation.imports.models import ImportKind, ImportLayout

SCHOOL = click.option("--school", "school_code", required=True, help="mã trường / code of the school")
AS_JSON = click.option("--json", "as_json", is_flag=True)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def layout_group(kind: ImportKind, name: str, about: str) -> click.Group:
    """The commands for one kind of file."""

    @click.group(name, help=about)
    def group() -> None:
        pass

    @group.command("list", help="Các mẫu của trường và mẫu có sẵn (the school's own and the built-in ones).")
    @SCHOOL
    @AS_JSON
    def listed(school_code: str, *, as_json: bool) -> None:
        with command_session() as (session, _settings):
            school = school_by_code(session, school_code)
            own = [_told(one) for one in layouts.listed(session, school.id, kind, retired=True)]
        if as_json:
            click.echo(json.dumps({"own": own, "built_in": layouts.built_in_names(kind)}, ensure_ascii=False))
            return
        for one in own:
            state = "đã ngừng" if one["retired_at"] else "đang dùng"
            click.echo(f"{one['name']}/{one['version']}: {state}")
        click.echo(f"Có sẵn (built in): {', '.join(layouts.built_in_names(kind))}")

    @group.command("show", help="In một mẫu dạng JSON (print a layout that is in use).")
    @click.argument("layout_name", metavar="NAME")
    @SCHOOL
    def show(layout_name: str, school_code: str) -> None:
        with command_session() as (session, _settings):
            school = school_by_code(session, school_code)
            found = [one for one in layouts.in_use(session, school.id, kind) if one["name"] == layout_name]
        if not found:
            raise NotFoundError(f"Không có mẫu cột «{layout_name}» đang dùng.", f"No layout {layout_name!r} is in use.")
        click.echo(json.dumps(found[0], ensure_ascii=False, indent=2))

    @group.command("add", help="Thêm mẫu từ tệp JSON; mẫu cùng tên có phiên bản mới (add one; the version is counted).")
    @click.argument("file", type=FILE)
    @SCHOOL
    @AS_JSON
    def add(file: Path, school_code: str, *, as_json: bool) -> None:
        definition = _definition(file)
        with command_session() as (session, _settings):
            school = school_by_code(session, school_code)
            kept = _told(layouts.keep_layout(session, school.id, kind, definition, actor_id=None))
        if as_json:
            click.echo(json.dumps(kept, ensure_ascii=False))
        else:
            click.echo(f"Đã lưu mẫu {kept['name']}/{kept['version']} (kept).")

    @group.command("retire", help="Ngừng dùng một mẫu (use it no longer).")
    @click.argument("layout_name", metavar="NAME")
    @SCHOOL
    def retire(layout_name: str, school_code: str) -> None:
        with command_session() as (session, _settings):
            school = school_by_code(session, school_code)
            layouts.retire_layout(session, school.id, kind, layout_name, actor_id=None)
        click.echo(f"Đã ngừng dùng mẫu {layout_name} (retired).")

    return group


def _definition(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"không đọc được {file.name} (cannot read it)", param_hint="FILE") from error
    if not isinstance(found, dict):
        raise click.BadParameter(f"{file.name} không phải một đối tượng JSON", param_hint="FILE")
    return found


def _told(layout: ImportLayout) -> Mapping[str, Any]:
    def at(moment: datetime | None) -> str | None:
        return None if moment is None else moment.astimezone(clock.VIETNAM).isoformat()

    return {
        "name": layout.name,
        "version": layout.version,
        "confirmed_at": at(layout.confirmed_at),
        "retired_at": at(layout.retired_at),
    }
