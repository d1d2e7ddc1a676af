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

from benchmarks.crowd import World, worlds
from benchmarks.report import progress, table
from benchmarks.timing import Spread, interleave, ratios, times
from sms_transfer import Agent, ChannelStatus, Contact, Interaction, Media, Target, TransferPolicy, TransferService
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.ports import TransferStore

PLENTY: Final = 1_000_000_000
QUEUE: Final = Target.queue("queue")
STEPS: Final = 20
"""In one round, of each size."""
LONG: Final = TransferPolicy().routing_timeout * 10_000
WAITING: Final = {False: (100, 3_000), True: (100, 10_000, 100_000)}
WAITING_ON_DISK: Final = {False: (100, 1_000), True: (100, 10_000)}
"""Requests that wait, small and full: they are made one by one, and on a disk that takes a while."""
MEMBERS: Final = {False: (10, 1_000), True: (10, 1_000, 10_000)}


def run(rounds: int, *, full: bool) -> str:
    """Compare on each kind of store, and tell it in tables."""
    return "".join(_compare(name, make, min(rounds, 10), full=full) for name, make in _stores().items())


def _compare(name: str, make: Callable[[ExitStack], TransferStore], rounds: int, *, full: bool) -> str:
    waiting = (WAITING if name == "memory" else WAITING_ON_DISK)[full]
    with ExitStack() as opened:
        lines = {f"{size:,} wait": _Centre(make(opened), members=1, waiting=size) for size in waiting}
        told = _table(f"routing: one conversation through a queue in which others wait, on {name}", lines, rounds)
    with ExitStack() as opened:
        teams = {f"{size:,} members": _Centre(make(opened), members=size, waiting=0) for size in MEMBERS[full]}
        return told + _table(f"routing: the same through a queue that many agents serve, on {name}", teams, rounds)


def _table(title: str, centres: Mapping[str, _Centre], rounds: int) -> str:
    jobs = {name: times(STEPS, centre.step) for name, centre in centres.items()}
    for job in jobs.values():
        job()
    seconds = interleave("routing", jobs, rounds=rounds)
    for centre in centres.values():
        centre.check()
    base = next(iter(seconds.values()))
    rows = [
        (name, f"{Spread.of(spent).median / STEPS * 1e6:.0f}", *ratios(spent, base).cells())
        for name, spent in seconds.items()
    ]
    return table(f"{title} ({rounds} rounds of {STEPS})", ("", "median µs", "to the least", "min", "max"), rows)


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
