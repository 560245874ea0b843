"""Map our accounts to the school's chart of accounts: a preset first, then whatever the accountant decides."""

import json
import re
from importlib import resources
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments.audit.service import record
from payments.errors import DomainError
from payments.ledger.models import ChartMapping, LedgerRole

PRESETS = ("TT107", "TT24")

_ACCOUNT_CODE = re.compile(r"[0-9]{3,5}(?:\.[0-9A-Za-z]{1,8}){0,3}", re.ASCII)
_KEY = ("school_id", "chart", "role", "legal_group", "fee_item_id")


def load_chart_preset(session: Session, school_id: int, chart: str) -> int:
    """Fill what the mapping lacks from a preset and return the number of new rows; edited rows stay as they are.

    Raises DomainError ``unknown_chart``.
    """
    rows = [
        {
            "school_id": school_id,
            "chart": chart,
            "role": LedgerRole(row["role"]),
            "legal_group": row["legal_group"],
            "account_code": row["account_code"],
            "confirmed": row["verified"],
        }
        for row in _preset(chart)
    ]
    written = session.scalars(
        insert(ChartMapping).values(rows).on_conflict_do_nothing(index_elements=_KEY).returning(ChartMapping.id)
    )
    return len(written.all())


def map_account(
    session: Session,
    school_id: int,
    chart: str,
    role: LedgerRole,
    account_code: str,
    *,
    actor_id: int,
    legal_group: str | None = None,
    fee_item_id: int | None = None,
) -> None:
    """Set the school's account for a role, a legal group of a role, or one fee item; what a person sets is confirmed.

    Raises DomainError ``unknown_chart`` or ``bad_account_code``.
    """
    _require_chart(chart)
    if _ACCOUNT_CODE.fullmatch(account_code) is None:
        raise DomainError(
            "bad_account_code",
            "Số hiệu tài khoản gồm 3 đến 5 chữ số, có thể thêm chi tiết sau dấu chấm, ví dụ 1121.02.",
            "An account code is 3 to 5 digits, with details after dots if need be, for example 1121.02.",
        )
    setting = insert(ChartMapping).values(
        school_id=school_id,
        chart=chart,
        role=role,
        legal_group=legal_group,
        fee_item_id=fee_item_id,
        account_code=account_code,
        confirmed=True,
    )
    mapping_id = session.scalar(
        setting.on_conflict_do_update(
            index_elements=_KEY, set_={"account_code": account_code, "confirmed": True}
        ).returning(ChartMapping.id)
    )
    record(
        session,
        actor_id,
        "chart.mapped",
        subject_kind="chart_mapping",
        subject_id=mapping_id,
        school_id=school_id,
        detail={"chart": chart, "role": role.value, "account_code": account_code},
    )


def _preset(chart: str) -> list[dict[str, Any]]:
    _require_chart(chart)
    file = resources.files("payments.ledger.charts").joinpath(f"{chart.lower()}.json")
    mappings: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["mappings"]
    return mappings


def _require_chart(chart: str) -> None:
    if chart not in PRESETS:
        raise DomainError(
            "unknown_chart",
            f"Chưa có hệ thống tài khoản {chart}; hiện có: {', '.join(PRESETS)}.",
            f"There is no chart {chart!r}; there are: {', '.join(PRESETS)}.",
        )
