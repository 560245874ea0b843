"""Layouts of a school's own: confirmed by a person, used by every later import, replaced or retired, never changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.layouts import built_in, layout_from
from payments import clock
from payments.audit.service import record
from payments.errors import DomainError, NotFoundError
from reconciliation.imports.models import ImportKind, ImportLayout
from reconciliation.school_ledgers import mappings

MAX_LAYOUTS = 100
"""Of one school and kind, in use."""
MAX_NAME = 40


def in_use(session: Session, school_id: int, kind: ImportKind) -> list[dict[str, Any]]:
    """The definitions that are tried on a file of this kind, by name."""
    wanted = (
        select(ImportLayout.definition)
        .where(ImportLayout.school_id == school_id, ImportLayout.kind == kind, ImportLayout.retired_at.is_(None))
        .order_by(ImportLayout.name)
    )
    return list(session.scalars(wanted))


def listed(session: Session, school_id: int, kind: ImportKind, *, retired: bool = False) -> Sequence[ImportLayout]:
    """The layouts of a school, by name and version; retired ones on request."""
    wanted = select(ImportLayout).where(ImportLayout.school_id == school_id, ImportLayout.kind == kind)
    if not retired:
        wanted = wanted.where(ImportLayout.retired_at.is_(None))
    return session.scalars(wanted.order_by(ImportLayout.name, ImportLayout.version)).all()


def keep_layout(
    session: Session, school_id: int, kind: ImportKind, definition: Mapping[str, object], *, actor_id: int | None
) -> ImportLayout:
    """Keep a layout under its name; an earlier version of the name is retired, and the version is counted here.

    Raises DomainError ``bad_layout`` naming the key that is wrong, ``layout_name`` and ``too_many_layouts``.
    """
    name = _name_of(definition, kind)
    try:
        check(kind, {**definition, "name": name, "version": 1})
    except StatementError as error:
        raise DomainError("bad_layout", error.vi, error.en) from error
    same = (ImportLayout.school_id == school_id, ImportLayout.kind == kind, ImportLayout.name == name)
    version = (session.scalar(select(func.max(ImportLayout.version)).where(*same)) or 0) + 1
    for old in session.scalars(select(ImportLayout).where(*same, ImportLayout.retired_at.is_(None))):
        old.retired_at = clock.now()
    session.flush()
    if len(listed(session, school_id, kind)) >= MAX_LAYOUTS:
        raise DomainError(
            "too_many_layouts",
            f"Trường đã có {MAX_LAYOUTS} mẫu cột. Hãy ngừng dùng mẫu cũ trước.",
            f"The school has {MAX_LAYOUTS} layouts. Retire old ones first.",
        )
    kept = ImportLayout(
        school_id=school_id,
        kind=kind,
        name=name,
        version=version,
        definition={**definition, "name": name, "version": version},
        confirmed_by=actor_id,
        confirmed_at=clock.now(),
    )
    session.add(kept)
    session.flush()
    _tell(session, kept, "layout.confirmed", actor_id)
    return kept


def retire_layout(session: Session, school_id: int, kind: ImportKind, name: str, *, actor_id: int | None) -> None:
    """Use a layout no longer; what it has read stays. Raises NotFoundError."""
    found = [one for one in listed(session, school_id, kind) if one.name == name]
    if not found:
        raise NotFoundError(f"Không có mẫu cột «{name}» đang dùng.", f"No layout {name!r} is in use.")
    found[0].retired_at = clock.now()
    session.flush()
    _tell(session, found[0], "layout.retired", actor_id)


def check(kind: ImportKind, definition: Mapping[str, object]) -> None:
    """Refuse what is no layout of this kind. Raises StatementError naming the key that is wrong."""
    if kind is ImportKind.STATEMENT:
        layout_from(definition)
    else:
        mappings.mapping_from(definition)


def built_in_names(kind: ImportKind) -> list[str]:
    """The names of the layouts that come with the package."""
    known = built_in() if kind is ImportKind.STATEMENT else mappings.built_in()
    return [layout.name for layout in known]


def _name_of(definition: Mapping[str, object], kind: ImportKind) -> str:
    name = " ".join(str(definition.get("name", "")).split())
    if not name or len(name) > MAX_NAME or "/" in name or name in built_in_names(kind):
        raise DomainError(
            "layout_name",
            f"Hãy đặt tên khác cho mẫu cột: 1–{MAX_NAME} ký tự, không có «/», không trùng mẫu có sẵn.",
            f"Give the layout another name: 1 to {MAX_NAME} characters, no “/”, not one of the built-in ones.",
        )
    return name


def _tell(session: Session, layout: ImportLayout, action: str, actor_id: int | None) -> None:
    record(
        session,
        actor_id,
        action,
        subject_kind="import_layout",
        subject_id=layout.id,
        school_id=layout.school_id,
        detail={"kind": layout.kind.value, "version": layout.version},
    )
