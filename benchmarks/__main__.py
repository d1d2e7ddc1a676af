"""``python -m benchmarks [transfer|scale|imports|…] [--rounds N] [--full]``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from benchmarks import (
    clicks,
    communicator,
    desks,
    due,
    imports,
    on_eventsourcing,
    on_postgres,
    on_sqlite,
    report,
    routing,
    scale,
    search,
    size,
    transfer,
    workers,
)


class Sized(Protocol):
    """A comparison that is made in a small size unless all of it is asked for."""

    def __call__(self, rounds: int, *, full: bool) -> str:
        """Compare, and tell it in tables."""
        ...


COMPARISONS: Final[Mapping[str, Callable[[int], str]]] = {
    "transfer": transfer.run,
    "scale": scale.run,
    "imports": imports.run,
    "sqlite": on_sqlite.run,
    "postgres": on_postgres.run,
    "eventsourcing": on_eventsourcing.run,
    "search": search.run,
    "communicator": communicator.run,
    "clicks": clicks.run,
    "desks": desks.run,
}
SIZED: Final[Mapping[str, Sized]] = {
    "workers": workers.run,
    "due": due.run,
    "size": size.run,
    "routing": routing.run,
}
ROUNDS: Final = 30


def main() -> None:
    """Run the comparisons that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How the library compares.")
    names = (*COMPARISONS, *SIZED)
    parser.add_argument("comparison", nargs="*", help=f"of {', '.join(names)}; all if left out")
    parser.add_argument("--rounds", type=_positive, default=ROUNDS, help="how often each is measured (%(default)s)")
    parser.add_argument("--full", action="store_true", help="with a million conversations; takes many minutes")
    arguments = parser.parse_args()
    if unknown := set(arguments.comparison) - set(names):
        parser.error(f"there is no comparison {', '.join(sorted(unknown))}")
    print(report.environment())
    for name in arguments.comparison or names:
        if name in COMPARISONS:
            print(COMPARISONS[name](arguments.rounds), flush=True)
        else:
            print(SIZED[name](arguments.rounds, full=arguments.full), flush=True)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    main()
