"""Whether what an agent asks for costs the same however many conversations there are in the store.

Each agent has ten conversations with two texts in each, and twenty entries of My Messages. A workspace is opened, and a
conversation is handed on, each time another agent's.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count
from typing import Final

from benchmarks.crowd import worlds
from benchmarks.crowd_sql import PER_AGENT, Crowd, agent_id, interaction_id
from benchmarks.recorded import hand_over, service_on
from benchmarks.report import table
from benchmarks.timing import Job, Spread, interleave, ratios, times
from sms_transfer import TransferService

SIZES: Final = {False: (1_000, 10_000), True: (1_000, 1_000_000)}
"""Conversations in the stores that are compared; small and full."""
STRIDE: Final = 7_919
"""A prime: whoever is next is never a neighbour."""
TIMES: Final = {"a workspace's snapshot": 20, "one transfer": 20}
"""In one round, of each size."""


def run(rounds: int, *, full: bool) -> str:
    """Compare on each kind of store, and tell it in tables."""
    return "".join(_compare(where, rounds, SIZES[full]) for where in worlds())


def _compare(where: str, rounds: int, sizes: tuple[int, ...]) -> str:
    with ExitStack() as opened:
        jobs: dict[str, dict[str, Job]] = {what: {} for what in TIMES}
        for size in sizes:
            world = worlds()[where](opened)
            world.add(Crowd(0, size))
            for what, job in _jobs(service_on(world.store), size).items():
                jobs[what][f"{size:,}"] = times(TIMES[what], job)
                jobs[what][f"{size:,}"]()  # warms up
        seconds = {what: interleave(f"size, {where}", by_size, rounds=rounds) for what, by_size in jobs.items()}
    rows = [
        (what, size, _microseconds(what, spent), *ratios(spent, by_size[f"{sizes[0]:,}"]).cells())
        for what, by_size in seconds.items()
        for size, spent in by_size.items()
    ]
    head = ("", "conversations", "median µs", f"to {sizes[0]:,}", "min", "max")
    return table(f"size: among many conversations, on {where} ({rounds} rounds)", head, rows)


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

    what_looks, what_transfers = TIMES
    return {what_looks: look, what_transfers: transfer}


def _microseconds(what: str, spent: list[float]) -> str:
    return f"{Spread.of(spent).median / TIMES[what] * 1e6:.1f}"
