"""How far apart two spellings of a person's name are, in characters, whatever the script and the order of its parts.

Compared is what remains when spelling habits are taken away: case, width, Latin accents, optional vowel signs of
Hebrew and Arabic, punctuation, the order of the parts, and particles such as `van der` or `al`.
"""

from __future__ import annotations

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

#: marks that change how a name looks and not whose it is: accents, Hebrew points, Arabic vowel signs
_OPTIONAL_MARKS = ((0x0300, 0x036F), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670))
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
    text = unicodedata.normalize("NFKC", name[:_LONGEST]).casefold().translate(_LETTERS)
    text = "".join(letter for letter in unicodedata.normalize("NFD", text) if not _optional(letter))
    text = unicodedata.normalize("NFC", text).translate(_LETTERS)
    return "".join(letter if _of_a_name(letter) else " " for letter in text).split()


def _optional(letter: str) -> bool:
    code = ord(letter)
    return any(first <= code <= last for first, last in _OPTIONAL_MARKS) or unicodedata.category(letter) == "Cf"


def _of_a_name(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LMN"
