"""Where facts stand inside an element, worked out once for each shape of element.

A statement has tens of thousands of entries and a handful of shapes. The names of an element and of everything below
it in document order, with their numbers of children, are its whole shape: equal shapes have a fact at the same place.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lxml import etree

from bank_adapters.statements.camt_values import Names, bad_structure

MAX_SHAPES = 500
MAX_NODES = 500  # a larger element is worked out each time
EMPTY = etree.Element("none")
"""Stands for an element that is not there: it has neither text nor attributes."""


class Plan(NamedTuple):
    """Positions in document order: of each amount and fact (-1: not there), and of all texts of each kind."""

    amounts: tuple[int, ...]
    facts: tuple[int, ...]
    texts: tuple[tuple[int, ...], ...]


class Found(NamedTuple):
    """What an element states: amounts with their currency, facts, and texts joined by blanks."""

    amounts: list[tuple[str | None, str | None]]
    facts: list[str | None]
    texts: list[str]


class Shapes:
    """Finds what one kind of element states.

    `amounts` and `facts` name each by its path, or by several of which the first counts; `texts` may stand any number
    of times.
    """

    def __init__(
        self, names: Names, amounts: Sequence[Sequence[str]], facts: Sequence[Sequence[str]], texts: Sequence[str]
    ) -> None:
        self.names = names
        self.amounts = amounts
        self.facts = facts
        self.texts = texts
        self.plans: dict[tuple[object, ...], Plan] = {}

    def find(self, element: etree._Element, place: str) -> Found:
        """Return what an element states; raises StatementError for a fact that is stated twice."""
        nodes = list(element.iter("*"))
        shape = tuple([node.tag for node in nodes] + [len(node) for node in nodes])
        plan = self.plans.get(shape)
        if plan is None:
            plan = self.worked_out(nodes, place)
            if len(nodes) <= MAX_NODES and len(self.plans) < MAX_SHAPES:
                self.plans[shape] = plan
        nodes.append(EMPTY)
        amounts, facts, texts = plan
        return Found(
            [(nodes[at].text, nodes[at].get("Ccy")) for at in amounts],
            [text.strip() if (text := nodes[at].text) else None for at in facts],
            [" ".join([text.strip() for at in places if (text := nodes[at].text)]).strip() for places in texts],
        )

    def worked_out(self, nodes: Sequence[etree._Element], place: str) -> Plan:
        """Make the plan of a shape."""
        leaves = self.leaves(nodes)

        def only(paths: Sequence[str]) -> int:
            positions = next((leaves[path] for path in paths if path in leaves), [-1])
            if len(positions) > 1:
                raise bad_structure(place, "một mục đứng hai lần", "something is stated twice")
            return positions[0]

        return Plan(
            tuple(map(only, self.amounts)),
            tuple(map(only, self.facts)),
            tuple(tuple(leaves.get(path, ())) for path in self.texts),
        )

    def leaves(self, nodes: Sequence[etree._Element]) -> dict[str, list[int]]:
        """Return the positions of the leaves by path; an element that has children states nothing itself."""
        paths = {nodes[0]: ""}
        found: dict[str, list[int]] = {}
        for position, node in enumerate(nodes[1:], start=1):
            parent = node.getparent()
            above = paths[parent] if parent is not None else ""
            path = f"{above}/{self.names.get(node.tag, '?')}".lstrip("/")
            paths[node] = path
            if not len(node):
                found.setdefault(path, []).append(position)
        return found
