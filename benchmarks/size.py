"""Whether what an agent asks for costs the same however many conversations there are in the store.

Each agent has ten conversations with two texts in each, and twenty entries of My Messages. A workspace is opened, and a
conversation is handed on, each time another agent's.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count
from typing import Final

from benchmarks.crowd import not_here, worlds
from benchmarks.crowd_sql import PER_AGENT, Crowd, agent_id, interaction_id
from benchmarks.effort import Effort
from benchmarks.recorded import hand_over, service_on
from benchmarks.result import Cell, Column, Drawing, Kind, Result, Table
from benchmarks.timing import Job, against, interleave, times
from sms_transfer import TransferService

SMOKE: Final = (100, 1_000)
"""Conversations in the stores that are compared."""
USUAL: Final = (1_000, 10_000, 100_000)
FULL: Final = (1_000, 10_000, 100_000, 1_000_000)
STRIDE: Final = 7_919
"""A prime: whoever is next is never a neighbour."""
LOOK: Final = "a workspace's snapshot"
HAND_ON: Final = "one transfer"
TIMES: Final = (5, 20)
"""In one round, of each size; in a look, and otherwise."""


def run(effort: Effort) -> Result:
    """Compare on each kind of store."""
    sizes = effort.pick(SMOKE, USUAL, FULL)
    rows = tuple(row for where in worlds() for row in _compare(where, effort, sizes))
    least = f"to {sizes[0]:,}"
    columns = (
        Column("what"), Column("kept in"), Column("conversations", ",.0f"), Column("median µs", ".0f"), Column(least),
    )  # fmt: skip
    axis = f"times the same among {sizes[0]:,}"
    drawing = Drawing(Kind.CURVES, least, ("what", "kept in"), axis, along="conversations")
    return Result(
        "The size of the database",
        f"An agent's workspace is opened, and a conversation is handed on, in databases of {sizes[0]:,} to"
        f" {sizes[-1]:,} conversations; the smallest is what the others are compared with.",
        "1 everywhere would be a library for which the size of the database does not matter.",
        (Table(f"Among many conversations ({effort.rounds} rounds of {effort.pick(*TIMES)})", columns, rows, drawing),),
        absent=not_here(),
    )


def _compare(where: str, effort: Effort, sizes: tuple[int, ...]) -> tuple[tuple[Cell, ...], ...]:
    number = effort.pick(*TIMES)
    with ExitStack() as opened:
        jobs: dict[str, dict[str, Job]] = {LOOK: {}, HAND_ON: {}}
        for size in sizes:
            world = worlds()[where](opened)
            world.add(Crowd(0, size))
            for what, job in _jobs(service_on(world.store), size).items():
                jobs[what][str(size)] = times(number, job)
                jobs[what][str(size)]()  # warms up
        seconds = {what: interleave(f"size, {where}", by_size, rounds=effort.rounds) for what, by_size in jobs.items()}
    return tuple(
        (what, where, float(size), middle, ratio)
        for what, by_size in seconds.items()
        for size, middle, ratio in against(by_size, str(sizes[0]), unit=1e-6 * number)
    )


def _jobs(service: TransferService, size: int) -> dict[str, Job]:
    looked, handed = count(1), count(1)
    owners: dict[int, str] = {}

    def look() -> None:
        found = service.snapshot(agent_id(next(looked) * STRIDE % size))
        texts = sum(len(transcript.messages) for transcript in found.desktop.transcripts.values())
        if (len(found.messages), texts) != (2 * PER_AGENT, 2 * len(found.interactions)):
            raise RuntimeError("that is not all of it")

    def transfer() -> None:
        number = next(handed) * STRIDE % size
        sender = owners.get(number, agent_id(number))
        owners[number] = agent_id((int(sender.removeprefix("agent-")) + 1) * PER_AGENT % size)
        hand_over(service, interaction_id(number), sender, owners[number])

    return {LOOK: look, HAND_ON: transfer}
