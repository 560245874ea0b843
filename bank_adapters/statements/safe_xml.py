"""XML read as a stream of events: no tree, no DTD, no entities, no network, one encoding.

A document type is refused by looking at the bytes, before the parser sees them; the encoding is fixed to
UTF-8 so that no other encoding can hide one.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Protocol, cast

from lxml import etree

from bank_adapters.statements.errors import StatementError

MAX_LEAVES = 100_000  # of one record; a statement entry has some twenty
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


@lru_cache(maxsize=1024)
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
                "Tệp XML có khai báo DOCTYPE hoặc ENTITY; tệp hợp lệ không có. Hãy xuất và tải lại tệp.",
                "The XML declares a DOCTYPE or ENTITY; a good file has none. Export and download it again.",
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


class Record:
    """One element of interest: its attributes, and the texts below it with their paths, in document order.

    A path such as `Bal/Tp/Cd` starts below the element; `Amt@Ccy` is an attribute.
    """

    __slots__ = ("attributes", "leaves", "name")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.leaves: list[tuple[str, str]] = []

    def add(self, path: str, text: str) -> None:
        """Keep a text; raises StatementError when the element holds more than any honest one."""
        if len(self.leaves) >= MAX_LEAVES:
            raise overgrown(self.name)
        self.leaves.append((path, text))


class RecordTarget:
    """Builds the elements named in `records` and hands each over as it ends; keeps nothing else.

    `take(record, parents)` gets the names of the elements around it, outermost first. A record inside
    another comes first and is no part of it.
    """

    def __init__(self, records: frozenset[str], take: Callable[[Record, tuple[str, ...]], None]) -> None:
        self.records = records
        self.take = take
        self.namespace = ""
        self.names: list[str] = []
        self.paths: list[str] = []
        self.open: list[Record] = []
        self.text: list[str] = []
        self.is_leaf = False

    def start(self, tag: str, attrib: dict[str, str]) -> None:
        """Open an element; the namespace of the outermost one is kept."""
        name = local_name(tag)
        depth = len(self.names)
        if not depth:
            self.namespace = tag[1:].partition("}")[0] if tag.startswith("{") else ""
        elif depth >= MAX_DEPTH:
            raise overgrown("/".join(self.names[:5]))
        path = ""
        if name in self.records:
            self.open.append(Record(name, dict(attrib)))
        elif self.open:
            parent = self.paths[-1]
            path = f"{parent}/{name}" if parent else name
            if attrib:
                for key, text in attrib.items():
                    self.open[-1].add(f"{path}@{local_name(key)}", text)
        self.names.append(name)
        self.paths.append(path)
        if self.text:
            self.text = []
        self.is_leaf = True

    def data(self, data: str) -> None:
        """Take a piece of text."""
        self.text.append(data)

    def end(self, tag: str) -> None:  # noqa: ARG002 - the stack knows the name
        """Close an element: keep the text of a leaf, hand a record over."""
        name, path = self.names.pop(), self.paths.pop()
        if self.is_leaf and path and self.text:  # only an element inside a record has a path
            self.open[-1].add(path, self.text[0] if len(self.text) == 1 else "".join(self.text))
        self.is_leaf = False
        if name in self.records:
            self.take(self.open.pop(), tuple(self.names))

    def comment(self, text: str) -> None:
        """Comments carry nothing."""

    def close(self) -> None:
        """Nothing is left to hand over."""


def overgrown(place: str) -> StatementError:
    """Build the error for an element that holds too much."""
    return StatementError(
        "too_large",
        place,
        "Một bút toán trong tệp có quá nhiều thành phần hoặc quá nhiều tầng.",
        "One entry of the file has too many elements or levels.",
    )
