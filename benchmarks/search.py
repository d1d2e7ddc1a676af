"""Whether finding a name keeps up with who types it, and how other ways of finding do on the same keystrokes.

100,000 names. Every contestant is asked after every keystroke, by turns; each says how many match, and the first 50.
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

from benchmarks.finders import LIMIT, Finder, FullText, LinearScan, Page, RapidFuzz, has_full_text, prepared
from benchmarks.people import keystrokes, people
from benchmarks.report import progress, table
from benchmarks.timing import Spread, interleave, milliseconds, percentile
from sms_transfer import Target
from sms_transfer.folding import fold, wanted
from sms_transfer.names import NameIndex

NAMES: Final = 100_000
KEYSTROKES: Final = 300
ALONE: Final = 3_000
"""Keystrokes that only the library is asked after: its rare cases show."""
MOST: Final = 5
"""Rounds, at most: the peers take their time."""
RENAMES: Final = 2_000
TARGET: Final = 2.0
"""Milliseconds, at most, for 99 keystrokes of 100."""
OURS: Final = "sms_transfer"

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


def run(rounds: int) -> str:
    """Compare, and tell it in tables."""
    called = people(NAMES)
    begin = perf_counter()
    ours = Index(called)
    built = perf_counter() - begin
    rows = prepared(called)
    finders: dict[str, Finder] = {OURS: ours, "linear scan": LinearScan(rows), "rapidfuzz": RapidFuzz(rows)}
    missing = "" if has_full_text() else "\n(This SQLite was built without FTS5, which is not compared.)\n"
    if not missing:
        finders["SQLite FTS5"] = FullText(rows)
    rounds, typed = min(rounds, MOST), keystrokes(called, KEYSTROKES)
    spent = _typed(finders, typed, rounds)
    agreed = _agreed(finders, typed)
    alone = keystrokes(called, ALONE)
    before = _alone(ours, alone, rounds)
    renames = _rename(ours.names, called)
    after = _alone(ours, alone, rounds)
    cells = [("build all", f"{built * 1e3:,.0f} ms"), ("memory for one name", f"{_weigh(called):,.0f} bytes")]
    cells += [(f"one rename, {what}", f"{value:.3f} ms") for what, value in renames.items()]
    return (
        _comparison(spent, agreed, rounds)
        + missing
        + _distribution({"as built": before, f"after {RENAMES:,} renames": after}, rounds)
        + table("search: what else it costs", (f"{NAMES:,} names", ""), cells)
    )


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


def _agreed(finders: Mapping[str, Finder], typed: Sequence[str]) -> dict[str, str]:
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
    return {name: f"{totals[name]}/{len(asked)}  {pages[name]}/{len(asked)}" for name in finders}


def _alone(ours: Finder, typed: Sequence[str], rounds: int) -> list[list[float]]:
    return [[milliseconds(partial(ours.find, text)) for text in typed] for _ in range(rounds)]


def _rename(names: NameIndex, called: Mapping[Target, str]) -> dict[str, float]:
    """The cost of other processes' renaming people, who exchange their names here."""
    chance = Random(1)  # noqa: S311 - the same each time
    pairs = chance.sample(list(called.items()), 2 * RENAMES)
    spent: list[float] = []
    for (target, _), (_, name) in zip(pairs[:RENAMES], pairs[RENAMES:], strict=True):
        spent.append(milliseconds(partial(names.put, target, name)))
        if target not in names.search(f"{name} {target.id}", kinds=None, limit=1).targets:
            raise RuntimeError("the next search does not see it")
    return {"median": median(spent), "99 of 100 within": percentile(spent, 0.99), "longest": max(spent)}


def _weigh(called: Mapping[Target, str]) -> float:
    """The bytes of an index, without the names and targets themselves."""
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    index = NameIndex(called.items())
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / len(index)


def _comparison(spent: Times, agreed: Mapping[str, str], rounds: int) -> str:
    high = {name: [percentile(values, 0.99) for values in of_rounds] for name, of_rounds in spent.items()}
    half = {name: [median(values) for values in of_rounds] for name, of_rounds in spent.items()}
    rows = [
        (
            name,
            f"{median(half[name]):.3f}",
            *Spread.of(high[name]).cells(".3f"),
            f"{median(half[OURS]) / median(half[name]):.3f}",
            f"{median(high[OURS]) / median(high[name]):.3f}",
            agreed[name],
        )
        for name in spent
    ]
    head = ("ms for a keystroke", "median", "p99", "min", "max", "ours to it", "p99 likewise", "same totals, pages")
    title = f"search: {KEYSTROKES} keystrokes among {NAMES:,} names (median of {rounds} rounds)"
    return table(title, head, rows)


def _distribution(spent: Times, rounds: int) -> str:
    parts = (0.5, 0.9, 0.99, 0.999, 1.0)
    rows = [
        (
            what,
            *(f"{median(percentile(values, part) for values in of_rounds):.3f}" for part in parts),
            "yes" if median(percentile(values, 0.99) for values in of_rounds) <= TARGET else "NO",
        )
        for what, of_rounds in spent.items()
    ]
    head = (f"{OURS} alone, ms", "median", "90 %", "99 %", "99.9 %", "longest", f"99 % within {TARGET:.0f} ms")
    return table(f"search: {ALONE:,} keystrokes (each figure the median of {rounds} rounds)", head, rows)
