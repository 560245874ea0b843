"""Vietnamese text in the codes from before Unicode, TCVN3 (ABC) and VNI: recognised and explained, never stored.

Such text looks like «Sè tiÒn» or «Soá tieàn»: its letters are borrowed from Western Europe and shown right only in a
font of its own. A word counts as old when it holds letters that Vietnamese does not have and, read in the old code, is a
Vietnamese syllable.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.rows import Row, Sheet

TCVN3, VNI = "TCVN3 (ABC)", "VNI"
MIN_WORDS = 2  # a mark of copyright in a name is no word of an old code
_TCVN3_LETTERS = dict(
    zip(
        "µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô\xadõøö÷ùúýûüþ¡¢§£¤¥¦",
        "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵĂÂĐÊÔƠƯ",
        strict=True,
    )
)
_VNI_MARKS = {
    "ù": "\u0301", "ø": "\u0300", "û": "\u0309", "õ": "\u0303", "ï": "\u0323",
    "â": "\u0302", "á": "\u0302\u0301", "à": "\u0302\u0300", "å": "\u0302\u0309", "ã": "\u0302\u0303", "ä": "\u0302\u0323",
    "ê": "\u0306", "é": "\u0306\u0301", "è": "\u0306\u0300", "ú": "\u0306\u0309", "ü": "\u0306\u0303", "ë": "\u0306\u0323",
}  # fmt: skip
_VNI_LETTERS = {"ñ": "đ", "ö": "ư", "ô": "ơ", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}
_WORD = re.compile(r"[^\W\d_]+(?:[\xad\xa8\xb5\xb6-\xb8\xb9\xbb-\xbe\xa9\xae\xaa\xab\xac×÷][^\W\d_]*)*|[\w\xad\xa1-\xbe×÷]+")
# No word of Vietnamese holds one of these.
_FOREIGN = re.compile(r"[µ¸¶·¹¨»¾¼½Æ©ÇËÎÏÑ®ª«¬ÖרÜÞßäåæçëîïñøö÷ûüþ\xad×Øêó]|[aeouyöôAEOUYÖÔ][ùøûõïâáàåãäêéèúüëÙØÛÕÏÂÁÀÅÃÄÊÉÈÚÜË]")
_SYLLABLE = re.compile(
    r"(?:ngh|ng|nh|ch|gh|gi|kh|ph|qu|th|tr|[bcdghklmnprstvx])?[aeiouy]{1,3}(?:ch|ng|nh|[cmnpt])?"
)
