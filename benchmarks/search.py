"""Whether finding a name keeps up with who types it, and how other ways of finding do on the same keystrokes.

Every contestant is asked after every keystroke, by turns; each says how many match, and the first 50.
The index keeps no answers, so a text that was asked for before costs what it cost the first time.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from statistics import median
from time import perf_counter
from typing import Final

import attrs

from benchmarks.effort import Effort
from benchmarks.finders import LIMIT, Finder, FullText, LinearScan, Page, RapidFuzz, Row, has_full_text, prepared
from benchmarks.people import keystrokes, people
from benchmarks.progress import progress
from benchmarks.result import Cell, Column, Drawing, Kind, Missing, Result, Sense, Table
from benchmarks.result import Target as Goal
from benchmarks.server import need
from benchmarks.timing import Spread, interleave, milliseconds, percentiles, ratios
from sms_transfer import Target
from sms_transfer.folding import fold, wanted
from sms_transfer.names import NameIndex

MOST: Final = 5
"""Rounds, at most: the peers take their time."""
TARGET: Final = 2.0
"""Milliseconds, at most, for 99 keystrokes of 100."""
OURS: Final = "sms_transfer"
LINEAR: Final = "linear scan"
FULL_TEXT: Final = "SQLite FTS5"


@attrs.frozen
class Size:
    """How much is searched.

    Args:
        typed: keystrokes that every contestant is asked after.
        alone: keystrokes that only the library is asked after: its rare cases show.
    """

    names: int
    typed: int
    alone: int
    renames: int


USUAL: Final = Size(names=100_000, typed=200, alone=3_000, renames=2_000)
SMOKE: Final = Size(names=2_000, typed=60, alone=300, renames=50)

Times = Mapping[str, Sequence[Sequence[float]]]
"""Of each contestant, a list for each round, in milliseconds."""


class Index:
    """The library's."""

    def __init__(self, called: Mapping[Target, str]) -> None:
        self.names = NameIndex(called.items())

    def find(self, text: str) -> Page:
        """Ask the index."""
        matches = self.names.search(text, kinds=None, limit=LIMIT)
        return matches.total, list(matches.targets)


def run(effort: Effort) -> Result:
    """Compare."""
    effort, size = effort.at_most(MOST), effort.pick(SMOKE, USUAL)
    called = people(size.names)
    begin = perf_counter()
    ours = Index(called)
    built = {OURS: (perf_counter() - begin) * 1e3}
    finders, absent = _finders(ours, called, built)
    typed, alone = keystrokes(called, size.typed), keystrokes(called, size.alone)
    spent, agreed = _typed(finders, typed, effort.rounds), _agreed(finders, typed)
    before = _alone(ours, alone, effort.rounds)
    renamed = _rename(ours.names, called, size.renames)
    after = _alone(ours, alone, effort.rounds)
    kinds = {"as built": before, f"after {size.renames:,} renames": after}
    high = {what: median(percentiles(of_rounds, 0.99)) for what, of_rounds in kinds.items()}
    return Result(
        "Finding a name",
        f"A search after every keystroke among {size.names:,} names, against a scan of a list, against rapidfuzz, and"
        " against SQLite's full-text index in memory; each says how many match and the first 50.",
        "The ratios are how long the others take for what takes the library 1. rapidfuzz is made for finding what is"
        " alike, which this does not need; it is compared because it is what many would reach for.",
        (
            _comparison(spent, agreed, f"{size.typed:,} keystrokes ({effort.rounds} rounds)"),
            _distribution(kinds, f"{size.alone:,} keystrokes, sms_transfer alone ({effort.rounds} rounds)"),
            _costs(called, built, renamed),
        ),
        tuple(Goal(f"99 of 100 keystrokes, {what}", Sense.AT_MOST, TARGET, ms, "ms") for what, ms in high.items()),
        absent=tuple(absent),
    )


def _finders(ours: Index, called: dict[Target, str], built: dict[str, float]) -> tuple[dict[str, Finder], list[str]]:
    """Each that there is here, and what is not; how many milliseconds it takes to build one is put down."""
    begin = perf_counter()
    rows = prepared(called)
    preparing = (perf_counter() - begin) * 1e3
    makers: dict[str, Callable[[Sequence[Row]], Finder]] = {LINEAR: LinearScan}
    absent = list[str]()
    try:
        need("rapidfuzz")
        makers["rapidfuzz"] = RapidFuzz
    except Missing as missing:
        absent += missing.what
    if has_full_text():
        makers[FULL_TEXT] = FullText
    else:
        absent.append("FTS5 in this SQLite")
    found: dict[str, Finder] = {OURS: ours}
    for name, make in makers.items():
        begin = perf_counter()
        found[name] = make(rows)
        built[name] = preparing + (perf_counter() - begin) * 1e3
    return found, absent


