"""Tries mutants in several processes, and writes down what becomes of each."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from itertools import accumulate, zip_longest
from math import log
from pathlib import Path
from typing import Final

from tools.mutants.cover import Test, by_file, names_in
from tools.mutants.mutation import Mutant
from tools.mutants.session import FIRST, NOTICED, UNFIT, UNNOTICED, Functions, Session, forked, fresh, run

RESULTS: Final = "results.jsonl"
QUICK: Final = 0.8
"""Seconds that the first tests of a mutant may take together."""
AT_A_TIME: Final = 10
"""How many of a function's parameters are tried before others have their turn."""


class Worker:
    """Tries mutants, one after the other."""

    def __init__(self, sources: Path, tests: Sequence[Test], results: Path, seconds: float) -> None:
        self._sources = sources
        self._seconds = seconds
        self._tests = tests
        self._results = results
        self._spoken = Counter(name for test in tests for name in test.names)
        self._noticing: Counter[tuple[str, str]] = Counter()

    def work(self, chosen: Sequence[Mutant]) -> None:
        """Try them, and write down what became of each."""
        left = [mutant for mutant in chosen if not (mutant.inside and self._running(mutant))]

        def look(session: Session) -> None:
            functions = Functions(self._sources)
            for mutant in chosen:
                if mutant.inside and (tests := self._running(mutant)):
                    took = sum(test.took for test in tests)
                    code = forked(partial(_inside, session, functions, mutant, tests), 3 * took + 5)
                    self._write(mutant, code)

        if len(left) < len(chosen):
            files = sorted({test.file for test in self._tests})
            forked(partial(run, files, Session(look)), 86_400)
        for mutant in left:
            self._write(mutant, self._fresh(mutant))

    def again(self, chosen: Sequence[Mutant]) -> None:
        """Try those that survived once more, with everything imported anew."""
        for mutant in chosen:
            self._write(mutant, self._fresh(mutant))

    def _write(self, mutant: Mutant, code: int) -> None:
        with self._results.open("a") as file:
            file.write(json.dumps([*_name(mutant), code]) + "\n")

    def _running(self, mutant: Mutant) -> list[Test]:
        """The tests that run it, as many as there is time for.

        First the quickest of each file, which notice most; then those of the files that are named after the module;
        then those that speak of what the changed line speaks of.
        """
        lines = set(range(mutant.first, mutant.line + 1))
        found = [test for test in self._tests if lines & test.lines.get(mutant.path, frozenset())]
        quick = _in_time(_by_turns(found), QUICK)
        own = self._own(mutant, _without(found, quick))
        others = self._by_likeness(mutant, _without(found, [*quick, *own]))
        return [*quick, *own, *_in_time(others, self._seconds)]

    def _own(self, mutant: Mutant, tests: Sequence[Test]) -> list[Test]:
        """Those that stand in a file that is named after the module."""
        file = f"tests/test_{mutant.module.rpartition('/')[2]}"
        return _in_time([test for test in tests if test.file.startswith(file)], self._seconds)

    def _by_likeness(self, mutant: Mutant, tests: Sequence[Test]) -> list[Test]:
        """Those that share the rarest names with the line come first; of one function's parameters a few at a time."""
        names = names_in(f"{mutant.scope} {mutant.before}")
        weights = {name: log(len(self._tests) / (1 + self._spoken[name])) for name in names}
        alike = {test.name: sum(weights[name] for name in names & test.names) for test in tests}
        turns = Counter[str]()
        ranked: list[tuple[int, float, int, Test]] = []
        for test in sorted(tests, key=lambda test: (-alike[test.name], test.took)):
            ranked.append((turns[test.function] // AT_A_TIME, -alike[test.name], len(ranked), test))
            turns[test.function] += 1
        return [test for *_, test in sorted(ranked, key=lambda entry: entry[:-1])]

    def _fresh(self, mutant: Mutant) -> int:
        files = by_file(self._broadly(mutant))
        order = sorted(files, key=lambda file: (-self._noticing[mutant.path, file], sum(t.took for t in files[file])))
        tests = [(file, {test.name: test.took for test in files[file]}) for file in order]
        code = forked(partial(fresh, self._sources, mutant.path, mutant.source, tests), 3 * self._seconds + 20)
        if code >= FIRST:
            self._noticing[mutant.path, order[code - FIRST]] += 1
        return code

    def _broadly(self, mutant: Mutant) -> list[Test]:
        """For what matters when the module is imported: tests that run what speaks of it, and that speak of it.

        Of the time there is, one half each, after those of the files that are named after the module. A table, a
        default and a validator are seldom run by a test themselves.
        """
        own = self._own(mutant, self._tests)
        others = _without(self._tests, own)
        lines = _speaking_of(mutant)
        running = [test for test in others if lines & test.lines.get(mutant.path, frozenset())]
        first = _in_time(_by_turns(running), self._seconds / 2)
        rest = self._by_likeness(mutant, _without(others, first))
        return [*own, *first, *_in_time(rest, self._seconds / 2)]


def _speaking_of(mutant: Mutant) -> set[int]:
    """The lines of a module on which the name stands that a line gives a meaning to."""
    name = re.match(r"\w*", mutant.before)
    lines = enumerate(mutant.source.splitlines(), 1)
    return {number for number, line in lines if name and name.group() and re.search(rf"\b{name.group()}\b", line)}


def _without(tests: Sequence[Test], others: Sequence[Test]) -> list[Test]:
    known = {test.name for test in others}
    return [test for test in tests if test.name not in known]


def _by_turns(tests: Sequence[Test]) -> list[Test]:
    """The first of each file, then the second of each, and so on."""
    turns = zip_longest(*by_file(tests).values())
    return [test for turn in turns for test in turn if test is not None]


def _in_time(tests: Sequence[Test], seconds: float) -> list[Test]:
    """As many of them as there is time for."""
    ends = accumulate(test.took for test in tests)
    return [test for test, end in zip(tests, ends, strict=True) if end <= seconds]


def _inside(session: Session, functions: Functions, mutant: Mutant, tests: Sequence[Test]) -> int:
    if not functions.change(mutant.path, mutant.source):
        return UNFIT
    return NOTICED if session.first_failure({test.name: test.took for test in tests}) else UNNOTICED


def tried(
    root: Path, kept: Path, chosen: Sequence[Mutant], tests: Sequence[Test], *, seconds: float, processes: int
) -> dict[Mutant, int]:
    """What became of each mutant."""
    results = kept / RESULTS
    worker = partial(Worker, root / "src", tests, results, seconds)
    controls = _unchanged(root / "src", chosen)
    _in_processes(processes, worker, Worker.work, controls)
    if set(read_results(kept, controls).values()) - {UNNOTICED}:
        raise SystemExit("The tests fail where nothing is changed.")
    _in_processes(processes, worker, Worker.work, chosen)
    found = read_results(kept, chosen)
    # What a function has once answered may be kept somewhere: an import that is over, a cache of cattrs.
    again = [mutant for mutant, code in found.items() if code == UNFIT or (mutant.inside and code == UNNOTICED)]
    _in_processes(processes, worker, Worker.again, again)
    return read_results(kept, chosen)


def _unchanged(sources: Path, chosen: Sequence[Mutant]) -> list[Mutant]:
    """What no test may notice: the source as it is, put in place in both ways."""
    ways = {mutant.inside: mutant for mutant in chosen}
    return [mutant._replace(source=(sources / mutant.path).read_text(), after="") for mutant in ways.values()]


def _in_processes(
    processes: int,
    worker: Callable[[], Worker],
    work: Callable[[Worker, Sequence[Mutant]], None],
    chosen: Sequence[Mutant],
) -> None:
    children = []
    for turn in range(processes):
        child = os.fork()
        if child == 0:
            work(worker(), chosen[turn::processes])
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def read_results(kept: Path, chosen: Sequence[Mutant]) -> dict[Mutant, int]:
    """What became of each of these, as it is written down."""
    results = kept / RESULTS
    codes = {}
    if results.exists():
        for line in results.read_text().splitlines():
            *place, code = json.loads(line)
            codes[tuple(place)] = code
    return {mutant: codes[name] for mutant in chosen if (name := _name(mutant)) in codes}


def _name(mutant: Mutant) -> tuple[object, ...]:
    digest = blake2b(mutant.source.encode(), digest_size=8).hexdigest()  # two may read the same
    return mutant.path, mutant.line, mutant.before, mutant.after, digest
