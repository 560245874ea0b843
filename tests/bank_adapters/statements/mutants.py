"""Damage for files, from a seeded source of chance."""

import io
import random
import zipfile

TOKENS = b"""< > & &#x0; ]]> <![CDATA[ <!-- \x00 \xff\xfe <!DOCTYPE -1 1e999 NaN 99999999999999999999 </c> <c>
r="A1" s="999" t="s" </row> <Ntry> </Ntry> :61: :62F: =1+1""".split()


def mutated_bytes(data: bytes, rng: random.Random) -> bytes:
    """Flip, cut, repeat, insert: one to four times."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        length = rng.choice([1, 2, 4, 16, 200])
        match rng.randrange(5):
            case 0:
                out[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del out[at : at + length]
            case 2:
                out[at:at] = out[at : at + length]
            case 3:
                out[at:at] = rng.choice(TOKENS)
            case _:
                other = rng.randrange(len(out) + 1)
                out[at : at + length] = out[other : other + length]
    return bytes(out)


def mutated_part(data: bytes, rng: random.Random) -> bytes:
    """Damage one part of a zip container and pack it again, so that the damage reaches the parser."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        names = source.namelist()
        chosen = rng.choice([*names, "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"])
        for name in names:
            part = source.read(name)
            target.writestr(name, mutated_bytes(part, rng) if name == chosen else part)
    return out.getvalue()