def _typed(finders: Mapping[str, Finder], typed: Sequence[str], rounds: int) -> Times:
    spent: dict[str, list[list[float]]] = {name: [] for name in finders}
    for done in range(rounds):
        for of_round in spent.values():
            of_round.append([])
        for at, text in enumerate(typed):
            progress("search", done * len(typed) + at, rounds * len(typed))
            jobs = {name: partial(finder.find, text) for name, finder in finders.items() if _answers(name, text)}
            for name, (seconds,) in interleave("search", _turned(jobs, at), rounds=1).items():
                spent[name][-1].append(seconds * 1e3)
    return spent


def _answers(name: str, text: str) -> bool:
    return name == OURS or bool(wanted(fold(text)))  # a text without words is everything: nothing to be found


def _turned(jobs: Mapping[str, Callable[[], object]], by: int) -> dict[str, Callable[[], object]]:
    names = list(jobs)
    return {name: jobs[name] for name in names[by % len(names) :] + names[: by % len(names)]}


def _agreed(finders: Mapping[str, Finder], typed: Sequence[str]) -> dict[str, tuple[str, str]]:
    """How often each gives our total and our first page."""
    totals, pages = dict.fromkeys(finders, 0), dict.fromkeys(finders, 0)
    asked = [text for text in typed if wanted(fold(text))]
    for text in asked:
        total, page = finders[OURS].find(text)
        for name, finder in finders.items():
            found = finder.find(text)
            totals[name] += found[0] == total
            pages[name] += found[1] == page
    if totals["linear scan"] != len(asked) or pages["linear scan"] != len(asked):
        raise RuntimeError("the index and the linear scan do not agree")
    return {name: (f"{totals[name]}/{len(asked)}", f"{pages[name]}/{len(asked)}") for name in finders}


def _alone(ours: Finder, typed: Sequence[str], rounds: int) -> list[list[float]]:
    return [[milliseconds(partial(ours.find, text)) for text in typed] for _ in range(rounds)]


def _rename(names: NameIndex, called: Mapping[Target, str], renames: int) -> float:
    """The median cost of other processes' renaming people, who exchange their names here."""
    chance = Random(1)  # noqa: S311 - the same each time
    pairs = chance.sample(list(called.items()), 2 * renames)
    spent: list[float] = []
    for (target, _), (_, name) in zip(pairs[:renames], pairs[renames:], strict=True):
        spent.append(milliseconds(partial(names.put, target, name)))
        if target not in names.search(f"{name} {target.id}", kinds=None, limit=1).targets:
            raise RuntimeError("the next search does not see it")
    return median(spent)


def _weigh(make: Callable[[], object], number: int) -> float:
    """The bytes for each name, without the names and targets themselves."""
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    made = make()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del made
    return (after - before) / number


def _comparison(spent: Times, agreed: Mapping[str, tuple[str, str]], title: str) -> Table:
    half = {name: percentiles(of_rounds, 0.5) for name, of_rounds in spent.items()}
    high = {name: percentiles(of_rounds, 0.99) for name, of_rounds in spent.items()}
    rows = tuple(
        (
            name, median(half[name]), ratios(half[name], half[OURS]), median(high[name]),
            ratios(high[name], high[OURS]), *agreed[name],
        )
        for name in spent
    )  # fmt: skip
    columns = (
        Column(""), Column("median ms", ".3f"), Column("median to ours", ".1f"), Column("99 % within, ms", ".3f"),
        Column("99 % to ours", ".1f"), Column("same totals"), Column("same pages"),
    )  # fmt: skip
    axis = "times sms_transfer, 99 keystrokes of 100"
    return Table(title, columns, rows, Drawing(Kind.BARS, "99 % to ours", ("",), axis, wide=True, strong=OURS))


def _distribution(spent: Times, title: str) -> Table:
    parts = {"median ms": 0.5, "90 %": 0.9, "99 %": 0.99, "99.9 %": 0.999, "longest": 1.0}
    first = percentiles(next(iter(spent.values())), 0.99)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            what,
            *(median(percentiles(of_rounds, part)) for part in parts.values()),
            ratios(percentiles(of_rounds, 0.99), first),
        )
        for what, of_rounds in spent.items()
    )
    columns = (Column(""), *(Column(name, ".3f") for name in parts), Column("99 % to as built"))
    return Table(title, columns, rows)


def _costs(called: dict[Target, str], built: Mapping[str, float], renamed: float) -> Table:
    rows = prepared(called)
    words = _weigh(lambda: [row.words.encode().decode() for row in rows], len(rows))
    held = _weigh(lambda: NameIndex(called.items()), len(called))
    beside: list[tuple[str, float, str, float]] = [
        ("building it, ms", built[OURS], name, ms) for name, ms in built.items() if name != OURS
    ]
    beside += [("bytes for a name", held, "the strings of a linear scan", words)]
    beside += [("one rename, ms", renamed, "building it anew", built[OURS])]
    cells: tuple[tuple[Cell, ...], ...] = tuple(
        (what, ours, other, theirs, Spread(*[ours / theirs] * 3)) for what, ours, other, theirs in beside
    )
    columns = (
        Column(""), Column("sms_transfer", ",.2f"), Column("beside it"), Column("that one", ",.2f"), Column("to it"),
    )  # fmt: skip
    return Table("What else it costs", columns, cells)
