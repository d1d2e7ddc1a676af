"""Fair timing: whatever is compared takes turns in one run, so that a busy machine is busy for all of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter

import attrs

from benchmarks.progress import progress

Job = Callable[[], object]


@attrs.frozen
class Spread:
    """A median, and between what it lies."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of these."""
        return cls(median(values), min(values), max(values))


def interleave(what: str, jobs: Mapping[str, Job], *, rounds: int, tidy: bool = False) -> dict[str, list[float]]:
    """Time every job once a round, in seconds, by turns forwards and backwards: nobody always comes first.

    Args:
        what: said with the progress.
        rounds: 1 or more.
        tidy: collect the garbage before each job, so that none pays for another's. Collecting goes on during the job.
    """
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for done in range(rounds):
        if rounds > 1:  # otherwise whoever asks has rounds of its own
            progress(what, done, rounds)
        for name in jobs if done % 2 == 0 else reversed(list(jobs)):
            if tidy:
                gc.collect()
            seconds[name].append(_timed(jobs[name]))
    return seconds


def times(number: int, job: Job) -> Job:
    """The job, so many times."""

    def run() -> None:
        for _ in range(number):
            job()

    return run


def ratios(values: Sequence[float], to: Sequence[float]) -> Spread:
    """The spread of the ratios round by round: what slows down a whole round cancels out."""
    return Spread.of([value / base for value, base in zip(values, to, strict=True)])


def against(seconds: Mapping[str, Sequence[float]], base: str, *, unit: float) -> tuple[tuple[str, float, Spread], ...]:
    """For each: its name, its median in this unit (of a second, or of a part of one), and its ratios to the base's."""
    return tuple(
        (name, Spread.of(spent).median / unit, ratios(spent, seconds[base])) for name, spent in seconds.items()
    )


def _timed(job: Job) -> float:
    begin = perf_counter()
    job()
    return perf_counter() - begin


def milliseconds(job: Job) -> float:
    """How long it takes once."""
    return _timed(job) * 1e3


def percentile(values: Sequence[float], part: float) -> float:
    """The value that this part of them, from 0 to 1, does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


def percentiles(of_rounds: Sequence[Sequence[float]], part: float) -> list[float]:
    """The same of each round."""
    return [percentile(values, part) for values in of_rounds]
