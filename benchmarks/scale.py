"""Whether a transfer costs the same however many conversations are open, and what an open one weighs."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import Final

from benchmarks.centre import Centre
from benchmarks.effort import Effort
from benchmarks.progress import progress
from benchmarks.result import Cell, Column, Drawing, Kind, Result, Table
from benchmarks.timing import Spread, against, interleave, times

SIZES: Final = (1_000, 10_000, 100_000)
SMOKE: Final = (100, 1_000)
PER_AGENT: Final = 10
"""Open interactions of each agent, where they are spread."""
TRANSFERS: Final = 100
"""In one round, of each size."""
WEIGHED: Final = 10_000
PLAIN: Final = "plain"


def run(effort: Effort) -> Result:
    """Compare the sizes, spread out and heaped up, and weigh."""
    sizes = effort.pick(SMOKE, SIZES)
    rows = [
        *_compare("ten of each agent", {size: size // PER_AGENT for size in sizes}, effort.rounds),
        *_compare("all of two agents", dict.fromkeys(sizes, 2), effort.rounds),
    ]
    least = f"to {sizes[0]:,}"
    columns = (
        Column("whose"), Column("open conversations", ",.0f"), Column("agents", ",.0f"), Column("median µs", ".1f"),
        Column(least),
    )  # fmt: skip
    drawing = Drawing(
        Kind.CURVES, least, ("whose",), f"times the same with {sizes[0]:,} open", along="open conversations"
    )
    return Result(
        "Many open conversations",
        f"One transfer in memory with {sizes[0]:,} to {sizes[-1]:,} conversations open and every desktop connected; the"
        " fewest are what the others are compared with. What one open conversation weighs is compared with the same"
        " values in plain classes and dicts.",
        "1 everywhere would be a transfer that costs the same however many conversations are open; what is above it is"
        " mostly memory that the processor does not have at hand.",
        (
            Table(f"One transfer ({effort.rounds} rounds of {TRANSFERS})", columns, tuple(rows), drawing),
            _weights(effort.pick(WEIGHED // 10, WEIGHED)),
        ),
    )


def _compare(how: str, agents: dict[int, int], rounds: int) -> list[tuple[Cell, ...]]:
    centres: dict[str, Centre] = {}
    for size, crew in agents.items():
        progress(f"scale, {how}: opening", size, max(agents))
        centres[str(size)] = Centre.at_work(agents=crew, interactions=size)
    gc.collect()  # what building left behind is not the transfers' to pay
    jobs = {name: times(TRANSFERS, centre.transfer) for name, centre in centres.items()}
    for job in jobs.values():
        job()
    seconds = interleave(f"scale, {how}", jobs, rounds=rounds)
    for centre in centres.values():
        centre.check()
    return [
        (how, float(name), float(agents[int(name)]), middle, ratio)
        for name, middle, ratio in against(seconds, next(iter(seconds)), unit=1e-6 * TRANSFERS)
    ]


def _weights(number: int) -> Table:
    """Weigh in processes of their own, where nothing has been used before."""
    plain, ours = _weigh(number, PLAIN), _weigh(number)
    ratio = ours / plain
    return Table(
        f"What an open conversation weighs (of {number:,}, two texts in each)",
        (Column(""), Column("bytes", ",.0f"), Column("to plain values")),
        (
            ("plain values in dicts", plain, Spread(1, 1, 1)),
            ("sms_transfer", ours, Spread(ratio, ratio, ratio)),
        ),
    )


def _weigh(number: int, *words: str) -> float:
    command = [sys.executable, "-m", "benchmarks.weight", str(number), *words]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
