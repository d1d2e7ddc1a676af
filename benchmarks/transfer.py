"""One whole transfer, against the least that it can cost and against state-machine libraries on top of that least.

Request and accept, with both desktops brought up to date. The library does more than the others: it checks, refuses,
fences, reserves places, compares versions and talks to ports. What that costs is the ratio to the floor.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final, Protocol

from benchmarks.centre import Centre
from benchmarks.effort import Effort
from benchmarks.floor import Floor, NoRules
from benchmarks.on_transitions import TransitionsRules
from benchmarks.result import Column, Drawing, Kind, Result, Sense, Table, Target
from benchmarks.timing import against, interleave, ratios, times

TRANSFERS: Final = 100
"""In one round, of each contender."""
WARM_UP: Final = 20
MOST_TO_FLOOR: Final = 8.0
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


def run(effort: Effort) -> Result:
    """Compare."""
    contenders = _contenders()
    for contender in contenders.values():
        times(WARM_UP, contender.transfer)()
    jobs = {name: times(TRANSFERS, contender.transfer) for name, contender in contenders.items()}
    seconds = interleave("transfer", jobs, rounds=effort.rounds, tidy=True)
    for contender in contenders.values():
        contender.check()
    drawing = Drawing(
        Kind.BARS, "to the floor", ("",), "times the floor", target=MOST_TO_FLOOR, wide=True, strong=LIBRARY
    )
    table = Table(
        f"One complete transfer ({effort.rounds} rounds of {TRANSFERS})",
        (Column(""), Column("median µs", ".1f"), Column("to the floor")),
        against(seconds, FLOOR, unit=1e-6 * TRANSFERS),
        drawing,
    )
    return Result(
        "What a transfer costs",
        "Request and accept in memory, with both desktops brought up to date, against a floor that makes the same"
        " changes to plain values and checks nothing, and against that floor with a state-machine library on top.",
        "What the library checks, refuses, fences and counts is in its ratio to the floor; the others check nothing but"
        " which state comes next.",
        (table,),
        _targets(seconds),
        absent=() if ON_STATEMACHINE in seconds else ("the package python-statemachine",),
    )


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


def _targets(seconds: dict[str, list[float]]) -> tuple[Target, ...]:
    factor = ratios(seconds[LIBRARY], seconds[FLOOR]).median
    to_floor = Target("sms_transfer to the floor", Sense.AT_MOST, MOST_TO_FLOOR, factor)
    if ON_STATEMACHINE not in seconds:
        return (to_floor,)
    ahead = ratios(seconds[ON_STATEMACHINE], seconds[LIBRARY]).median
    return to_floor, Target("floor + python-statemachine to sms_transfer", Sense.AT_LEAST, 1, ahead)
