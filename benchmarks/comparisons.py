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
        """What it is expected to take; a full run's worlds are nobody's guess."""
        rounds = min(effort.rounds, self.most or effort.rounds)
        return effort.pick(self.smoke, self.fixed + self.each * rounds)


COMPARISONS: Final[Mapping[str, Comparison]] = {
    "transfer": Comparison(transfer.run, smoke=2, fixed=1, each=0.5),
    "imports": Comparison(imports.run, smoke=4, fixed=3, each=0.5),
    "sqlite": Comparison(on_sqlite.run, smoke=2, fixed=1, each=0.3),
    "postgres": Comparison(on_postgres.run, smoke=4, fixed=3, each=0.3),
    "eventsourcing": Comparison(on_eventsourcing.run, smoke=6, fixed=4, each=1.2),
    "workers": Comparison(workers.run, smoke=6, fixed=8, each=2),
    "size": Comparison(size.run, smoke=4, fixed=20, each=1),
    "due": Comparison(due.run, smoke=4, fixed=10, each=3, most=due.MOST),
    "scale": Comparison(scale.run, smoke=3, fixed=40, each=0.3),
    "routing": Comparison(routing.run, smoke=5, fixed=40, each=1, most=routing.MOST),
    "search": Comparison(search.run, smoke=3, fixed=15, each=12, most=search.MOST),
    "communicator": Comparison(communicator.run, smoke=3, fixed=15, each=2, most=communicator.MOST),
    "desks": Comparison(desks.run, smoke=6, fixed=8, each=12, most=desks.MOST),
    "clicks": Comparison(clicks.run, smoke=10, fixed=8, each=1.5, most=clicks.MOST),
}
