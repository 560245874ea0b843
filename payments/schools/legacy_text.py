"""Texts in the Vietnamese encodings of the nineties, or decoded with the wrong table: found, so that they are refused.

A spreadsheet typed in a font like .VnTime (TCVN3) or VNI-Times holds Latin characters that look Vietnamese in that
font only. What they meant cannot be told for certain («Vò» is a syllable in both), so nothing is converted.
"""

import re
from typing import Literal

LegacyEncoding = Literal["tcvn3", "vni", "mojibake"]

# UTF-8 read as Windows-1252: «Nguyá»…n», «VÄƒn», «Æ°», «Ä‘».
_MOJIBAKE = re.compile("á[»º]|Ã[\u00a0-\u00bf]|Ä[‘ƒ\u0090-\u0092]|Æ[°¡]")
# TCVN3 puts its letters on signs that no name contains: «Hoµng», «Ph¹m», «§ç», «V¨n», «Lª».
_TCVN3_SIGN = re.compile("[\u00a1-\u00b1\u00b5-\u00be\u00d7\u00f7]")
# Its other letters are Latin capitals with marks, which stand inside words: «TrÇn», «NguyÔn».
_TCVN3_CAPITAL = re.compile("[a-z][\u00c6-\u00de](?=[a-z]|\\b)")
# VNI writes the mark after its letter: «Traàn», «Leâ», «Vaên», «Phöông», «Ñoã».
_VNI = re.compile("(?i:a[âêàåèøûù]|e[âøûùåä]|o[âøûåäù]|[uöôyi][øûù]|öô)|\\bÑ(?=[aeiouyöô])")


def legacy_encoding(text: str) -> LegacyEncoding | None:
    """Name the old encoding that a text surely is in; None for Unicode, and where a single word leaves doubt."""
    if _MOJIBAKE.search(text):
        return "mojibake"
    if _TCVN3_SIGN.search(text) or _TCVN3_CAPITAL.search(text):
        return "tcvn3"
    return "vni" if _VNI.search(text) else None
