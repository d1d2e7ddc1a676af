"""``python -m tools.mutants``: see which small faults in the source no test notices.

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
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tools.mutants.cover import measured
from tools.mutants.explained import Explanation, read, unneeded
from tools.mutants.mutation import Mutant, mutants
from tools.mutants.session import UNNOTICED
from tools.mutants.trying import RESULTS, read_results, tried

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ROOT / "src"
EXPLAINED: Final = ROOT / "tests" / "mutants.toml"
SCORES: Final = ROOT / "tests" / "mutants.json"
KEPT: Final = ROOT / "build" / "mutants"

MODULES: Final = (
    "core/ending",
    "core/transfer",
    "core/policy",
    "core/conversation",
    "core/decide",
    "core/decision",
    "core/presence",
    "core/desktop",
    "core/record",
    "core/refusals",
    "core/lifecycle",
    "core/check",
    "core/commands",
    "core/events",
    "routing",
    "workspace",
    "service",
    "adapters/codec",
)
"""Those of which every survivor is explained. Any other can be asked for by its name."""

Scores = dict[str, dict[str, int]]


def main() -> int:
    """Try what the command line asks for; 1 where a mutant survives that is not explained."""
    asked = _arguments()
    KEPT.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    sys.path.insert(0, str(SOURCES))  # these sources, wherever else the library is installed from
    sys.pycache_prefix = str(KEPT / "cache")
    found = _chosen(asked)
    begun = time.monotonic()
    tests = measured(ROOT, KEPT, asked.processes)
    print(f"{len(found)} mutants, {len(tests)} tests", flush=True)
    explanations = read(EXPLAINED)
    if not asked.again:
        (KEPT / RESULTS).unlink(missing_ok=True)
    became = read_results(KEPT, found)
    if new := [mutant for mutant in found if mutant not in became]:
        became.update(tried(ROOT, KEPT, new, tests, seconds=asked.seconds, processes=asked.processes))
    if few := _survivors(became, explanations):  # nearly all of the tests that run them
        became.update(tried(ROOT, KEPT, few, tests, seconds=3 * asked.seconds, processes=asked.processes))
    if len(became) < len(found):
        raise SystemExit(f"{len(found) - len(became)} mutants were not tried: a process has died.")
    surviving = _tell(became, explanations, unneeded_too=not asked.sample)
    print(f"\n{time.monotonic() - begun:.0f} s")
    if asked.write:
        _write(_scores(became, explanations))
    return 1 if surviving else 0


def _chosen(asked: argparse.Namespace) -> list[Mutant]:
    """All the mutants of the modules that are asked for, or as many of them as are."""
    found = [
        mutant
        for name in asked.modules or MODULES
        for mutant in mutants(f"sms_transfer/{name}.py", (SOURCES / "sms_transfer" / f"{name}.py").read_text())
    ]
    if not asked.sample:
        return found
    return sorted(random.Random(asked.seed).sample(found, min(asked.sample, len(found))))  # noqa: S311 - no secret


def _tell(became: Mapping[Mutant, int], explanations: Sequence[Explanation], *, unneeded_too: bool) -> list[Mutant]:
    """Print what survives and the table; return the former."""
    surviving = _survivors(became, explanations)
    for mutant in surviving:
        print(f"\n{mutant.path}:{mutant.line}, in {mutant.scope}\n- {mutant.before}\n+ {mutant.after}")
    print(f"\n{_table(_scores(became, explanations))}")
    if unneeded_too:
        _say_unneeded(explanations, became)
    return surviving


def _survivors(became: Mapping[Mutant, int], explanations: Sequence[Explanation]) -> list[Mutant]:
    """Those that no test noticed, and nothing explains."""
    return [
        mutant
        for mutant, code in became.items()
        if code == UNNOTICED and not any(one.fits(mutant) for one in explanations)
    ]


def _scores(became: Mapping[Mutant, int], explanations: Sequence[Explanation]) -> Scores:
    """For each module how many mutants there were, and what became of them."""
    surviving = Counter(mutant.module for mutant in _survivors(became, explanations))
    unnoticed = Counter(mutant.module for mutant, code in became.items() if code == UNNOTICED)
    return {
        module: {
            "mutants": count,
            "killed": count - unnoticed[module],
            "explained": unnoticed[module] - surviving[module],
            "surviving": surviving[module],
        }
        for module, count in Counter(mutant.module for mutant in became).items()
    }


def _table(scores: Scores) -> str:
    """As Markdown, with the sum of all."""
    numbers = {**scores, "all": {key: sum(row[key] for row in scores.values()) for key in _COLUMNS}}
    lines = ["| module | " + " | ".join(_COLUMNS) + " | killed, % |", "|---|" + "---:|" * (len(_COLUMNS) + 1)]
    for module, row in numbers.items():
        share = 100 * row["killed"] / row["mutants"] if row["mutants"] else 100
        lines.append(f"| `{module}` | " + " | ".join(str(row[key]) for key in _COLUMNS) + f" | {share:.1f} |")
    return "\n".join(lines)


_COLUMNS: Final = ("mutants", "killed", "explained", "surviving")


def _say_unneeded(explanations: Sequence[Explanation], became: Mapping[Mutant, int]) -> None:
    tried_ones = {mutant.module for mutant in became}
    survivors = [mutant for mutant, code in became.items() if code == UNNOTICED]
    for one in unneeded([one for one in explanations if one.module in tried_ones], survivors):
        print(f"Nothing to explain any more: {one.module}, {one.scope}: {one.before} -> {one.after}")


def _write(scores: Scores) -> None:
    """Put the scores into the file, beside those of the modules that were not tried."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    known = json.loads(SCORES.read_text()) if SCORES.exists() else {}
    known.update({module: {"date": day, **row} for module, row in scores.items()})
    SCORES.write_text(json.dumps({name: known[name] for name in MODULES if name in known}, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--all", action="store_true", help="try every mutant")
    which.add_argument("--again", action="store_true", help="go on from the last time: try what survived or was left")
    which.add_argument("--sample", type=int, metavar="N", help="try so many of them, by chance")
    parser.add_argument("--seed", default="0", help="what the sample depends on")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=8.0, help="what the tests of one mutant may take, as measured")
    parser.add_argument("--write", action="store_true", help="write the scores into tests/mutants.json")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as core/ending; all of them if left out")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
