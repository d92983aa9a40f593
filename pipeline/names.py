"""How far apart two spellings of a person's name are, in characters, whatever the script and the order of its parts.

Compared is what remains when spelling habits are taken away: case, width, Latin accents, optional vowel signs of
Hebrew and Arabic, punctuation, the order of the parts, and particles such as `van der` or `al`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

#: what belongs to a name in one register and is left out in the next
_PARTICLES = (
    "a af al am ap auf av aw ben bin bint da dal dalla das de degli dei del della den der des di do dos du e el els "
    "i ibn la las le lo los mac mc of op s san st t te ten ter the til to u und v van vom von y z za zu zum zur ze"
    " אבן בן בת ال ابن بن بنت ابو"
)
PARTICLES = frozenset(_PARTICLES.split())

#: letters that are another letter with an ornament, yet no accent in Unicode
_LETTERS = str.maketrans(
    {
        "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ŋ": "n", "ı": "i", "ĸ": "k", "ſ": "s", "æ": "ae",
        "œ": "oe", "þ": "th", "ə": "a", "ƙ": "k", "ɗ": "d", "ɓ": "b",
        "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ة": "ه", "ک": "ك", "ؤ": "و", "ئ": "ي",
        "ـ": "", "ё": "е", "’": "", "'": "", "ʼ": "", "ʻ": "", "`": "", "´": "", "‘": "", "׳": "", "״": "",
    }
)  # fmt: skip

#: what changes how a name looks and not whose it is: accents, Hebrew points, Arabic vowel signs, invisible characters
_OPTIONAL = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_PUNCTUATION = re.compile("[^a-z0-9]+")
_LONGEST = 300


def distance(one: str, other: str, *, most: int) -> int:
    """How many characters have to change to make one name of the other; `most + 1` stands for more than `most`."""
    return min(
        Levenshtein.distance(mine, theirs, score_cutoff=most)
        for mine, theirs in zip(_spellings(one), _spellings(other), strict=True)
    )


def letters(name: str) -> int:
    """How many characters of a name are compared."""
    return len(_spellings(name)[0])


@lru_cache(maxsize=4096)
def _spellings(name: str) -> tuple[str, str, str, str]:
    """A name as written and with its parts in order, each with and without particles."""
    parts = _parts(name)
    inner = range(1, len(parts) - 1)  # at either end it may be all there is of a name: Ben, Al, Van
    core = [part for at, part in enumerate(parts) if at not in inner or part not in PARTICLES]
    return "".join(parts), "".join(sorted(parts)), "".join(core), "".join(sorted(core))


def _parts(name: str) -> list[str]:
    name = name[:_LONGEST]
    if name.isascii():
        return _PUNCTUATION.sub(" ", name.casefold().translate(_LETTERS)).split()
    text = unicodedata.normalize("NFKC", name).casefold().translate(_LETTERS)
    text = _OPTIONAL.sub("", unicodedata.normalize("NFD", text))
    text = unicodedata.normalize("NFC", text).translate(_LETTERS)
    return "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in text).split()
