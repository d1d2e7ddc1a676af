"""``python -m benchmarks [transfer|scale|imports|sqlite] [--rounds N]``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Final

from benchmarks import imports, on_sqlite, report, scale, transfer

COMPARISONS: Final[Mapping[str, Callable[[int], str]]] = {
    "transfer": transfer.run,
    "scale": scale.run,
    "imports": imports.run,
    "sqlite": on_sqlite.run,
}
ROUNDS: Final = 30


def main() -> None:
    """Run the comparisons that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How the library compares.")
    parser.add_argument("comparison", nargs="?", choices=COMPARISONS, help="one of them; all if left out")
    parser.add_argument("--rounds", type=_positive, default=ROUNDS, help="how often each is measured (%(default)s)")
    arguments = parser.parse_args()
    print(report.environment())
    for name in [arguments.comparison] if arguments.comparison else COMPARISONS:
        print(COMPARISONS[name](arguments.rounds), flush=True)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    main()
