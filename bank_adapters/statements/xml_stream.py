"""XML as a stream of finished elements: parsed by libxml2, read from a tree that never holds more than one record.

The bytes are screened before the parser sees them, as in safe_xml.py: no DOCTYPE, no entity, UTF-8 only.
"""

from collections.abc import Iterable, Iterator

from lxml import etree

from bank_adapters.statements.safe_xml import bad_xml, overgrown, screened
from bank_adapters.statements.zip_guard import CHUNK_BYTES

MAX_UNREAD_BYTES = 2**20
"""How much may stand between two records: what the parser builds of it is some thirty times as large."""


class Source:
    """A screened document for the parser; refuses one in which no record ends for too long.

    The reader sets `unread` to 0 whenever it has taken a record and dropped what stood before it.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.unread = 0
        self._pieces = iter(screened(pieces(data), name))

    def read(self, _size: int = -1) -> bytes:
        """Return the next piece, empty at the end."""
        piece = next(self._pieces, b"")
        self.unread += len(piece)
        if self.unread > MAX_UNREAD_BYTES + CHUNK_BYTES:
            raise overgrown(self.name)
        return piece


def pieces(data: bytes) -> Iterator[bytes]:
    """Cut a file into pieces for the parser."""
    for start in range(0, len(data), CHUNK_BYTES):
        yield data[start : start + CHUNK_BYTES]


def elements(source: Source, names: Iterable[str]) -> Iterator[etree._Element]:
    """Yield the elements of these local names as each ends; raises StatementError.

    Comments and processing instructions are left out by the parser, so an element's text is whole.
    """
    events = etree.iterparse(
        source,
        events=("end",),
        tag=[f"{{*}}{name}" for name in names],
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
    )
    try:
        for _, element in events:
            yield element
    except etree.LxmlError as error:
        raise bad_xml(source.name, error) from None


def drop_before(element: etree._Element, parent: etree._Element) -> None:
    """Forget the siblings before an element: the parser never looks back at them."""
    while (before := element.getprevious()) is not None:
        parent.remove(before)
