"""XML read as a stream of events: no tree, no DTD, no entities, no network, one encoding.

A document type is refused by looking at the bytes, before the parser sees them; the encoding is fixed to
UTF-8 so that no other encoding can hide one.
"""

import re
from collections.abc import Callable, Iterable
from typing import Protocol, cast

from lxml import etree

from bank_adapters.statements.errors import StatementError

MAX_LIVE_NODES = 100_000  # of one record; a statement entry has some thirty
MAX_DEPTH = 64
HEAD_BYTES = 400
_DECLARED = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?\bencoding\s*=\s*[\"']([^\"']*)[\"']")
_UTF8_NAMES = {b"utf-8", b"utf8", b"us-ascii", b"ascii"}
_FORBIDDEN = (b"<!DOCTYPE", b"<!ENTITY")


class Target(Protocol):
    """What receives the events of a document."""

    def start(self, tag: str, attrib: dict[str, str]) -> None:
        """Open an element."""

    def data(self, data: str) -> None:
        """Take a piece of text."""

    def end(self, tag: str) -> None:
        """Close an element."""

    def comment(self, text: str) -> None:
        """Take a comment."""

    def close(self) -> None:
        """End the document."""


def local_name(tag: str) -> str:
    """Return an element's name without its namespace."""
    return tag.rpartition("}")[2]


def feed(chunks: Iterable[bytes], target: Target, name: str) -> None:
    """Parse a document given in pieces into `target`; `name` stands in error places.

    Raises StatementError with code doctype, bad_encoding or bad_xml, and what the target raises.
    """
    parser = etree.XMLParser(
        target=cast("etree.ParserTarget", target),  # the stubs type its text as str or bytes
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
    )
    try:
        for piece in screened(chunks, name):
            parser.feed(piece)
        parser.close()
    except etree.LxmlError as error:
        raise bad_xml(name, error) from None


def screened(chunks: Iterable[bytes], name: str) -> Iterable[bytes]:
    """Pass pieces on after looking for what may not be there, across their borders too."""
    tail = b""
    for piece in checked_head(chunks, name):
        window = tail + piece
        if any(word in window for word in _FORBIDDEN):
            raise StatementError(
                "doctype",
                name,
                "Tệp XML có khai báo DOCTYPE hoặc ENTITY; sao kê hợp lệ không có. Hãy tải lại từ ngân hàng.",
                "The XML declares a DOCTYPE or ENTITY; a statement has none. Download it from the bank again.",
            )
        tail = window[-9:]
        yield piece


def checked_head(chunks: Iterable[bytes], name: str) -> Iterable[bytes]:
    """Hold pieces back until the head is long enough to judge its encoding."""
    head: bytes | None = b""
    for chunk in chunks:
        if head is None:
            yield chunk
            continue
        head += chunk
        if len(head) >= HEAD_BYTES:
            check_encoding(head, name)
            yield head.removeprefix(b"\xef\xbb\xbf")
            head = None
    if head:
        check_encoding(head, name)
        yield head.removeprefix(b"\xef\xbb\xbf")


def check_encoding(head: bytes, name: str) -> None:
    """Refuse a document that is, or says it is, in another encoding than UTF-8."""
    declared = _DECLARED.match(head[:HEAD_BYTES])
    foreign = declared is not None and declared.group(1).lower() not in _UTF8_NAMES
    if foreign or head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in head[:HEAD_BYTES]:
        raise StatementError(
            "bad_encoding",
            name,
            "Tệp XML không dùng mã UTF-8. Hãy xuất lại với mã UTF-8.",
            "The XML is not in UTF-8. Export it again as UTF-8.",
        )


def bad_xml(name: str, error: etree.LxmlError) -> StatementError:
    """Name the line where a document stops being XML; nothing of its text is repeated."""
    line = getattr(error, "lineno", None)
    place = f"{name} dòng {line}".strip() if line else name
    return StatementError(
        "bad_xml",
        place,
        "Tệp XML bị hỏng hoặc tải về chưa hết. Hãy tải lại.",
        "The XML is damaged or incomplete. Download it again.",
    )


class Node:
    """An element of a record: name, attributes, text and child elements."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.text = ""
        self.children: list[Node] = []

    def find(self, path: str) -> "Node | None":
        """Return the first element at a path of names such as `Bal/Tp/Cd`."""
        return next(iter(self.find_all(path)), None)

    def find_all(self, path: str) -> "list[Node]":
        """Return every element at a path of names."""
        found = [self]
        for name in path.split("/"):
            found = [child for node in found for child in node.children if child.name == name]
        return found

    def value(self, *paths: str) -> str | None:
        """Return the text at the first path that has any."""
        for path in paths:
            for node in self.find_all(path):
                if text := node.text.strip():
                    return text
        return None

    def leaves(self, prefix: str = "") -> list[str]:
        """List `path=text` for every element with text, in document order."""
        path = f"{prefix}/{self.name}" if prefix else self.name
        own = [f"{path}={self.text.strip()}"] if self.text.strip() else []
        return own + [line for child in self.children for line in child.leaves(path)]


class RecordTarget:
    """Builds the elements named in `records` and hands each over as it ends; keeps nothing else.

    `take(node, parents)` gets the record and the names of the elements around it, outermost first.
    """

    def __init__(self, records: frozenset[str], take: Callable[[Node, tuple[str, ...]], None]) -> None:
        self.records = records
        self.take = take
        self.stack: list[Node] = []
        self.texts: list[list[str]] = []  # joined once, for adding to a long string takes quadratic time
        self.live = 0
        self.namespace = ""

    def start(self, tag: str, attrib: dict[str, str]) -> None:
        """Open an element; the namespace of the outermost one is kept."""
        if not self.stack:
            self.namespace = tag[1:].partition("}")[0] if tag.startswith("{") else ""
        self.live += 1
        if self.live > MAX_LIVE_NODES or len(self.stack) >= MAX_DEPTH:
            raise StatementError(
                "too_large",
                "/".join(node.name for node in self.stack[:5]),
                "Một bút toán trong tệp có quá nhiều thành phần hoặc quá nhiều tầng.",
                "One entry of the file has too many elements or levels.",
            )
        self.stack.append(Node(local_name(tag), dict(attrib) if attrib else {}))
        self.texts.append([])

    def data(self, data: str) -> None:
        """Add text to the open element."""
        if self.texts:
            self.texts[-1].append(data)

    def end(self, tag: str) -> None:  # noqa: ARG002 - the stack knows the name
        """Close an element: hand a record over, keep another for its parent."""
        node = self.stack.pop()
        node.text = "".join(self.texts.pop())
        if node.name in self.records:
            self.live -= 1 + count(node)
            self.take(node, tuple(parent.name for parent in self.stack))
        elif self.stack:
            self.stack[-1].children.append(node)

    def comment(self, text: str) -> None:
        """Comments carry nothing."""

    def close(self) -> None:
        """Nothing is left to hand over."""


def count(node: Node) -> int:
    """Count the elements below a node."""
    return sum(1 + count(child) for child in node.children)
