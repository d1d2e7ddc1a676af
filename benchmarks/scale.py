"""Whether a transfer costs the same however many conversations are open, and what an open one weighs."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import Final

from benchmarks.centre import Centre
from benchmarks.report import progress, table
from benchmarks.timing import Spread, interleave, ratios, times

SIZES: Final = (1_000, 10_000, 100_000)
PER_AGENT: Final = 10
"""Open interactions of each agent, where they are spread."""
TRANSFERS: Final = 100
"""In one round, of each size."""
WEIGHED: Final = 10_000


def run(rounds: int) -> str:
    """Compare the sizes, spread out and heaped up, and weigh."""
    spread = _compare("spread over many agents", [size // PER_AGENT for size in SIZES], rounds)
    heaped = _compare("all owned by two agents", [2] * len(SIZES), rounds)
    return (
        spread + heaped + f"\nmemory: {_weigh():,} bytes for an open interaction (of {WEIGHED:,}, two texts in each)\n"
    )


def _compare(how: str, agents: list[int], rounds: int) -> str:
    centres: dict[str, Centre] = {}
    for size, crew in zip(SIZES, agents, strict=True):
        progress(f"scale, {how}: opening", size, SIZES[-1])
        centres[f"{size:,}"] = Centre.at_work(agents=crew, interactions=size)
    gc.collect()  # what building left behind is not the transfers' to pay
    jobs = {name: times(TRANSFERS, centre.transfer) for name, centre in centres.items()}
    for job in jobs.values():
        job()
    seconds = interleave(f"scale, {how}", jobs, rounds=rounds)
    for centre in centres.values():
        centre.check()
    base = seconds[next(iter(seconds))]
    rows = [
        (name, f"{crew:,}", f"{Spread.of(spent).median / TRANSFERS * 1e6:.1f}", *ratios(spent, base).cells())
        for (name, spent), crew in zip(seconds.items(), agents, strict=True)
    ]
    title = f"scale: one transfer with many open interactions, {how} ({rounds} rounds of {TRANSFERS})"
    return table(title, ("open", "agents", "median µs", f"to {SIZES[0]:,}", "min", "max"), rows)


def _weigh() -> int:
    """Weigh in a process of its own, where nothing has been used before."""
    command = [sys.executable, "-m", "benchmarks.weight", str(WEIGHED)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
