"""One whole transfer, against the least that it can cost and against state-machine libraries on top of that least.

Request and accept, with both desktops brought up to date. The library does more than the others: it checks, refuses,
fences, reserves places, compares versions and talks to ports. What that costs is the ratio to the floor.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final, Protocol

from benchmarks.centre import Centre
from benchmarks.floor import Floor, NoRules
from benchmarks.on_transitions import TransitionsRules
from benchmarks.report import table
from benchmarks.timing import Spread, interleave, ratios, times

TRANSFERS: Final = 100
"""In one round, of each contender."""
WARM_UP: Final = 20
FLOOR: Final = "floor: plain attrs values and dicts"
LIBRARY: Final = "sms_transfer"
ON_TRANSITIONS: Final = "floor + transitions"
ON_STATEMACHINE: Final = "floor + python-statemachine"


class Contender(Protocol):
    """Whoever can hand a conversation over."""

    def transfer(self) -> None:
        """Hand it over once."""
        ...

    def check(self) -> None:
        """Make sure that the work was done."""
        ...


def run(rounds: int) -> str:
    """Compare, and tell it in a table."""
    contenders = _contenders()
    for contender in contenders.values():
        times(WARM_UP, contender.transfer)()
    jobs = {name: times(TRANSFERS, contender.transfer) for name, contender in contenders.items()}
    seconds = interleave("transfer", jobs, rounds=rounds, tidy=True)
    for contender in contenders.values():
        contender.check()
    rows = [
        (name, f"{Spread.of(spent).median / TRANSFERS * 1e6:.1f}", *ratios(spent, seconds[FLOOR]).cells())
        for name, spent in seconds.items()
    ]
    title = f"transfer: one complete transfer ({rounds} rounds of {TRANSFERS})"
    return table(title, ("", "median µs", "to floor", "min", "max"), rows) + _verdict(seconds)


def _contenders() -> dict[str, Contender]:
    contenders: dict[str, Contender] = {
        FLOOR: Floor(NoRules()),
        LIBRARY: Centre.at_work(agents=2, interactions=1),
        ON_TRANSITIONS: Floor(TransitionsRules()),
    }
    if find_spec("statemachine") is not None:
        from benchmarks.on_statemachine import StateMachineRules  # noqa: PLC0415 - a development dependency: may be absent

        contenders[ON_STATEMACHINE] = Floor(StateMachineRules())
    return contenders


def _verdict(seconds: dict[str, list[float]]) -> str:
    factor = ratios(seconds[LIBRARY], seconds[FLOOR]).median
    lines = f"target: at most 8 times the floor; it is {factor:.2f}\n"
    if ON_STATEMACHINE not in seconds:
        return lines + "python-statemachine is not installed: not compared with it\n"
    ahead = ratios(seconds[ON_STATEMACHINE], seconds[LIBRARY]).median
    return lines + f"target: ahead of the floor on python-statemachine; that one takes {ahead:.2f} times as long\n"
