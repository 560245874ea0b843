"""A second reader of QR codes, written from ISO/IEC 18004 alone: it takes clean modules, and corrects nothing.

The table of error correction blocks is that of the ``qrcode`` library, which has no part in what is read here.
"""

from collections.abc import Iterator

from qrcode import base, constants

LEVELS = {
    1: constants.ERROR_CORRECT_L,
    0: constants.ERROR_CORRECT_M,
    3: constants.ERROR_CORRECT_Q,
    2: constants.ERROR_CORRECT_H,
}
MASKS = (
    lambda y, x: (y + x) % 2,
    lambda y, x: y % 2,
    lambda y, x: x % 3,
    lambda y, x: (y + x) % 3,
    lambda y, x: (y // 2 + x // 3) % 2,
    lambda y, x: y * x % 2 + y * x % 3,
    lambda y, x: (y * x % 2 + y * x % 3) % 2,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2,
)
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
CENTRES = {2: (6, 18), 3: (6, 22), 4: (6, 26), 5: (6, 30), 6: (6, 34), 7: (6, 22, 38), 8: (6, 24, 42), 9: (6, 26, 46)}


def read(dark: list[list[bool]]) -> str:
    """The text of a symbol of version 1 to 9."""
    side = len(dark)
    version = (side - 17) // 4
    bits = [dark[8][x] for x in (0, 1, 2, 3, 4, 5, 7)] + [dark[y][8] for y in (8, 7, 5, 4, 3, 2, 1, 0)]
    said = sum(bit << (14 - place) for place, bit in enumerate(bits)) ^ 0b101010000010010
    level, mask = said >> 13, said >> 10 & 7
    stream = [dark[y][x] ^ (not MASKS[mask](y, x)) for y, x in _way(side, version)]
    words = [
        sum(bit << (7 - place) for place, bit in enumerate(stream[at : at + 8])) for at in range(0, len(stream), 8)
    ]
    return _text(_data(words, base.rs_blocks(version, LEVELS[level])))


def _way(side: int, version: int) -> Iterator[tuple[int, int]]:
    """The modules of data in their order: two columns at a time from the right, up and down."""
    upward = True
    for right in (column if column > 6 else column - 1 for column in range(side - 1, 0, -2)):
        rows = range(side - 1, -1, -1) if upward else range(side)
        for y in rows:
            for x in (right, right - 1):
                if not _is_frame(y, x, side, version):
                    yield y, x
        upward = not upward


def _is_frame(y: int, x: int, side: int, version: int) -> bool:
    if 6 in {y, x} or (y < 9 and x < 9) or (y < 9 and x >= side - 8) or (y >= side - 8 and x < 9):
        return True
    if version >= 7 and ((y < 6 and x >= side - 11) or (x < 6 and y >= side - 11)):
        return True
    centres = CENTRES.get(version, ())
    corners = {(6, 6), (6, centres[-1]), (centres[-1], 6)} if centres else set()
    spots = {(a, b) for a in centres for b in centres} - corners
    return any(abs(y - a) <= 2 and abs(x - b) <= 2 for a, b in spots)


def _data(words: list[int], blocks: list[base.RSBlock]) -> list[int]:
    """The words of data, block after block, out of their interleaved order."""
    found: list[list[int]] = [[] for _ in blocks]
    at = 0
    for turn in range(max(block.data_count for block in blocks)):
        for block, into in zip(blocks, found, strict=True):
            if turn < block.data_count:
                into.append(words[at])
                at += 1
    return [word for into in found for word in into]


def _text(words: list[int]) -> str:
    bits = "".join(f"{word:08b}" for word in words)
    at = 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return int(bits[at - count : at], 2)

    text = ""
    while len(bits) - at >= 4 and (mode := take(4)):
        if mode == 1:
            digits = take(10)
            for size in [3] * (digits // 3) + ([digits % 3] if digits % 3 else []):
                text += f"{take({3: 10, 2: 7, 1: 4}[size]):0{size}d}"
        elif mode == 2:
            letters = take(9)
            for _ in range(letters // 2):
                first, second = divmod(take(11), 45)
                text += LETTERS[first] + LETTERS[second]
            text += LETTERS[take(6)] if letters % 2 else ""
        else:
            assert mode == 4, mode
            text += bytes(take(8) for _ in range(take(8))).decode("ascii")
    return text
