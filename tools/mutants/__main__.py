"""``python tools/mutants``: see which small faults in the source no test notices.

``--all`` tries every mutant, ``--sample 150 --seed 7`` so many of them. Ends with 1 where a mutant survives that
``tests/mutants.toml`` does not explain.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from tools.mutants.cover import Test, at_import, by_file, measured
from tools.mutants.mutation import Mutant, mutants
from tools.mutants.session import FIRST, NOTICED, TOO_LONG, UNFIT, UNNOTICED, Functions, Session, forked, fresh, run

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ROOT / "src"
KEPT: Final = ROOT / "build" / "mutants"
SECONDS: Final = 6.0
"""What the tests of one mutant may take together, as measured without it."""

MODULES: Final = (
    "core/ending",
    "core/transfer",
    "core/policy",
    "core/conversation",
    "core/decide",
    "core/decision",
    "core/presence",
    "core/desktop",
    "core/model",
    "core/record",
    "core/check",
    "core/lifecycle",
    "core/commands",
    "core/notices",
    "core/refusals",
    "core/events",
    "routing",
    "workspace",
    "adapters/codec",
    "adapters/records",
    "service",
)


class Worker:
    """Tries mutants, one after the other."""

    def __init__(self, tests: Sequence[Test], results: Path) -> None:
        self._tests = tests
        self._results = results
        self._noticing: Counter[tuple[str, str]] = Counter()

    def work(self, chosen: Sequence[Mutant]) -> None:
        """Try them, and write down what became of each."""
        left = [mutant for mutant in chosen if not (mutant.inside and self._running(mutant))]

        def look(session: Session) -> None:
            functions = Functions(SOURCES)
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
            file.write(json.dumps([mutant.path, mutant.line, mutant.before, mutant.after, code]) + "\n")

    def _running(self, mutant: Mutant) -> list[Test]:
        """The tests that run it, the quickest first, as many as there is time for."""
        lines = set(range(mutant.first, mutant.line + 1))
        found: list[Test] = []
        seconds = 0.0
        for test in self._tests:
            if lines & test.lines.get(mutant.path, frozenset()):
                seconds += test.took
                if seconds > SECONDS:
                    break
                found.append(test)
        return found

    def _fresh(self, mutant: Mutant) -> int:
        files = by_file(self._broadly(mutant))
        order = sorted(files, key=lambda file: (-self._noticing[mutant.path, file], sum(t.took for t in files[file])))
        tests = [(file, [test.name for test in files[file]]) for file in order]
        code = forked(partial(fresh, SOURCES, mutant.path, mutant.source, tests), 3 * SECONDS + 20)
        if code >= FIRST:
            self._noticing[mutant.path, order[code - FIRST]] += 1
        return code

    def _broadly(self, mutant: Mutant) -> list[Test]:
        """Tests that run as much of the module as possible in the time there is, of every file some."""
        of_module = [test for test in self._tests if mutant.path in test.lines]
        chosen: dict[str, Test] = {}
        seen = set[int]()
        for test in of_module:
            if not test.lines[mutant.path] <= seen:
                seen |= test.lines[mutant.path]
                chosen[test.name] = test
        seconds = sum(test.took for test in chosen.values())
        files = by_file(test for test in of_module if test.name not in chosen)
        while any(files.values()) and seconds < SECONDS:
            for tests in files.values():
                if tests:
                    test = tests.pop(0)
                    chosen[test.name] = test
                    seconds += test.took
        return list(chosen.values())


def _inside(session: Session, functions: Functions, mutant: Mutant, tests: Sequence[Test]) -> int:
    if not functions.change(mutant.path, mutant.source):
        return UNFIT
    return NOTICED if session.first_failure([test.name for test in tests]) else UNNOTICED


def tried(chosen: Sequence[Mutant], tests: Sequence[Test], processes: int) -> dict[Mutant, int]:
    """What became of each mutant."""
    results = KEPT / "results.jsonl"
    results.unlink(missing_ok=True)
    imported = at_import(ROOT, KEPT / "imported.json")
    _in_processes(processes, Worker.work, chosen, tests, results)
    found = _read(results, chosen)
    again = [
        mutant
        for mutant, code in found.items()
        if code == UNFIT or (mutant.inside and code == UNNOTICED and mutant.line in imported.get(mutant.path, ()))
    ]
    _in_processes(processes, Worker.again, again, tests, results)
    return _read(results, chosen)


def _in_processes(
    processes: int,
    work: Callable[[Worker, Sequence[Mutant]], None],
    chosen: Sequence[Mutant],
    tests: Sequence[Test],
    results: Path,
) -> None:
    children = []
    for turn in range(processes):
        child = os.fork()
        if child == 0:
            work(Worker(tests, results), chosen[turn::processes])
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def _read(results: Path, chosen: Sequence[Mutant]) -> dict[Mutant, int]:
    codes = {}
    if results.exists():
        for line in results.read_text().splitlines():
            *place, code = json.loads(line)
            codes[tuple(place)] = code
    return {mutant: codes[name] for mutant in chosen if (name := _name(mutant)) in codes}


def _name(mutant: Mutant) -> tuple[object, ...]:
    return mutant.path, mutant.line, mutant.before, mutant.after


def main() -> int:
    """Try what the command line asks for; 1 where a mutant survives that is not explained."""
    asked = _arguments()
    KEPT.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    sys.path.insert(0, str(SOURCES))  # these sources, wherever else the library is installed from
    found = [
        mutant
        for name in asked.modules or MODULES
        for mutant in mutants(f"sms_transfer/{name}.py", (SOURCES / "sms_transfer" / f"{name}.py").read_text())
    ]
    if asked.sample:
        found = sorted(random.Random(asked.seed).sample(found, min(asked.sample, len(found))))  # noqa: S311
    begun = time.monotonic()
    tests = measured(ROOT, KEPT, asked.processes)
    print(f"{len(found)} mutants, {len(tests)} tests, measured in {time.monotonic() - begun:.0f} s", flush=True)
    became = tried(found, tests, asked.processes)
    for mutant, code in became.items():
        if code == UNNOTICED:
            print(f"{mutant.path}:{mutant.line} {mutant.scope}\n- {mutant.before}\n+ {mutant.after}")
    print(Counter(became.values()), f"{time.monotonic() - begun:.0f} s")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--all", action="store_true", help="try every mutant")
    which.add_argument("--sample", type=int, metavar="N", help="try so many of them, by chance")
    parser.add_argument("--seed", default="0", help="what the sample depends on")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as core/ending; all of them if left out")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
