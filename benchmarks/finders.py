"""The peers of the search: other ways to find the same names by the same text, each done as well as it can be.

All take the names folded into words as the library folds them, and in the order in which it shows them, so that none
pays for folding names and none needs to sort.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from itertools import chain, islice
from typing import Final, Protocol

import attrs

from sms_transfer import Target
from sms_transfer.folding import fold, line, wanted, words

Page = tuple[int, list[Target]]
"""How many match in all, and the first of them."""
LIMIT: Final = 50
_BEYOND: Final = "\U0010ffff"


@attrs.frozen
class Row:
    """One name, prepared."""

    target: Target
    line: str
    id_line: str
    words: str
    """With a space before each."""


def prepared(called: dict[Target, str]) -> list[Row]:
    """The names in the order in which they are shown."""
    rows = [
        Row(target, line(fold(name)), line(fold(target.id)), "".join(f" {word}" for word in sorted(_all(target, name))))
        for target, name in called.items()
    ]
    return sorted(rows, key=lambda row: (row.line, row.target.kind, row.target.id))


def _all(target: Target, name: str) -> set[str]:
    return words(fold(name)) | words(fold(target.id))


class Finder(Protocol):
    """One way of finding."""

    def find(self, text: str) -> Page:
        """How many match, and the first `LIMIT`."""
        ...


class LinearScan:
    """Looks at every name: one search for a substring each, in a list of strings."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._words = [row.words for row in rows]

    def find(self, text: str) -> Page:
        """All hits, and the best of them."""
        folded = fold(text)
        first, *others = (f" {word}" for word in wanted(folded))
        hits = [at for at, found in enumerate(self._words) if first in found]
        for word in others:
            hits = [at for at in hits if word in self._words[at]]
        return len(hits), self._best(hits, line(folded))

    def _best(self, hits: list[int], text: str) -> list[Target]:
        rows = self._rows
        whole = [at for at in hits if rows[at].line == text or rows[at].id_line == text]
        begins = (at for at in hits if rows[at].line.startswith(text))
        best = dict.fromkeys(islice(chain(whole, begins), LIMIT + len(whole)))
        best |= dict.fromkeys(islice(hits, LIMIT + len(best)))
        return [rows[at].target for at in islice(best, LIMIT)]


class RapidFuzz:
    """`rapidfuzz.process.extract`: what it scores 100 contains the word; then the next word among these.

    ``partial_ratio`` is the quickest of its scorers of names that finds words other than the first. The page is in its
    own order.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        from rapidfuzz import fuzz, process  # noqa: PLC0415 - a development dependency: may be absent

        self._extract = partial(process.extract, scorer=fuzz.partial_ratio, score_cutoff=100, limit=None)
        self._rows = rows
        self._words = {at: row.words for at, row in enumerate(rows)}

    def find(self, text: str) -> Page:
        """All with a full score, and the first of them."""
        left = self._words
        for word in wanted(fold(text)):
            hits = self._extract(f" {word}", left)
            left = {at: found for found, _, at in hits}
        return len(left), [self._rows[at].target for at in islice(left, LIMIT)]


class FullText:
    """SQLite's FTS5 in memory, with prefix indexes, no positions, and the rows in the order in which they are shown.

    Two stretches of the rows are the tiers.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._lines = [row.line for row in rows]
        self._ids = {row.id_line: at for at, row in enumerate(rows)}
        self._db = sqlite3.connect(":memory:")
        self._db.execute(
            "create virtual table names using fts5(words, prefix='1 2 3', detail=none, columnsize=0,"
            " tokenize=\"unicode61 remove_diacritics 0 categories 'L* N* Co M*'\")"
        )
        self._db.executemany("insert into names (rowid, words) values (?, ?)", enumerate(row.words for row in rows))
        self._db.execute("insert into names (names) values ('optimize')")

    def find(self, text: str) -> Page:
        """A count, and a page in up to two queries."""
        folded = fold(text)
        query, whole = " AND ".join(f'"{word}"*' for word in wanted(folded)), line(folded)
        (total,) = self._db.execute("select count(*) from names where names match ?", (query,)).fetchone()
        low, high = bisect_left(self._lines, whole), bisect_left(self._lines, whole + _BEYOND)
        called = [self._ids[whole]] if whole in self._ids else []
        begin = self._page("rowid >= ? and rowid < ?", query, low, high, LIMIT) if low < high else []
        page = list(dict.fromkeys(called + begin))[:LIMIT]
        if len(page) < min(LIMIT, total):
            page += self._page("not (rowid >= ? and rowid < ?)", query, low, high, LIMIT + 1)
        return total, [self._rows[at].target for at in islice(dict.fromkeys(page), LIMIT)]

    def _page(self, where: str, query: str, low: int, high: int, limit: int) -> list[int]:
        statement = f"select rowid from names where names match ? and {where} order by rowid limit ?"
        return [at for (at,) in self._db.execute(statement, (query, low, high, limit))]


def has_full_text() -> bool:
    """Whether this SQLite was built with FTS5."""
    with sqlite3.connect(":memory:") as db:
        options = {option for (option,) in db.execute("pragma compile_options")}
    db.close()
    return "ENABLE_FTS5" in options
