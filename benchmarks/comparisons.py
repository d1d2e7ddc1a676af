"""Every comparison by its name, and what it usually takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from benchmarks import (
    clicks,
    communicator,
    desks,
    due,
    imports,
    on_eventsourcing,
    on_postgres,
    on_sqlite,
    routing,
    scale,
    search,
    size,
    transfer,
    workers,
)
from benchmarks.effort import Effort
from benchmarks.result import Result


@attrs.frozen
class Comparison:
    """One comparison.

    Args:
        module: below ``benchmarks``.
        smoke: the seconds that a look takes on two cores with nothing else to do.
        fixed: those that a measurement takes whatever the rounds.
        each: those of each round.
        most: after so many rounds it stops.
    """

    run: Callable[[Effort], Result]
    smoke: float
    fixed: float
    each: float
    most: int | None = None

    @property
    def module(self) -> str:
        """Which file it is in, below ``benchmarks``."""
        return self.run.__module__.rpartition(".")[2]

    def seconds(self, effort: Effort) -> float:
        """What it is expected to take; for a full run that is no more than a guess."""
        rounds = min(effort.rounds, self.most or effort.rounds)
        usual = self.fixed + self.each * rounds
        return effort.pick(self.smoke, usual, 10 * usual)


COMPARISONS: Final[Mapping[str, Comparison]] = {
    "transfer": Comparison(transfer.run, smoke=1, fixed=1, each=0.3),
    "imports": Comparison(imports.run, smoke=2, fixed=2, each=0.4),
    "sqlite": Comparison(on_sqlite.run, smoke=1, fixed=1, each=0.5),
    "postgres": Comparison(on_postgres.run, smoke=4, fixed=3, each=0.5),
    "eventsourcing": Comparison(on_eventsourcing.run, smoke=5, fixed=4, each=2.5),
    "workers": Comparison(workers.run, smoke=6, fixed=8, each=2.5),
    "size": Comparison(size.run, smoke=2, fixed=10, each=0.8),
    "due": Comparison(due.run, smoke=6, fixed=5, each=2.5, most=due.MOST),
    "scale": Comparison(scale.run, smoke=2, fixed=35, each=0.2),
    "routing": Comparison(routing.run, smoke=7, fixed=15, each=3, most=routing.MOST),
    "search": Comparison(search.run, smoke=1, fixed=25, each=16, most=search.MOST),
    "communicator": Comparison(communicator.run, smoke=1, fixed=15, each=2, most=communicator.MOST),
    "desks": Comparison(desks.run, smoke=6, fixed=5, each=12, most=desks.MOST),
    "clicks": Comparison(clicks.run, smoke=9, fixed=5, each=1.5, most=clicks.MOST),
}
