"""What two ways of writing a name have in common, so that a person who types one finds the other (T2).

`fold` brings a text to capital-less letters without accents, in which a space ends a word and ``-`` stands for every
other character that is neither letter nor digit. From a folded text come:

- the **words of a name**, `words`: a space ends a word, and a mark within it begins another, so ``O'Brien`` has the
  words ``obrien`` and ``brien`` and is found by either. So does each Chinese character, for names are written without
  spaces there: ``王小明`` has the words ``王小明``, ``小明`` and ``明``. (Kana, Hangul and Thai begin no word by
  themselves: the beginning of what stands between spaces finds them.)
- the **words of a text that is looked for**, `wanted`: spaces and marks part them alike.
- the **line**, `line`: what stands between the spaces, without marks, and single spaces between: ``obrien``. Names
  are compared and put in order by it.

What folding does, again and again until nothing changes: compatibility decomposition (full-width and ligatures become
plain, ``Å`` an ``A`` and a ring, a Hangul syllable its letters, so that half a syllable finds it); combining marks go
(accents, Arabic and Hebrew points, the two dots of ``ё`` and the breve of ``й``); case goes (``ß`` becomes ``ss``, a
final sigma a sigma); and a few letters of `_LETTERS` become those that people type for them. Vowel signs that only
follow a letter (Devanagari, Thai) are letters to those who read them, and stay.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import zip_longest
from typing import Final

MARK: Final = "-"
"""Stands in a folded text for every character that is neither letter, digit nor space."""

# Unicode takes these for letters of their own, and decomposes none; on a keyboard without them people type the others.
_LETTERS: Final = str.maketrans(
    {"ł": "l", "đ": "d", "ð": "d", "ø": "o", "æ": "ae", "œ": "oe", "þ": "th", "ħ": "h"}
    | {"\N{LATIN SMALL LETTER DOTLESS I}": "i"}
    # These are letters by their category: the apostrophes of Ukrainian and Hawaiian names, and an Arabic flourish.
    | {"\N{MODIFIER LETTER APOSTROPHE}": MARK, "\N{MODIFIER LETTER TURNED COMMA}": MARK, "\N{ARABIC TATWEEL}": ""}
)
_ASCII: Final = {
    code: chr(code).lower() if chr(code).isalnum() else " " if chr(code).isspace() else MARK for code in range(128)
}
_REMEMBERED: Final = 8_192
"""Characters whose folding is remembered: more than any centre's names are written with."""
_IDEOGRAPH: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_VARIANTS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""They say which drawing of the character before them is meant; nobody types them."""


def fold(text: str) -> str:
    """Fold any text: folding what is folded changes nothing."""
    if text.isascii():
        return text.translate(_ASCII)
    return "".join(map(_folded, text))


# Each character by itself: what could depend on its neighbours is the order of the marks upon it, and marks go. So the
# beginning of a name, as one types it, folds to the beginning of the folded name.
@lru_cache(_REMEMBERED)
def _folded(character: str) -> str:
    folded, before = _once(_VARIANTS.sub("", character)), character
    while folded != before:
        folded, before = _once(folded), folded
    return folded


def _once(text: str) -> str:
    kept = map(_plain, unicodedata.normalize("NFKD", text))
    return "".join(kept).casefold().translate(_LETTERS)


def _plain(character: str) -> str:
    if character.isalnum():
        return character
    if unicodedata.combining(character):
        return ""
    if character.isspace():
        return " "
    return character if unicodedata.category(character)[0] == "M" else MARK


def words(folded: str) -> set[str]:
    """The words of a folded name or id."""
    found: set[str] = set()
    for chunk in folded.split():
        if chunk.isascii() and MARK not in chunk:
            found.add(chunk)
        else:
            joined = chunk.replace(MARK, "")
            found.update(joined[start:] for start in _starts(chunk))
    return found


def _starts(chunk: str) -> Iterable[int]:
    """Where words begin in what stands between two spaces, counted without marks."""
    at = 0
    for piece in chunk.split(MARK):
        if piece:
            yield at
        if not piece.isascii():
            yield from (at + found.start() for found in _IDEOGRAPH.finditer(piece))
        at += len(piece)


def wanted(folded: str) -> list[str]:
    """The words of a folded text that is looked for, without those that another one begins with.

    Of what is left no two can begin the same word of a name, for then one would begin the other: a target that has
    them all has at least as many words.
    """
    ordered = sorted(set(folded.replace(MARK, " ").split()))
    return [word for word, after in zip_longest(ordered, ordered[1:], fillvalue="") if not after.startswith(word)]


def line(folded: str) -> str:
    """A folded text in one line: single spaces, and no marks."""
    return " ".join(folded.replace(MARK, "").split())
