"""Whether expiring what is due costs what is due, and not what is live.

The same number of requests falls due among very many whose deadline is far away, and in a store that has no others.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import Final

from benchmarks.crowd import worlds
from benchmarks.crowd_sql import PER_AGENT, START, TIMEOUT, Crowd
from benchmarks.report import table
from benchmarks.timing import Spread, interleave, ratios
from sms_transfer import TransferService
from sms_transfer.testing import ManualClock

SIZES: Final = {False: (10_000, 200), True: (1_000_000, 10_000)}
"""How many are live, and how many of them due; small and full."""
MOST: Final = 3
"""Rounds, at most: each takes requests that fell due for it."""
LOOKS: Final = 5
FAR: Final = START + timedelta(days=3650)
ALONE: Final = "alone"


def run(rounds: int, *, full: bool) -> str:
    """Compare on each kind of store, and tell it in tables."""
    return "".join(_compare(where, min(rounds, MOST), *SIZES[full]) for where in worlds())


def _compare(where: str, rounds: int, live: int, due: int) -> str:
    among = f"among {live:,} live"
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
                looks[name] += look[name]
                sweeps[name] += sweep[name]
    rows = [
        (f"{what}, {name}", f"{Spread.of(spent).median * 1e3:.1f}", *ratios(spent, seconds[ALONE]).cells())
        for what, seconds in (("due()", looks), ("expire_due()", sweeps))
        for name, spent in seconds.items()
    ]
    title = f"due: {due:,} requests fall due, on {where} ({rounds} rounds)"
    return table(title, (f"limit={due}", "median ms", "to alone", "min", "max"), rows)


def _expire(service: TransferService, due: int) -> None:
    expired = service.expire_due(limit=due)
    if len(expired) != due:
        raise RuntimeError(f"{len(expired)} expired")
