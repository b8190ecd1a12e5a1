"""Texts as they are searched: without what people do not type, and so that every script is found.

Pure. Case, accents, vowel points and widths make no difference. The index knows runs of three
characters (`RUN`), so what is shorter in meaning is written longer: a character of Han or kana is
followed by a filler, for most words there have two; an emoji becomes a word. Syllables of Hangul
are taken apart, and so free to stand for accounts (`token_of`): no text can imitate one.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from itertools import accumulate

RUN = 3
# A letter to both databases, hardly ever written.
_FILLER = "\u02d0"
# Accents of Latin, Greek and Cyrillic; points of Hebrew and Arabic, and Arabic's lengthener.
_LEFT_OUT = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]"
)
_HAN_OR_KANA = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_SYLLABLES, _SYLLABLE = 0xD7A3 - 0xAC00 + 1, 0xAC00
_DIGITS = _SYLLABLES // RUN
_WORD = re.compile(r'"([^"]+)"|(\S+)')


class _Folding(dict[int, str]):
    """Each character's folded form, worked out when it first occurs."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = folded = _folded(character)
        return folded


def _folded(character: str) -> str:
    category = unicodedata.category(character)
    if character.isspace() or category == "Cc":
        return " "
    # Joiners, directions and variants of emoji; the colour of a hand.
    if (
        category == "Cf"
        or 0xFE00 <= ord(character) <= 0xFE0F
        or 0x1F3FB <= ord(character) <= 0x1F3FF
    ):
        return ""
    if category == "So" and ord(character) >= 0x2190:
        return f"{_FILLER}{ord(character):x}{_FILLER}"
    plain = unicodedata.normalize("NFKD", character).casefold()
    plain = _LEFT_OUT.sub("", unicodedata.normalize("NFKD", plain))
    return plain + _FILLER if _HAN_OR_KANA.match(character) else plain


_FOLDING = _Folding()


def folded(text: str) -> str:
    """The text as it is searched."""
    return text.translate(_FOLDING)


def words_of(query: str) -> list[str]:
    """What is looked for, folded: all of it, in any order; what stands in "quotes" is one."""
    found = (folded(phrase or word).strip() for phrase, word in _WORD.findall(query))
    return list(dict.fromkeys(word for word in found if word))


def is_in_index(word: str) -> bool:
    """Whether the index can look for it: letters, digits and vowel signs side by side, as it knows
    nothing of other signs."""
    kinds = "".join("x" if unicodedata.category(each)[0] in "LMN" else " " for each in word)
    return "x" * RUN in kinds


def runs_of(word: str) -> list[str]:
    """The runs of three of a folded word."""
    return list(dict.fromkeys(word[at : at + RUN] for at in range(len(word) - RUN + 1)))


def token_of(account_id: int) -> str:
    """The account as a run of three, each from a range of its own, so that two of them side by side
    are no third."""
    digits = (account_id // _DIGITS**place % _DIGITS for place in range(RUN))
    return "".join(chr(_SYLLABLE + place * _DIGITS + digit) for place, digit in enumerate(digits))


def matches(text: str, words: list[str]) -> list[tuple[int, int]]:
    """Where the folded words stand in a text as it was written: from, to, apart from each other."""
    forms = [_FOLDING[ord(character)] for character in text]
    ends = list(accumulate(map(len, forms)))
    within = "".join(forms)
    is_hit = [False] * len(text)
    for word in words:
        at = within.find(word)
        while at >= 0:
            first, last = bisect_right(ends, at), bisect_left(ends, at + len(word))
            is_hit[first : last + 1] = [True] * (last + 1 - first)
            at = within.find(word, at + len(word))
    return _stretches(is_hit)


def _stretches(is_hit: list[bool]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    begin = None
    for position, hit in enumerate([*is_hit, False]):
        if hit and begin is None:
            begin = position
        elif not hit and begin is not None:
            found.append((begin, position))
            begin = None
    return found
