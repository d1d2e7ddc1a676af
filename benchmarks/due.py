"""Whether expiring what is due costs what is due, and not what is live.

The same number of requests falls due among very many whose deadline is far away, and in a store that has no others.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from statistics import median
from typing import Final

from benchmarks.crowd import not_here, worlds
from benchmarks.crowd_sql import PER_AGENT, START, TIMEOUT, Crowd
from benchmarks.effort import Effort
from benchmarks.result import Cell, Column, Drawing, Kind, Result, Table
from benchmarks.timing import against, interleave
from sms_transfer import TransferService
from sms_transfer.testing import ManualClock

SMOKE: Final = (1_000, 20)
"""How many are live, and how many of them due."""
USUAL: Final = (10_000, 200)
FULL: Final = (1_000_000, 10_000)
MOST: Final = 5
"""Rounds, at most: each takes requests that fell due for it."""
LOOKS: Final = 5
FAR: Final = START + timedelta(days=3650)
ALONE: Final = "alone"


def run(effort: Effort) -> Result:
    """Compare on each kind of store."""
    live, due = effort.pick(SMOKE, USUAL, FULL)
    rounds = effort.at_most(MOST).rounds
    rows = tuple(row for where in worlds() for row in _compare(where, rounds, live, due))
    drawing = Drawing(Kind.BARS, "to alone", ("what", "kept in", "among"), "times the same in a store without others")
    columns = (Column("what"), Column("kept in"), Column("among"), Column("median ms"), Column("to alone"))
    return Result(
        "What falls due",
        f"{due:,} requests fall due among {live:,} whose deadline is far away, against as many in a store that has no"
        " others: `due()` finds them, `expire_due()` ends them and tells everybody.",
        "1 would be a sweep that costs what is due, and nothing for what is live.",
        (Table(f"{due:,} fall due ({rounds} rounds)", columns, rows, drawing),),
        absent=not_here(),
    )


def _compare(where: str, rounds: int, live: int, due: int) -> tuple[tuple[Cell, ...], ...]:
    among = f"{live:,} live"
    looks: dict[str, list[float]] = {ALONE: [], among: []}
    sweeps: dict[str, list[float]] = {ALONE: [], among: []}
    with ExitStack() as opened:
        clock = ManualClock(START)
        made = {name: worlds()[where](opened) for name in looks}
        services = {name: TransferService(world.store, clock=clock) for name, world in made.items()}
        made[among].add(Crowd(0, live, FAR))
        for world in made.values():
            world.store.due(START, limit=due)  # none, but the statement is prepared
        for done in range(rounds):
            deadline = clock.now() + TIMEOUT
            first = live + done * (due + PER_AGENT)  # a gap: the last one's invitee is nobody's owner
            for world in made.values():
                world.add(Crowd(first, due, deadline))
            clock.advance(TIMEOUT)
            order = list(made) if done % 2 == 0 else list(made)[::-1]
            for name in order:
                look = interleave("due", {name: partial(made[name].store.due, deadline, limit=due)}, rounds=LOOKS)
                sweep = interleave("due", {name: partial(_expire, services[name], due)}, rounds=1)
                looks[name].append(median(look[name]))  # the first finds nothing at hand
                sweeps[name] += sweep[name]
    return tuple(
        (what, where, *row)
        for what, seconds in (("due()", looks), ("expire_due()", sweeps))
        for row in against(seconds, ALONE, unit=1e-3)
    )


def _expire(service: TransferService, due: int) -> None:
    expired = service.expire_due(limit=due)
    if len(expired) != due:
        raise RuntimeError(f"{len(expired)} expired")
