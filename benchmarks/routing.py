"""Whether finding an agent for one request costs the same however many wait, and however many agents there are (Q3).

One step is a conversation's whole way through the queue: it opens, is transferred to the queue, the longest idle agent
is invited, accepts, and is done. Where many wait it is the oldest of them whose turn comes, and the new one waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import count
from typing import Final

from benchmarks.crowd import World, not_here, worlds
from benchmarks.effort import Effort
from benchmarks.progress import progress
from benchmarks.result import Cell, Column, Drawing, Kind, Result, Table
from benchmarks.timing import against, interleave, times
from sms_transfer import Agent, ChannelStatus, Contact, Interaction, Media, Target, TransferPolicy, TransferService
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.ports import TransferStore

PLENTY: Final = 1_000_000_000
QUEUE: Final = Target.queue("queue")
STEPS: Final = (5, 20)
"""In one round, of each size; in a look, and otherwise."""
LONG: Final = TransferPolicy().routing_timeout * 10_000
MOST: Final = 10
SMOKE: Final = (5, 50)
WAITING: Final = ((100, 1_000, 3_000), (100, 1_000, 10_000, 100_000))
"""Requests that wait in memory, as usual and in a full run."""
WAITING_ON_DISK: Final = ((100, 1_000), (100, 1_000, 10_000))
"""They are made one by one, and on a disk that takes a while."""
MEMBERS: Final = ((10, 100, 1_000), (10, 100, 1_000, 10_000))
LEAST: Final = "to the fewest"


def run(effort: Effort) -> Result:
    """Compare on each kind of store."""
    effort = effort.at_most(MOST)
    rows = tuple(row for name, make in _stores().items() for row in _compare(name, make, effort))
    columns = (
        Column("what"), Column("kept in"), Column("how many", ",.0f"), Column("median µs", ".0f"), Column(LEAST),
    )  # fmt: skip
    drawing = Drawing(Kind.CURVES, LEAST, ("what", "kept in"), "times the same with the fewest", along="how many")
    return Result(
        "A queue with many in it",
        "A conversation's whole way through a queue: it opens, is transferred to the queue, an agent is invited,"
        " accepts, and is done. Once with ever more requests that wait before it, once with ever more agents who serve"
        " the queue; the fewest are what the others are compared with.",
        "1 would be a search for an agent that costs the same however many wait and however many there are.",
        (Table(f"One way through a queue ({effort.rounds} rounds of {effort.pick(*STEPS)})", columns, rows, drawing),),
        absent=not_here(),
    )


def _compare(name: str, make: Callable[[ExitStack], TransferStore], effort: Effort) -> list[tuple[Cell, ...]]:
    waiting = effort.pick(SMOKE, *(WAITING if name == "memory" else WAITING_ON_DISK))
    members = effort.pick(SMOKE, *MEMBERS)
    with ExitStack() as opened:
        lines = {size: _Centre(make(opened), members=1, waiting=size) for size in waiting}
        rows = _rows("requests that wait", name, lines, effort)
    with ExitStack() as opened:
        teams = {size: _Centre(make(opened), members=size, waiting=0) for size in members}
        return rows + _rows("agents who serve it", name, teams, effort)


def _rows(what: str, where: str, centres: Mapping[int, _Centre], effort: Effort) -> list[tuple[Cell, ...]]:
    steps = effort.pick(*STEPS)
    jobs = {str(size): times(steps, centre.step) for size, centre in centres.items()}
    for job in jobs.values():
        job()
    seconds = interleave("routing", jobs, rounds=effort.rounds)
    for centre in centres.values():
        centre.check()
    compared = against(seconds, next(iter(seconds)), unit=1e-6 * steps)
    return [(what, where, float(size), middle, ratio) for size, middle, ratio in compared]


def _stores() -> Mapping[str, Callable[[ExitStack], TransferStore]]:
    made: dict[str, Callable[[ExitStack], TransferStore]] = {"memory": lambda _: MemoryStore()}
    for name, world in worlds().items():
        made[name] = partial(_of_world, world)
    return made


def _of_world(world: Callable[[ExitStack], World], opened: ExitStack) -> TransferStore:
    return world(opened).store


class _Centre:
    """A queue, who serves it, and who waits in it."""

    def __init__(self, store: TransferStore, *, members: int, waiting: int) -> None:
        self._service = TransferService(store, policy=TransferPolicy(routing_timeout=LONG, max_hops=PLENTY))
        self._numbers = count()
        self._waiting = waiting
        self._service.add_agent(Agent("sender", "Sender", status=ChannelStatus.READY, capacity=PLENTY))
        names = [f"member-{number}" for number in range(members)]
        for name in names:
            self._service.add_agent(Agent(name, name, status=ChannelStatus.NOT_READY, capacity=1))
        self._service.add_queue(QUEUE, names)
        self._line: list[str] = []
        for number in range(waiting):
            progress("routing: waiting", number, waiting)
            self._line.append(self._ask())
        for name in names:
            self._service.set_ready(name)

    def _ask(self) -> str:
        id_ = f"interaction-{next(self._numbers)}"
        contact = Contact("+14155550100", name="Jane Roe")
        self._service.open_interaction(Interaction(id_, media=Media.SMS, contact=contact, owner="sender"))
        return self._service.request_transfer(id_, QUEUE, by="sender").id

    def step(self) -> None:
        """One more begins to wait, and the first in the line is accepted and done."""
        self._line.append(self._ask())
        invitation = self._service.transfer(self._line.pop(0)).invitation
        if invitation is None:
            raise RuntimeError("the first in the line was not invited")
        accepted = self._service.accept(invitation.id, by=invitation.invitee)
        self._service.mark_done(accepted.id, by=invitation.invitee)

    def check(self) -> None:
        """Make sure that who waits was found, and nobody else."""
        if self._service.tick().invited or len(self._line) != self._waiting:
            raise RuntimeError("somebody was passed over")
