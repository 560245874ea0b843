"""What became of rows that were sent: which were refused, which are doubtful, and where."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from msgspec import Meta

from payments.api.operation import Shape
from payments.i18n import Language
from payments.schools.problems import Problem
from payments.schools.sheets import Column


class Trouble(Shape):
    """Something about a row that a person should know."""

    code: Annotated[str, Meta(description="Stable; docs/rosters-and-fees.md explains the rules.")]
    refused: Annotated[bool, Meta(description="true: the row changed nothing; false: it was taken all the same.")]
    pointer: Annotated[str, Meta(description="JSON pointer into the body.")]
    other_pointer: Annotated[str | None, Meta(description="The row it is compared with.")]
    detail: str
    fix: str


def troubles(
    problems: Sequence[Problem], columns: Sequence[Column], rows: str, paths: Mapping[str, str], language: Language
) -> list[Trouble]:
    """Problems of a table as problems of the body: line 1 is ``/<rows>/0``; ``paths`` where a key has another place."""
    keys = {column.header: column.key for column in columns}
    return [
        Trouble(
            code=problem.kind.code,
            refused=problem.kind.refuses,
            pointer=f"/{rows}/{problem.line - 1}/{paths.get(keys[problem.column], keys[problem.column])}",
            other_pointer=f"/{rows}/{problem.other_line - 1}" if problem.other_line else None,
            detail=problem.kind.reason.in_(language),
            fix=problem.kind.fix.in_(language),
        )
        for problem in problems
    ]
